"""What could be better about a schema: each rule by what it says, and by what it leaves alone."""

import json
from typing import Any

import pytest

from schema_mcp.domain.compatibility import check
from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.improvement import Customs, Improvement, customs_of, improvements, style_of
from schema_mcp.domain.schema import Level, Schema, SchemaType


def record(*fields: Any, name: str = "Order", doc: str = "d") -> str:
    told = [{"name": one, "type": "string", "doc": "d"} if isinstance(one, str) else one for one in fields]
    return json.dumps({"type": "record", "name": name, "doc": doc, "fields": told})


def names_of(text: str, kind: SchemaType = SchemaType.AVRO) -> Any:
    return format_of(kind).names(parse(Whole(Schema(text, kind))))


def seen(
    text: str, customs: Customs | None = None, kind: SchemaType = SchemaType.AVRO
) -> dict[tuple[str, str], Improvement]:
    parsed = parse(Whole(Schema(text, kind)))
    language = format_of(kind)
    found = improvements(language.names(parsed), customs or Customs(0), language.advice(parsed))
    return {(one.rule, one.path): one for one in found}


ESTATE = customs_of(names_of(record("event_id", "occurred_at", f"own_{n}", name=f"OrderPaid{n}")) for n in range(5))


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("order_id", "snake_case"),
        ("orderId", "camelCase"),
        ("OrderPaid", "PascalCase"),
        ("ORDER_ID", "UPPER_CASE"),
        ("id", None),
        ("Order_id", None),
        ("", None),
    ],
)
def test_the_style_of_a_name(name: str, style: str | None):
    assert style_of(name) == style


def test_customs_are_what_most_schemas_of_an_estate_do():
    assert (ESTATE.schemas, ESTATE.field_style, ESTATE.type_style) == (5, "snake_case", "PascalCase")
    assert ESTATE.common == {"event_id": (1.0, "string"), "occurred_at": (1.0, "string")}


def test_two_schemas_make_no_custom():
    assert customs_of(names_of(record("a_b")) for _ in range(2)) == Customs(2)


def test_an_estate_that_is_of_two_minds_has_no_style():
    mixed = customs_of(names_of(record("a_b", "aB")) for _ in range(4))
    assert mixed.field_style is None


def test_what_is_written_otherwise_than_the_estate_writes_is_named():
    found = seen(record("event_id", "occurred_at", "orderTotal"), ESTATE)
    assert ("naming", "Order.orderTotal") in found
    assert not found["naming", "Order.orderTotal"].safe


def test_a_field_that_most_others_have_is_missed():
    found = seen(record("event_id"), ESTATE)
    assert [path for rule, path in found if rule == "common_field"] == ["occurred_at"]


def test_a_nested_field_does_not_stand_for_one_at_the_top():
    inner = {"name": "in", "doc": "d", "type": {"type": "record", "name": "I", "doc": "d", "fields": [
        {"name": "occurred_at", "type": "string", "doc": "d"}]}}  # fmt: skip
    assert ("common_field", "occurred_at") in seen(record("event_id", inner), ESTATE)


def test_types_and_fields_without_a_doc_are_named():
    found = seen(record("a", {"name": "b", "type": "string"}, doc=""))
    assert {path for rule, path in found if rule == "docs"} == {"Order.b", "Order"}


OBJECT = '{"type":"object","properties":{"p":%s}}'
NULLABLE = {"name": "n", "doc": "d", "type": ["null", "string"]}
ENUM = {"name": "e", "doc": "d", "type": {"type": "enum", "name": "E", "doc": "d", "symbols": ["A"]}}


@pytest.mark.parametrize(
    ("kind", "text", "place"),
    [
        pytest.param("AVRO", record(NULLABLE), ("nullable_default", "Order.n"), id="Avro null"),
        pytest.param("AVRO", record(ENUM), ("enum_default", "E"), id="Avro enum"),
        pytest.param("JSON", OBJECT % '{"type":["null","string"]}', ("nullable_default", "p"), id="JSON null"),
        pytest.param("JSON", OBJECT % '{"enum":["A"]}', ("enum_default", "p"), id="JSON enum"),
        pytest.param("PROTOBUF", 'syntax="proto3";package p;enum E {A = 0;}', ("enum_zero", "p.E"), id="Protobuf zero"),
        pytest.param("PROTOBUF", 'syntax="proto3";message M {}', ("package", ""), id="Protobuf package"),
    ],
)  # fmt: skip
def test_what_a_language_makes_hard_to_evolve_is_named(kind: str, text: str, place: tuple[str, str]):
    assert place in seen(text, kind=SchemaType(kind))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("AVRO", record(NULLABLE | {"default": None})),
        ("AVRO", record(ENUM | {"type": ENUM["type"] | {"default": "A"}})),
        ("JSON", '{"type":"object","properties":{"n":{"type":["null","string"],"default":null,"description":"d"}}}'),
        ("PROTOBUF", 'syntax="proto3";package p;\n// d\nenum E {E_UNSPECIFIED = 0;}'),
    ],
)
def test_what_is_well_made_is_left_alone(kind: str, text: str):
    assert seen(text, kind=SchemaType(kind)) == {}


def test_what_is_called_safe_breaks_nobody_at_any_level():
    plain = record(NULLABLE, ENUM, {"name": "b", "type": "string"}, doc="")
    better = record(
        NULLABLE | {"default": None},
        ENUM | {"type": ENUM["type"] | {"default": "A"}},
        {"name": "b", "type": "string", "doc": "what it means"},
        {"name": "event_id", "type": "string", "default": "", "doc": "d"},
    )
    old = Whole(Schema(plain), number=1)
    assert check(Whole(Schema(better)), [old], Level.FULL_TRANSITIVE).compatible
