"""Large, deep, recursive and hostile JSON Schemas: a verdict or a refusal that says why, and soon."""

import json
import time
import tracemalloc
from contextlib import contextmanager

import pytest
from json_schema_cases import DRAFT_7, MODERN, breaks, text, told

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.format import JSON_SCHEMA

CEILING = 10
"""Seconds; the promise is one, and a hang takes far more than ten."""


@contextmanager
def no_hang():
    started = time.monotonic()
    yield
    assert time.monotonic() - started < CEILING


def differences(reader, writer):
    with no_hang():
        read, written = (JSON_SCHEMA.parse(one if isinstance(one, str) else text(one)) for one in (reader, writer))
        return JSON_SCHEMA.differences(read, written, Rules())


def fields(count, kind="string"):
    return {"properties": {f"field_{number}": {"type": kind} for number in range(count)}, "additionalProperties": False}


def nested(levels, leaf):
    return '{"properties":{"a":' * levels + json.dumps(leaf) + "}}" * levels


def nested_nullable(levels, leaf):
    head = '{"properties":{"a":{"anyOf":[{"type":"null"},'
    return head * levels + json.dumps(leaf) + "]}}}" * levels


def tagged(count, kind="string"):
    members = [{"properties": {"v": {"type": kind}, "tag": {"const": number}}} for number in range(count)]
    return {"oneOf": members}


def mutual(count, kind, draft=DRAFT_7):
    links = {f"to_{number}": {"$ref": f"#/definitions/D{number}"} for number in range(count)}
    definitions = {f"D{number}": {"properties": links | {"value": {"type": kind}}} for number in range(count)}
    return {"$schema": draft, "definitions": definitions, "$ref": "#/definitions/D0"}


def test_ten_thousand_fields_get_a_verdict():
    assert differences(fields(10_000), fields(10_000)) == []
    assert breaks(differences(fields(10_000), fields(10_000, "integer")))


@pytest.mark.parametrize("levels", [200, 480])
def test_deep_nesting_gets_a_verdict(levels):
    listed = differences(nested(levels, {"type": "number"}), nested(levels, {"type": "integer"}))

    assert list(map(told, listed)) == ["TYPE_EXTENDED #" + "/properties/a" * levels]


def test_deep_alternatives_get_a_verdict():
    assert not breaks(differences(nested_nullable(200, {"type": "number"}), nested_nullable(200, {"type": "integer"})))
    assert breaks(differences(nested_nullable(200, {"type": "string"}), nested_nullable(200, {"type": "integer"})))


@pytest.mark.parametrize("levels", [1_000, 100_000])
def test_deeper_nesting_is_refused(levels):
    with no_hang(), pytest.raises(InvalidSchemaError, match="nested more than 1000 levels"):
        JSON_SCHEMA.parse(nested(levels, {}))


def test_a_hundred_alternatives_on_both_sides_get_a_verdict():
    assert differences(tagged(100), tagged(100)) == []
    assert breaks(differences(tagged(100), tagged(100, "integer")))
    alike = {"anyOf": [{"properties": {"p": {"maxLength": number}}} for number in range(100)]}
    turned = {"anyOf": alike["anyOf"][::-1]}
    assert not breaks(differences(alike, turned))


def test_thousands_of_alternatives_get_a_verdict_or_a_refusal():
    strings = {"anyOf": [{"type": "string", "maxLength": number} for number in range(3_000)]}
    integers = {"anyOf": [{"type": "integer", "maximum": number} for number in range(3_000)]}

    with pytest.raises(InvalidSchemaError, match="takes more than 250,000 steps"):
        differences(strings, integers)
    assert not breaks(differences(tagged(1_000), tagged(1_000)))


@pytest.mark.parametrize("draft", [DRAFT_7, MODERN])
@pytest.mark.parametrize("count", [2, 5, 15])
def test_definitions_that_all_refer_to_each_other_get_a_verdict(count, draft):
    assert not breaks(differences(mutual(count, "number", draft), mutual(count, "integer", draft)))
    assert breaks(differences(mutual(count, "integer", draft), mutual(count, "number", draft)))


