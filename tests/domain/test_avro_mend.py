"""Mending: the smallest edit, until the history takes the schema."""

import json

import pytest
from avro_cases import comparisons, dependencies, parsed, rows, told

from schema_mcp.domain.avro.format import AVRO
from schema_mcp.domain.formats import Rules

INCOMPATIBLE = [
    row
    for row in rows("compatibility/avro.json")
    if not row.values[0]["expected"]["compatible"]
    and not any("DIFFERENT" in change for change in row.values[0]["expected"]["changes"])
]


def mended(case):
    """The driver's loop: mend the first clash that can be, newest version first, and look again."""
    given = dependencies(case["new"])
    schema, previous = parsed(case["new"]), [parsed(side) for side in case["previous"]]
    seen = {schema.canonical}
    for _ in range(200):
        found = list(comparisons(case["level"], schema, previous))
        if not any(clashes for _, _, clashes in found):
            return schema
        schema = next(edits(schema, previous, found, given, seen), None)
        if schema is None:
            return None
        seen.add(schema.canonical)
    return None


def edits(schema, previous, found, given, seen):
    for index, reads, clashes in found:
        for clash in clashes:
            text = AVRO.mended(schema, previous[index], clash, reads=reads)
            if text is not None:
                edited = AVRO.parse(text, given, new=True)
                if edited.canonical not in seen:
                    yield edited


def test_nearly_every_refused_schema_can_be_mended():
    stuck = [case.values[0]["id"] for case in INCOMPATIBLE if mended(case.values[0]) is None]

    # What stays are histories that contradict themselves, such as two readers that ask for different names.
    assert len(stuck) <= 0.11 * len(INCOMPATIBLE), stuck


@pytest.mark.parametrize("level", ["BACKWARD", "FORWARD", "FULL"])
def test_against_one_version_everything_can_be_mended(level):
    cases = [case.values[0] for case in INCOMPATIBLE if case.values[0]["level"] == level]
    assert len(cases) > 20

    assert [case["id"] for case in cases if mended(case) is None] == []


def record(*fields, **more):
    return {"type": "record", "name": "Order", **more, "fields": list(fields)}


ID = {"name": "id", "type": "long"}
EMAIL = {"name": "email", "type": "string"}
STATUS = {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}}


