"""JSON Schemas in words: reasons with a way out, changes, names, and what a registry passes over."""

import pytest
from hypothesis import given, settings
from json_schema_cases import DOCUMENTS, DRAFT_7, MODERN, differences, rows, text

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Change, Named
from schema_mcp.domain.json_schema.format import JSON_SCHEMA
from schema_mcp.domain.json_schema.kinds import COMPATIBLE
from schema_mcp.domain.json_schema.words import place, plain
from schema_mcp.domain.schema import Policy

STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def changes(old, new):
    return JSON_SCHEMA.changes(*(JSON_SCHEMA.parse(text(one)) for one in (old, new)))


def lint(document):
    written = document if isinstance(document, str) else text(document)
    return {(found.rule, found.path) for found in JSON_SCHEMA.lint(JSON_SCHEMA.parse(written), written)}


def silent(old, new):
    found = JSON_SCHEMA.lint_change(*(JSON_SCHEMA.parse(text(one)) for one in (new, old)))
    return {(one.rule, one.path): one.message for one in found}


def test_every_break_of_the_data_is_said_with_a_way_out():
    seen = {change for row in rows("compatibility/json_schema.json") for change in row.values[0]["expected"]["changes"]}
    breaking = [change.split(" ") for change in seen if " " in change]

    for kind, path in breaking:
        if kind not in COMPATIBLE[Policy.STRICT]:
            problem, colon, way_out = plain(kind, path, breaks=True).partition(": ")
            assert problem, kind
            assert colon, kind
            assert way_out, kind


@pytest.mark.parametrize(
    ("reader", "writer", "sentence"),
    [
        pytest.param(
            {"properties": {"email": STRING}, "required": ["email"]},
            {"properties": {"email": STRING}},
            "a reader requires `email`, which records may lack: leave it optional, or give it a default",
            id="required",
        ),
        pytest.param(
            {"properties": {"lines": {"items": {"properties": {"sku": {"maxLength": 3}}}}}},
            {"properties": {"lines": {"items": {"properties": {"sku": {"maxLength": 9}}}}}},
            "maxLength of `lines[].sku` is less for the reader than for the writer: keep the writer's limit",
            id="limit deep down",
        ),
        pytest.param(
            {"type": "array", "maxItems": 3},
            {"type": "array"},
            "the schema has the limit maxItems, and the writer has none: leave it out",
            id="new limit",
        ),
    ],
)
def test_a_reason_names_the_field_and_the_way_out(reader, writer, sentence):
    (found,) = differences(*(JSON_SCHEMA.parse(text(one)) for one in (reader, writer)))

    assert found.plain == sentence


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("#/", "the schema"),
        ("#/properties/a/items/properties/b", "`a[].b`"),
        ("#/properties/a/items/2", "`a[2]`"),
        ("#/additionalProperties/properties/items", "`*.items`"),
        ("#/oneOf/1/properties/a/not", "`(oneOf 1).a(not)`"),
    ],
)
def test_places_are_named_as_people_do(path, words):
    assert place(path) == words


ORDER = {
    "title": "Order",
    "type": "object",
    "properties": {
        "id": STRING | {"description": "the id"},
        "lines": {"type": "array", "items": {"$ref": "#/definitions/Line"}},
        "kind": {"enum": ["A", "B"]},
        "payment": {"oneOf": [{"title": "Card", "properties": {"number": STRING}}, {"type": "null"}]},
    },
    "required": ["id"],
    "definitions": {"Line": {"title": "Line", "type": "object", "properties": {"quantity": INTEGER | {"minimum": 0}}}},
}


def changed(**properties):
    return ORDER | {"properties": ORDER["properties"] | properties}


