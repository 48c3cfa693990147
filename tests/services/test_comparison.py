"""Two registries or contexts side by side: different never looks equal, and unreachable neither."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fakes.confluent import FakeConfluent, Kept
from schema_mcp.domain.comparison import Difference
from schema_mcp.domain.drift import Kind
from schema_mcp.domain.errors import InvalidRequestError, SchemaMcpError
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import comparison
from schema_mcp.services.comparison import Comparison, End
from services.confluent import answering, dead, reached_over_rest
from services.world import ORDERS, V1, V2, World, silent

EU, US = ".eu", ".us"


async def put(registry: GuardedRegistry, subject: Subject, text: str, schema_id: int, number: int, **more: Any) -> None:
    await registry.set_mode(subject, Mode.IMPORT, force=True)
    await registry.register(subject, Schema(text, **more), schema_id=schema_id, number=number)


async def compared(source: GuardedRegistry, target: GuardedRegistry, *contexts: str, prefix: str = "") -> Comparison:
    here, there = contexts or (None, None)
    return await comparison.compare(End(source, here), End(target, there), prefix, silent)


def told(found: Comparison) -> list[tuple[str, int, Kind, int]]:
    return [(str(one.subject), one.number, one.kind, one.versions) for one in found.differences]


async def test_equal_registries_do_not_differ(world: World):
    for name in ("dev", "prod"):
        await put(world.registry(name), ORDERS, V1, 10_001, 1)

    found = await compared(world.registry("dev"), world.registry("prod"))

    assert told(found) == []
    assert (found.source, found.target) == (comparison.Size(1, 1), comparison.Size(1, 1))


async def test_whole_subjects_and_single_versions_are_counted_apart(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    for number, text in enumerate((V1, V2), 1):
        await put(dev, Subject("only-here"), text, number, number)
        await put(dev, ORDERS, text, number, number)
    await put(prod, ORDERS, V1, 1, 1)
    await put(prod, Subject("only-there", EU), V1, 1, 1)

    found = await compared(dev, prod)

    assert told(found) == [
        ("only-here", 0, Kind.MISSING, 2),
        (":.eu:only-there", 0, Kind.EXTRA, 1),
        ("orders-value", 2, Kind.MISSING, 1),
    ]
    assert found.counts == {Kind.MISSING: 3, Kind.EXTRA: 1}
    assert (found.subjects(Kind.MISSING), found.subjects(Kind.EXTRA)) == (1, 1)


CUSTOMER = '{"type":"record","name":"Customer","namespace":"shop","fields":[]}'
USER = '{"type":"record","name":"A","namespace":"shop","fields":[{"name":"c","type":"shop.Customer"}]}'
MESSAGE = 'syntax = "proto3";\npackage shop;\nmessage A { string a = 1; string b = 2; }\n'


@pytest.mark.parametrize(
    ("here", "there", "kind", "detail"),
    [
        pytest.param(Schema(V1), Schema(V2), Kind.CONTENT, "text", id="another-text"),
        pytest.param(
            Schema(V1),
            Schema(json.dumps(json.loads(V1), indent=2)),
            None,
            "",
            id="white-space-the-registry-takes-away",
        ),
        pytest.param(
            Schema('{"type":"object","title":"a","description":"b"}', SchemaType.JSON),
            Schema('{"description":"b","type":"object","title":"a"}', SchemaType.JSON),
            Kind.COSMETIC,
            "spelling",
            id="order-of-keys",
        ),
        pytest.param(
            Schema(MESSAGE, SchemaType.PROTOBUF),
            Schema(MESSAGE.replace("string a = 1; string b = 2;", "string b = 2; string a = 1;"), SchemaType.PROTOBUF),
            Kind.COSMETIC,
            "spelling",
            id="order-of-protobuf-fields",
        ),
        pytest.param(
            Schema(V1, metadata={"properties": {"owner": "ann"}}),
            Schema(V1, metadata={"properties": {"owner": "bob"}}),
            Kind.METADATA,
            "metadata",
            id="another-owner",
        ),
        pytest.param(Schema('"string"'), Schema('{"type":"string"}', SchemaType.JSON), Kind.CONTENT, "JSON", id="type"),
        pytest.param(
            Schema(USER, references=(Reference("shop.Customer", "customer", 1),)),
            Schema(USER, references=(Reference("shop.Customer", "customer", 2),)),
            Kind.CONTENT,
            "references",
            id="another-reference",
        ),
    ],
)
async def test_what_differs_is_told_apart(world: World, here: Schema, there: Schema, kind: Kind | None, detail: str):
    for name, schema in (("dev", here), ("prod", there)):
        registry = world.registry(name)
        if schema.references:
            await put(registry, Subject("customer"), CUSTOMER, 1, 1)
            await put(registry, Subject("customer"), CUSTOMER.replace("[]", '[],"doc":"x"'), 2, 2)
        await registry.set_mode(ORDERS, Mode.IMPORT, force=True)
        await registry.register(ORDERS, schema, schema_id=7, number=1)

    found = await compared(world.registry("dev"), world.registry("prod"))

    assert [one.kind for one in found.differences] == ([kind] if kind else [])
    assert all(detail in one.detail for one in found.differences)


async def test_the_same_content_under_another_id_is_a_difference_of_identity(world: World):
    await put(world.registry("dev"), ORDERS, V1, 1, 1)
    await put(world.registry("prod"), ORDERS, V1, 2, 1)

    (one,) = (await compared(world.registry("dev"), world.registry("prod"))).differences

    assert one == Difference(ORDERS, 1, Kind.IDENTITY, "id 1 in the source, 2 there")


async def test_two_contexts_of_one_registry_are_compared_by_name(world: World):
    dev = world.registry()
    await put(dev, Subject("orders-value", EU), V1, 1, 1)
    await put(dev, Subject("orders-value", US), V1, 9, 1)
    await put(dev, Subject("late", EU), V2, 2, 1)
    await put(dev, Subject("elsewhere"), V2, 2, 1)

    found = await compared(dev, dev, EU, US)

    assert told(found) == [("late", 0, Kind.MISSING, 1), ("orders-value", 1, Kind.IDENTITY, 1)]


async def test_a_side_against_itself_is_refused(world: World):
    with pytest.raises(InvalidRequestError, match="same"):
        await compared(world.registry(), world.registry())


async def test_soft_deleted_versions_do_not_count(world: World):
    for name in ("dev", "prod"):
        await put(world.registry(name), ORDERS, V1, 1, 1)
    await world.registry("prod").delete_subject(ORDERS)

    assert told(await compared(world.registry("dev"), world.registry("prod"))) == [("orders-value", 0, Kind.MISSING, 1)]


async def test_only_the_prefix_is_compared(world: World):
    await put(world.registry("dev"), ORDERS, V1, 1, 1)
    await put(world.registry("dev"), Subject("payments"), V1, 1, 1)

    found = await compared(world.registry("dev"), world.registry("prod"), prefix="pay")

    assert told(found) == [("payments", 0, Kind.MISSING, 1)]


def schema_number(number: int, doc: str = "") -> Schema:
    return Schema(json.dumps({"type": "record", "name": f"R{number}", "doc": doc, "fields": []}))


def filled(count: int, doc: str = "") -> FakeConfluent:
    """A registry of so many subjects; `doc` makes every text another one."""
    fake = FakeConfluent()
    for number in range(count):
        body = {"schemaType": "AVRO", "schema": schema_number(number, doc).text}
        fake.subjects[f"s{number:05}"] = {1: Kept(f"s{number:05}", 1, number + 1, body)}
    return fake


@pytest.mark.parametrize("doc", ["", "edited"], ids=["equal", "all-different"])
async def test_a_thousand_subjects_on_each_side_take_few_requests_and_no_write(world: World, doc: str):
    west, east = filled(1_000), filled(1_000, doc)
    over = reached_over_rest(world, {"west": west, "east": east})

    found = await compared(over.registry("west"), over.registry("east"))

    assert found.counts.get(Kind.CONTENT, 0) == (1_000 if doc else 0)
    assert len(west.requests) + len(east.requests) <= 20
    assert {method for method, _ in west.requests + east.requests} == {"GET"}


async def test_a_few_differing_texts_are_read_alone(world: World):
    west, east = filled(50), filled(50)
    east.subjects["s00007"][1] = replace(east.subjects["s00007"][1], body={"schemaType": "AVRO", "schema": V1})
    over = reached_over_rest(world, {"west": west, "east": east})

    found = await compared(over.registry("west"), over.registry("east"))

    assert told(found) == [("s00007", 1, Kind.CONTENT, 1)]
    assert sum(path == "/schemas" for _, path in west.requests) == 2


async def test_progress_is_told(world: World):
    said: list[str] = []

    async def report(done: float, total: float | None, message: str) -> None:
        said.append(message)

    over = reached_over_rest(world, {"west": filled(1_200), "east": filled(1_200)})
    await comparison.compare(End(over.registry("west")), End(over.registry("east")), "", report)

    assert [line.partition(" ")[0] for line in said] == ["1,000", "2,000"]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(answering(500), id="500"),
        pytest.param(answering(401), id="401"),
        pytest.param(answering(404), id="404"),
        pytest.param(answering(200, "<html>"), id="nonsense"),
        pytest.param(dead(), id="dead"),
    ],
)
@pytest.mark.parametrize("side", ["source", "target", "both"])
async def test_a_side_that_does_not_answer_is_an_error_and_never_equal(world: World, broken: Any, side: str):
    fine = FakeConfluent()
    fakes = {"west": fine if side == "target" else broken, "east": fine if side == "source" else broken}
    over = reached_over_rest(world, fakes)

    with pytest.raises(SchemaMcpError):
        await compared(over.registry("west"), over.registry("east"))
