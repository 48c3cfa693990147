"""Exports in every form: what is in them, what fits into a reply, and what a form cannot say."""

import io
import json
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.caller import Grant, Reach, Scope, with_implied
from schema_mcp.domain.errors import (
    InvalidRequestError,
    InvalidSchemaError,
    NotFoundError,
    NotPermittedError,
    RegistryError,
)
from schema_mcp.domain.schema import Reference, Schema, SchemaType, Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.toolkit.paging import REPLY_BYTES
from services.world import ORDERS, V1, V2, World, record

BILL = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer","doc":"Who pays."}]}'
PROTO = 'syntax = "proto3";\npackage shop;\n\nmessage Money {\n  string unit = 1;\n}\n'
FORMS = ["raw", "json", "jsonl", "avdl", "markdown", "html", "confluence", "arrow", "zip", "tar.gz"]
TEXTS = ["json", "jsonl", "markdown", "html", "confluence"]


async def filled(world: World) -> None:
    dev = world.registry("dev")
    await dev.register(Subject("customers"), Schema(record("id:long", name="Customer")))
    await dev.register(Subject("bills"), Schema(BILL, SchemaType.AVRO, (Reference("shop.Customer", "customers", 1),)))
    await dev.register(Subject("money", ".eu"), Schema(PROTO, SchemaType.PROTOBUF))
    await dev.register(ORDERS, Schema(V1))
    await dev.register(ORDERS, Schema(V2))


def content(told: Any) -> bytes:
    """All of an export, from the reply or the file."""
    return Path(told.file).read_bytes() if told.file else told.text.encode()


async def one(world: World, form: str, subject: str = "bills", **more: Any) -> Any:
    return await world.read("export_schema", {"subject": subject, "format": form, **more})


async def many(world: World, form: str, **more: Any) -> Any:
    return await world.read("export_schemas", {"format": form, **more})


@pytest.mark.parametrize("form", FORMS)
async def test_one_version_goes_out_in_any_form(world: World, form: str):
    if form == "arrow":
        pytest.importorskip("pyarrow")
    await filled(world)

    told = await one(world, form)

    assert (told.subject, told.version, told.id, told.source) == ("bills", 1, 2, "dev")
    assert b"of" in content(told) or form in ("zip", "tar.gz")


@pytest.mark.parametrize("form", FORMS)
async def test_many_go_out_in_any_form(world: World, form: str):
    if form == "arrow":
        pytest.importorskip("pyarrow")
    await filled(world)

    told = await many(world, form)

    assert (told.subjects, told.versions) == (4, 5)
    assert bool(told.file) is (form not in TEXTS)
    if told.file:
        assert Path(told.file).parent == world.workspace.exports
        assert len(content(told)) == told.bytes


async def test_json_holds_all_that_belongs_to_a_version(world: World):
    await filled(world)

    told = json.loads((await one(world, "json")).text)

    assert told == {
        "subject": "bills",
        "context": "default",
        "version": 1,
        "schemaId": 2,
        "schemaType": "AVRO",
        "references": [{"name": "shop.Customer", "subject": "customers", "version": 1}],
        "schema": BILL,
        "timestamp": told["timestamp"],
    }


async def test_json_lines_hold_a_version_each(world: World):
    await filled(world)

    rows = [json.loads(line) for line in (await many(world, "jsonl")).text.splitlines()]

    places = [(row["context"], row["subject"], row["version"]) for row in rows]
    assert places == [
        ("default", "bills", 1),
        ("default", "customers", 1),
        ("eu", "money", 1),
        ("default", "orders-value", 1),
        ("default", "orders-value", 2),
    ]


@pytest.mark.parametrize("form", ["markdown", "html", "confluence"])
async def test_a_page_tells_fields_references_and_history(world: World, form: str):
    await filled(world)

    bill = (await one(world, form)).text.replace("\\", "")
    orders = (await one(world, form, "orders-value")).text.replace("\\", "")

    for said in ("Bill.of", "shop.Customer", "Who pays.", "customers"):
        assert said in bill
    assert "note was added: string, default" in orders
    assert orders.count("note") >= 3