@pytest.mark.parametrize(
    ("new", "change"),
    [
        pytest.param(
            changed(note=STRING), Change("added", "Order.note", "`note` was added: string, optional"), id="added"
        ),
        pytest.param(
            changed(id=INTEGER | {"description": "the id"}),
            Change("type", "Order.id", "`Order.id` changed from string to integer"),
            id="type",
        ),
        pytest.param(
            changed(id=STRING | {"description": "its id"}),
            Change("doc", "Order.id", '`description` of `Order.id` changed from "the id" to "its id"'),
            id="doc",
        ),
        pytest.param(
            changed(id=ORDER["properties"]["id"] | {"default": None}),
            Change("default", "Order.id", "`default` of `Order.id` is new: null"),
            id="default",
        ),
        pytest.param(
            changed(kind={"enum": ["A"]}),
            Change("removed", "Order.kind", '`Order.kind` may not be "B" any more'),
            id="value",
        ),
        pytest.param(
            changed(payment={"oneOf": ORDER["properties"]["payment"]["oneOf"][:1]}),
            Change("removed", "Order.payment", "`Order.payment` lost an alternative or condition: null"),
            id="alternative",
        ),
        pytest.param(
            ORDER | {"required": ["id", "kind"]},
            Change("required", "Order.kind", "`kind` became required"),
            id="required",
        ),
        pytest.param(
            ORDER | {"definitions": {"Line": {"title": "Line", "properties": {"quantity": INTEGER | {"minimum": 1}}}}},
            Change(
                "limit",
                "Order.lines[].quantity",
                "`minimum` of `Order.lines[].quantity` changed from 0 to 1",
            ),
            id="limit behind a reference",
        ),
        pytest.param(
            ORDER | {"additionalProperties": False},
            Change("keyword", "Order", "`additionalProperties` of `Order` is new: false"),
            id="keyword",
        ),
        pytest.param(
            ORDER | {"properties": dict(reversed(ORDER["properties"].items()))},
            Change("order", "Order", "the properties of `Order` stand in another order"),
            id="order",
        ),
        pytest.param(
            changed(payment={"oneOf": [{"title": "Card", "properties": {"number": INTEGER}}, {"type": "null"}]}),
            Change("type", "Order.payment.number", "`Order.payment.number` changed from string to integer"),
            id="inside an alternative",
        ),
    ],
)
def test_changes_are_told_in_words(new, change):
    assert changes(ORDER, new) == [change]


def test_a_property_with_another_name_seems_renamed():
    new = ORDER | {
        "properties": {("number" if name == "id" else name): one for name, one in ORDER["properties"].items()}
    }

    assert changes(ORDER, new)[0] == Change("renamed", "Order.number", "`id` seems to be called `number` now")


def test_names_hold_what_a_person_may_search_for():
    names = JSON_SCHEMA.names(JSON_SCHEMA.parse(text(ORDER)))

    assert Named("object", "Order", "Order") in names
    assert Named("field", "Order.id", "id", "string", "the id") in names
    assert Named("field", "Order.lines", "lines", "array of Line") in names
    assert Named("field", "Order.lines[].quantity", "quantity", "integer") in names
    assert Named("field", "Order.payment", "payment", "Card or null") in names
    assert Named("symbol", "Order.kind.A", "A") in names


