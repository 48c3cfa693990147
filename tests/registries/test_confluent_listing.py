"""Bulk listing: complete and without doubles, whatever the pages do."""

from collections.abc import Callable
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.confluent import FakeConfluent, Refused
from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.schema import Schema, Subject, Version
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Capability, Connection

Change = Callable[[FakeConfluent], None]


def registry(fake: Any) -> ConfluentRegistry:
    connection = Connection("prod", urls=("http://sr.example.com",), retries=0)
    return ConfluentRegistry(connection, httpx2.ASGITransport(fake))


async def filled(fake: FakeConfluent, subjects: int = 6, versions: int = 2) -> ConfluentRegistry:
    target = registry(fake)
    for number in range(subjects):
        for version in range(versions):
            await target.register(Subject(f"s{number:02}"), record(f"R{number}", version))
    fake.requests.clear()
    return target


def record(name: str, fields: int) -> Schema:
    told = ",".join(f'{{"name":"f{number}","type":"string","default":""}}' for number in range(fields))
    return Schema(f'{{"type":"record","name":"{name}","fields":[{told}]}}')


def keys(versions: list[Version]) -> list[tuple[str, int]]:
    return [(str(version.subject), version.number) for version in versions]


def everything(fake: FakeConfluent) -> list[tuple[str, int]]:
    return sorted((one.subject, one.version) for versions in fake.subjects.values() for one in versions.values())


async def listed(target: ConfluentRegistry, **wanted: Any) -> list[tuple[str, int]]:
    return keys([version async for version in target.versions(**wanted)])


@pytest.mark.parametrize("cap", [2, 3, 11, 12, 13, 1_000])
async def test_a_page_shorter_than_asked_for_is_not_the_end(cap: int):
    fake = FakeConfluent(cap=cap)
    target = await filled(fake)

    assert await listed(target) == everything(fake)
    assert all(path in ("/schemas", "/subjects") for _, path in fake.requests)


async def test_pages_of_one_are_no_use_and_everything_is_found_all_the_same():
    fake = FakeConfluent(cap=1)

    assert await listed(await filled(fake)) == everything(fake)


async def test_entries_that_do_not_say_whose_they_are_are_not_used():
    fake = FakeConfluent(lacks=frozenset({Capability.BULK_LISTING}))
    target = await filled(fake)

    assert await listed(target) == everything(fake)
    assert await listed(target, latest_only=True) == [(f"s{number:02}", 2) for number in range(6)]


async def test_a_registry_without_the_endpoint_is_read_subject_by_subject():
    fake = FakeConfluent()
    target = await filled(fake)
    fake.page = lambda *_, **__: fake.route("GET", ["nowhere"], {}, None)

    assert await listed(target) == everything(fake)


async def test_a_failing_listing_is_not_made_up_for_with_many_requests():
    fake = FakeConfluent()
    target = await filled(fake)

    def failing(*_: Any, **__: Any) -> list[dict[str, Any]]:
        raise Refused(50001)

    fake.page = failing
    with pytest.raises(RegistryError):
        await listed(target)

    assert [path for _, path in fake.requests] == ["/schemas"]


class Shifting(FakeConfluent):
    """Changes something after each page."""

    changes: list[Change]

    def page(self, query: dict[str, str], *, deleted: bool) -> list[dict[str, Any]]:
        page = super().page(query, deleted=deleted)
        if self.changes:
            self.changes.pop(0)(self)
        return page


def losing(subject: str, version: int) -> Change:
    return lambda fake: setattr(fake.subjects[subject][version], "deleted", True)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([losing("s00", 1)], id="before-the-cursor"),
        pytest.param([losing("s01", 2)], id="at-the-cursor"),
        pytest.param([losing("s05", 2)], id="after-the-cursor"),
        pytest.param([losing("s00", 1), losing("s00", 2), losing("s01", 1), losing("s01", 2)], id="again-and-again"),
    ],
)
async def test_what_is_deleted_meanwhile_hides_nothing_else(changes: list[Change]):
    fake = Shifting(cap=4)
    fake.changes = []
    target = await filled(fake)
    fake.changes = changes

    found = await listed(target)

    still_there = [key for key in everything(fake) if not fake.subjects[key[0]][key[1]].deleted]
    assert set(still_there) <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", ["a-first", "s02-middle", "z-last"])
async def test_what_is_registered_meanwhile_is_found_and_doubles_nothing(name: str):
    fake = Shifting(cap=4)
    fake.changes = []
    target = await filled(fake)
    body = {"schema": record("New", 0).text, "schemaType": "AVRO"}
    fake.changes = [lambda fake: fake.register(name, body, body) and None]

    assert sorted(await listed(target)) == everything(fake)


