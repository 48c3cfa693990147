"""Each clash, gap and orphan is named, and what the ledger remembers explains its gaps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.allocation import Block, Held, Skip
from schema_mcp.domain.id_audit import LEDGER, STORE, Seen, Trouble, Verdict, clashes, gaps, orphans


def held(id: int, wanted: str = "") -> Held:
    return Held(id, f"hash-{id}", created_at="NOON", wanted=wanted)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(
            [Seen(STORE, 7, "aaaaaaaaaa", "orders v1"), Seen("prod", 7, "bb", "payments v2")],
            [(7, Trouble.CLASH, "stands for 2 contents: aaaaaaaa in the store (orders v1), bb in prod (payments v2)")],
            id="one-id-two-contents",
        ),
        pytest.param(
            [Seen(STORE, 7, "aa", "orders v1"), Seen("prod", 9, "aa", "orders v1")],
            [(7, Trouble.DOUBLE, "content aa has 2 ids: 7 in the store (orders v1), 9 in prod (orders v1)")],
            id="one-content-two-ids",
        ),
        pytest.param(
            [Seen("dev", 7, "aa", "orders v1", space="dev ."), Seen("prod", 7, "bb", "orders v1", space="prod .")],
            [],
            id="ids-that-two-registries-made",
        ),
        pytest.param(
            [Seen(STORE, 7, "aa", "orders v1"), Seen("dev", 7, "aa", "orders v1"), Seen("dev", 7, "aa", "x v1")],
            [],
            id="one-content-in-many-places",
        ),
    ],
)
def test_clashes_are_named_with_both_sides(seen: list[Seen], expected: list[tuple[int, Trouble, str]]):
    assert [(one.first, one.trouble, one.reason) for one in clashes(seen)] == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(
            [Seen("prod", 7, "aa", "orders v1"), Seen("prod", 7, "aa", "orders v2"), Seen(LEDGER, 7, "aa", "")],
            ["in prod as orders v1, and not in the store"],
            id="in-a-registry-only",
        ),
        pytest.param(
            [Seen(STORE, 7, "aa", "orders v1")],
            ["in the store as orders v1, and not in the ledger"],
            id="unknown-to-the-ledger",
        ),
        pytest.param([Seen(LEDGER, 7, "aa", "orders v1")], [], id="a-gap-is-no-orphan"),
        pytest.param(
            [Seen(LEDGER, 7, "aa", ""), Seen(STORE, 7, "aa", ""), Seen("dev", 7, "aa", "")], [], id="everywhere"
        ),
    ],
)
def test_orphans_are_named_with_where_they_are(seen: list[Seen], expected: list[str]):
    assert [one.reason for one in orphans(seen)] == expected


def test_each_gap_has_its_reason_and_what_nobody_remembers_is_said():
    found = gaps(
        accounted=[101, 105, 120],
        first=101,
        last=121,
        held=[held(101), held(102, "orders v2"), held(103), held(112)],
        blocks=[Block(106, 110, "team-a")],
        skips=[Skip(114, 116, "NOON", "a registry had handed out ids up to there")],
    )

    assert [(one.first, one.last, one.reason, one.explained) for one in found] == [
        (102, 102, "handed out at NOON for orders v2, and not committed", True),
        (103, 103, "handed out at NOON for content hash-103, and not committed", True),
        (104, 104, "nobody knows what became of them", False),
        (106, 110, "set aside for team-a", True),
        (111, 111, "nobody knows what became of them", False),
        (112, 112, "handed out at NOON for content hash-112, and not committed", True),
        (113, 113, "nobody knows what became of them", False),
        (114, 116, "passed over at NOON: a registry had handed out ids up to there", True),
        (117, 119, "nobody knows what became of them", False),
        (121, 121, "nobody knows what became of them", False),
    ]


NUMBERS = st.sets(st.integers(1, 60), max_size=20)
STRETCHES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=4)


@given(accounted=NUMBERS, known=NUMBERS, blocks=STRETCHES, skips=STRETCHES)
def test_every_number_is_accounted_for_or_in_exactly_one_gap(
    accounted: set[int], known: set[int], blocks: list[tuple[int, int]], skips: list[tuple[int, int]]
):
    set_aside = [Block(first, first + more, "b") for first, more in blocks]
    passed = [Skip(first, first + more, "t", "s") for first, more in skips]

    found = list(gaps(accounted, 1, 60, map(held, known), set_aside, passed))

    named = [number for one in found for number in range(one.first, one.last + 1)]
    assert sorted(named) == sorted(set(range(1, 61)) - accounted)
    remembered = known | {n for one in (*set_aside, *passed) for n in range(one.first, one.last + 1)}
    assert all((number in remembered) == _of(found, number).explained for number in named)


def _of(found: list[Verdict], number: int) -> Verdict:
    return next(one for one in found if one.first <= number <= one.last)
