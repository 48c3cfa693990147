"""Avro data: fastavro reads what we write, we read what it writes, and a fault names its place."""

import io
import json
import math

import fastavro
import pytest
from avro_cases import parsed, rows
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.avro.format import AVRO as FORMAT
from schema_mcp.domain.avro.payloads import AVRO
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError
from schema_mcp.domain.payloads import FaultError, json_text, read_json

ORDER = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "note", "type": ["null", "string"], "default": None},
            {"name": "lines", "type": {"type": "array", "items": {
                "type": "record", "name": "Line", "fields": [{"name": "count", "type": "int"}]}}},
            {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "PAID"]}},
            {"name": "tags", "type": {"type": "map", "values": "double"}},
            {"name": "key", "type": {"type": "fixed", "name": "Key", "size": 2}},
            {"name": "raw", "type": "bytes"},
        ],
    }
)  # fmt: skip
DATA = {
    "id": 7,
    "note": {"string": "soon"},
    "lines": [{"count": 1}, {"count": 2}],
    "state": "PAID",
    "tags": {"weight": 1.5},
    "key": "ab",
    "raw": "\u00ff",
}


def schema(text):
    return FORMAT.parse(text)


def changed(**values):
    return DATA | values


def test_data_is_written_and_read_as_it_was():
    data = AVRO.written(schema(ORDER), DATA, "")

    assert AVRO.read(schema(ORDER), data, "") == DATA
    assert fastavro.schemaless_reader(io.BytesIO(data), json.loads(ORDER), None)["lines"] == DATA["lines"]


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        pytest.param(changed(id="x"), "/id", "long", id="type"),
        pytest.param(changed(id=2**63), "/id", "fit into long", id="range"),
        pytest.param(changed(id=True), "/id", "long", id="a-boolean-is-no-number"),
        pytest.param(changed(lines=[{"count": 1}, {"count": 1.5}]), "/lines/1/count", "int", id="deep"),
        pytest.param(changed(note=4), "/note", "null, string", id="no-branch"),
        pytest.param(changed(note={"string": 4}), "/note/string", "string", id="in-a-named-branch"),
        pytest.param(changed(state="LOST"), "/state", "symbol", id="symbol"),
        pytest.param(changed(tags={"a/b": "x"}), "/tags/a~1b", "double", id="a-pointer-is-escaped"),
        pytest.param(changed(key="abc"), "/key", "2 bytes", id="size"),
        pytest.param(changed(raw="\u0100"), "/raw", "bytes", id="not-a-byte"),
        pytest.param(changed(extra=1), "/extra", "no such field", id="unknown-field"),
        pytest.param({"id": 1}, "/note", "missing", id="missing-though-it-has-a-default"),
        pytest.param([], "", "object", id="root"),
    ],
)
def test_a_fault_names_its_place(value, path, words):
    (fault,) = AVRO.faults(schema(ORDER), value, "")

    assert fault.path == path
    assert words in fault.message


def test_a_branch_may_be_left_out_where_the_value_tells_it():
    data = AVRO.written(schema(ORDER), changed(note="soon"), "")

    assert AVRO.read(schema(ORDER), data, "") == DATA


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "ends here", id="nothing"),
        pytest.param(b"\x02\x00\x00\x00\x00ab\x00\x00", "left over", id="too-much"),
        pytest.param(b"\x02\x04", "branches", id="no-such-branch"),
        pytest.param(b"\x02\x02\x09", "length", id="negative-length"),
        pytest.param(b"\x80" * 11, "ten bytes", id="endless-number"),
    ],
)
def test_bytes_that_are_no_such_data_are_refused(data, words):
    with pytest.raises(FaultError, match=words):
        AVRO.read(schema(ORDER), data, "")


def test_a_promise_of_endless_nothing_is_not_believed():
    nulls = schema('{"type": "array", "items": "null"}')

    with pytest.raises(FaultError, match="more than"):
        AVRO.read(nulls, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "")


def test_bytes_that_nest_for_ever_are_refused():
    nested = schema('{"type":"record","name":"N","fields":[{"name":"n","type":["null","N"]}]}')

    with pytest.raises(FaultError, match="levels deep"):
        AVRO.read(nested, b"\x02" * 5_000, "")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_lacks_are_words(word):
    data = AVRO.written(schema('"double"'), word, "")

    assert AVRO.read(schema('"double"'), data, "") == word
    assert not math.isfinite(fastavro.schemaless_reader(io.BytesIO(data), "double", None))


@given(st.binary(max_size=60))
def test_no_bytes_do_harm(data):
    try:
        value = AVRO.read(schema(ORDER), data, "")
    except FaultError:
        return
    assert AVRO.faults(schema(ORDER), value, "") == []


SCHEMAS = [
    pytest.param(side, id=f"{row.id}-{index}")
    for row in rows("compatibility/avro.json")
    for index, side in enumerate([row.values[0]["new"], *row.values[0].get("previous", ())])
    if isinstance(side, dict) and side.get("schemaType", "AVRO") == "AVRO"
]


@pytest.mark.parametrize("side", SCHEMAS)
def test_an_example_is_of_its_schema_for_another_library_too(side):
    try:
        avro = parsed(side)
    except InvalidSchemaError:
        return
    try:
        made = [AVRO.example(avro, seed, "") for seed in range(3)]
    except InvalidRequestError:
        assert "[]" in avro.canonical or "N" in avro.canonical  # no data can be of it
        return
    for value in made:
        data = AVRO.written(avro, value, "")
        assert AVRO.read(avro, data, "") == value
        assert AVRO.faults(avro, read_json(json_text(value)), "") == []
        _read_by_fastavro(avro, data)
    assert made[0] == AVRO.example(avro, 0, "")


def _read_by_fastavro(avro, data):
    try:
        known = fastavro.parse_schema(json.loads(avro.resolved))
    except Exception:  # noqa: BLE001 - it knows fewer schemas than Java does
        return
    stream = io.BytesIO(data)
    fastavro.schemaless_reader(stream, known, None)
    assert stream.read() == b""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"type":"record","name":"N","fields":[{"name":"n","type":"N"}]}', id="contains-itself"),
        pytest.param("[]", id="no-branches"),
        pytest.param('{"type":"fixed","name":"F","size":1000000}', id="too-large"),
    ],
)
def test_where_there_is_no_example_that_is_said(text):
    with pytest.raises(InvalidRequestError):
        AVRO.example(schema(text), 0, "")


def test_recursion_ends():
    tree = (
        '{"type":"record","name":"T","fields":[{"name":"l","type":["null","T"]},{"name":"r","type":["null","T"]},'
        '{"name":"m","type":{"type":"map","values":"T"}},{"name":"a","type":{"type":"array","items":"T"}}]}'
    )

    value = AVRO.example(schema(tree), 1, "")

    assert AVRO.faults(schema(tree), value, "") == []
    assert len(json_text(value)) < 1_000_000
