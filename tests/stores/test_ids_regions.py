"""A region draws blocks from the ledger that all share, and hands out from its own."""

from datetime import UTC, datetime

import anyio
import pytest

from schema_mcp.domain.allocation import Allocation, Block, IdRange
from schema_mcp.domain.errors import ConflictError, InvalidRequestError
from schema_mcp.domain.id_audit import gaps
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.ids import BookLedger
from stores.ledgers import Ledgers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EU, US = IdRange(region="eu", block=3), IdRange(region="us", block=3)


def wanted(content: str, floor: int = 0) -> Allocation:
    return Allocation(Subject(content), 1, content, "AVRO", floor=floor)


async def taken(ledger: BookLedger, *contents: str, floor: int = 0) -> list[int]:
    return [(await ledger.allocate(wanted(one, floor))).id for one in contents]


@pytest.fixture
async def eu(ledgers: Ledgers) -> BookLedger:
    ledger = ledgers.open(ids=EU)
    await ledger.extend(0, 1_000_000)
    return ledger


@pytest.fixture
def us(ledgers: Ledgers, eu: BookLedger) -> BookLedger:
    return ledgers.open(ids=US)


async def test_each_region_hands_out_from_its_own_blocks(eu: BookLedger, us: BookLedger, ledgers: Ledgers):
    given = [*await taken(eu, "a"), *await taken(us, "b"), *await taken(eu, "c", "d", "e"), *await taken(us, "f")]

    assert given == [10_001, 10_004, 10_002, 10_003, 10_007, 10_005]
    assert await eu.blocks() == [Block(10_001, 10_003, "eu"), Block(10_004, 10_006, "us"), Block(10_007, 10_009, "eu")]
    assert await taken(ledgers.open(), "no region") == [10_010]


async def test_one_content_has_one_id_in_all_regions(eu: BookLedger, us: BookLedger):
    assert await taken(eu, "a") == await taken(us, "a") == [10_001]


async def test_a_batch_comes_from_the_regions_blocks_too(eu: BookLedger):
    given = await eu.allocate_many([wanted(one) for one in "abcd"])

    assert [one.id for one in given] == [10_001, 10_002, 10_003, 10_004]
    assert [(one.first, one.owner) for one in await eu.blocks()] == [(10_001, "eu"), (10_004, "eu")]


async def test_a_region_goes_on_in_its_block_after_a_restart(eu: BookLedger, ledgers: Ledgers):
    await taken(eu, "a")

    assert await taken(ledgers.open(ids=EU), "b") == [10_002]


async def test_numbers_of_its_block_that_a_registry_uses_are_stepped_over_and_other_regions_do_not_matter(
    eu: BookLedger, us: BookLedger
):
    await taken(eu, "a")
    await taken(us, "b")

    assert await taken(eu, "c", floor=10_005) == [10_002], "what another region handed out is no obstacle"
    assert await taken(us, "d", floor=10_005) == [10_006]


async def test_a_block_reserved_in_a_regions_name_is_not_its_own_to_hand_out(eu: BookLedger):
    await eu.reserve(5, "eu")

    assert await taken(eu, "a") == [10_006]


async def test_after_a_rebuild_a_region_begins_a_new_block_and_the_rest_is_explained(eu: BookLedger):
    await taken(eu, "a")

    await eu.rebuild([], 10_100, [])
    await eu.extend(10_100, 1_000_000)

    assert await taken(eu, "a", "b") == [10_001, 10_101]
    account = await eu.audited()
    found = gaps([10_001, 10_101], account.first, account.last, account.held, account.blocks, account.skips)
    assert [(one.first, one.last, one.explained) for one in found] == [
        (10_002, 10_003, True),
        (10_004, 10_100, True),
        (10_102, 10_103, True),
    ]


async def test_regions_that_ask_at_once_never_share_a_number(eu: BookLedger, us: BookLedger):
    given: list[int] = []

    async def ask(ledger: BookLedger, content: str) -> None:
        given.extend(await taken(ledger, content))

    async with anyio.create_task_group() as calls:
        for number in range(20):
            calls.start_soon(ask, eu, f"eu-{number}")
            calls.start_soon(ask, us, f"us-{number}")

    assert len(set(given)) == 40


async def test_a_region_may_draw_up_to_the_end_of_its_range(ledgers: Ledgers):
    ledger = ledgers.open(ids=IdRange(5, 9, region="eu", block=3))
    await ledger.extend(0, 1_000)

    assert await taken(ledger, "a", "b", "c") == [5, 6, 7]
    with pytest.raises(ConflictError, match="No 3 ids are left"):
        await taken(ledger, "d")


@pytest.mark.parametrize("block", [0, 10_000_000])
def test_a_region_draws_a_sensible_number_at_a_time(block: int):
    with pytest.raises(InvalidRequestError):
        IdRange(region="eu", block=block)


async def test_a_batch_gets_what_each_would_have_got_alone(ledgers: Ledgers):
    alone, together = (ledgers.open(name, clock=lambda: NOON) for name in ("alone", "together"))
    asked = [wanted("a"), wanted("b"), wanted("a"), wanted("c", floor=10_050), wanted("d"), wanted("b")]
    for ledger in (alone, together):
        await ledger.extend(0, 1_000_000)
        await ledger.reserve(2, "somebody")
        await ledger.allocate(Allocation(Subject("kept"), 1, "kept", "AVRO", adopt_id=10_004))

    for requests in (asked[:3], asked, [wanted(f"n{n}") for n in range(30)]):
        one_by_one = [await alone.allocate(request) for request in requests]
        given = await together.allocate_many(requests)
        assert [(one.id, one.existing) for one in given] == [(one.id, one.existing) for one in one_by_one]

    assert await together.entries() == await alone.entries()
