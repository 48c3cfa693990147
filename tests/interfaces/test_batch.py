"""`check --batch`, as a pipeline uses it: a real process, lines in, lines out."""

import json
import subprocess
import sys

import pytest

INT, LONG, TEXT = '"int"', '"long"', '"string"'


def asked(*lines: str) -> list[dict]:
    command = [sys.executable, "-m", "schema_mcp", "check", "--batch"]
    run = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def question(name: str, **asked_for) -> str:
    return json.dumps({"id": name, "op": "compatibility", "schemaType": "AVRO", "level": "BACKWARD", **asked_for})


def test_answers_come_in_the_order_of_the_questions_with_their_ids():
    wider = question("wider", new={"schema": LONG}, previous=[{"schema": INT}])
    other = question("other", new={"schema": TEXT}, previous=[{"schema": INT}])

    answers = asked(wider, other, json.dumps({"id": "name", "op": "subject", "name": ":.eu:orders"}))

    assert [(one["id"], one.get("compatible")) for one in answers] == [
        ("wider", True),
        ("other", False),
        ("name", None),
    ]
    assert answers[1]["changes"] == ["TYPE_MISMATCH /"]
    assert answers[1]["messages"][-1] == "{validateFields: 'false', compatibility: 'BACKWARD'}"
    assert (answers[2]["context"], answers[2]["subject"]) == (".eu", "orders")


def test_a_bad_line_is_answered_and_the_stream_goes_on():
    good = json.dumps({"id": 7, "op": "validate", "schemaType": "AVRO", "schema": INT})

    answers = asked("{nonsense", "[]", json.dumps({"id": 6, "op": "fly"}), good)

    assert [one["id"] for one in answers] == [None, None, 6, 7]
    assert ["error" in one for one in answers] == [True, True, True, False]
    assert answers[3]["valid"] is True


@pytest.mark.parametrize("odd", ["\u2028", "\u0085"], ids=["a line separator", "a next line"])
def test_an_answer_is_one_line_whatever_the_schema_holds(odd: str):
    schema = json.dumps({"type": "string", "title": f"a{odd}b"}, ensure_ascii=False)
    line = json.dumps({"id": 1, "op": "canonical", "schemaType": "JSON", "schema": schema})

    (answer,) = asked(line)

    assert f"a{odd}b" in answer["canonical"]


def test_half_a_surrogate_pair_is_answered_with_what_is_wrong():
    schema = json.dumps({"type": "string", "title": "a\ud800b"}, ensure_ascii=False)

    (answer,) = asked(json.dumps({"id": 1, "op": "canonical", "schemaType": "JSON", "schema": schema}))

    assert "surrogate" in answer["error"]
