"""Is a text a schema, and what would a registry make of it: held against what our registry does make of it."""

import json
from typing import Any

import pytest

from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.schema import Schema, SchemaType, Subject
from services.asking import ask
from services.confluent import dead, reached_over_rest
from services.world import ORDERS, V1, World

CUSTOMER = '{"type":"record","name":"Customer","namespace":"shop","fields":[]}'
USER = '{"type":"record","name":"Use","namespace":"shop","fields":[{"name":"c","type":"shop.Customer"}]}'
USES = [{"name": "shop.Customer", "subject": "customer", "version": 1}]
JSON = '{"type": "object", "title": "a", "description": "b"}'
PROTO = 'syntax = "proto3";\npackage shop;\nmessage A {\n  string b = 2;\n  string a = 1;\n}\n'


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param(V1, SchemaType.AVRO, id="avro"),
        pytest.param(JSON, SchemaType.JSON, id="json"),
        pytest.param(PROTO, SchemaType.PROTOBUF, id="protobuf"),
    ],
)
@pytest.mark.parametrize("form", ["canonical", "normalized"])
async def test_it_says_what_the_registry_will_keep(world: World, text: str, kind: SchemaType, form: str):
    told = await ask(world, "validate_schema", schema_text=text, schema_type=kind, form=form)

    kept = await world.registry().register(ORDERS, Schema(text, kind), normalize=form == "normalized")
    assert told.valid
    assert told.schema_text == kept.schema.text
    if form == "canonical":
        assert told.guid == kept.guid


async def test_a_text_that_is_kept_as_it_is_is_said_to_be(world: World):
    compact = json.dumps(json.loads(V1), separators=(",", ":"))

    assert (await ask(world, "validate_schema", schema_text=compact)).is_canonical
    assert not (await ask(world, "validate_schema", schema_text=V1)).is_canonical
    assert not (await ask(world, "validate_schema", schema_text=PROTO, schema_type="PROTOBUF")).is_normalized


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"schema_text": '{"type":"no-such-type"}'}, id="no-schema"),
        pytest.param({"schema_text": "{"}, id="no-json"),
        pytest.param({"schema_text": "message", "schema_type": "PROTOBUF"}, id="no-protobuf"),
        pytest.param({"schema_text": V1, "rule_set": {"domainRules": [{"name": 1}]}}, id="bad-rules"),
        pytest.param({"schema_text": V1, "metadata": {"properties": []}}, id="bad-metadata"),
        pytest.param({"schema_text": USER, "references": USES}, id="dangling-reference"),
        pytest.param({"schema_text": USER}, id="unresolved-name"),
    ],
)
async def test_what_no_registry_takes_is_invalid_with_the_reason(world: World, arguments: dict[str, Any]):
    told = await ask(world, "validate_schema", **arguments)

    assert not told.valid
    assert told.error
    assert told.exit_code == 1
    assert not told.schema_text


async def test_references_are_found_in_the_context_of_the_subject(world: World):
    await world.registry().register(Subject("customer", ".eu"), Schema(CUSTOMER))

    assert (await ask(world, "validate_schema", schema_text=USER, references=USES, context="eu")).valid
    assert not (await ask(world, "validate_schema", schema_text=USER, references=USES)).valid


async def test_without_references_nobody_is_asked(world: World):
    over = reached_over_rest(world, {"west": dead()})

    assert (await ask(over, "validate_schema", schema_text=V1)).valid
    with pytest.raises(RegistryError):
        await ask(over, "validate_schema", schema_text=USER, references=USES)


async def test_what_is_worth_saying_is_said_and_counted(world: World):
    odd = {"type": "record", "name": "lower", "fields": [{"name": "x", "type": "int", "logicalType": "date"}]}

    told = await ask(world, "validate_schema", schema_text=json.dumps(odd))

    assert told.valid
    assert told.findings_total == len(told.findings) > 0


async def test_a_long_text_comes_in_parts(world: World):
    fields = [{"name": f"field_{number}", "type": "string"} for number in range(600)]
    text = json.dumps({"type": "record", "name": "Long", "fields": fields}, separators=(",", ":"))

    first = await ask(world, "validate_schema", schema_text=text)
    parts, cursor = [first.schema_text], first.cursor
    while cursor:
        more = await ask(world, "validate_schema", schema_text=text, cursor=cursor)
        parts.append(more.schema_text)
        cursor = more.cursor

    assert len(parts) > 1
    assert "".join(parts) == text
