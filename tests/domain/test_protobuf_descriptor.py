"""File descriptors, as Kafka's serialisers register them, held against the real protobuf library."""

import base64
import importlib
import pkgutil

import google.api
import google.rpc
import google.type
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.protobuf.format import PROTOBUF
from schema_mcp.domain.schema import Dependency

WELL_KNOWN = "any api duration empty field_mask source_context struct timestamp type wrappers"
MODULES = [
    *(f"google.protobuf.{name}_pb2" for name in WELL_KNOWN.split()),
    *(
        f"{package.__name__}.{module.name}"
        for package in (google.type, google.api, google.rpc)
        for module in pkgutil.iter_modules(package.__path__)
        if module.name.endswith("_pb2")
    ),
    "confluent_kafka.schema_registry.confluent.meta_pb2",
]


def registered(descriptor) -> str:
    """What a serialiser sends for a file."""
    return base64.standard_b64encode(descriptor.serialized_pb).decode()


def references(descriptor) -> list[Dependency]:
    found: dict[str, Dependency] = {}
    for dependency in descriptor.dependencies:
        found |= {it.name: it for it in references(dependency)}
        found[dependency.name] = Dependency(dependency.name, registered(dependency))
    return list(found.values())


def comparable(file: descriptor_pb2.FileDescriptorProto) -> str:
    """A file without what a text does not hold: its name, implied labels, and how fields and oneofs interleave."""
    file.name = ""
    waiting = list(file.message_type)
    while waiting:
        message = waiting.pop()
        waiting += message.nested_type
        message.field.sort(key=lambda field: field.number)
        for field in message.field:
            field.label = field.label
    for extension in file.extension:
        extension.label = extension.label
    return str(file)


@pytest.mark.parametrize("name", MODULES)
def test_a_real_file_survives_the_way_into_a_text_and_back(name: str):
    descriptor = importlib.import_module(name).DESCRIPTOR

    parsed = PROTOBUF.parse(registered(descriptor), references(descriptor), new=True)
    again = PROTOBUF.parse(parsed.canonical, references(descriptor), new=True)
    back = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(PROTOBUF.serialized(again)))

    assert again.canonical == parsed.canonical
    assert PROTOBUF.differences(again, parsed, Rules()) == []
    assert comparable(back) == comparable(descriptor_pb2.FileDescriptorProto.FromString(descriptor.serialized_pb))


EVERYTHING = """
syntax = "proto3";
package shop;

import public "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";

option java_package = "com.example";
option optimize_for = CODE_SIZE;
option deprecated = true;

message Order {
  reserved 20, 30 to 40, 500 to max;
  reserved "old";
  option deprecated = false;
  optional string note = 1;
  repeated Line lines = 2 [deprecated = true];
  map<string, Kind> kinds = 3;
  google.protobuf.Timestamp at = 4 [json_name = "when"];
  map<int32, Line> line_by_number = 5;
  oneof pay {
    string card = 6;
    Cash cash = 7;
  }
  optional Kind kind = 8;
  message Line { string sku = 1; sint64 amount = 2 [jstype = JS_STRING]; }
  message Cash {}
  enum Kind { reserved 3, 5 to 7; reserved "GONE"; option allow_alias = true; NONE = 0; ZERO = 0; MINUS = -1; }
}

service Desk {
  rpc Take (Order) returns (stream Order.Line) { option idempotency_level = IDEMPOTENT; };
}
"""


def test_a_serialised_schema_is_a_descriptor_that_the_library_loads():
    parsed = PROTOBUF.parse(EVERYTHING, new=True)
    pool = descriptor_pool.DescriptorPool()
    for name in ("timestamp", "duration"):
        module = importlib.import_module(f"google.protobuf.{name}_pb2")
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)

    pool.AddSerializedFile(base64.b64decode(PROTOBUF.serialized(parsed)))

    order = pool.FindMessageTypeByName("shop.Order")
    record = message_factory.GetMessageClass(order)(note="", card="4711", kinds={"a": -1})
    assert record.HasField("note")
    assert record.WhichOneof("pay") == "card"
    assert order.fields_by_name["at"].json_name == "when"
    assert order.fields_by_name["kind"].has_presence
    assert order.fields_by_name["lines"].GetOptions().deprecated
    assert [oneof.name for oneof in order.oneofs][:1] == ["pay"]
    assert pool.FindServiceByName("shop.Desk").methods[0].server_streaming


