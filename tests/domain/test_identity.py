"""Identity: the MD5 and GUID a registry gives a schema, and our own hash."""

import json
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.identity import guid, md5, schema_hash
from schema_mcp.domain.schema import Reference, Schema, SchemaType

CASES = Path(__file__).parent.parent / "cases"
RULE = {"name": "r", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true", "disabled": False}


def canonical_rows():
    for language in ("avro", "json", "protobuf"):
        rows = json.loads((CASES / "compatibility" / f"canonical_{language}.json").read_text("utf-8"))
        yield from (pytest.param(row, id=row["id"]) for row in rows)


def references_of(row):
    return [Reference(one["name"], one["subject"], one["version"]) for one in row.get("references", ())]


@pytest.mark.parametrize("row", list(canonical_rows()))
def test_guid_is_the_registrys(row):
    assert guid(row["canonical"], references_of(row)) == row["guid"]


@pytest.mark.parametrize("row", list(canonical_rows()))
def test_guid_of_the_normalised_text_is_the_registrys(row):
    once = {(one.subject, one.version): one for one in references_of(row)}

    assert guid(row["normalized"], [once[key] for key in sorted(once)]) == row["normalized_guid"]


def recorded_answers():
    """Every schema with a GUID that the recorded registry answered, with all that belongs to its identity."""
    found = {}
    for path in sorted((CASES / "recordings").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            if "ormat=" not in row["path"]:
                found |= {answer["guid"]: answer for answer in answers_in(row["response"])}
    return found


def answers_in(value):
    if isinstance(value, list):
        for one in value:
            yield from answers_in(one)
    elif isinstance(value, dict) and "guid" in value and "schema" in value:
        yield value


def test_guids_of_the_recordings_are_right():
    answers = recorded_answers()

    assert len(answers) > 300
    for expected, answer in answers.items():
        references = [
            Reference(one.get("name", ""), one["subject"], one["version"]) for one in answer.get("references", ())
        ]
        assert guid(answer["schema"], references, answer.get("metadata"), answer.get("ruleSet")) == expected


def test_guid_is_the_md5_printed_as_a_uuid():
    assert uuid.UUID(guid('"string"')).bytes == md5('"string"')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(Schema("x"), Schema("y"), id="text"),
        pytest.param(Schema("x", SchemaType.AVRO), Schema("x", SchemaType.JSON), id="type"),
        pytest.param(Schema("x"), Schema("x", references=(Reference("n", "s", 1),)), id="reference"),
        pytest.param(
            Schema("x", references=(Reference("n", "s", 1),)),
            Schema("x", references=(Reference("n", "s", 2),)),
            id="reference-version",
        ),
        pytest.param(Schema("x"), Schema("x", metadata={}), id="empty-metadata"),
        pytest.param(Schema("x", metadata={}), Schema("x", metadata={"properties": {"a": "1"}}), id="metadata"),
        pytest.param(Schema("x"), Schema("x", rule_set={"domainRules": [RULE]}), id="rules"),
        pytest.param(
            Schema("x", rule_set={"domainRules": [RULE]}),
            Schema("x", rule_set={"domainRules": [RULE | {"disabled": True}]}),
            id="disabled-rule",
        ),
        pytest.param(
            Schema("x", rule_set={"domainRules": [RULE]}),
            Schema("x", rule_set={"domainRules": [RULE], "enableAt": "2026-01-01"}),
            id="enable-at",
        ),
    ],
)
def test_what_a_registry_tells_apart_has_another_hash(one, other):
    assert schema_hash(one) != schema_hash(other)


texts = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4)


@given(texts, st.permutations(range(4)))
def test_the_order_of_keys_changes_nothing(properties, order):
    items = list(properties.items())
    shuffled = dict(items[place] for place in order if place < len(items))

    assert schema_hash(Schema("x", metadata={"properties": properties})) == schema_hash(
        Schema("x", metadata={"properties": shuffled})
    )


def test_left_out_kind_and_mode_are_the_registrys_defaults():
    bare = {"name": "r", "type": "CEL"}

    assert md5("x", rule_set={"domainRules": [bare]}) == md5(
        "x", rule_set={"domainRules": [bare | {"kind": "TRANSFORM", "mode": "WRITEREAD"}]}
    )
