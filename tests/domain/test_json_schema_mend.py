"""Mending: the smallest edit, until the history takes the schema."""

import json

import pytest
from json_schema_cases import DRAFT_7, MODERN, breaks, comparisons, dependencies, differences, parsed, rows, text, told

from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.format import JSON_SCHEMA
from schema_mcp.domain.schema import Dependency, Level, Semantics

NEXT = Rules(semantics=Semantics.CONFLUENT_NEXT)
INCOMPATIBLE = [
    row
    for row in rows("compatibility/json_schema.json")
    if not row.values[0]["expected"]["compatible"]
    and not any("DIFFERENT" in change for change in row.values[0]["expected"]["changes"])
]


def mended(case):
    """The driver's loop: mend the first break that can be, newest version first, and look again."""
    given = dependencies(case["new"])
    schema, previous = parsed(case["new"]), [parsed(side) for side in case["previous"]]
    seen = {schema.canonical}
    for _ in range(200):
        found = list(comparisons(case["level"], schema, previous, NEXT))
        if not any(breaks(listed) for _, _, listed in found):
            return schema
        schema = next(edits(schema, previous, found, given, seen), None)
        if schema is None:
            return None
        seen.add(schema.canonical)
    return None


def edits(schema, previous, found, given, seen):
    for index, reads, listed in found:
        for difference in listed:
            edit = JSON_SCHEMA.mended(schema, previous[index], difference, reads=reads) if difference.breaks else None
            edited = edit and JSON_SCHEMA.parse(edit, given, new=True)
            if edited and edited.canonical not in seen:
                yield edited


def contradicts_itself(case):
    """No schema can read and be read by versions that do not fit each other."""
    previous = [parsed(side) for side in case["previous"]]
    pairs = [(one, other) for one in previous for other in previous if one is not other]
    return Level(case["level"]).is_transitive and any(breaks(differences(*pair, NEXT)) for pair in pairs)


def test_nearly_every_refused_schema_can_be_mended():
    stuck = [case.values[0] for case in INCOMPATIBLE if mended(case.values[0]) is None]

    assert len(stuck) <= 0.09 * len(INCOMPATIBLE)
    assert [case["id"] for case in stuck if not contradicts_itself(case)] == []


def edit(reader, writer, kind, *, reads=True, given=()):
    """The author's schema after mending the one difference of a kind; the reader is the author's when `reads`."""
    sides = [JSON_SCHEMA.parse(text(one), given, new=True) for one in (reader, writer)]
    wanted = next(one for one in differences(*sides) if one.kind == kind)
    assert wanted.breaks
    author, other = sides if reads else sides[::-1]
    result = JSON_SCHEMA.mended(author, other, wanted, reads=reads)
    return None if result is None else json.loads(result)


def closed(**properties):
    return {"properties": properties, "additionalProperties": False}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("author", "other", "kind", "edited"),
    [
        pytest.param(
            {"maxLength": 3}, {"maxLength": 9}, "MAX_LENGTH_DECREASED", {"maxLength": 9}, id="limit as before"
        ),
        pytest.param({"type": "string", "pattern": "a"}, STRING, "PATTERN_ADDED", STRING, id="new limit dropped"),
        pytest.param(INTEGER, STRING, "TYPE_CHANGED", {"type": ["string", "integer"]}, id="both types"),
        pytest.param(
            {"description": "d", "maximum": 3},
            {"minLength": 1},
            "TYPE_CHANGED",
            {"description": "d", "anyOf": [{"minLength": 1}, {"maximum": 3}]},
            id="either",
        ),
        pytest.param(INTEGER, {"type": "number"}, "TYPE_NARROWED", {"type": "number"}, id="number again"),
        pytest.param(
            {"enum": ["a", "c"]}, {"enum": ["a", "b"]}, "ENUM_ARRAY_CHANGED", {"enum": ["a", "c", "b"]}, id="enum"
        ),
        pytest.param({"const": 2}, {"const": 1}, "ENUM_ARRAY_CHANGED", {"const": 1}, id="const"),
        pytest.param(
            closed(a=STRING) | {"required": ["a"]},
            closed(),
            "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
            closed(a=STRING | {"default": ""}) | {"required": ["a"]},
            id="default for a new required property",
        ),
        pytest.param(
            closed(a={"minLength": 2}) | {"required": ["a"]},
            closed(a={"minLength": 2}),
            "REQUIRED_ATTRIBUTE_ADDED",
            closed(a={"minLength": 2}),
            id="optional where no default is plain",
        ),
        pytest.param(
            closed(), closed(a=STRING), "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", closed(a=STRING), id="back"
        ),
        pytest.param(
            {"properties": {"a": STRING | {"title": "t"}}},
            {"properties": {}},
            "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
            {"properties": {"a": {"title": "t"}}},
            id="anything in an open object",
        ),
        pytest.param(
            {"oneOf": [STRING]},
            {"oneOf": [STRING, INTEGER]},
            "SUM_TYPE_NARROWED",
            {"oneOf": [STRING, INTEGER]},
            id="alternative back",
        ),
        pytest.param(
            {"anyOf": [{"maxLength": 2}, INTEGER]},
            {"anyOf": [{"maxLength": 9}, INTEGER]},
            "COMBINED_TYPE_SUBSCHEMAS_CHANGED",
            {"anyOf": [{"maxLength": 9}, INTEGER]},
            id="alternative as before",
        ),
        pytest.param(
            {"allOf": [STRING, {"minLength": 1}, {"pattern": "a"}]},
            {"allOf": [STRING, {"minLength": 1}]},
            "PRODUCT_TYPE_EXTENDED",
            {"allOf": [STRING, {"minLength": 1}]},
            id="condition dropped",
        ),
        pytest.param(
            {"type": ["string", "integer"]},
            {"type": ["string", "integer", "null"]},
            "SUM_TYPE_NARROWED",
            {"type": ["string", "integer", "null"]},
            id="null again",
        ),
        pytest.param(
            {"items": [STRING], "additionalItems": False},
            {"items": [STRING, INTEGER], "additionalItems": False},
            "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL",
            {"items": [STRING, INTEGER], "additionalItems": False},
            id="item back",
        ),
        pytest.param({"not": INTEGER}, {"not": STRING}, "NOT_TYPE_EXTENDED", {"not": STRING}, id="not as before"),
        pytest.param(
            {"properties": {"a": {}}, "dependencies": {"a": ["b"]}},
            {"properties": {"a": {}}},
            "DEPENDENCY_ARRAY_ADDED",
            {"properties": {"a": {}}},
            id="dependency dropped",
        ),
        pytest.param(
            closed(a=False), closed(a=STRING), "TYPE_CHANGED", closed(a=STRING), id="false in the author's text"
        ),
    ],
)
def test_a_reader_is_mended_with_the_smallest_edit(author, other, kind, edited):
    assert edit(author, other, kind) == edited