class Shuffled(FakeConfluent):
    """Its order is another one for each page, as AxonOps's is."""

    calls = 0

    def page(self, query: dict[str, str], *, deleted: bool) -> list[dict[str, Any]]:
        whole = super().page({**query, "offset": "0", "limit": "1000"}, deleted=deleted)
        self.calls += 1
        turn = self.calls * 5 % len(whole)
        offset = int(query["offset"])
        return (whole[turn:] + whole[:turn])[offset : offset + 4]


async def test_an_order_that_changes_from_page_to_page_loses_nothing():
    fake = Shuffled()

    assert sorted(await listed(await filled(fake))) == everything(fake)


class Forgetful(FakeConfluent):
    """Gives an entry twice, and another one therefore not at all."""

    def page(self, query: dict[str, str], *, deleted: bool) -> list[dict[str, Any]]:
        page = super().page(query, deleted=deleted)
        return [page[0], FakeConfluent.page(self, {**query, "offset": "0"}, deleted=deleted)[0], *page[2:]]


async def test_an_entry_that_comes_twice_means_that_another_is_missing():
    fake = Forgetful(cap=4)

    assert sorted(await listed(await filled(fake))) == everything(fake)


async def test_a_server_that_repeats_itself_for_ever_does_not_hold_us():
    fake = FakeConfluent()
    target = await filled(fake)
    fake.page = lambda *_, **__: [fake.subjects["s00"][1].shown(old=False)] * 2

    with anyio.fail_after(5):
        assert sorted(await listed(target)) == everything(fake)


class Deaf(FakeConfluent):
    """Gives everything, whatever page is asked for."""

    def page(self, query: dict[str, str], *, deleted: bool) -> list[dict[str, Any]]:
        return super().page({"subjectPrefix": query["subjectPrefix"]}, deleted=deleted)


async def test_a_registry_that_knows_no_pages_is_read_once():
    fake = Deaf()

    assert await listed(await filled(fake)) == everything(fake)


async def test_a_registry_that_ignores_prefixes_does_not_add_to_the_list():
    fake = FakeConfluent(lacks=frozenset({Capability.PREFIX}))
    target = await filled(fake)

    assert await listed(target, prefix="s01") == [("s01", 1), ("s01", 2)]
    assert await target.subjects(prefix="s01") == [Subject("s01")]


async def test_a_page_that_fails_ends_the_listing_with_an_error():
    fake = FakeConfluent(cap=4)
    target = await filled(fake)
    pages = 0

    def failing(*args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        nonlocal pages
        pages += 1
        return (
            FakeConfluent.page(fake, *args, **kwargs)
            if pages < 3
            else [{"subject": 1, "version": 1, "id": 1, "schema": ""}]
        )

    fake.page = failing
    with pytest.raises(RegistryError, match="another shape"):
        await listed(target)


async def test_subjects_are_read_a_few_at_a_time():
    fake = FakeConfluent(lacks=frozenset({Capability.BULK_LISTING}))
    target = await filled(fake, subjects=40, versions=1)
    most = running = 0
    inner = target.numbers

    async def counted(*args: Any, **kwargs: Any) -> list[int]:
        nonlocal most, running
        running += 1
        most = max(most, running)
        found = await inner(*args, **kwargs)
        running -= 1
        return found

    target.numbers = counted
    assert len(await listed(target)) == 40

    assert 1 < most <= 10


@settings(deadline=None)  # no test of speed
@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    cap=st.integers(2, 9),
    gone=st.sets(st.tuples(st.integers(0, 5), st.integers(1, 4))),
    deleted=st.booleans(),
    latest_only=st.booleans(),
)
async def test_the_listing_is_what_the_subjects_hold(
    counts: list[int], cap: int, gone: set[tuple[int, int]], deleted: bool, latest_only: bool
):
    fake = FakeConfluent(cap=cap)
    target = registry(fake)
    for number, count in enumerate(counts):
        for version in range(count):
            await target.register(Subject(f"s{number}"), record(f"R{number}", version))
    for number, version in gone:
        if number < len(counts) and version <= counts[number]:
            await target.delete_version(Subject(f"s{number}"), version)

    found = await listed(target, deleted=deleted, latest_only=latest_only)

    wanted = []
    for subject in await target.subjects(deleted=deleted):
        numbers = await target.numbers(subject, deleted=deleted)
        wanted += [(str(subject), number) for number in (numbers[-1:] if latest_only else numbers)]
    assert found == wanted
