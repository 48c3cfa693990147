"""JSON data: our judgement is that of another validator, examples hold, and nothing can be stretched."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError
from schema_mcp.domain.json_schema.loader import load
from schema_mcp.domain.json_schema.payloads import JSON
from schema_mcp.domain.json_schema.text import read
from schema_mcp.domain.payloads import FaultError, read_json
from schema_mcp.domain.schema import Dependency

CASES = Path(__file__).parents[1] / "cases" / "compatibility" / "json_schema.json"
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
MODERN = "https://json-schema.org/draft/2020-12/schema"

NOTHING_FITS = {
    *(18, 25, 37, 61, 67, 149, 150, 153, 155, 158, 160, 162, 164, 258, 340, 341, 374, 375, 376, 377, 396, 397, 416),
    *(426, 431, 475, 478, 479, 494, 509, 517, 521, 524, 534),
}  # fmt: skip
"""Rows with a schema that asks for two types at once, for a property it forbids, or the like."""


def schema(text, dependencies=()):
    return SimpleNamespace(document=read(text), dependencies=tuple(dependencies))


def faults(document, value):
    return [(fault.path, fault.message) for fault in JSON.faults(schema(json.dumps(document)), value, "")]


ORDER = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "lines": {"type": "array", "items": {"$ref": "#/definitions/line"}, "uniqueItems": True},
        "a/b": {"enum": ["x", 1]},
    },
    "required": ["id"],
    "additionalProperties": False,
    "definitions": {"line": {"type": "object", "properties": {"sku": {"type": "string", "pattern": "^[A-Z]{2}$"}}}},
}


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        pytest.param({"id": "x"}, "/id", "expected integer", id="type"),
        pytest.param({"id": 0}, "/id", "less than 1", id="limit"),
        pytest.param({}, "", "'id' is missing", id="missing"),
        pytest.param({"id": 1, "x": 1}, "/x", "no such property", id="unknown"),
        pytest.param({"id": 1, "lines": [{}, {"sku": "abc"}]}, "/lines/1/sku", "match", id="behind-a-reference"),
        pytest.param({"id": 1, "lines": [{"n": 1}, {"n": 1.0}]}, "/lines", "twice", id="equal-numbers"),
        pytest.param({"id": 1, "a/b": True}, "/a~1b", "none of", id="true-is-not-one"),
    ],
)
def test_a_fault_names_its_place(value, path, words):
    (found,) = faults(ORDER, value)

    assert found[0] == path
    assert words in found[1]


def test_every_fault_is_told_up_to_a_bound():
    found = faults({"items": {"type": "string"}}, list(range(500)))

    assert found[0][0] == "/0"
    assert len(found) == 50


@pytest.mark.parametrize(
    ("document", "value", "fits"),
    [
        pytest.param({"$schema": DRAFT_4, "minimum": 1, "exclusiveMinimum": True}, 1, False, id="exclusive-draft-4"),
        pytest.param({"$schema": DRAFT_4, "type": "integer"}, 1.0, False, id="1.0-is-no-integer-in-draft-4"),
        pytest.param({"type": "integer"}, 1.0, True, id="1.0-is-an-integer-later"),
        pytest.param({"$ref": "#/definitions/a", "type": "string", "definitions": {"a": {}}}, 1, True, id="ref-alone"),
        pytest.param(
            {"$schema": MODERN, "$ref": "#/$defs/a", "type": "string", "$defs": {"a": {}}}, 1, False, id="ref-beside"
        ),
        pytest.param({"$ref": "#"}, 1, True, id="a-circle-asks-nothing"),
        pytest.param(
            {"$schema": MODERN, "allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
            {"a": 1},
            True,
            id="seen-elsewhere",
        ),
        pytest.param(
            {"$schema": MODERN, "allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
            {"b": 1},
            False,
            id="not-seen",
        ),
        pytest.param({"if": {"const": 1}, "then": {"type": "string"}, "else": {"type": "integer"}}, 2, True, id="else"),
        pytest.param({"if": {"const": 1}, "then": {"type": "string"}}, 1, False, id="then"),
        pytest.param({"multipleOf": 0.1}, read_json("0.3"), True, id="decimals-are-exact"),
        pytest.param({"dependencies": {"a": ["b"]}}, {"a": 1}, False, id="dependencies"),
        pytest.param({"contains": {"const": 1}}, [2], False, id="contains"),
    ],
)
def test_each_draft_has_its_own_rules(document, value, fits):
    assert (faults(document, value) == []) is fits


def test_a_referenced_text_counts():
    whole = schema(
        '{"properties": {"to": {"$ref": "address.json"}}}', [Dependency("address.json", '{"type": "object"}')]
    )

    assert [fault.path for fault in JSON.faults(whole, {"to": 1}, "")] == ["/to"]


def test_a_pattern_made_to_stretch_a_matcher_does_not():
    began = time.perf_counter()

    faults({"pattern": "^(a+)+$"}, "a" * 60 + "!")
    faults({"pattern": "^(a+)+$"}, "a" * 1_000_000)

    assert time.perf_counter() - began < 5


def test_many_names_with_many_patterns_come_to_an_end():
    began = time.perf_counter()
    patterns = {"patternProperties": {f"(a|b){{1,{n}}}x": {} for n in range(1, 100)}}

    with pytest.raises(InvalidRequestError, match="too many steps"):
        faults(patterns, {f"{'ab' * 100}{n}": 1 for n in range(10_000)})

    assert time.perf_counter() - began < 30


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 5_000 + "]" * 5_000, id="deep"),
        pytest.param("1e99999999", id="exponent"),
        pytest.param("NaN", id="no-number"),
        pytest.param("{} {}", id="two-values"),
        pytest.param("", id="nothing"),
        pytest.param("9" * 10_000, id="digits"),
    ],
)
def test_a_text_that_is_no_bearable_json_is_refused(text):
    with pytest.raises(FaultError):
        read_json(text)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(FaultError, match="UTF-8"):
        JSON.read(schema("{}"), b"\xff", "")


def rows():
    for row in json.loads(CASES.read_text("utf-8")):
        for index, side in enumerate([row["new"], *row["previous"]]):
            if side.get("schemaType", "JSON") == "JSON":
                yield pytest.param(row["id"], side, id=f"{row['id']}-{index}")


def judged_by_another(text, dependencies):
    """A validator of another library, or None where it cannot take the schema."""
    document = json.loads(text)
    if dependencies or not isinstance(document, dict | bool):
        return None
    validator = jsonschema.validators.validator_for(document, default=jsonschema.Draft7Validator)
    if validator.META_SCHEMA.get("$schema", "").startswith("https://json-schema.org/draft/2019"):
        return None  # a registry reads it by the rules of 2020-12
    return validator(document)


VALUES = [
    None,
    1.5,
    -20,
    7,
    "",
    "AB",
    [],
    ["x", 1, True],
    [1, 1],
    {},
    {"tag": 1},
    {"ref": "a", "seat": 1, "price": None},
]


@pytest.mark.parametrize(("row", "side"), [*rows()])
def test_examples_hold_and_verdicts_are_those_of_another_validator(row, side):
    dependencies = [Dependency(one["name"], one["dependency"]) for one in side.get("dependencies", ())]
    parsed = schema(side["schema"], dependencies)
    try:
        load(parsed.document, dependencies)
    except InvalidSchemaError:
        return
    other = judged_by_another(side["schema"], dependencies)

    values = [*VALUES]
    try:
        values += [JSON.example(parsed, seed, "") for seed in range(2)]
        assert JSON.example(parsed, 0, "") == values[-2]
        assert [JSON.faults(parsed, value, "") for value in values[-2:]] == [[], []]
    except InvalidRequestError:
        assert int(row.removeprefix("json-")) in NOTHING_FITS

    for value in values:
        plain = json.loads(JSON.written(parsed, value, ""))
        assert other is None or other.is_valid(plain) is (JSON.faults(parsed, value, "") == [])


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"type": "string", "pattern": "^[A-Z]{3}-\\d{4,}$", "minLength": 12}, id="pattern-and-length"),
        pytest.param({"type": "integer", "minimum": 1000, "multipleOf": 7}, id="multiple"),
        pytest.param({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001}, id="narrow"),
        pytest.param({"type": "array", "uniqueItems": True, "minItems": 5, "items": {"type": "integer"}}, id="unique"),
        pytest.param({"type": "object", "minProperties": 3, "propertyNames": {"pattern": "^k_[a-z]+$"}}, id="names"),
        pytest.param({"type": "object", "patternProperties": {"^x-": {"type": "null"}}, "minProperties": 2,
                      "additionalProperties": False}, id="pattern-properties"),
        pytest.param({"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 5}], "minimum": 5}, id="only-one"),
        pytest.param({"type": "object", "required": ["next"], "properties": {"next": {
            "anyOf": [{"type": "null"}, {"$ref": "#"}]}}}, id="recursion"),
        pytest.param({"type": "string", "format": "date-time"}, id="format"),
    ],
)  # fmt: skip
def test_demanding_schemas_have_examples(document):
    parsed = schema(json.dumps(document))

    for seed in range(5):
        assert JSON.faults(parsed, JSON.example(parsed, seed, ""), "") == []


def test_where_there_is_no_example_that_is_said():
    with pytest.raises(InvalidRequestError, match="No example"):
        JSON.example(schema("false"), 0, "")
