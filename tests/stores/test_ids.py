"""The ledger: the same content keeps its id, no id stands for two contents, and Git is always ahead."""

from dataclasses import replace
from datetime import UTC, datetime

import anyio
import pytest

from schema_mcp.domain.allocation import Allocated, Allocation, Block, Entry, IdRange, Kind
from schema_mcp.domain.errors import ConflictError, InvalidRequestError, MarkReachedError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.ids import BookLedger
from stores.ledgers import Ledgers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDERS, PAYMENTS = Subject("orders-value"), Subject("payments-value")
FAR = 1_000_000


def wanted(subject: Subject = ORDERS, number: int = 1, content: str = "aa", **extra: int) -> Allocation:
    return Allocation(subject, number, content, "AVRO", **extra)


def entry(subject: Subject = ORDERS, number: int = 1, content: str = "aa", id: int = 10_001, **extra: str) -> Entry:
    return Entry(subject, number, content, id, "AVRO", created_at="2026-03-01T12:00:00.000Z", **extra)


@pytest.fixture
def empty(ledgers: Ledgers) -> BookLedger:
    """A ledger whose Git has no mark yet."""
    return ledgers.open(clock=lambda: NOON)


@pytest.fixture
async def ledger(empty: BookLedger) -> BookLedger:
    await empty.extend(0, FAR)
    return empty


# --- whose id a content has ---


async def test_the_first_id_is_10001_and_says_when_it_was_given(ledger: BookLedger):
    assert await ledger.allocate(wanted()) == Allocated(10_001, False, "aa", "2026-03-01T12:00:00.000Z")


async def test_the_same_content_has_the_same_id_under_any_subject_and_context(ledger: BookLedger):
    first = await ledger.allocate(wanted())

    again = [await ledger.allocate(wanted(subject)) for subject in (ORDERS, PAYMENTS, Subject("orders-value", ".eu"))]

    assert again == [replace(first, existing=True)] * 3


async def test_other_content_has_another_id(ledger: BookLedger):
    ids = [(await ledger.allocate(wanted(number=n, content=f"c{n}"))).id for n in range(1, 5)]

    assert ids == [10_001, 10_002, 10_003, 10_004]


async def test_a_known_version_with_other_content_is_a_conflict_that_names_both(ledger: BookLedger):
    await ledger.allocate(wanted(content="aa"))

    with pytest.raises(ConflictError, match="orders-value v1 is known with content aa, not bb") as refused:
        await ledger.allocate(wanted(content="bb"))

    assert "next version" in refused.value.hint
    assert await ledger.high_water() == 10_001, "the refused call spent an id"


async def test_a_version_that_was_let_go_may_have_other_content_and_the_content_keeps_its_id(ledger: BookLedger):
    await ledger.allocate(wanted(content="aa"))

    await ledger.forget(ORDERS, 1)

    assert (await ledger.allocate(wanted(content="bb"))).id == 10_002
    assert (await ledger.allocate(wanted(number=2, content="aa"))).id == 10_001


async def test_a_batch_is_given_whole_or_not_at_all(ledger: BookLedger):
    await ledger.allocate(wanted(number=9, content="zz"))

    with pytest.raises(ConflictError):
        await ledger.allocate_many([wanted(number=1), wanted(number=9, content="other")])

    assert await ledger.lookup_hash("aa") == []
    answers = await ledger.allocate_many([wanted(number=1), wanted(number=2, content="bb"), wanted(PAYMENTS)])
    assert [(a.id, a.existing) for a in answers] == [(10_002, False), (10_003, False), (10_002, True)]


async def test_calls_that_come_at_once_share_an_id_only_where_they_share_content(ledger: BookLedger):
    given: dict[tuple[str, str], int] = {}

    async def ask(subject: Subject, content: str) -> None:
        given[subject.name, content] = (await ledger.allocate(wanted(subject, 1, content))).id

    async with anyio.create_task_group() as calls:
        for number in range(60):
            calls.start_soon(ask, Subject(f"s{number}"), f"content-{number % 20}")

    pairs = {(content, id_) for (_, content), id_ in given.items()}
    assert len(pairs) == len({content for content, _ in pairs}) == len({id_ for _, id_ in pairs}) == 20


async def test_ids_outlive_the_process(ledgers: Ledgers, ledger: BookLedger):
    await ledger.allocate(wanted())
    ledger.close()

    again = ledgers.open()

    assert (await again.allocate(wanted(PAYMENTS))).id == 10_001
    assert (await again.allocate(wanted(PAYMENTS, 2, "bb"))).id == 10_002


