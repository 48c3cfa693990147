"""Since when drift has been there: kept over restarts, forgotten when it is gone, bounded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schema_mcp.domain.errors import StoreError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.sightings import Sight, Sightings, what

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
ORDERS = Sight(Subject("orders"), 1, what("missing", "it lacks it"))
PAYMENTS = Sight(Subject("payments", ".eu"), 3, what("extra", "it is there"))


def everything(_: Subject) -> bool:
    return True


@pytest.fixture
def sightings(tmp_path: Path) -> Iterator[Sightings]:
    one = Sightings(tmp_path)
    yield one
    one.close()


async def test_the_first_sighting_counts_also_after_a_restart(sightings: Sightings, tmp_path: Path):
    assert await sightings.since("dev", [ORDERS], everything, MONDAY) == {ORDERS: MONDAY}
    sightings.close()

    again = Sightings(tmp_path)
    assert await again.since("dev", [ORDERS, PAYMENTS], everything, TUESDAY) == {ORDERS: MONDAY, PAYMENTS: TUESDAY}
    again.close()


async def test_what_is_gone_is_forgotten_and_begins_anew(sightings: Sightings):
    await sightings.since("dev", [ORDERS, PAYMENTS], everything, MONDAY)
    await sightings.since("dev", [PAYMENTS], everything, TUESDAY)

    seen = await sightings.since("dev", [ORDERS, PAYMENTS], everything, WEDNESDAY)

    assert seen == {ORDERS: WEDNESDAY, PAYMENTS: MONDAY}


async def test_what_was_not_looked_for_is_not_forgotten(sightings: Sightings):
    await sightings.since("dev", [ORDERS, PAYMENTS], everything, MONDAY)
    await sightings.since("dev", [PAYMENTS], lambda subject: subject.name == "payments", TUESDAY)

    assert (await sightings.since("dev", [ORDERS], everything, WEDNESDAY))[ORDERS] == MONDAY


async def test_registries_and_details_are_kept_apart(sightings: Sightings):
    other = Sight(ORDERS.subject, ORDERS.number, what("missing", "in another way"))
    await sightings.since("dev", [ORDERS], everything, MONDAY)

    assert await sightings.since("prod", [ORDERS], everything, TUESDAY) == {ORDERS: TUESDAY}
    assert await sightings.since("dev", [ORDERS, other], everything, TUESDAY) == {ORDERS: MONDAY, other: TUESDAY}


async def test_names_that_are_no_text_are_kept_as_well(sightings: Sightings):
    half = Sight(Subject("\ud800"), 1, what("\ud800"))
    await sightings.since("dev", [half], everything, MONDAY)

    assert await sightings.since("dev", [half], everything, TUESDAY) == {half: MONDAY}


async def test_beyond_the_bound_nobody_remembers(tmp_path: Path):
    small = Sightings(tmp_path, kept=2)
    many = [Sight(Subject(f"s{number}"), 1, "x") for number in range(5)]

    first = await small.since("dev", many, everything, MONDAY)
    later = await small.since("dev", many, everything, TUESDAY)

    assert (len(first), first) == (2, later)
    small.close()


async def test_a_file_that_is_damaged_says_what_to_do(tmp_path: Path):
    (tmp_path / "sightings.sqlite").write_bytes(b"no database" * 200)

    with pytest.raises(StoreError, match="damaged") as raised:
        await Sightings(tmp_path).since("dev", [ORDERS], everything, MONDAY)

    assert "Delete it" in raised.value.hint


async def test_two_servers_agree_on_the_first_sighting(sightings: Sightings, tmp_path: Path):
    other = Sightings(tmp_path)
    await sightings.since("dev", [ORDERS], everything, MONDAY)

    assert await other.since("dev", [ORDERS], everything, TUESDAY) == {ORDERS: MONDAY}
    other.close()
