"""A real broker, Kafka's own producers and consumers, and our registry between them."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from mcp.client import Client

from interfaces.processes import serving

pytestmark = pytest.mark.live
key = "kafka"

PATIENCE = 60
ORDER = {"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "id", "type": "long"}]}
NOTED = {**ORDER, "fields": [*ORDER["fields"], {"name": "note", "type": "string", "default": "none"}]}
ORDER_JSON = {"title": "Order", "type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
REGISTRIES = "default: dev\nregistries:\n  dev: { backend: embedded }\n  prod: { backend: embedded }\n"


@pytest.fixture
def server(tmp_path: Path) -> Generator[str]:
    """Our server with two embedded registries: MCP under `/mcp`, their own faces under `/registries`."""
    (tmp_path / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
    environ = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "a@b.example",
    }
    with serving(tmp_path, environ, "--http", "--port", "0", "--toolsets", "all") as process:
        assert process.process.stderr
        said = process.process.stderr.readline()
        found = re.search(r"http://[^/]+", said)
        assert found, said
        yield found[0]


Face = Callable[..., SchemaRegistryClient]


@pytest.fixture
def face(server: str) -> Generator[Face]:
    """Makes clients of our registries, as any producer or consumer has one."""
    with ExitStack() as opened:

        def of(registry: str = "dev", context: str = "") -> SchemaRegistryClient:
            inside = f"/contexts/{context}" if context else ""
            url = f"{server}/registries/{registry}{inside}"
            return opened.enter_context(SchemaRegistryClient({"url": url}))

        yield of


def call(server: str, tool: str, **arguments: Any) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(f"{server}/mcp") as client:
            reply = await client.call_tool(tool, arguments)
            assert not reply.is_error, reply
            return reply.structured_content

    return asyncio.run(ask())


@pytest.fixture
def topic(kafka: str) -> str:
    name = f"orders-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(name, 1)])[name].result(PATIENCE)
    return name


def produce(kafka: str, topic: str, serializer: Callable[..., bytes | None], *values: Any) -> None:
    producer = Producer({"bootstrap.servers": kafka})
    where = SerializationContext(topic, MessageField.VALUE)
    for value in values:
        producer.produce(topic, serializer(value, where))
    assert producer.flush(PATIENCE) == 0


def consume(kafka: str, topic: str, count: int) -> list[bytes]:
    """The first records of a topic, as a consumer group of its own gets them."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[bytes] = []
    deadline = time.monotonic() + PATIENCE
    try:
        while len(found) < count and time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None:
                assert message.error() is None
                found.append(message.value())
    finally:
        consumer.close()
    assert len(found) == count
    return found


def read(deserializer: Callable[..., Any], topic: str, records: list[bytes]) -> list[Any]:
    where = SerializationContext(topic, MessageField.VALUE)
    return [deserializer(record, where) for record in records]


def id_on_the_wire(record: bytes) -> int:
    assert record[0] == 0
    return int.from_bytes(record[1:5], "big")


def message_class() -> Any:
    """A message class as `protoc` would make it, without `protoc`."""
    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="shop/order.proto", package="shop", syntax="proto3")
    order = file.message_type.add(name="Order")
    order.field.add(name="id", number=1, type=kind.TYPE_INT64, label=kind.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def test_avro_travels(kafka: str, face: Face, topic: str):
    client = face()

    produce(kafka, topic, AvroSerializer(client, json.dumps(ORDER)), {"id": 1}, {"id": 2})
    records = consume(kafka, topic, 2)

    assert read(AvroDeserializer(client), topic, records) == [{"id": 1}, {"id": 2}]
    assert id_on_the_wire(records[0]) == client.get_latest_version(f"{topic}-value").schema_id


def test_json_travels(kafka: str, face: Face, topic: str):
    client, schema = face(), json.dumps(ORDER_JSON)

    produce(kafka, topic, JSONSerializer(schema, client), {"id": 1}, {"id": 2})
    records = consume(kafka, topic, 2)

    assert read(JSONDeserializer(schema, schema_registry_client=client), topic, records) == [{"id": 1}, {"id": 2}]
    assert id_on_the_wire(records[0]) == client.get_latest_version(f"{topic}-value").schema_id


def test_protobuf_travels(kafka: str, face: Face, topic: str):
    client, order = face(), message_class()

    produce(kafka, topic, ProtobufSerializer(order, client, {"use.deprecated.format": False}), order(id=1), order(id=2))
    records = consume(kafka, topic, 2)

    assert [one.id for one in read(ProtobufDeserializer(order, {}), topic, records)] == [1, 2]
    assert id_on_the_wire(records[0]) == client.get_latest_version(f"{topic}-value").schema_id


def test_readers_survive_an_evolution(kafka: str, server: str, face: Face, topic: str):
    """The schemas come through Git and our tools; producers only look up the latest."""
    client, subject = face(), f"{topic}-value"
    latest = {"auto.register.schemas": False, "use.latest.version": True}

    first = call(server, "register_schema", subject=subject, schema_text=json.dumps(ORDER))
    produce(kafka, topic, AvroSerializer(client, conf=latest), {"id": 1})
    second = call(server, "register_schema", subject=subject, schema_text=json.dumps(NOTED))
    produce(kafka, topic, AvroSerializer(face(), conf=latest), {"id": 2, "note": "fragile"})
    records = consume(kafka, topic, 2)

    assert [id_on_the_wire(record) for record in records] == [first["id"], second["id"]]
    new_reader = AvroDeserializer(face(), json.dumps(NOTED))
    old_reader = AvroDeserializer(face(), json.dumps(ORDER))
    assert read(new_reader, topic, records) == [{"id": 1, "note": "none"}, {"id": 2, "note": "fragile"}]
    assert read(old_reader, topic, records) == [{"id": 1}, {"id": 2}]


def test_a_context_has_ids_of_its_own(kafka: str, server: str, face: Face, topic: str):
    context = f".{topic}"
    here, there = face(), face(context=context)

    produce(kafka, topic, AvroSerializer(here, json.dumps(ORDER)), {"id": 1})
    produce(kafka, topic, AvroSerializer(there, json.dumps(NOTED)), {"id": 2, "note": "fragile"})
    outside, inside = consume(kafka, topic, 2)

    assert id_on_the_wire(inside) == 1
    assert read(AvroDeserializer(there), topic, [inside]) == [{"id": 2, "note": "fragile"}]
    assert read(AvroDeserializer(here), topic, [outside]) == [{"id": 1}]
    assert call(server, "list_subjects", context=context)["total"] == 1


def test_records_are_read_through_the_registry_their_schema_moved_to(kafka: str, server: str, face: Face, topic: str):
    subject = f"{topic}-value"
    written_as = {**ORDER, "name": f"Order{uuid.uuid4().hex[:8]}"}
    call(server, "register_schema", registry="dev", subject=subject, schema_text=json.dumps(written_as))
    latest = {"auto.register.schemas": False, "use.latest.version": True}
    produce(kafka, topic, AvroSerializer(face("dev"), conf=latest), {"id": 1})

    plan = call(server, "plan_migration", source="dev", target="prod", subjects=[subject])
    assert call(server, "apply_plan", plan=plan["plan"], wait=PATIENCE)["status"] == "succeeded"
    records = consume(kafka, topic, 1)

    moved = face("prod").get_latest_version(subject)
    assert id_on_the_wire(records[0]) == moved.schema_id
    assert read(AvroDeserializer(face("prod")), topic, records) == [{"id": 1}]
