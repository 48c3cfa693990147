"""The JSON Schema data of tests/cases as named rows, and schemas made up by hypothesis."""

import json
from pathlib import Path

import pytest
from hypothesis import strategies as st

from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.format import JSON_SCHEMA
from schema_mcp.domain.schema import Dependency, Level

CASES = Path(__file__).parents[1] / "cases"
DIFFERENT_TYPE = "DIFFERENT_SCHEMA_TYPE"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
MODERN = "https://json-schema.org/draft/2020-12/schema"


def rows(name):
    found = json.loads((CASES / name).read_text("utf-8"))
    return [pytest.param(row, id=row["id"]) for row in found if row.get("schemaType", "JSON") == "JSON"]


def dependencies(side):
    return [Dependency(one["name"], one["dependency"]) for one in side.get("dependencies", [])]


def parsed(side, *, new=False):
    """The schema of a row's side, or None where it is of another language."""
    if side.get("schemaType", "JSON") != "JSON":
        return None
    return JSON_SCHEMA.parse(side["schema"], dependencies(side), new=new)


def comparisons(level, new, previous, rules):
    """What a level asks for, newest version first: (index, does the new one read?, differences)."""
    level = Level(level)
    if level is Level.NONE:
        return
    compared = list(enumerate(previous))[::-1]
    for index, old in compared if level.is_transitive else compared[:1]:
        if level.forward:
            yield index, False, differences(old, new, rules)
        if level.backward:
            yield index, True, differences(new, old, rules)


def differences(reader, writer, rules=None):
    if reader is None or writer is None:
        return [DIFFERENT_TYPE]
    return JSON_SCHEMA.differences(reader, writer, rules or Rules())


def told(difference):
    """A difference as the data lists it."""
    return difference if isinstance(difference, str) else f"{difference.kind} {difference.path}"


def breaks(differences_):
    return any(isinstance(one, str) or one.breaks for one in differences_)


def text(document):
    return json.dumps(document)


NAMES = st.sampled_from(["id", "name", "price", "x-a", "ä"])
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
NUMBERS = st.integers(0, 9) | st.sampled_from([0.5, 1.5])
VALUES = (
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", 1.5]) | st.just([]) | st.just({"k": 1})
)


def _keywords(inner):
    members = st.lists(inner, min_size=1, max_size=3)
    properties = st.dictionaries(NAMES, inner, max_size=3)
    return {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "title": st.sampled_from(["A", "B"]),
        "default": VALUES,
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "maxLength": st.integers(0, 9),
        "minimum": NUMBERS,
        "multipleOf": st.integers(1, 9) | st.just(1.5),
        "pattern": st.sampled_from(["^a", "b+"]),
        "format": st.just("date"),
        "properties": properties,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(st.sampled_from(["^x-", "e"]), inner, max_size=2),
        "items": inner,
        "allOf": members,
        "anyOf": members,
        "oneOf": members,
        "not": inner,
        "if": inner,
        "$ref": st.sampled_from(["#/definitions/T", "#"]),
    }


def _schema(inner):
    keywords = _keywords(inner)
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=4, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


SCHEMAS = st.recursive(st.booleans() | st.just({}) | TYPES.map(lambda kind: {"type": kind}), _schema, max_leaves=8)
DOCUMENTS = st.builds(
    lambda draft, body, definition: {"$schema": draft, **(body or {}), "definitions": {"T": definition}},
    st.sampled_from([DRAFT_7, MODERN]),
    _schema(SCHEMAS),
    SCHEMAS,
)
"""Valid schemas with references, recursion and every kind of class."""