def test_a_descriptor_and_its_text_are_compatible_and_stored_alike():
    text = PROTOBUF.parse(EVERYTHING)

    descriptor = PROTOBUF.parse(PROTOBUF.serialized(text), new=True)

    assert PROTOBUF.differences(descriptor, text, Rules()) == []
    assert PROTOBUF.differences(text, descriptor, Rules()) == []
    assert PROTOBUF.normalized(descriptor) == PROTOBUF.normalized(text)


def test_defaults_and_groups_of_proto2_come_through():
    text = (
        'syntax = "proto2"; message A { required bytes raw = 1 [default = "\\x01\\"é"]; '
        'optional string word = 2 [default = "a\\nb"]; optional double sum = 3 [default = -inf]; '
        "optional K k = 4 [default = TWO]; repeated group Row = 5 { optional int32 n = 1; } "
        "oneof pick { group Other = 6 { optional int32 m = 1; } } extensions 100 to 199; "
        "enum K { ONE = 1; TWO = 2; } } "
        "extend A { repeated int32 more = 100 [packed = true]; }"
    )
    parsed = PROTOBUF.parse(text, new=True)

    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(PROTOBUF.serialized(parsed)))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    fields = pool.FindMessageTypeByName("A").fields_by_name
    assert fields["raw"].default_value == '\x01"é'.encode("latin-1")
    assert fields["word"].default_value == "a\nb"
    assert fields["sum"].default_value == float("-inf")
    assert fields["k"].default_value == 2
    assert fields["row"].message_type.name == "Row"
    again = PROTOBUF.parse(PROTOBUF.serialized(parsed))
    assert again.canonical == parsed.canonical.removeprefix('syntax = "proto2";\n')


def test_field_metadata_of_the_registry_comes_through():
    text = (
        'syntax = "proto3"; import "confluent/meta.proto"; message A { '
        'string email = 1 [(confluent.field_meta) = { doc: "where to write", tags: ["PII", "MAIL"], '
        'params: [{key: "k", value: "v"}] }]; string b = 2 [(confluent.field_meta).tags = "PII"]; }'
    )
    parsed = PROTOBUF.parse(text, new=True)

    again = PROTOBUF.parse(PROTOBUF.serialized(parsed))

    assert '"MAIL"' in again.canonical
    assert 'doc: "where to write"' in again.canonical
    assert 'key: "k"' in again.canonical
    assert again.canonical.count('"PII"') == 2


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(descriptor_pb2.FileDescriptorProto(name="a", syntax="editions"), id="editions"),
        pytest.param(
            descriptor_pb2.FileDescriptorProto(message_type=[descriptor_pb2.DescriptorProto(name="no name {")]),
            id="name-that-no-text-can-hold",
        ),
        pytest.param(b"\x22\x0c\x0a\x01A\x12\x07\x0a\x01a\x18\x01\x28\x63", id="unknown-field-type"),
        pytest.param(b"\x0a\x05ab", id="cut-off"),
        pytest.param(b"\x0f", id="unknown-wire-type"),
        pytest.param(b"\x12\x02\xff\xfe", id="no-utf-8"),
        pytest.param(b"\x80" * 11, id="endless-number"),
        pytest.param(b"\x00\x00\x00", id="field-zero"),
        pytest.param(b"\x20\x05", id="number-for-a-message"),
    ],
)
def test_other_bytes_are_refused(file):
    data = file if isinstance(file, bytes) else file.SerializeToString()

    with pytest.raises(InvalidSchemaError):
        PROTOBUF.parse(base64.b64encode(data).decode())


def test_a_descriptor_nested_too_deep_is_refused():
    message = descriptor_pb2.DescriptorProto(name="A")
    for _ in range(90):  # the library itself stops at a hundred
        message = descriptor_pb2.DescriptorProto(name="A", nested_type=[message])
    data = message.SerializeToString()
    for _ in range(300):
        data = descriptor_pb2.DescriptorProto(name="A").SerializeToString() + b"\x1a" + varint(len(data)) + data

    with pytest.raises(InvalidSchemaError):
        PROTOBUF.parse(base64.b64encode(b"\x22" + varint(len(data)) + data).decode())


def varint(number: int) -> bytes:
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes([*data, number])