@pytest.mark.parametrize(
    ("reader", "author", "kind", "edited"),
    [
        pytest.param(
            {"maxLength": 3}, {"maxLength": 9}, "MAX_LENGTH_DECREASED", {"maxLength": 3}, id="limit of the reader"
        ),
        pytest.param(STRING, INTEGER, "TYPE_CHANGED", STRING, id="type of the reader"),
        pytest.param(
            {"enum": ["a"]}, {"enum": ["a", "b"]}, "ENUM_ARRAY_NARROWED", {"enum": ["a"]}, id="known values only"
        ),
        pytest.param(
            closed(), closed(a=STRING), "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", closed(), id="not known"
        ),
        pytest.param(
            closed(a=STRING) | {"required": ["a"]},
            closed(a=STRING),
            "REQUIRED_ATTRIBUTE_ADDED",
            closed(a=STRING) | {"required": ["a"]},
            id="required again",
        ),
        pytest.param(
            {"anyOf": [STRING, {"type": "null"}]},
            {"anyOf": [STRING, INTEGER, {"type": "null"}]},
            "SUM_TYPE_NARROWED",
            {"anyOf": [STRING, {"type": "null"}]},
            id="alternative dropped",
        ),
    ],
)
def test_a_writer_keeps_to_what_the_reader_knows(reader, author, kind, edited):
    assert edit(reader, author, kind, reads=False) == edited


def test_definitions_come_along_with_what_is_put_back():
    other = closed(a={"$ref": "#/definitions/Money"}) | {
        "definitions": {"Money": {"$ref": "#/definitions/N"}, "N": INTEGER}
    }

    edited = edit(closed(), other, "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL")

    assert edited["properties"] == {"a": {"$ref": "#/definitions/Money"}}
    assert edited["definitions"] == {"Money": {"$ref": "#/definitions/N"}, "N": INTEGER}


def test_keywords_change_with_the_draft():
    old = {"$schema": DRAFT_7, "additionalProperties": False} | {
        "properties": {"a": {"items": [STRING], "additionalItems": False, "dependencies": {"x": ["y"]}}}
    }
    edited = edit({"$schema": MODERN} | closed(), old, "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL")

    back = {"prefixItems": [STRING], "items": False, "dependentRequired": {"x": ["y"]}}
    assert edited["properties"] == {"a": back}


def test_an_edit_inside_a_referenced_text_takes_it_into_the_schema():
    given = [Dependency("money.json", text({"properties": {"cents": {"type": "integer"}}}))]
    author = {"properties": {"price": {"$ref": "money.json"}}}
    other = {"properties": {"price": {"properties": {"cents": {"type": "number"}}}}}

    edited = edit(author, other, "TYPE_NARROWED", given=given)

    assert edited["properties"] == {"price": {"$ref": "#/definitions/money"}}
    assert edited["definitions"] == {"money": {"properties": {"cents": {"type": "number"}}}}


def test_mended_text_is_written_for_people():
    author, other = (JSON_SCHEMA.parse(text({"title": "Code", "maxLength": limit})) for limit in (3, 9))
    wanted = next(one for one in differences(author, other) if one.breaks)

    assert JSON_SCHEMA.mended(author, other, wanted, reads=True) == '{\n  "title": "Code",\n  "maxLength": 9\n}'


def test_a_difference_that_is_not_there_is_not_mended():
    one, other = (JSON_SCHEMA.parse(text({"maxLength": limit})) for limit in (3, 9))
    wanted = next(found for found in differences(one, other) if found.breaks)

    assert JSON_SCHEMA.mended(other, other, wanted, reads=True) is None
    assert told(wanted) == "MAX_LENGTH_DECREASED #/maxLength"