# --- which number is next ---


@pytest.mark.parametrize(
    ("ids", "floor", "expected"),
    [
        pytest.param(IdRange(), 0, 10_001, id="default-base"),
        pytest.param(IdRange(first=500), 0, 500, id="configured-base"),
        pytest.param(IdRange(20_001, 30_000), 0, 20_001, id="a-region's-part"),
        pytest.param(IdRange(20_001, 30_000), 25_000, 25_001, id="targets-within-the-part"),
        pytest.param(IdRange(20_001, 30_000), 40_000, 20_001, id="targets-beyond-the-part"),
        pytest.param(IdRange(), 9_000, 10_001, id="targets-below-the-base"),
        pytest.param(IdRange(), 12_345, 12_346, id="targets-above-the-base"),
    ],
)
async def test_a_new_id_is_above_the_base_and_above_every_target(
    ledgers: Ledgers, ids: IdRange, floor: int, expected: int
):
    ledger = ledgers.open(ids=ids)
    await ledger.extend(0, FAR)

    assert (await ledger.allocate(wanted(floor=floor))).id == expected
    assert (await ledger.allocate(wanted(number=2, content="bb"))).id == expected + 1


async def test_a_range_that_is_used_up_says_so(ledgers: Ledgers):
    ledger = ledgers.open(ids=IdRange(7, 8))
    await ledger.extend(0, FAR)
    await ledger.allocate_many([wanted(number=n, content=str(n)) for n in (1, 2)])

    with pytest.raises(ConflictError, match="No 1 ids are left") as refused:
        await ledger.allocate(wanted(number=3, content="cc"))

    assert "another range" in refused.value.hint


@pytest.mark.parametrize(("first", "last"), [(0, 5), (5, 4), (1, 2**31)])
def test_a_range_holds_only_numbers_that_travel(first: int, last: int):
    with pytest.raises(InvalidRequestError):
        IdRange(first, last)


async def test_reserved_numbers_are_never_handed_out(ledger: BookLedger):
    await ledger.allocate(wanted())

    block = await ledger.reserve(50, "team-a")

    assert block == Block(10_002, 10_051, "team-a")
    assert await ledger.blocks() == [block]
    assert await ledger.high_water() == 10_051
    assert (await ledger.allocate(wanted(number=2, content="bb"))).id == 10_052
    assert await ledger.reserve(10, "team-b") == Block(10_053, 10_062, "team-b")


async def test_a_block_needs_at_least_one_number(ledger: BookLedger):
    with pytest.raises(InvalidRequestError):
        await ledger.reserve(0, "team-a")


async def test_reserved_numbers_that_lie_ahead_are_stepped_over(ledger: BookLedger):
    await ledger.rebuild([], 0, [Block(10_002, 10_004, "team-a"), Block(10_006, 10_006, "team-b")])
    await ledger.extend(0, FAR)

    given = await ledger.allocate_many([wanted(number=n, content=str(n)) for n in range(1, 4)])

    assert [answer.id for answer in given] == [10_001, 10_005, 10_007]


async def test_a_number_asked_for_is_given_once_and_stepped_over_later(ledger: BookLedger):
    kept = await ledger.allocate(wanted(content="kept", adopt_id=10_002))

    assert (kept.id, kept.existing) == (10_002, False)
    given = await ledger.allocate_many([wanted(number=n, content=str(n)) for n in (2, 3)])
    assert [answer.id for answer in given] == [10_001, 10_003]
    assert (await ledger.allocate(wanted(content="kept", adopt_id=10_002))).existing


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        pytest.param(
            wanted(PAYMENTS, 1, "bb", adopt_id=10_001), "Id 10001 already stands for content aa, not bb", id="taken"
        ),
        pytest.param(
            wanted(PAYMENTS, 1, "aa", adopt_id=77), "Content aa already has id 10001, not 77", id="has-another"
        ),
    ],
)
async def test_a_number_asked_for_that_does_not_fit_is_a_conflict(ledger: BookLedger, request_: Allocation, said: str):
    await ledger.allocate(wanted())

    with pytest.raises(ConflictError, match=said):
        await ledger.allocate(request_)


# --- ids that registries made ---


