"""Ways to a wanted schema: every stage holds at the level, and the last is the wish wherever one exists."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.compatibility import check
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.evolution import MOST_STAGES, Route, route
from schema_mcp.domain.schema import Level, Schema, SchemaType

LEVELS = [level for level in Level if level is not Level.NONE]


def record(*fields: str | dict[str, Any]) -> str:
    told = [
        one
        if isinstance(one, dict)
        else {"name": one.removesuffix("="), "type": "string"} | ({"default": ""} if one.endswith("=") else {})
        for one in fields
    ]
    return json.dumps({"type": "record", "name": "R", "fields": told})


def enum(*symbols: str) -> dict[str, Any]:
    return {"name": "e", "type": {"type": "enum", "name": "E", "symbols": list(symbols)}}


def way(wanted: str, *history: str, level: Level, kind: SchemaType = SchemaType.AVRO) -> tuple[Route, list[Whole]]:
    before = [Whole(Schema(text, kind), number=number) for number, text in enumerate(history, start=1)]
    return route(Whole(Schema(wanted, kind)), before, level), before


def assert_holds(found: Route, before: list[Whole], level: Level) -> None:
    for index, stage in enumerate(found.stages):
        assert check(stage, [*before, *found.stages[:index]], level).compatible


@pytest.mark.parametrize(
    ("old", "new", "level", "stages"),
    [
        pytest.param(record("a"), record("a", "b="), Level.FULL, 1, id="what fits goes at once"),
        pytest.param(record("a"), record("a", "b"), Level.BACKWARD, 2, id="a field without a default"),
        pytest.param(record("a", "b"), record("a"), Level.FORWARD, 2, id="a field that goes"),
        pytest.param(record("a"), record("b"), Level.FULL, 2, id="another name"),
        pytest.param(record(enum("A", "B")), record(enum("A", "C")), Level.FULL, 2, id="other symbols"),
    ],
)
def test_a_change_that_is_refused_at_once_goes_by_stages(old: str, new: str, level: Level, stages: int):
    found, before = way(new, old, level=level)
    assert (found.arrives, len(found.stages)) == (True, stages)
    assert found.stages[-1].schema.text == new
    assert_holds(found, before, level)


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [
        pytest.param(record("a"), record("a", "b"), Level.FULL_TRANSITIVE, id="a transitive level forgets nothing"),
        pytest.param(record("a"), record({"name": "a", "type": "long"}), Level.BACKWARD, id="another type"),
    ],
)
def test_a_wish_that_no_stage_reaches_is_not_said_to_be_reached(old: str, new: str, level: Level):
    found, before = way(new, old, level=level)
    assert not found.arrives
    assert all(stage.schema.text != new for stage in found.stages)
    assert_holds(found, before, level)


def test_the_first_version_of_a_subject_needs_no_way():
    found, _ = way(record("a"), level=Level.FULL_TRANSITIVE)
    assert (found.arrives, len(found.stages)) == (True, 1)


def test_another_language_is_never_reached():
    before = [Whole(Schema(record("a")), number=1)]
    wanted = Whole(Schema('{"type":"object"}', SchemaType.JSON))
    assert route(wanted, before, Level.BACKWARD) == Route((), arrives=False)


def test_protobuf_and_json_schema_go_by_stages_too():
    closed = '{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"}}}'
    needed = '{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["b"]}'
    found, before = way(needed, closed, level=Level.BACKWARD, kind=SchemaType.JSON)
    assert_holds(found, before, Level.BACKWARD)
    gone = 'syntax = "proto2"; message M { required int32 a = 1; }'
    wish = 'syntax = "proto2"; message M { optional string b = 2; }'
    found, before = way(wish, gone, level=Level.FORWARD, kind=SchemaType.PROTOBUF)
    assert_holds(found, before, Level.FORWARD)


FIELDS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["string", "int", "long"]), st.booleans()),
    max_size=4,
    unique_by=lambda field: field[0],
)
DEFAULTS = {"string": "", "int": 0, "long": 0}


def text_of(fields: list[tuple[str, str, bool]]) -> str:
    return record(
        *(
            {"name": name, "type": kind} | ({"default": DEFAULTS[kind]} if has_default else {})
            for name, kind, has_default in fields
        )
    )


@given(st.lists(FIELDS, min_size=1, max_size=3), FIELDS, st.sampled_from(LEVELS))
def test_every_stage_of_every_way_holds_at_its_level(history: Any, wanted: Any, level: Level):
    found, before = way(text_of(wanted), *map(text_of, history), level=level)
    assert len(found.stages) <= MOST_STAGES
    assert_holds(found, before, level)
    assert found.arrives == bool(found.stages and found.stages[-1].schema.text == text_of(wanted))