async def test_a_page_of_an_earlier_version_ends_there(world: World):
    await filled(world)

    told = await one(world, "markdown", "orders-value", version=1)

    assert "note" not in told.text


async def test_confluence_is_well_formed_xml_however_many_are_in_it(world: World):
    await filled(world)

    told = await many(world, "confluence", to_file=True)

    text = content(told).decode()
    assert len(ET.fromstring(f'<root xmlns:ac="http://example.com/ac">{text}</root>')) > 1


async def test_avro_idl_has_the_referenced_types_inside(world: World):
    await filled(world)

    told = await one(world, "avdl")

    assert told.text.startswith("schema Bill;\n")
    assert "shop.Customer of;" in told.text
    assert "record Customer {" in told.text
    assert told.name == "bills-v1.avdl"


async def test_what_a_form_cannot_say_is_left_out_and_told(world: World):
    await filled(world)

    told = await many(world, "avdl")

    with zipfile.ZipFile(io.BytesIO(content(told))) as archive:
        assert sorted(archive.namelist()) == [
            "default/bills-v1.avdl",
            "default/customers-v1.avdl",
            "default/orders-value-v1.avdl",
            "default/orders-value-v2.avdl",
        ]
    assert told.notes_total == 1
    assert ":.eu:money v1 is left out" in told.notes[0]


async def test_a_form_that_does_not_fit_is_refused_with_another(world: World):
    await filled(world)

    with pytest.raises(InvalidRequestError, match="Avro IDL is made of Avro") as caught:
        await one(world, "avdl", "money", context="eu")

    assert "raw" in caught.value.hint


async def test_a_schema_whose_reference_is_gone_is_told_on_its_page(world: World):
    await filled(world)
    holding = await many(world, "markdown", subjects=["bills"])

    assert "Its fields cannot be told" not in holding.text


@pytest.mark.parametrize("form", ["raw", "json", "markdown", "html", "avdl"])
async def test_a_large_export_comes_in_parts_that_give_the_whole(world: World, form: str):
    fields = [f"f{place}:string=" for place in range(900)]
    await world.registry("dev").register(ORDERS, Schema(record(*fields)))

    told = await one(world, form, "orders-value")
    parts, cursor = [told.text], told.cursor
    while cursor:
        more = await one(world, form, "orders-value", cursor=cursor)
        parts, cursor = [*parts, more.text], more.cursor
    whole = await one(world, form, "orders-value", to_file=True)

    assert len(parts) > 1
    assert "".join(parts).encode() == content(whole)
    assert told.sha256 == whole.sha256
    assert told.link == "schema://dev/default/orders-value/1"
    assert len(told.model_dump_json()) < REPLY_BYTES


async def test_only_what_was_asked_for_goes_out(world: World):
    await filled(world)
    await world.registry("dev").delete_version(ORDERS, 2)

    assert (await many(world, "json", prefix="b")).subjects == 1
    assert (await many(world, "json", context="eu")).subjects == 1
    assert (await many(world, "json", subjects=["bills", "customers"])).versions == 2
    assert (await many(world, "json", subjects=["orders-value"], deleted=True)).deleted == 1
    assert (await many(world, "json", subjects=["orders-value"], latest=True)).versions == 1
    with pytest.raises(NotFoundError, match="no subject of that selection"):
        await many(world, "json", prefix="nobody")


async def test_the_store_goes_out_as_well(world: World):
    await world.register(V1)
    await world.wish(ORDERS, owner="shop", tags=("PII",), description="Orders.")

    told = await many(world, "markdown", source="store")

    assert told.source == "the store"
    for said in ("shop", "PII", "Orders", "Ann"):
        assert said in told.text


async def test_a_registry_that_changes_meanwhile_is_no_backup(world: World, monkeypatch: pytest.MonkeyPatch):
    await filled(world)
    listed = GuardedRegistry.subjects

    async def and_one_more(self: GuardedRegistry, **more: Any) -> list[Subject]:
        return [*await listed(self, **more), Subject("late")]

    monkeypatch.setattr(GuardedRegistry, "subjects", and_one_more)

    with pytest.raises(RegistryError, match="late"):
        await many(world, "zip")