async def test_ids_that_registries_made_are_unique_per_registry_and_context(ledger: BookLedger):
    eu = Subject("orders-value", ".eu")
    await ledger.adopt(
        [
            entry(ORDERS, 1, "aa", 1, registry="dev"),
            entry(eu, 1, "bb", 1, registry="dev"),
            entry(PAYMENTS, 1, "cc", 1, registry="prod"),
        ]
    )

    with pytest.raises(ConflictError, match="Id 1 already stands for content aa, not dd"):
        await ledger.adopt([entry(PAYMENTS, 2, "dd", 1, registry="dev")])

    assert {(held.registry, held.context, held.schema_hash) for held in await ledger.lookup(1)} == {
        ("dev", ".", "aa"),
        ("dev", ".eu", "bb"),
        ("prod", ".", "cc"),
    }


async def test_adopting_twice_changes_nothing(ledger: BookLedger):
    found = [entry(ORDERS, 1, "aa", 7, registry="dev"), entry(ORDERS, 2, "bb", 8, registry="dev")]

    await ledger.adopt(found)
    await ledger.adopt(found)

    assert await ledger.entries() == found


async def test_an_adoption_with_one_clash_adopts_nothing(ledger: BookLedger):
    await ledger.adopt([entry(ORDERS, 1, "aa", 7, registry="dev")])

    with pytest.raises(ConflictError, match="orders-value v1 is known with content aa, not bb"):
        await ledger.adopt([entry(PAYMENTS, 1, "cc", 9, registry="dev"), entry(ORDERS, 1, "bb", 8, registry="dev")])

    assert await ledger.lookup(9) == []


async def test_content_that_a_registry_numbered_keeps_that_number_elsewhere(ledger: BookLedger):
    await ledger.adopt([entry(ORDERS, 1, "aa", 7, registry="dev")])

    answer = await ledger.allocate(wanted(PAYMENTS))

    assert (answer.id, answer.existing) == (7, True)
    with pytest.raises(ConflictError):
        await ledger.allocate(wanted(PAYMENTS, 2, "bb", adopt_id=7))


async def test_a_number_that_two_registries_use_differently_is_carried_nowhere(ledger: BookLedger):
    await ledger.adopt([entry(ORDERS, 1, "aa", 7, registry="dev"), entry(PAYMENTS, 1, "bb", 7, registry="prod")])

    assert (await ledger.allocate(wanted(Subject("new"), 1, "aa"))).id == 10_001


async def test_numbers_that_a_registry_already_uses_are_stepped_over(ledger: BookLedger):
    await ledger.adopt([entry(ORDERS, 1, "aa", 10_001, registry="dev")])

    assert (await ledger.allocate(wanted(PAYMENTS, 1, "bb"))).id == 10_002


# --- Git is ahead ---


async def test_nothing_is_handed_out_above_the_mark_in_git(empty: BookLedger):
    with pytest.raises(MarkReachedError) as reached:
        await empty.allocate(wanted())
    assert reached.value.details == {"mark": 10_100}

    await empty.extend(0, 10_100)

    assert (await empty.allocate(wanted())).id == 10_001
    with pytest.raises(MarkReachedError) as reached:
        await empty.reserve(100, "team-a")
    assert reached.value.details == {"mark": 10_200}
    with pytest.raises(MarkReachedError) as reached:
        await empty.allocate_many([wanted(number=n, content=str(n)) for n in range(2, 102)])
    assert await empty.high_water() == 10_001
    assert (await empty.allocate(wanted(PAYMENTS))).existing, "a known content needs no new number"


async def test_moving_the_mark_further_wastes_no_number(empty: BookLedger):
    await empty.extend(0, 10_100)
    await empty.allocate(wanted())

    await empty.extend(10_100, 10_200)

    assert (await empty.allocate(wanted(number=2, content="bb"))).id == 10_002


async def test_numbers_over_which_somebody_else_moved_the_mark_are_left_to_him(empty: BookLedger):
    await empty.extend(0, 10_100)
    await empty.allocate(wanted())

    await empty.extend(10_200, 10_300)  # from 10100 to 10200 it was another machine

    assert (await empty.allocate(wanted(number=2, content="bb"))).id == 10_201


async def test_a_late_word_about_the_mark_takes_nothing_back(empty: BookLedger):
    await empty.extend(10_100, 10_200)
    await empty.extend(0, 10_100)

    assert (await empty.allocate(wanted())).id == 10_101


# --- lost, rebuilt, compared ---


