"""Search: ranked, over every registry and the store, fresh after our own writes and after a while."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schema_mcp.domain.errors import NotFoundError, RegistryError
from schema_mcp.domain.schema import Schema, SchemaType, Subject, Version
from schema_mcp.services import search
from schema_mcp.services.registration import Stop
from schema_mcp.services.search import FRESH, Found, Index
from services.world import ORDERS, V1, V2, World, record


@pytest.fixture
def now() -> list[datetime]:
    return [datetime(2026, 1, 1, tzinfo=UTC)]


@pytest.fixture
def index(now: list[datetime]) -> Index:
    return Index(lambda: now[0])


async def find(world: World, index: Index, query: str, *registries: str, prefix: str = "") -> Found:
    return await search.find(index, world.workspace.fleet, world.store, query, registries, prefix)


async def names(world: World, index: Index, query: str, **more: str) -> list[str]:
    return [str(hit.subject) for hit in (await find(world, index, query, **more)).hits]


async def test_a_hit_says_where_and_why(world: World, index: Index):
    await world.register(V2)

    (hit,) = (await find(world, index, "note")).hits

    assert (hit.subject, hit.number, hit.id) == (ORDERS, 1, 10_001)
    assert hit.found_in == ("dev", "store")
    assert any("note" in match for match in hit.matches)


async def test_every_language_is_searched_in_its_fields(world: World, index: Index):
    proto = 'syntax = "proto3";\nmessage Parcel {\n  string zip_code = 1;\n}\n'
    await world.register(proto, Subject("pb"), kind=SchemaType.PROTOBUF)
    await world.register('{"type":"object","properties":{"zip_code":{}}}', Subject("js"), kind=SchemaType.JSON)
    await world.register(record("zip_code:string"), Subject("av"))

    assert sorted(await names(world, index, "zip_code")) == ["av", "js", "pb"]


async def test_the_subject_s_name_counts_more_than_a_field_and_a_field_more_than_a_doc(world: World, index: Index):
    doc = '{"type":"record","name":"A","doc":"about a customer","fields":[]}'
    await world.register(doc, Subject("a-doc"))
    await world.register(record("customer:long", name="B"), Subject("a-field"))
    await world.register(record("id:long", name="C"), Subject("customer"))

    assert await names(world, index, "customer") == ["customer", "a-field", "a-doc"]


async def test_every_word_has_to_match(world: World, index: Index):
    await world.register(record("id:long", "total:double", name="Bill"), Subject("bills"))
    await world.register(record("id:long", name="Order"), Subject("orders"))

    assert await names(world, index, "id total") == ["bills"]
    assert await names(world, index, "nothing like it") == []


async def test_a_prefix_narrows(world: World, index: Index):
    for name in ("orders", "bills"):
        await world.register(V1, Subject(name))

    assert await names(world, index, "id", prefix="ord") == ["orders"]


async def test_our_own_writes_are_found_at_once(world: World, index: Index):
    await world.register(V1)
    assert await names(world, index, "note") == []

    await world.register(V2)

    assert await names(world, index, "note") == ["orders-value"]


async def test_what_others_wrote_is_found_after_a_while(world: World, index: Index, now: list[datetime]):
    await world.register(V1)
    await names(world, index, "id")
    await world.registry()._inner.register(Subject("theirs"), Schema(record("hidden:long", name="T")))
    assert await names(world, index, "hidden") == []

    now[0] += FRESH + timedelta(seconds=1)

    assert await names(world, index, "hidden") == ["theirs"]


async def test_what_differs_between_registries_is_two_hits(world: World, index: Index):
    await world.register(V1)
    await world.register(V2, stop=Stop.COMMIT)

    hits = (await find(world, index, "orders")).hits

    assert sorted((hit.number, hit.found_in) for hit in hits) == [(1, ("dev",)), (2, ("store",))]


async def test_a_registry_that_does_not_answer_is_named(world: World, index: Index, monkeypatch: pytest.MonkeyPatch):
    await world.register()

    async def away(**_: object):
        raise RegistryError("prod does not answer")
        yield

    monkeypatch.setattr(world.registry("prod"), "versions", away)
    found = await find(world, index, "order")

    assert found.unreachable == ("prod",)
    assert "prod" not in found.searched
    assert len(found.hits) == 1


async def test_an_unknown_registry_is_an_error(world: World, index: Index):
    with pytest.raises(NotFoundError):
        await find(world, index, "order", "nope")


async def test_a_text_that_cannot_be_parsed_is_found_by_its_words(world: World, index: Index):
    dev = world.registry()
    await dev.register(Subject("zz"), Schema(record("id:long", name="Customer")))

    assert search.describe(None, (await dev.version(Subject("zz"))), ()).haystack.count("customer")  # type: ignore[arg-type]


async def test_after_a_write_of_ours_only_that_subject_is_read(
    world: World, index: Index, monkeypatch: pytest.MonkeyPatch
):
    for name in ("orders", "bills", "notes"):
        await world.register(record("id:long", name=name.title()), Subject(name))
    assert await names(world, index, "id") == ["bills", "notes", "orders"]
    listed = counted(world.registry("dev"), "versions", monkeypatch)
    read = counted(world.store, "version", monkeypatch)

    await world.register(record("id:long", "note:string=", name="Bills"), Subject("bills"))
    for calls in (listed, read):
        calls.clear()
    found = (await find(world, index, "note")).hits

    assert [(str(hit.subject), hit.number, hit.found_in) for hit in found] == [
        ("notes", 1, ("dev", "store")),
        ("bills", 2, ("dev", "store")),
    ]
    assert (listed, [subject.name for subject, _ in read]) == ([], ["bills"])


async def test_what_we_delete_is_found_no_more(world: World, index: Index):
    await world.register(V1)
    assert await names(world, index, "id") == [ORDERS.name]

    await world.registry("dev").delete_subject(ORDERS)

    assert [hit.found_in for hit in (await find(world, index, "id")).hits] == [("store",)]


async def test_a_write_that_ends_while_a_registry_is_listed_is_found(
    world: World, index: Index, monkeypatch: pytest.MonkeyPatch
):
    await world.register(V1, Subject("bills"))
    dev = world.registry("dev")
    honest = dev.versions

    async def written_meanwhile(**options: object) -> AsyncIterator[Version]:
        async for version in honest(**options):  # pyright: ignore[reportArgumentType]
            yield version
        await dev.register(ORDERS, Schema(V2))

    monkeypatch.setattr(dev, "versions", written_meanwhile)
    await find(world, index, "note", "dev")
    monkeypatch.setattr(dev, "versions", honest)

    assert [hit.subject for hit in (await find(world, index, "note", "dev")).hits] == [ORDERS]


def counted(thing: object, method: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every call of a method from now on."""
    calls: list[Any] = []
    honest = getattr(thing, method)

    def call(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return honest(*arguments, **options)

    monkeypatch.setattr(thing, method, call)
    return calls
