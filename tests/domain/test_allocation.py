"""The rules of ids: marks, free numbers, and whose id a content has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.allocation import (
    FIRST_ID,
    LAST_ID,
    MARK_STEP,
    Block,
    Entry,
    Held,
    IdRange,
    Kind,
    disagreements,
    free_run,
    known_id,
    mark_for,
    next_mark,
)
from schema_mcp.domain.errors import ConflictError
from schema_mcp.domain.schema import Subject

NUMBERS = st.integers(1, 200)
BLOCKS = st.lists(st.builds(lambda first, size: Block(first, first + size, "team"), NUMBERS, st.integers(0, 20)))


@pytest.mark.parametrize(
    ("id", "mark"),
    [(1, 100), (100, 100), (101, 200), (FIRST_ID, 10_100), (10_100, 10_100), (10_101, 10_200)],
)
def test_a_mark_is_the_end_of_its_block(id: int, mark: int):
    assert mark_for(id) == mark


@given(st.integers(1, LAST_ID), st.integers(0, LAST_ID))
def test_the_next_mark_covers_what_is_needed_and_always_gains_a_stretch(needed: int, mark: int):
    ahead = next_mark(mark, needed)

    assert ahead >= needed
    assert ahead > mark
    assert ahead % MARK_STEP == 0
    assert ahead - max(needed, mark) <= MARK_STEP


@given(after=st.integers(0, 200), count=st.integers(1, 10), blocks=BLOCKS, taken=st.sets(NUMBERS))
def test_a_free_run_is_the_first_that_is_free(after: int, count: int, blocks: list[Block], taken: set[int]):
    occupied = taken | {number for block in blocks for number in range(block.first, block.last + 1)}

    def last_taken(first: int, last: int) -> int | None:
        return max((number for number in taken if first <= number <= last), default=None)

    first = free_run(after, count, within=IdRange(50, 10_000), blocks=blocks, last_taken=last_taken)

    begin = max(after + 1, 50)
    expected = next(n for n in range(begin, 10_000) if occupied.isdisjoint(range(n, n + count)))
    assert first == expected


def test_a_range_that_holds_no_free_run_says_so():
    with pytest.raises(ConflictError, match="No 3 ids are left above 8 in the range 1 to 10"):
        free_run(8, 3, within=IdRange(1, 10), blocks=[], last_taken=lambda first, last: None)


@pytest.mark.parametrize(
    ("holders", "rivals", "expected"),
    [
        pytest.param([], {}, None, id="unknown"),
        pytest.param([Held(7, "aa", registry="dev")], {}, 7, id="a-registry's"),
        pytest.param([Held(3, "aa", registry="dev"), Held(9, "aa")], {}, 9, id="the-ledger's-first"),
        pytest.param([Held(7, "aa", registry="dev"), Held(5, "aa", registry="prod")], {}, 5, id="the-lowest"),
        pytest.param([Held(7, "aa", registry="dev")], {7: "bb"}, None, id="also-another-content's"),
        pytest.param(
            [Held(5, "aa", registry="dev"), Held(7, "aa", registry="prod")], {5: "bb"}, 7, id="the-unambiguous-one"
        ),
    ],
)
def test_which_id_a_content_has(holders: list[Held], rivals: dict[int, str], expected: int | None):
    def holders_of(id: int) -> list[Held]:
        others = [Held(id, rivals[id], registry="other")] if id in rivals else []
        return [held for held in holders if held.id == id] + others

    found = known_id(holders, holders_of)

    assert (found and found.id) == expected


ENTRIES = st.lists(
    st.builds(
        Entry,
        st.sampled_from([Subject("a"), Subject("b"), Subject("a", ".eu")]),
        st.integers(1, 3),
        st.sampled_from(["aa", "bb", "cc"]),
        st.integers(1, 4),
        registry=st.sampled_from(["", "dev"]),
    ),
    unique_by=lambda entry: (entry.subject, entry.number),
)


@given(ENTRIES)
def test_what_is_the_same_on_both_sides_disagrees_only_where_it_clashes_with_itself(entries: list[Entry]):
    assert {one.kind for one in disagreements(entries, reversed(entries))} <= {Kind.CLASH}


@given(ENTRIES, ENTRIES)
def test_every_version_that_differs_is_named(known: list[Entry], stored: list[Entry]):
    def told(entries: list[Entry]) -> dict[tuple[Subject, int], tuple[str, int]]:
        return {(one.subject, one.number): (one.schema_hash, one.id) for one in entries}

    named = {(one.subject, one.number) for one in disagreements(known, stored)}
    ours, theirs = told(known), told(stored)

    assert {key for key in ours | theirs if ours.get(key) != theirs.get(key)} <= named