async def test_a_lost_ledger_skips_what_was_handed_out_and_never_committed(ledgers: Ledgers, ledger: BookLedger):
    committed = [entry(ORDERS, 1, "aa", 10_001)]
    await ledger.allocate_many([wanted(), wanted(number=2, content="told, never committed")])

    fresh = ledgers.open("fresh")
    await fresh.rebuild(committed, 10_100, [Block(10_103, 10_110, "team-a")])
    await fresh.extend(10_100, 10_200)
    given = await fresh.allocate_many([wanted(number=n, content=str(n)) for n in (2, 3, 4)])

    assert (await fresh.allocate(wanted(PAYMENTS))).id == 10_001
    assert [answer.id for answer in given] == [10_101, 10_102, 10_111]


async def test_a_rebuilt_ledger_keeps_the_ids_of_contents_that_wait_for_their_commit(ledger: BookLedger):
    await ledger.allocate_many([wanted(), wanted(number=2, content="bb")])

    await ledger.rebuild([entry(ORDERS, 1, "aa", 10_001)], 10_100, [])

    assert (await ledger.allocate(wanted(number=2, content="bb"))).id == 10_002
    with pytest.raises(MarkReachedError):
        await ledger.allocate(wanted(number=3, content="cc"))


async def test_git_has_the_last_word(ledger: BookLedger):
    await ledger.allocate_many([wanted(), wanted(number=2, content="bb")])
    stored = [entry(ORDERS, 1, "bb", 10_009), entry(ORDERS, 2, "aa", 10_002)]

    await ledger.rebuild(stored, 10_100, [])

    assert await ledger.entries() == stored
    assert await ledger.disagreements(stored, 10_100, []) == []
    assert await ledger.lookup(10_001) == []


async def test_a_store_with_a_clash_is_rebuilt_all_the_same_and_the_clash_is_named(ledger: BookLedger):
    stored = [entry(ORDERS, 1, "aa", 10_001), entry(PAYMENTS, 1, "bb", 10_001), entry(PAYMENTS, 2, "cc", 10_002)]

    found = await ledger.rebuild(stored, 10_100, [])
    await ledger.extend(10_100, 10_200)

    assert [(one.kind, one.subject, one.reason) for one in found] == [
        (Kind.CLASH, PAYMENTS, "id 10001 already stands for other content, in orders-value v1")
    ]
    assert (await ledger.allocate(wanted(PAYMENTS, 1, "bb"))).id == 10_101, "the second content is numbered anew"
    assert (await ledger.allocate(wanted(PAYMENTS, 2, "cc"))).id == 10_002


@pytest.mark.parametrize(
    ("stored", "kind", "rebuild"),
    [
        pytest.param([entry(), entry(number=2, content="bb", id=10_002)], Kind.UNKNOWN, True, id="made-elsewhere"),
        pytest.param([], Kind.UNCOMMITTED, False, id="not-committed-yet"),
        pytest.param([entry(content="bb", id=10_002)], Kind.CONTENT, True, id="other-content"),
        pytest.param([entry(id=10_007)], Kind.ID, True, id="other-id"),
        pytest.param([entry(), entry(PAYMENTS, 1, "bb")], Kind.CLASH, False, id="two-contents-one-id"),
    ],
)
async def test_where_ledger_and_store_disagree_is_named(
    ledger: BookLedger, stored: list[Entry], kind: Kind, rebuild: bool
):
    await ledger.allocate(wanted())

    found = await ledger.disagreements(stored, FAR, [])

    assert [(one.kind, one.needs_rebuild) for one in found] == [(kind, rebuild)]


async def test_marks_and_blocks_that_differ_are_named(ledger: BookLedger):
    await ledger.reserve(10, "team-a")

    found = await ledger.disagreements([], 10_100, [Block(20_001, 20_100, "team-b")])

    assert [one.kind for one in found] == [Kind.MARK, Kind.BLOCKS, Kind.RESERVED]
    assert [one.needs_rebuild for one in found] == [True, True, False]


async def test_a_ledger_that_agrees_finds_nothing(ledger: BookLedger):
    await ledger.allocate(wanted())
    block = await ledger.reserve(10, "team-a")

    assert await ledger.disagreements([entry()], FAR, [block]) == []


async def test_the_versions_are_listed_a_page_at_a_time(ledger: BookLedger):
    versions = [(Subject(name, context), n) for context in (".", ".eu") for name in ("a", "b") for n in (1, 2, 10)]
    await ledger.allocate_many([wanted(subject, n, f"{subject}/{n}") for subject, n in reversed(versions)])

    seen: list[Entry] = []
    while page := await ledger.entries(after=seen[-1] if seen else None, limit=5):
        assert len(page) <= 5
        seen += page

    assert [(one.subject, one.number) for one in seen] == versions
    assert all([(await ledger.lookup(one.id))[0].schema_hash == one.schema_hash for one in seen])
