"""JSON Schema texts: which are taken, what is stored, and where references lead."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_schema_cases import DOCUMENTS, MODERN, parsed, rows, text

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.format import JSON_SCHEMA
from schema_mcp.domain.schema import Dependency


def canonical(schema):
    return JSON_SCHEMA.parse(schema).canonical


def is_valid(schema, *given):
    try:
        JSON_SCHEMA.parse(schema, given, new=True)
    except InvalidSchemaError:
        return False
    return True


def referenced(row):
    return [Dependency(one["name"], one["schema"]) for one in row.get("references", [])]


@pytest.mark.parametrize("row", rows("compatibility/canonical_json.json"))
def test_stored_text_is_the_registrys(row):
    schema = JSON_SCHEMA.parse(row["input"], referenced(row), new=True)

    assert schema.canonical == row["canonical"]
    assert JSON_SCHEMA.normalized(schema) == row["normalized"]
    assert JSON_SCHEMA.resolved(schema) == row["canonical"]


@pytest.mark.parametrize("row", rows("compatibility/validity.json"))
def test_a_new_schema_is_taken_or_refused_as_the_registry_does(row):
    assert is_valid(row["schema"]) is row["valid"]


@pytest.mark.parametrize("row", rows("json_schema/texts.json"))
def test_recorded_texts_are_taken_refused_and_stored_alike(row):
    assert is_valid(row["schema"]) is row["valid"]
    if row["valid"]:
        assert canonical(row["schema"]) == row["canonical"]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        pytest.param(
            '{"a":1e3,"b":1.50,"c":-0.0,"d":1E-7}', '{"a":1E+3,"b":1.50,"c":0.0,"d":1E-7}', id="exact decimals"
        ),
        pytest.param('{"title":"\\u00e9 \\/ \\u001f"}', '{"title":"é / \\u001F"}', id="escapes"),
        pytest.param('{"b":1,"a":2,"b":3}', '{"b":3,"a":2}', id="last value of a key, at its first place"),
        pytest.param(' {"type":"null"} and more', '{"type":"null"}', id="text after the document"),
        pytest.param('{"minimum":' + "9" * 400 + "}", '{"minimum":' + "9" * 400 + "}", id="long numbers"),
    ],
)
def test_canonical_text_keeps_what_counts(written, stored):
    assert canonical(written) == stored


def test_normalised_keys_stand_in_the_order_of_java():
    schema = JSON_SCHEMA.parse('{"\uff5e":1,"\U0001f600":2,"Z":3,"a":4}')

    assert JSON_SCHEMA.normalized(schema) == '{"Z":3,"a":4,"\U0001f600":2,"\uff5e":1}'


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param("", id="nothing"),
        pytest.param("# yaml\ntype: object", id="yaml"),
        pytest.param('{"type": "object" /* no */}', id="comment"),
        pytest.param('{"a": NaN}', id="not a number"),
        pytest.param('{"a": 1e99999999999}', id="endless exponent"),
        pytest.param('{"a": "\\ud83d"}', id="half a character"),
        pytest.param('{"a": "\x01"}', id="raw control character"),
        pytest.param("[]", id="array"),
        pytest.param("3", id="number"),
    ],
)
def test_what_is_no_schema_document_is_refused_even_from_a_store(schema):
    with pytest.raises(InvalidSchemaError):
        JSON_SCHEMA.parse(schema)


def test_what_a_text_means_is_read_only_when_asked_for():
    schema = JSON_SCHEMA.parse('{"type":"nope"}')

    assert schema.canonical == '{"type":"nope"}'
    with pytest.raises(InvalidSchemaError, match="'type' must name one of string"):
        JSON_SCHEMA.differences(schema, schema, Rules())


@pytest.mark.parametrize(
    ("schema", "valid"),
    [
        pytest.param({"$schema": MODERN, "maxLength": 1.5}, True, id="2020-12 drops a fraction"),
        pytest.param({"maxLength": 1.5}, False, id="draft 7 does not"),
        pytest.param({"maxLength": 2**31}, False, id="32 bits"),
        pytest.param({"$schema": MODERN, "type": 5}, True, id="2020-12 ignores another kind of type"),
        pytest.param({"$ref": "#/definitions/T", "type": 5, "definitions": {"T": {}}}, True, id="beside a $ref"),
        pytest.param(
            {"$schema": "http://json-schema.org/draft-04/schema#", "items": True}, False, id="draft 4 boolean"
        ),
        pytest.param({"dependencies": {"a": ["b", 1]}}, False, id="dependency on a number"),
        pytest.param({"dependencies": {"a": {"type": 1}}}, False, id="dependency schema"),
        pytest.param({"$schema": MODERN, "dependencies": {"a": 1}}, True, id="dependencies in 2020-12"),
        pytest.param({"readOnly": "yes"}, False, id="readOnly is a flag"),
        pytest.param({"properties": {"$id": "x"}}, True, id="a property named like the id keyword"),
        pytest.param({"$schema": MODERN, "then": {"type": "nope"}}, True, id="2020-12: then without if"),
        pytest.param({"then": {"type": "nope"}}, False, id="draft 7: then without if"),
        pytest.param({"properties": {"a": {"$id": "a b"}}}, False, id="inner $id that is no URI"),
        pytest.param({"pattern": "(?<n>a)\\k<n>"}, True, id="pattern that only Java understands"),
        pytest.param({"pattern": "a**"}, False, id="pattern that Java refuses"),
    ],
)
def test_validity_follows_the_loaders_of_each_draft(schema, valid):
    assert is_valid(text(schema)) is valid


def test_a_refusal_says_what_and_shows_where():
    with pytest.raises(InvalidSchemaError, match="'maxLength' must be a number") as refusal:
        JSON_SCHEMA.parse('{"properties":{"a":{"maxLength":"long"}}}', new=True)

    assert refusal.value.hint == 'Look at {"maxLength":"long"}'


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        pytest.param("https://example.com/a.json", "Add a reference named 'https://example.com/a.json'", id="remote"),
        pytest.param("money.json#/x", "Add a reference named 'money.json'", id="name"),
        pytest.param("#/definitions/x", "'definitions' is not there", id="pointer"),
        pytest.param("#x", "No schema has the anchor 'x'", id="anchor"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused_with_a_way_out(reference, hint):
    with pytest.raises(InvalidSchemaError) as refusal:
        JSON_SCHEMA.parse(text({"properties": {"a": {"$ref": reference}}}), new=True)

    assert hint in refusal.value.hint


def test_nothing_is_fetched_and_the_refusal_says_so():
    with pytest.raises(InvalidSchemaError, match="nothing is fetched from the network"):
        JSON_SCHEMA.parse('{"$ref":"http://example.com/a.json"}', new=True)


def test_a_bad_referenced_text_is_refused():
    assert not is_valid('{"$ref":"a.json"}', Dependency("a.json", "{"))
    assert not is_valid('{"$ref":"a.json"}', Dependency("a.json", '{"type":"nope"}'))
    assert is_valid('{"$ref":"a.json"}', Dependency("a.json", '{"type":"string"}'))


def test_lookup_takes_only_the_same_text():
    one, other = JSON_SCHEMA.parse('{"type": "string"}'), JSON_SCHEMA.parse('{"type":"string"}')

    assert JSON_SCHEMA.equivalent(one, other)
    assert not JSON_SCHEMA.equivalent(one, JSON_SCHEMA.parse('{"type":"string","title":"a"}'))


def test_a_deep_schema_is_read_however_little_stack_is_left():
    deep = '{"properties":{"a":' * 200 + "{}" + "}}" * 200

    def at_depth(left):
        return at_depth(left - 1) if left else JSON_SCHEMA.parse(deep, new=True).canonical

    used = _stack_depth()
    assert at_depth(max(1, sys.getrecursionlimit() - used - 250)) == deep


@pytest.mark.parametrize("inside", ["1 2", '{"a" 1}', "{a:1}", '{"a":1,}', '{"a":', "[1,]", "}"])
def test_slips_deep_down_are_refused_too(inside):
    with pytest.raises(InvalidSchemaError, match="Not JSON"):
        JSON_SCHEMA.parse('{"default":' + "[" * 970 + inside + "]" * 970 + "}")


def test_what_stands_deep_down_is_kept():
    deep = '{"default":' + "[" * 970 + '{"a":[1.50,{},[]],"b":"x"}' + "]" * 970 + "}"

    assert canonical(f" {deep} ") == deep


def _stack_depth():
    frame, depth = sys._getframe(), 0
    while frame:
        frame, depth = frame.f_back, depth + 1
    return depth


@given(DOCUMENTS)
def test_canonical_text_of_canonical_text_is_itself(document):
    schema = JSON_SCHEMA.parse(json.dumps(document, indent=1))

    assert canonical(schema.canonical) == schema.canonical
    normalized = JSON_SCHEMA.normalized(schema)
    assert canonical(normalized) == normalized
    assert JSON_SCHEMA.normalized(JSON_SCHEMA.parse(normalized)) == normalized


@given(st.text(alphabet='{}[]",:. \\u0123456789eE+-tfnaé"', max_size=40) | st.text(max_size=40))
def test_arbitrary_text_is_parsed_or_refused(schema):
    try:
        read = parsed({"schema": schema}, new=True)
    except InvalidSchemaError:
        return

    assert canonical(read.canonical) == read.canonical
