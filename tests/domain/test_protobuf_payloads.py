"""Protobuf data: the protobuf library reads what we write, we read what it writes, and a fault names its place."""

import base64
import importlib
import json
from functools import cache
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError
from schema_mcp.domain.payloads import FaultError, framed, json_text, unframed
from schema_mcp.domain.protobuf.format import PROTOBUF as FORMAT
from schema_mcp.domain.protobuf.payloads import PROTOBUF
from schema_mcp.domain.schema import Dependency, SchemaType

CASES = Path(__file__).parents[1] / "cases" / "compatibility" / "protobuf.json"

ORDER = """syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
enum State { STATE_UNKNOWN = 0; PAID = 1; LATE = -1; }
message Order {
  message Line { string sku = 1; repeated sint32 counts = 2; }
  int64 id = 1;
  repeated Line order_lines = 2;
  map<string, double> prices = 3;
  map<bool, Line> by_flag = 13;
  State state = 4;
  oneof payment { string card = 5; uint32 voucher = 6; }
  google.protobuf.Timestamp at = 7;
  google.protobuf.StringValue note = 8;
  google.protobuf.Struct extra = 9;
  bytes raw = 10;
  float rate = 11;
  optional fixed64 key = 12;
}
message Other { int32 a = 1; }
"""
DATA = {
    "id": "7",
    "orderLines": [{"sku": "AB", "counts": [1, -2]}, {}],
    "prices": {"net": 1.5},
    "byFlag": {"true": {"sku": "T"}},
    "state": "LATE",
    "voucher": 4,
    "at": "2024-05-17T09:30:00.250Z",
    "note": "soon",
    "extra": {"a": [1.0, None, {"b": True}]},
    "raw": "/+8=",
    "rate": 0.5,
    "key": "9",
}


def schema(text=ORDER, *dependencies):
    return FORMAT.parse(text, dependencies)


BUILT_IN = [
    importlib.import_module(f"google.protobuf.{name}_pb2").DESCRIPTOR
    for name in ("any", "timestamp", "duration", "wrappers", "struct", "empty", "field_mask", "descriptor")
]


def changed(**values):
    return DATA | values


def library(text, dependencies=()):
    """The classes that the protobuf library makes of the descriptors we write."""
    pool = descriptor_pool.DescriptorPool()
    for known in BUILT_IN:
        pool.AddSerializedFile(known.serialized_pb)
    for index, one in enumerate(dependencies):
        pool.AddSerializedFile(descriptor(one.text, one.name, dependencies[:index]).SerializeToString())
    pool.AddSerializedFile(descriptor(text, "own.proto", dependencies).SerializeToString())
    return message_factory.GetMessageClassesForFiles(["own.proto"], pool)


def descriptor(text, name, dependencies):
    encoded = FORMAT.serialized(FORMAT.parse(text, dependencies))
    proto = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(encoded))
    proto.name = name
    return proto


@cache
def order_class():
    return library(ORDER)["shop.Order"]


def test_data_is_written_and_read_as_it_was():
    data = PROTOBUF.written(schema(), DATA, "")

    assert PROTOBUF.read(schema(), data, "") == DATA


def test_the_library_understands_what_we_write():
    theirs = order_class().FromString(PROTOBUF.written(schema(), DATA, "shop.Order"))

    assert json_format.MessageToDict(theirs) == DATA


def test_we_understand_what_the_library_writes():
    theirs = json_format.ParseDict(DATA, order_class()())

    assert PROTOBUF.read(schema(), theirs.SerializeToString(), "Order") == DATA


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        pytest.param(changed(id="x"), "/id", "int64", id="type"),
        pytest.param(changed(id=2**63), "/id", "fit into int64", id="range"),
        pytest.param(changed(orderLines=[{"sku": "A"}, {"sku": 1}]), "/orderLines/1/sku", "string", id="deep"),
        pytest.param(changed(order_lines=[{"counts": 1}]), "/order_lines", "twice", id="both-names"),
        pytest.param(changed(prices={"a/b": "x"}), "/prices/a~1b", "double", id="map"),
        pytest.param(changed(state="LOST"), "/state", "constant", id="constant"),
        pytest.param(changed(card="x"), "/card", "only one", id="oneof"),
        pytest.param(changed(at="tomorrow"), "/at", "time", id="time"),
        pytest.param(changed(note=4), "/note", "string", id="wrapper"),
        pytest.param(changed(raw="*"), "/raw", "base64", id="bytes"),
        pytest.param(changed(rate=1e39), "/rate", "float", id="float"),
        pytest.param(changed(extra=[]), "/extra", "object", id="struct"),
        pytest.param(changed(unknown=1), "/unknown", "no such field", id="unknown"),
        pytest.param([], "", "object", id="root"),
    ],
)
def test_a_fault_names_its_place(value, path, words):
    (fault,) = PROTOBUF.faults(schema(), value, "")

    assert fault.path == path
    assert words in fault.message