@pytest.mark.parametrize(
    ("level", "new", "old", "expected"),
    [
        pytest.param(
            "BACKWARD", record(ID, EMAIL), record(ID), record(ID, EMAIL | {"default": ""}), id="default-for-a-new-field"
        ),
        pytest.param(
            "BACKWARD",
            record(ID, EMAIL | {"type": ["string", "null"]}),
            record(ID),
            record(ID, EMAIL | {"type": ["null", "string"], "default": None}),
            id="null-for-a-new-nullable-field",
        ),
        pytest.param(
            "BACKWARD",
            record(
                ID, {"name": "next", "type": record(ID, name="Inner") | {"fields": [{"name": "o", "type": "Order"}]}}
            ),
            record(ID),
            record(
                ID,
                {
                    "name": "next",
                    "type": ["null", {"type": "record", "name": "Inner", "fields": [{"name": "o", "type": "Order"}]}],
                    "default": None,
                },
            ),
            id="nullable-where-nothing-is-plain",
        ),
        pytest.param("FORWARD", record(ID), record(ID, EMAIL), record(ID, EMAIL), id="the-removed-field-back"),
        pytest.param(
            "FORWARD", record(ID), record(EMAIL, ID), record(EMAIL, ID), id="the-removed-field-back-in-its-place"
        ),
        pytest.param(
            "BACKWARD", record(ID | {"type": "int"}), record(ID), record(ID), id="the-wider-type-instead-of-the-narrow"
        ),
        pytest.param(
            "BACKWARD",
            record(ID | {"type": "string", "default": "x"}),
            record(ID),
            record(ID | {"default": 0}),
            id="the-old-type-with-a-default-that-fits",
        ),
        pytest.param(
            "BACKWARD",
            record(EMAIL),
            record(EMAIL | {"type": ["null", "string"]}),
            record(EMAIL | {"type": ["null", "string"]}),
            id="null-still-read",
        ),
        pytest.param(
            "FORWARD",
            record(EMAIL | {"type": ["null", "string"], "default": None}),
            record(EMAIL),
            record(EMAIL | {"default": ""}),
            id="null-not-written",
        ),
        pytest.param(
            "BACKWARD",
            record(STATUS | {"type": STATUS["type"] | {"symbols": ["PAID"]}}),
            record(STATUS),
            record(STATUS | {"type": STATUS["type"] | {"symbols": ["PAID", "NEW"]}}),
            id="the-removed-symbol-back",
        ),
        pytest.param(
            "FORWARD",
            record(STATUS | {"type": STATUS["type"] | {"symbols": ["NEW", "PAID", "SENT"]}, "default": "SENT"}),
            record(STATUS),
            record(STATUS | {"type": STATUS["type"] | {"default": "NEW"}, "default": "NEW"}),
            id="the-new-symbol-not-written",
        ),
        pytest.param(
            "BACKWARD",
            record(ID),
            record(ID, name="Purchase"),
            record(ID, aliases=["Purchase"]),
            id="an-alias-for-a-name",
        ),
        pytest.param(
            "FORWARD", record(ID), record(ID, name="Purchase"), record(ID, name="Purchase"), id="the-name-kept"
        ),
        pytest.param(
            "BACKWARD",
            ["null", record(ID, EMAIL)],
            ["null", record(ID)],
            ["null", record(ID, EMAIL | {"default": ""})],
            id="inside-a-branch",
        ),
        pytest.param("BACKWARD", ["null", "int"], ["null", "long"], ["null", "long"], id="a-branch-widened"),
        pytest.param("BACKWARD", ["null", "int"], ["null", "string"], ["null", "int", "string"], id="the-branch-back"),
        pytest.param(
            "BACKWARD",
            record(ID | {"aliases": ["email", "number"]}),
            record(EMAIL, {"name": "number", "type": "long"}, ID),
            record(ID | {"aliases": []}),
            id="aliases-that-match-too-much",
        ),
    ],
)
def test_the_edit_is_what_an_expert_would_do(level, new, old, expected):
    case = {"level": level, "new": {"schema": json.dumps(new)}, "previous": [{"schema": json.dumps(old)}]}

    assert mended(case).canonical == AVRO.parse(json.dumps(expected)).canonical


def test_only_the_one_difference_goes_away():
    new, old = (AVRO.parse(json.dumps(one)) for one in (record(ID, EMAIL, STATUS), record(ID)))
    first, second = AVRO.differences(new, old, Rules())

    text = AVRO.mended(new, old, second, reads=True)

    assert [told(one) for one in AVRO.differences(AVRO.parse(text), old, Rules())] == [told(first)]


def test_the_text_is_laid_out_for_people():
    new, old = (AVRO.parse(json.dumps(one)) for one in (record(ID, EMAIL | {"doc": "é"}), record(ID)))

    text = AVRO.mended(new, old, AVRO.differences(new, old, Rules())[0], reads=True)

    assert '\n  "name": "Order"' in text
    assert '"doc": "é"' in text


def test_a_referenced_type_is_mended_in_a_copy_of_its_own():
    case = next(row.values[0] for row in INCOMPATIBLE if row.id == "avro-168")

    schema = mended(case)

    assert '"namespace":"geo.mended"' in schema.canonical
    assert '"default"' in schema.canonical


def test_nothing_is_mended_where_nothing_clashes():
    new, old = AVRO.parse(json.dumps(record(ID, EMAIL))), AVRO.parse(json.dumps(record(ID)))
    clash = AVRO.differences(new, old, Rules())[0]

    assert AVRO.mended(old, old, clash, reads=True) is None
