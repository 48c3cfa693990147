"""Avro IDL as text; that Avro's own parser reads it back as the same schema is proven in `make live`."""

import json
from typing import Any

import pytest

from schema_mcp.domain.avro.idl import idl
from schema_mcp.domain.engine import Whole, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.schema import Dependency, Schema


def written(schema: Any, *dependencies: Dependency) -> str:
    return idl(parse(Whole(Schema(json.dumps(schema)), dependencies)).root).text


def record(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Order", "namespace": "shop", "fields": list(fields), **more}


def test_a_record_reads_as_people_would_write_it():
    text = written(
        record(
            {"name": "id", "type": "long", "doc": "Its number."},
            {"name": "note", "type": ["null", "string"], "default": None},
            doc="An order.",
        )
    )

    assert text == (
        "namespace shop;\nschema shop.Order;\n\n/** An order. */\nrecord Order {\n    /** Its number. */\n"
        "    long id;\n    union { null, string } note = null;\n}\n"
    )


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        pytest.param("string", "string f;", id="primitive"),
        pytest.param({"type": "int", "logicalType": "date"}, "date f;", id="date"),
        pytest.param({"type": "long", "logicalType": "timestamp-millis"}, "timestamp_ms f;", id="timestamp"),
        pytest.param(
            {"type": "long", "logicalType": "timestamp-micros"}, '@logicalType("timestamp-micros") long f;', id="micros"
        ),
        pytest.param(
            {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "decimal(9, 2) f;", id="decimal"
        ),
        pytest.param({"type": "string", "team": "a"}, '@team("a") string f;', id="property"),
        pytest.param({"type": "array", "items": {"type": "map", "values": "long"}}, "array<map<long>> f;", id="nested"),
        pytest.param(["null", "Order"], "union { null, shop.Order } f;", id="itself"),
        pytest.param(
            {"type": "enum", "name": "E", "symbols": ["A", "enum"]}, "enum E { A, `enum` }", id="word-of-the-language"
        ),
        pytest.param({"type": "fixed", "name": "F", "namespace": "", "size": 4}, "", id="hidden-name"),
    ],
)
def test_each_type_has_its_words(type_: Any, said: str):
    if not said:
        with pytest.raises(InvalidSchemaError, match="has no namespace"):
            written(record({"name": "f", "type": type_}))
    else:
        assert said in written(record({"name": "f", "type": type_}))


def test_a_field_carries_its_order_aliases_and_properties():
    field = {"name": "id", "type": "long", "order": "descending", "aliases": ["no"], "pii": True}

    assert 'long @order("descending") @aliases(["no"]) @pii(true) id;' in written(record(field))


def test_referenced_types_are_declared_inside():
    customer = Dependency("shop.Customer", json.dumps({**record(), "name": "Customer"}))

    text = written(record({"name": "of", "type": "shop.Customer"}), customer)

    assert "record Customer {" in text
    assert "shop.Customer of;" in text


def test_a_type_in_another_namespace_says_so():
    inner = {"type": "enum", "name": "other.E", "symbols": ["A"]}

    text = written(record({"name": "e", "type": inner}))

    assert '@namespace("other")\nenum E { A }' in text
    assert "other.E e;" in text


def test_a_property_that_is_no_annotation_is_left_out_and_told():
    parsed = parse(Whole(Schema(json.dumps(record({"name": "f", "type": "int", "confluent:tags": ["PII"]})))))

    text, notes = idl(parsed.root)

    assert "    int f;" in text
    assert notes == ("The property 'confluent:tags' is left out: IDL has no way to write it.",)


def test_a_doc_that_would_end_its_comment_is_written_otherwise_and_told():
    text, notes = idl(parse(Whole(Schema(json.dumps(record(doc="ends */ here"))))).root)

    assert "/** ends * / here */" in text
    assert len(notes) == 1


def test_a_deep_schema_needs_no_stack():
    type_: Any = "int"
    for _ in range(450):
        type_ = {"type": "array", "items": type_}

    assert written(type_).startswith("schema array<array<")