@pytest.mark.parametrize(
    ("data", "path", "words"),
    [
        pytest.param(b"\x08", "", "ends", id="no-value"),
        pytest.param(b"\x0a\x01a", "/id", "int64", id="another-wire-type"),
        pytest.param(b"\x12\x05\x0a\x03a", "", "ends", id="too-short"),
        pytest.param(b"\x12\x03\x0a\x01\xff", "/orderLines/0/sku", "UTF-8", id="text"),
        pytest.param(b"\x07", "", "field 0", id="field-0"),
        pytest.param(b"\x0c", "", "did not begin", id="end-of-no-group"),
        pytest.param(b"\x7b" * 5_000, "", "", id="groups-without-end"),
    ],
)
def test_bytes_that_are_no_such_message_are_refused(data, path, words):
    with pytest.raises(FaultError) as refused:
        PROTOBUF.read(schema(), data, "")

    assert refused.value.fault.path == path
    assert words in refused.value.fault.message


def test_fields_that_the_schema_does_not_know_are_passed_over():
    assert PROTOBUF.read(schema(), b"\xf8\x01\x05\x08\x07", "") == {"id": "7"}


def test_a_required_field_has_to_be_there():
    old = schema("message A { required int32 n = 1; optional A a = 2; }")

    assert PROTOBUF.faults(old, {"n": 1, "a": {}}, "")[0].path == "/a/n"
    with pytest.raises(FaultError, match="required"):
        PROTOBUF.read(old, b"", "")


def test_a_message_is_chosen_by_name_or_by_the_indexes_of_a_header():
    nested = PROTOBUF.indexes_of(schema(), "Order.Line")

    assert nested == PROTOBUF.indexes_of(schema(), "shop.Order.Line") == (0, 0)
    assert PROTOBUF.indexes_of(schema(), "Other") == (1,)
    assert PROTOBUF.message_at(schema(), (0, 0)) == "shop.Order.Line"
    with pytest.raises(FaultError, match=r"it has: shop\.Order, shop\.Other"):
        PROTOBUF.indexes_of(schema(), "Lost")
    with pytest.raises(FaultError, match="none there"):
        PROTOBUF.message_at(schema(), (5,))


@pytest.mark.parametrize(
    ("indexes", "header"),
    [
        pytest.param((0,), b"\x00\x00\x00\x00\x07\x00", id="the-first-is-a-lone-zero"),
        pytest.param((1, 0), b"\x00\x00\x00\x00\x07\x04\x02\x00", id="count-and-zigzag"),
    ],
)
def test_headers_are_those_of_the_serializers(indexes, header):
    assert framed(b"x", 7, indexes) == header + b"x"
    found = unframed(header + b"x", SchemaType.PROTOBUF)
    assert (found.body, found.schema_id, found.indexes) == (b"x", 7, indexes)


@pytest.mark.parametrize("data", [b"", b"\x00\x00", b"\x01\x00\x00\x00\x01\x00", b"\x00\x00\x00\x00\x01\xff"])
def test_bytes_without_a_header_are_refused(data):
    with pytest.raises(FaultError, match="header"):
        unframed(data, SchemaType.PROTOBUF)


@given(st.binary(max_size=80))
def test_no_bytes_do_harm_and_what_is_read_can_be_written(data):
    try:
        value = PROTOBUF.read(schema(), data, "")
    except FaultError:
        return
    assert PROTOBUF.faults(schema(), value, "") == []


def rows():
    for row in json.loads(CASES.read_text("utf-8")):
        for index, side in enumerate([row["new"], *row["previous"]]):
            if side.get("schemaType", "PROTOBUF") == "PROTOBUF":
                yield pytest.param(side, id=f"{row['id']}-{index}")


@pytest.mark.parametrize("side", [*rows()])
def test_an_example_is_of_its_schema_for_the_library_too(side):
    dependencies = [Dependency(one["name"], one["dependency"]) for one in side.get("dependencies", ())]
    try:
        parsed = FORMAT.parse(side["schema"], dependencies, new=True)
    except InvalidSchemaError:
        return
    if not parsed.file.messages:
        return
    classes = library(side["schema"], dependencies)

    for message in parsed.file.messages:
        try:
            value = PROTOBUF.example(parsed, 1, message.name)
        except InvalidRequestError:
            assert "required" in side["schema"]
            continue
        data = PROTOBUF.written(parsed, value, message.name)
        assert value == PROTOBUF.read(parsed, data, message.name)
        full = f"{parsed.file.package}.{message.name}" if parsed.file.package else message.name
        theirs = classes[full].FromString(data)
        assert theirs == json_format.Parse(json_text(value), classes[full]())


def test_a_message_that_requires_itself_has_no_example():
    with pytest.raises(InvalidRequestError, match="requires itself"):
        PROTOBUF.example(schema("message A { required A a = 1; }"), 0, "")


def test_recursion_ends():
    tree = schema('syntax = "proto3"; message T { repeated T a = 1; T b = 2; map<string, T> c = 3; }')

    value = PROTOBUF.example(tree, 3, "")

    assert PROTOBUF.faults(tree, value, "") == []
    assert len(json_text(value)) < 1_000_000
