"""What the one way to parse refuses before it looks at a text."""

import json

import pytest

from schema_mcp.domain.engine import LARGEST_TEXT, MOST_PARTS, Whole, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.schema import Schema, SchemaType

MANY = json.dumps({"enum": list(range(MOST_PARTS + 2))})
FIELDS = [{"name": f"f{number}", "type": "int"} for number in range(10_000)]


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        pytest.param('"' + "x" * LARGEST_TEXT + '"', SchemaType.AVRO, "characters", id="too-long"),
        pytest.param(MANY, SchemaType.JSON, "parts", id="too-many-values"),
    ],
)
def test_a_text_beyond_the_bounds_is_refused_with_the_bound(text: str, kind: SchemaType, reason: str):
    with pytest.raises(InvalidSchemaError, match=reason) as refused:
        parse(Whole(Schema(text, kind)), new=True)

    assert refused.value.hint


def test_ten_thousand_fields_are_within_the_bounds():
    text = json.dumps({"type": "record", "name": "Wide", "fields": FIELDS})

    assert len(parse(Whole(Schema(text)), new=True).root.fields) == len(FIELDS)
