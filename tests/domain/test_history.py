"""A chart of a history says of every level what asking version by version would have said."""

import json
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.compatibility import check
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.history import STRICTEST_FIRST, chart
from schema_mcp.domain.schema import Level, Schema, SchemaType

CASES = Path(__file__).parent.parent / "cases" / "compatibility"


def record(*fields: str) -> str:
    told = [
        {"name": one.removesuffix("="), "type": "string"} | ({"default": ""} if "=" in one else {}) for one in fields
    ]
    return json.dumps({"type": "record", "name": "R", "fields": told})


def history(*texts: str, group: tuple[str, ...] = ()) -> list[Whole]:
    properties = [{"properties": {"major": one}} for one in group] or [None] * len(texts)
    return [
        Whole(Schema(text, metadata=meta), number=number)
        for number, (text, meta) in enumerate(zip(texts, properties, strict=True), start=1)
    ]


def of_cases(name: str) -> list[Any]:
    """Every seventh case of a language that needs no other schema: kind, then the texts, oldest first."""
    rows = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    plain = [row for row in rows if all(set(one) == {"schema"} for one in [*row["previous"], row["new"]])]
    return [
        pytest.param(row["schemaType"], [one["schema"] for one in [*row["previous"], row["new"]]], id=row["id"])
        for row in plain[::7]
    ]


@pytest.mark.parametrize(("kind", "texts"), [*of_cases("avro"), *of_cases("json_schema"), *of_cases("protobuf")])
def test_a_chart_agrees_with_asking_version_by_version(kind: str, texts: list[str]):
    versions = [Whole(Schema(text, SchemaType(kind)), number=number) for number, text in enumerate(texts, start=1)]
    try:
        expected = [
            level
            for level in STRICTEST_FIRST
            if all(check(one, versions[:index], level).compatible for index, one in enumerate(versions))
        ]
    except InvalidSchemaError:
        assert chart(versions).unreadable
        return
    assert list(chart(versions).kept) == expected


def test_a_transitive_level_sees_what_its_neighbours_hide():
    drawn = chart(history(record("a"), record("a", "b="), record("a", "b")))
    assert [clash.number for clash in drawn.breaks(Level.BACKWARD_TRANSITIVE)] == [3]
    assert drawn.breaks(Level.BACKWARD) == []
    assert Level.BACKWARD_TRANSITIVE not in drawn.kept


def test_versions_of_another_group_are_not_held_against_each_other():
    texts = [record("a"), record("a", "b"), record("a", "c=")]
    assert chart(history(*texts), group="major").breaks(Level.BACKWARD)
    grouped = chart(history(*texts, group=("1", "2", "1")), group="major")
    assert grouped.breaks(Level.BACKWARD) == []


def test_the_neighbour_of_a_version_is_the_nearest_of_its_group():
    texts = [record("a"), record("a", "b"), record("a", "c")]
    grouped = chart(history(*texts, group=("1", "2", "1")), group="major")
    assert [clash.comparison.number for clash in grouped.breaks(Level.BACKWARD)] == [1]


def test_a_version_that_is_no_schema_is_told_and_the_others_are_judged():
    drawn = chart(history("{", record("a"), record("a", "b")))
    assert list(drawn.unreadable) == [1]
    assert [(clash.number, clash.comparison.number) for clash in drawn.breaks(Level.BACKWARD)] == [(3, 2)]


def test_levels_are_listed_strictest_first():
    assert set(STRICTEST_FIRST) == set(Level)
    assert chart(history(record("a"))).kept == STRICTEST_FIRST
