"""Every way out of a refusal is one that the engine accepts."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.compatibility import check
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.remedies import GROUP, Remedy, ways_out
from schema_mcp.domain.schema import Dependency, Level, Policy, Schema, SchemaType, Semantics

CASES = Path(__file__).parent.parent / "cases" / "compatibility"


@cache
def refused(language: str) -> list[tuple[str, Whole, list[Whole], Level, Rules]]:
    """The rows of a language that are incompatible."""
    path = CASES / f"{language}.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [read(row) for row in rows if not row["expected"]["compatible"]]


def read(row: dict[str, Any]) -> tuple[str, Whole, list[Whole], Level, Rules]:
    kind = SchemaType(row["schemaType"])
    previous = [whole(one, kind, number) for number, one in enumerate(row["previous"], start=1)]
    rules = Rules(Policy(row.get("policy", Policy.STRICT)), Semantics(row.get("semantics", Semantics.CONFLUENT_NEXT)))
    return row["id"], whole(row["new"], kind), previous, Level(row["level"]), rules


def whole(given: dict[str, Any], kind: SchemaType, number: int = 0) -> Whole:
    texts = tuple(Dependency(one["name"], one["dependency"]) for one in given.get("dependencies") or ())
    schema = Schema(given["schema"], SchemaType(given.get("schemaType", kind)), metadata=given.get("metadata"))
    return Whole(schema, texts, number)


def failures(new: Whole, previous: list[Whole], level: Level, rules: Rules, way: Remedy) -> Iterator[str]:
    group = GROUP if way.kind == "group" else None
    offered = replace(new, schema=way.schema)
    if way.kind == "keep":
        offered = next(old for old in previous if old.number == way.number)
    if not check(offered, previous, level, rules, group=group).compatible:
        yield way.kind


@pytest.mark.parametrize(
    ("language", "mended"),
    [
        pytest.param("avro", 0.8, id="avro"),
        pytest.param("json_schema", 0.8, id="json"),
        pytest.param("protobuf", 0.8, id="protobuf"),
    ],
)
def test_every_way_out_is_accepted_and_most_breaks_can_be_mended(language: str, mended: float):
    wrong: list[tuple[str, str]] = []
    kinds: list[str] = []
    rows = refused(language)
    for name, new, previous, level, rules in rows:
        ways = list(ways_out(new, previous, level, rules))
        kinds += [ways[0].kind]
        wrong += [(name, one) for way in ways for one in failures(new, previous, level, rules, way)]

    assert wrong == []
    assert kinds.count("mended") >= mended * len(rows)


def test_a_mended_text_is_no_copy_of_the_earlier_version():
    old = Schema('{"type":"record","name":"R","fields":[{"name":"id","type":"long"}]}')
    new = Schema(
        '{"type":"record","name":"R","fields":[{"name":"id","type":"long"},{"name":"n","type":"string"},'
        '{"name":"ok","type":"string","default":""}]}'
    )

    first = next(ways_out(Whole(new), [Whole(old, number=1)], Level.BACKWARD))

    assert first.kind == "mended"
    assert [field["name"] for field in json.loads(first.schema.text)["fields"]] == ["id", "n", "ok"]


def test_a_change_of_language_has_ways_out_too():
    avro = Whole(Schema('"long"'), number=1)
    kinds = [way.kind for way in ways_out(Whole(Schema("{}", SchemaType.JSON)), [avro], Level.FULL)]

    assert kinds == ["keep", "group"]


def test_a_new_group_is_one_that_no_earlier_version_has():
    before = [
        Whole(Schema('"long"', metadata={"properties": {GROUP: number}}), number=index)
        for index, number in enumerate(("2", "3"), start=1)
    ]

    *_, last = ways_out(Whole(Schema('"string"', metadata={"tags": {"a": ["b"]}})), before, Level.BACKWARD)

    assert last.schema.metadata == {"tags": {"a": ["b"]}, "properties": {GROUP: "4"}}


def test_who_has_no_patience_gets_the_way_that_needs_no_search():
    old, new = Whole(Schema('"long"'), number=1), Whole(Schema('"string"'))

    assert [way.kind for way in ways_out(new, [old], Level.BACKWARD, patient=lambda: False)] == ["group"]


def tangled(leaf: str) -> Schema:
    """Ten definitions, each one of all ten or a leaf: a few lines whose members take long to compare."""
    every = [{"$ref": f"#/definitions/D{number}"} for number in range(10)]
    definitions = {f"D{number}": {"oneOf": [*every, {"type": leaf}]} for number in range(10)}
    text = json.dumps({"$ref": "#/definitions/D0", "definitions": definitions})
    return Schema(text, SchemaType.JSON)


def test_members_that_take_long_to_compare_are_not_mended_for_minutes():
    old, new = Whole(tangled("integer"), number=1), Whole(tangled("string"))

    def give_up(*_: object) -> None:
        pytest.fail("still looking for a mended schema")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(30)
    try:
        kinds = [way.kind for way in ways_out(new, [old], Level.BACKWARD)]
    finally:
        signal.alarm(0)

    assert kinds[-1] == "group"