@pytest.mark.parametrize(
    ("document", "finding"),
    [
        pytest.param({"type": "string"}, ("draft-missing", ""), id="no draft"),
        pytest.param({"$schema": "https://example.com/own"}, ("draft-unknown", ""), id="unknown draft"),
        pytest.param(
            {"$schema": "https://json-schema.org/draft/2019-09/schema"}, ("draft-2019-09", ""), id="draft 2019-09"
        ),
        pytest.param('{"type":"string","type":"null"}', ("key-twice", "type"), id="key twice"),
        pytest.param({"type": "nope"}, ("refused-as-new", ""), id="no longer taken"),
        pytest.param({"properties": {"a": {"maxLenght": 3}}}, ("keyword-misspelt", "a"), id="misspelt"),
        pytest.param({"$schema": DRAFT_7, "prefixItems": []}, ("keyword-of-another-draft", ""), id="newer keyword"),
        pytest.param({"$schema": MODERN, "additionalItems": {}}, ("keyword-of-another-draft", ""), id="older keyword"),
        pytest.param({"$ref": "#", "maxLength": 3}, ("beside-a-reference", ""), id="beside a reference"),
        pytest.param({"properties": {"a": {}}, "required": ["b"]}, ("required-and-undeclared", ""), id="undeclared"),
        pytest.param({"items": {"minimum": 3, "maximum": 2}}, ("limits-crossed", "[]"), id="crossed limits"),
        pytest.param({"minLength": -1}, ("limit-negative", ""), id="negative limit"),
        pytest.param({"anyOf": []}, ("list-empty", ""), id="no alternatives"),
        pytest.param({"enum": [1, 1]}, ("value-twice", ""), id="value twice"),
        pytest.param({"type": "string", "default": 1}, ("default-of-another-type", ""), id="default of another type"),
        pytest.param({"patternProperties": {"(a)\\1": {}}}, ("pattern-not-understood", ""), id="back reference"),
        pytest.param({"properties": {"$$id": {}}}, ("name-with-two-dollars", ""), id="two dollars"),
        pytest.param({"properties": {"a": {}}}, ("open-objects-cannot-grow", ""), id="open object"),
        pytest.param({"properties": {"a": {"format": "date"}}}, ("not-compared", "a"), id="format"),
    ],
)
def test_lint_names_the_slip_and_the_place(document, finding):
    assert finding in lint(document)


def test_a_schema_without_slips_has_no_findings():
    assert lint({"$schema": DRAFT_7, "properties": {"a": STRING}, "additionalProperties": False}) == set()


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        pytest.param({"format": "date"}, {"format": "time"}, ("not-compared", ""), id="format"),
        pytest.param({"if": {"minLength": 1}}, {"if": {"minLength": 2}}, ("not-compared", ""), id="condition"),
        pytest.param({"contains": STRING}, {"contains": INTEGER}, ("not-compared", ""), id="contains"),
        pytest.param({"propertyNames": {"maxLength": 1}}, {"propertyNames": {}}, ("not-compared", ""), id="names"),
        pytest.param(
            {"patternProperties": {"a": STRING}}, {"patternProperties": {"a": INTEGER}}, ("pattern", ""), id="p"
        ),
        pytest.param({"required": ["a"]}, {"required": ["b"]}, ("required-and-undeclared", ""), id="undeclared name"),
        pytest.param({"$schema": DRAFT_7}, {"$schema": MODERN}, ("draft", ""), id="draft"),
        pytest.param(
            {"properties": {"a": STRING | {"connect.type": "bytes"}}},
            {"properties": {"a": INTEGER | {"connect.type": "bytes"}}},
            ("bytes", "a"),
            id="bytes of Kafka Connect",
        ),
        pytest.param(
            {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1},
            {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True},
            ("flag", ""),
            id="flag of draft 4",
        ),
    ],
)
def test_changes_that_pass_in_silence_are_told(old, new, finding):
    assert differences(*(JSON_SCHEMA.parse(text(one)) for one in (new, old))) == []
    assert finding in silent(old, new)
    assert silent(old, old) == {}


@settings(max_examples=100)
@given(DOCUMENTS, DOCUMENTS)
def test_whatever_can_be_compared_can_be_told(one, other):
    old, new = JSON_SCHEMA.parse(text(one)), JSON_SCHEMA.parse(text(other))
    try:
        found = differences(new, old)
    except InvalidSchemaError:
        return

    assert all(difference.plain and difference.description for difference in found)
    assert all(change.text for change in JSON_SCHEMA.changes(old, new))
    assert all(finding.message for finding in JSON_SCHEMA.lint_change(new, old))
    assert JSON_SCHEMA.changes(old, old) == []
    assert JSON_SCHEMA.lint_change(old, old) == []