def test_references_that_double_on_every_level_get_a_verdict():
    def doubling(leaf):
        links = {
            f"D{level}": {"properties": {name: {"$ref": f"#/definitions/D{level + 1}"} for name in "ab"}}
            for level in range(40)
        }
        return {"definitions": {**links, "D40": leaf}, "$ref": "#/definitions/D0"}

    assert differences(doubling({"type": "string"}), doubling({"type": "string"})) == []
    assert breaks(differences(doubling({"type": "string"}), doubling({"type": "integer"})))


def test_long_chains_of_references_get_a_verdict():
    def chain(leaf):
        links = {f"D{number}": {"$ref": f"#/definitions/D{number + 1}"} for number in range(5_000)}
        return {"definitions": {**links, "D5000": leaf}, "$ref": "#/definitions/D0"}

    assert list(map(told, differences(chain({"type": "string"}), chain({"type": "integer"})))) == ["TYPE_CHANGED #/"]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"$ref": "#"}, id="itself"),
        pytest.param({"allOf": [{"$ref": "#/allOf/0"}]}, id="its own member"),
        pytest.param({"$ref": "#/definitions/A", "definitions": {"A": {"$ref": "#"}}}, id="in a ring"),
        pytest.param({"not": {"$ref": "#"}}, id="its own negation"),
        pytest.param({"oneOf": [{"$ref": "#"}, {"type": "string"}]}, id="its own alternative"),
        pytest.param({"items": {"anyOf": [{"$ref": "#"}, {"$ref": "#/items"}]}}, id="crosswise"),
    ],
)
def test_references_in_circles_get_a_verdict(document):
    assert not breaks(differences(document, document))
    differences(document, {"type": "string"})
    differences({"type": "string"}, document)


def test_a_text_beyond_five_megabytes_is_refused():
    with no_hang(), pytest.raises(InvalidSchemaError, match="the bound is 5,000,000"):
        JSON_SCHEMA.parse('{"title":"' + "a" * 5_000_000 + '"}')


def test_too_many_inner_schemas_are_refused():
    with no_hang(), pytest.raises(InvalidSchemaError, match="more than 50,000 inner schemas"):
        JSON_SCHEMA.parse(text(fields(60_000)), new=True)


def test_numbers_with_endless_digits_do_not_fill_the_memory():
    listed = differences('{"multipleOf":1e999999999,"maximum":1e999999999}', '{"multipleOf":3,"maximum":3}')

    assert list(map(told, listed)) == ["MAXIMUM_INCREASED #/maximum", "MULTIPLE_OF_CHANGED #/multipleOf"]
    with pytest.raises(InvalidSchemaError):
        JSON_SCHEMA.parse('{"maxLength":1e999999999}', new=True)
    with pytest.raises(InvalidSchemaError):
        JSON_SCHEMA.parse(f'{{"$schema":"{MODERN}","maxLength":1e999999999}}', new=True)


def test_too_much_pattern_text_is_refused():
    with no_hang(), pytest.raises(InvalidSchemaError, match="patterns have more than"):
        JSON_SCHEMA.parse(
            text({"properties": {f"f{number}": {"pattern": f"{number}" + "(a|b)*" * 200} for number in range(100)}}),
            new=True,
        )


def test_a_flood_of_hostile_patterns_is_refused():
    patterns = {"patternProperties": {f"(?=(a+)+b){number}": {} for number in range(100)}}
    flooded = patterns | {"properties": {"a" * 200 + str(number): {} for number in range(50)}}

    with pytest.raises(InvalidSchemaError, match="steps"):
        differences(flooded, patterns)


def test_a_large_comparison_stays_within_its_memory():
    reader, writer = text(fields(10_000)), text(fields(10_000, "integer"))
    tracemalloc.start()

    differences(reader, writer)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000_000


def test_words_lint_and_mending_are_as_quick_on_large_schemas():
    reader, writer = (JSON_SCHEMA.parse(text(fields(5_000, kind))) for kind in ("string", "integer"))

    with no_hang():
        assert len(JSON_SCHEMA.changes(writer, reader)) == 5_000
        assert len(JSON_SCHEMA.names(reader)) == 5_000
        assert JSON_SCHEMA.lint(reader, reader.canonical)
        assert JSON_SCHEMA.lint_change(reader, writer) == []
        first = JSON_SCHEMA.differences(reader, writer, Rules())[0]
        assert JSON_SCHEMA.mended(reader, writer, first, reads=True)
