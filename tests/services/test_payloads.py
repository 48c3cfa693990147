"""Payloads against schemas of registries, the store and texts; with and without the serializers' header."""

import base64
import json

import pytest

from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.schema import SchemaType, Subject
from services.asking import ask
from services.world import V1, V2, World, record

PROTO = """syntax = "proto3";
package shop;
message Key { int64 id = 1; }
message Order { int64 id = 1; string note = 2; }
"""
JSON = '{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}'


async def prepared(world: World) -> World:
    await world.register(V1)
    await world.register(V2)
    await world.register(PROTO, Subject("orders-proto"), kind=SchemaType.PROTOBUF)
    await world.register(JSON, Subject("orders-json"), kind=SchemaType.JSON)
    return world


async def check(world: World, payload, **arguments):
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return await ask(world, "validate_data", payload=text, **arguments)


async def test_a_payload_is_held_against_the_version_that_was_named(world: World):
    await prepared(world)

    old = await check(world, {"id": 1}, subject="orders-value", version=1)
    new = await check(world, {"id": 1}, subject="orders-value")

    assert (old.valid, old.version, old.id, old.exit_code) == (True, 1, 10_001, 0)
    assert (new.valid, new.version, new.exit_code) == (False, 2, 4)
    assert new.faults[0].path == "/note"


@pytest.mark.parametrize("source", ["registry", "store"])
@pytest.mark.parametrize(
    ("subject", "good", "bad", "path"),
    [
        pytest.param("orders-value", {"id": 1, "note": "x"}, {"id": "1", "note": "x"}, "/id", id="avro"),
        pytest.param("orders-json", {"id": 1}, {"id": "1"}, "/id", id="json"),
        pytest.param("orders-proto", {"id": 1}, {"id": "one"}, "/id", id="protobuf"),
    ],
)
async def test_all_three_languages_say_where_the_fault_is(world: World, source, subject, good, bad, path):
    await prepared(world)

    right, wrong = [await check(world, one, subject=subject, source=source) for one in (good, bad)]

    assert (right.valid, right.faults) == (True, ())
    assert [fault.path for fault in wrong.faults] == [path]


@pytest.mark.parametrize("subject", ["orders-value", "orders-json", "orders-proto"])
@pytest.mark.parametrize("header", [False, True])
async def test_an_example_is_valid_on_the_wire(world: World, subject, header):
    await prepared(world)

    made = await ask(world, "generate_example", subject=subject, encoding="base64", header=header)
    seen = await check(world, made.payload, subject=subject, encoding="base64", header=header)

    assert seen.valid
    assert (base64.b64decode(made.payload)[:1] == b"\0") is header or not header
    assert json.loads(seen.data).keys() >= {"id"}


async def test_the_id_in_a_header_is_enough(world: World):
    await prepared(world)
    made = await ask(world, "generate_example", subject="orders-proto", header=True, message="Order")

    seen = await check(world, made.payload, header=True)

    assert (seen.valid, seen.id) == (True, made.id)
    assert json.loads(seen.data).keys() == {"id", "note"}


async def test_a_header_of_another_schema_is_a_fault(world: World):
    await prepared(world)
    made = await ask(world, "generate_example", subject="orders-json", header=True)

    seen = await check(world, made.payload, header=True, subject="orders-value")

    assert not seen.valid
    assert "schema id" in seen.faults[0].message


async def test_an_id_that_the_registry_lacks_is_said(world: World):
    payload = base64.b64encode(b"\0\0\0\0\x63x").decode()

    with pytest.raises(NotFoundError, match="99"):
        await check(world, payload, header=True)


async def test_a_text_with_references_will_do(world: World):
    await world.register(record("city:string", name="Address"), Subject("address"))
    text = json.dumps({"type": "record", "name": "P", "fields": [{"name": "to", "type": "shop.Address"}]})
    references = [{"name": "shop.Address", "subject": "address", "version": 1}]

    made = await ask(world, "generate_example", schema_text=text, references=references)
    seen = await check(world, {"to": {"city": 4}}, schema_text=text, references=references)

    assert json.loads(made.payload)["to"]["city"]
    assert seen.faults[0].path == "/to/city"


async def test_the_same_seed_gives_the_same_example(world: World):
    await prepared(world)

    one, two, other = [await ask(world, "generate_example", subject="orders-value", seed=seed) for seed in (5, 5, 6)]

    assert one.payload == two.payload != other.payload


async def test_a_large_payload_is_refused_before_it_is_read(world: World):
    with pytest.raises(InvalidRequestError, match="is the bound"):
        await check(world, "x" * 6_000_000, schema_text='"string"')
    with pytest.raises(InvalidRequestError, match="is the bound"):
        await check(world, "A" * 50_000_000, header=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"payload": "{}"}, "which schema", id="no-schema"),
        pytest.param({"payload": "{}", "source": "store"}, "which schema", id="no-schema-in-the-store"),
    ],
)
async def test_too_little_said_is_refused(world: World, arguments, words):
    with pytest.raises(InvalidRequestError, match=words):
        await ask(world, "validate_data", **arguments)


async def test_a_text_has_no_id_for_a_header(world: World):
    with pytest.raises(InvalidRequestError, match="schema id"):
        await ask(world, "generate_example", schema_text='"string"', header=True)


@pytest.mark.parametrize("payload", ["not json", "[" * 100_000, "***"])
@pytest.mark.parametrize("encoding", ["json", "base64"])
async def test_what_cannot_be_read_is_a_fault(world: World, payload, encoding):
    seen = await check(world, payload, encoding=encoding, schema_text='"long"')

    assert not seen.valid


async def test_a_large_example_comes_in_parts(world: World):
    fields = [{"name": f"f{n}", "type": "string"} for n in range(2_000)]
    text = json.dumps({"type": "record", "name": "Wide", "fields": fields})

    parts, cursor = [], None
    while True:
        made = await ask(world, "generate_example", schema_text=text, cursor=cursor)
        parts.append(made.payload)
        cursor = made.cursor
        if cursor is None:
            break

    assert len(parts) > 1
    assert len(json.loads("".join(parts))) == 2_000


async def test_reading_tools_write_nothing(world: World):
    await prepared(world)
    before = await world.traces()

    await ask(world, "generate_example", subject="orders-value")
    await check(world, {"id": 1}, subject="orders-value")

    assert await world.traces() == before
