"""The collected cases as questions in a batch: verdicts, changes, canonical texts, validity and names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.services.batch import answer

CASES = Path(__file__).parent.parent / "cases" / "compatibility"
SUFFIXES = {"avro": "AVRO", "json": "JSON", "protobuf": "PROTOBUF"}


def rows(name: str) -> list[Any]:
    path = CASES / f"{name}.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [pytest.param(row, id=row["id"]) for row in found]


@pytest.mark.parametrize("row", [*rows("avro"), *rows("json_schema"), *rows("protobuf")])
def test_the_verdict_and_the_changes_are_the_recorded_ones(row: dict[str, Any]):
    said = answer({"op": "compatibility", "semantics": "confluent-next", **row})

    expected = row["expected"]
    assert (said.get("id"), said.get("compatible")) == (row["id"], expected["compatible"]), said
    if "changes" in expected:
        assert sorted(said["changes"]) == sorted(expected["changes"])


@pytest.mark.parametrize(
    "row", [param for name in ("json_schema", "protobuf") for param in rows(name) if "expected_8_3" in param.values[0]]
)
def test_where_releases_differ_the_older_one_is_the_default(row: dict[str, Any]):
    assert answer({"op": "compatibility", **row})["compatible"] is row["expected_8_3"]


@pytest.mark.parametrize("language", SUFFIXES)
def test_canonical_texts_and_fingerprints_are_the_recorded_ones(language: str):
    wrong: list[tuple[str, str]] = []
    for param in rows(f"canonical_{language}"):
        row: Mapping[str, Any] = param.values[0]  # type: ignore[assignment]
        asked = {**row, "op": "canonical", "schema": row["input"], "schemaType": SUFFIXES[language]}
        said = answer(asked)
        wrong += [(row["id"], key) for key in set(row) & COMPARED if said.get(key) != row[key]]

    assert wrong == []


COMPARED = {"canonical", "normalized", "guid", "normalized_guid", "parsing_canonical_form", "crc64_avro"}


@pytest.mark.parametrize("row", rows("validity"))
def test_validity_is_the_recorded_one(row: dict[str, Any]):
    assert answer({"op": "validate", **row})["valid"] is row["valid"]


# The other rows of that file are about contexts and references, which this operation does not read.
@pytest.mark.parametrize("row", [one for one in rows("subject_names") if one.values[0]["kind"] == "subject"])
def test_names_are_read_as_recorded(row: dict[str, Any]):
    said = answer({"op": "subject", "name": row["input"]})

    assert {key: said[key] for key in ("context", "subject", "valid")} == {
        key: row["expected"][key] for key in ("context", "subject", "valid")
    }


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(None, id="nothing"),
        pytest.param([1], id="a list"),
        pytest.param({}, id="no operation"),
        pytest.param({"op": "compatibility"}, id="nothing to compare"),
        pytest.param({"op": "compatibility", "new": {"schema": 5}, "previous": [], "level": "BACKWARD"}, id="a number"),
        pytest.param({"op": "compatibility", "new": {"schema": "{"}, "previous": [], "level": "FULL"}, id="bad text"),
        pytest.param(
            {"op": "compatibility", "new": {"schema": '"int"'}, "previous": [], "level": "UP"}, id="bad level"
        ),
        pytest.param({"op": "validate", "schema": '"int"', "schemaType": "XML"}, id="bad language"),
        pytest.param({"op": "subject", "name": 7}, id="a name that is none"),
        pytest.param({"op": "canonical", "schema": '"int"', "references": [{}]}, id="half a reference"),
    ],
)
def test_a_bad_question_is_answered_with_an_error(question: object):
    assert answer(question)["error"]
