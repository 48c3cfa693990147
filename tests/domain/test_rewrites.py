"""How two texts are alike, from spelling to words that no data depends on."""

import json
from typing import Any

import pytest

from schema_mcp.domain.engine import Whole
from schema_mcp.domain.rewrites import Rewrite, of_references, of_text
from schema_mcp.domain.schema import Reference, Schema, SchemaType

FIELD: dict[str, Any] = {"name": "id", "type": "long"}
PROTO = 'syntax = "proto3";\npackage shop;\n\nmessage Order {\n  int64 id = 1;\n}\n'


def avro(*fields: dict[str, Any], **more: Any) -> str:
    return json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": fields or [FIELD], **more})


@pytest.mark.parametrize(
    ("kind", "ours", "theirs", "rewrite"),
    [
        pytest.param("AVRO", avro(), json.dumps(json.loads(avro()), indent=3), Rewrite.SPELLING, id="white-space"),
        pytest.param(
            "AVRO", avro(), '{"type":"record","name":"shop.Order","fields":[{"type":"long","name":"id"}]}',
            Rewrite.SPELLING, id="a-full-name",
        ),
        pytest.param("AVRO", avro(a="1", b="2"), avro(b="2", a="1"), Rewrite.ORDER, id="order-of-properties"),
        pytest.param("AVRO", avro(), avro(doc="An order"), Rewrite.DOCS, id="a-doc"),
        pytest.param("AVRO", avro(), avro(FIELD | {"doc": "Its id"}), Rewrite.DOCS, id="the-doc-of-a-field"),
        pytest.param("AVRO", avro(), avro(aliases=["Old"]), Rewrite.ALIASES, id="an-alias"),
        pytest.param("AVRO", avro(), avro(owner="sales"), Rewrite.WORDS, id="an-own-property"),
        pytest.param("AVRO", avro(), avro(FIELD | {"order": "ignore"}), Rewrite.WORDS, id="the-order-of-a-field"),
        pytest.param("AVRO", avro(), avro(FIELD | {"default": 1}), None, id="a-default"),
        pytest.param(
            "AVRO",
            avro({"name": "m", "type": {"type": "map", "values": "string"}, "default": {"doc": "a"}}),
            avro({"name": "m", "type": {"type": "map", "values": "string"}, "default": {"doc": "b"}}),
            None,
            id="a-default-that-holds-a-doc",
        ),
        pytest.param(
            "AVRO", avro(), avro({"name": "id", "type": {"type": "long", "logicalType": "timestamp-millis"}}),
            None, id="a-logical-type",
        ),
        pytest.param("AVRO", avro(), avro({"name": "id", "type": "int"}), None, id="a-type"),
        pytest.param("AVRO", avro(), "no schema", None, id="no-schema"),
        pytest.param(
            "JSON", '{"type":"object","title":"t"}', '{"title":"t","type":"object"}', Rewrite.ORDER, id="order-of-keys"
        ),
        pytest.param("JSON", '{"title":"a"}', '{"title":"b"}', None, id="a-title"),
        pytest.param("PROTOBUF", PROTO, "// said\n" + PROTO, Rewrite.SPELLING, id="a-comment"),
    ],
)  # fmt: skip
def test_texts_are_alike_in_the_smallest_way(kind: str, ours: str, theirs: str, rewrite: Rewrite | None):
    one, other = Whole(Schema(ours, SchemaType(kind))), Whole(Schema(theirs, SchemaType(kind)))

    assert of_text(one, other) is rewrite
    assert of_text(other, one) is rewrite


def test_texts_of_two_languages_are_never_alike():
    assert of_text(Whole(Schema('"string"')), Whole(Schema("true", SchemaType.JSON))) is None


def test_references_may_differ_in_the_number_of_the_latest_version():
    latest, third = Reference("r", "s", -1), Reference("r", "s", 3)

    assert of_references([latest], [third]) is Rewrite.LATEST
    assert of_references([Reference("r", "s", 2)], [third]) is None
    assert of_references([latest], [Reference("r", "t", 3)]) is None
    assert of_references([latest], []) is None
