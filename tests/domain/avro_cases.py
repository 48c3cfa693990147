"""The Avro data of tests/cases, as named rows."""

import json
from pathlib import Path

import pytest

from schema_mcp.domain.avro.format import AVRO
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.schema import Dependency, Level

CASES = Path(__file__).parents[1] / "cases"
DIFFERENT_TYPE = "DIFFERENT_SCHEMA_TYPE"


def rows(name):
    found = json.loads((CASES / name).read_text("utf-8"))
    return [pytest.param(row, id=row["id"]) for row in found if row.get("schemaType", "AVRO") == "AVRO"]


def dependencies(side):
    given = side.get("dependencies") or side.get("references") or []
    return [Dependency(one["name"], one.get("dependency") or one["schema"]) for one in given]


def parsed(side):
    return AVRO.parse(side["schema"], dependencies(side))


def comparisons(level, new, previous, rules=None):
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
    return AVRO.differences(reader, writer, rules or Rules())


def told(difference):
    """A difference as the data lists it."""
    if isinstance(difference, str) or difference.kind == "UNEXPECTED_EXCEPTION":
        return getattr(difference, "kind", difference)
    return f"{difference.kind} {difference.path}"