async def test_an_export_of_reads_writes_nothing_in_registry_or_store(world: World):
    await filled(world)
    before = await world.traces()

    for form in ("raw", "zip", "markdown"):
        await many(world, form, to_file=True)

    assert await world.traces() == before


# --- Arrow -----------------------------------------------------------------------------------------------------------


def arrow_of(schema: dict[str, Any]) -> Any:
    pa: Any = pytest.importorskip("pyarrow")
    from schema_mcp.domain.engine import Whole, parse
    from schema_mcp.services.arrow import arrow_schema

    data, _ = arrow_schema(parse(Whole(Schema(json.dumps(schema)))).root)
    return pa.ipc.read_schema(pa.py_buffer(data))


def record_of(*types: Any) -> dict[str, Any]:
    fields = [{"name": f"f{place}", "type": type_} for place, type_ in enumerate(types)]
    return {"type": "record", "name": "R", "doc": "A row.", "fields": fields}


@pytest.mark.parametrize(
    ("type_", "said", "nullable"),
    [
        pytest.param("long", "int64", False, id="long"),
        pytest.param(["null", "string"], "string", True, id="nullable"),
        pytest.param({"type": "int", "logicalType": "date"}, "date32[day]", False, id="date"),
        pytest.param({"type": "long", "logicalType": "timestamp-micros"}, "timestamp[us, tz=UTC]", False, id="moment"),
        pytest.param({"type": "long", "logicalType": "local-timestamp-millis"}, "timestamp[ms]", False, id="local"),
        pytest.param(
            {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
            "decimal128(9, 2)",
            False,
            id="decimal",
        ),
        pytest.param({"type": "fixed", "name": "F", "size": 4}, "fixed_size_binary[4]", False, id="fixed"),
        pytest.param({"type": "array", "items": "int"}, "list<item: int32 not null>", False, id="array"),
        pytest.param({"type": "map", "values": ["null", "int"]}, "map<string, int32>", False, id="map"),
        pytest.param(
            {"type": "enum", "name": "E", "symbols": ["A"]},
            "dictionary<values=string, indices=int32, ordered=0>",
            False,
            id="enum",
        ),
        pytest.param(["null", "int", "string"], "dense_union<int: int32=0, string: string=1>", True, id="union"),
        pytest.param({"type": "int", "logicalType": "nonsense"}, "int32", False, id="unknown-logical"),
    ],
)
def test_each_avro_type_has_its_column(type_: Any, said: str, nullable: bool):
    field = arrow_of(record_of(type_)).field(0)

    assert (str(field.type).replace(" ('items')", ""), field.nullable) == (said, nullable)


def test_docs_go_into_the_columns_metadata():
    assert arrow_of(record_of("int")).metadata == {b"avro.name": b"R", b"doc": b"A row."}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "array", "items": "int"}, id="no-record"),
        pytest.param(record_of(["null", "R"]), id="holds-itself"),
    ],
)
def test_what_has_no_columns_is_refused(schema: dict[str, Any]):
    with pytest.raises(InvalidSchemaError):
        arrow_of(schema)


def test_a_record_used_in_ever_more_places_ends(  # 2 ** 30 columns
):
    type_: Any = {"type": "record", "name": "L0", "fields": [{"name": "a", "type": "int"}]}
    for level in range(30):
        fields = [{"name": "a", "type": type_}, {"name": "b", "type": f"L{level}"}]
        type_ = {"type": "record", "name": f"L{level + 1}", "fields": fields}

    with pytest.raises(InvalidSchemaError, match="more than"):
        arrow_of(type_)


async def test_nobody_exports_what_he_may_not_read(world: World):
    await filled(world)
    reach = Reach(frozenset({"dev"}), subjects=("orders-*",))
    grants = (Grant(Scope.READ, reach),)
    caller = replace(world.workspace.caller, name="bob", scopes=with_implied([Scope.READ]), grants=grants)
    bob = World(replace(world.workspace, caller=caller))

    told = await many(bob, "zip")

    assert (told.subjects, told.versions) == (1, 2)
    with zipfile.ZipFile(io.BytesIO(content(told))) as archive:
        assert "customers" not in archive.read("manifest.json").decode()
    with pytest.raises(NotPermittedError):
        await bob.read("import_schemas", {"path": told.name, "registry": "dev"})
