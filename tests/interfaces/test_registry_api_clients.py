"""Kafka's own clients against a real server: confluent-kafka's registry client and its three serialisers."""

import threading
import time
import uuid

import pytest
import uvicorn
from confluent_kafka.schema_registry import (
    AsyncSchemaRegistryClient,
    ConfigCompatibilityLevel,
    Metadata,
    MetadataProperties,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    SchemaRegistryError,
    ServerConfig,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from starlette.applications import Starlette

from schema_mcp.interfaces.registry_api.face import registry_routes
from schema_mcp.interfaces.registry_api.gate import OpenGate
from schema_mcp.registries.embedded.core import Core

FIELD = descriptor_pb2.FieldDescriptorProto
ORDER = '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"}]}'
ORDER_2 = ORDER.replace("]}", ',{"name":"note","type":"string","default":""}]}')
ORDER_BROKEN = ORDER.replace('"long"', '"string"')


@pytest.fixture(scope="module")
def url():
    """A registry served over HTTP on a free port, ended with the module."""
    core = Core()
    app = Starlette(routes=registry_routes({"dev": core}, OpenGate()))
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/registries/dev"
    server.should_exit = True
    thread.join(10)
    core.close()
    assert not thread.is_alive()


@pytest.fixture
def client(url):
    with SchemaRegistryClient({"url": url}) as client:
        yield client


@pytest.fixture
def subject():
    return f"orders-{uuid.uuid4().hex[:8]}/ü"


def test_the_client_registers_and_reads_back(client, subject):
    schema_id = client.register_schema(subject, Schema(ORDER, "AVRO"))

    assert client.register_schema(subject, Schema(ORDER, "AVRO")) == schema_id
    assert client.get_schema(schema_id, subject).schema_str == ORDER
    assert subject in client.get_subjects()
    assert client.get_versions(subject) == [1]
    latest = client.get_latest_version(subject)
    assert (latest.version, latest.schema_id, latest.schema.schema_str) == (1, schema_id, ORDER)
    assert client.get_schema_by_guid(latest.guid).schema_str == ORDER
    assert client.lookup_schema(subject, Schema(ORDER, "AVRO")).version == 1


def test_the_client_hears_why_a_schema_is_refused(client, subject):
    client.register_schema(subject, Schema(ORDER, "AVRO"))

    assert client.test_compatibility(subject, Schema(ORDER_2, "AVRO"))
    assert not client.test_compatibility(subject, Schema(ORDER_BROKEN, "AVRO"))
    with pytest.raises(SchemaRegistryError, match="TYPE_MISMATCH") as refused:
        client.register_schema(subject, Schema(ORDER_BROKEN, "AVRO"))
    assert (refused.value.http_status_code, refused.value.error_code) == (409, 40901)


def test_the_client_deletes_softly_then_for_good(client, subject):
    client.register_schema(subject, Schema(ORDER, "AVRO"))
    client.register_schema(subject, Schema(ORDER_2, "AVRO"))

    assert client.delete_version(subject, 1) == 1
    assert client.delete_subject(subject) == [2]
    assert client.delete_subject(subject, permanent=True) == [1, 2]
    with pytest.raises(SchemaRegistryError) as gone:
        client.get_versions(subject)
    assert gone.value.error_code == 40401


def test_the_client_governs_levels_config_and_mode(client, subject):
    assert client.set_compatibility(subject, "FULL")["compatibility"] == "FULL"
    assert client.get_compatibility(subject) == "FULL"
    client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.NONE, compatibility_group="major"))
    config = client.get_config(subject)
    assert (config.compatibility_level, config.compatibility_group) == (ConfigCompatibilityLevel.NONE, "major")
    assert client.update_mode(subject, "READONLY") == "READONLY"

    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(subject, Schema(ORDER, "AVRO"))
    assert refused.value.error_code == 42205

    assert client.delete_mode(subject) == "READONLY"
    assert client.get_global_mode() == "READWRITE"


def test_the_client_finds_a_version_by_its_metadata(client, subject):
    client.register_schema(subject, Schema(ORDER, "AVRO", metadata=_owner("a")))
    client.register_schema(subject, Schema(ORDER, "AVRO", metadata=_owner("b")))

    assert client.get_versions(subject) == [1, 2]
    assert client.get_latest_with_metadata(subject, {"owner": "a"}).version == 1


def test_the_client_follows_references_and_contexts(client, subject):
    client.register_schema(f":.eu:{subject}", Schema(ORDER, "AVRO"))
    basket = '{"type":"record","name":"Basket","namespace":"shop","fields":[{"name":"first","type":"Order"}]}'
    reference = SchemaReference("shop.Order", f":.eu:{subject}", 1)
    schema_id = client.register_schema(f":.eu:{subject}-basket", Schema(basket, "AVRO", [reference]))

    assert client.get_referenced_by(f":.eu:{subject}", 1) == [schema_id]
    assert ".eu" in client.get_contexts()


async def test_the_asynchronous_client_does_the_same(url, subject):
    async with AsyncSchemaRegistryClient({"url": url}) as client:
        schema_id = await client.register_schema(subject, Schema(ORDER, "AVRO"))

        assert (await client.get_schema(schema_id, subject)).schema_str == ORDER
        assert (await client.lookup_schema(subject, Schema(ORDER, "AVRO"))).schema_id == schema_id
        assert await client.delete_subject(subject) == [1]


@pytest.mark.parametrize("normalize", [False, True], ids=["as-written", "normalised"])
def test_avro_records_make_the_round_trip(client, subject, normalize):
    conf = {"normalize.schemas": normalize}
    write, read = AvroSerializer(client, ORDER_2, conf=conf), AvroDeserializer(client)
    where = SerializationContext(subject, MessageField.VALUE)

    data = write({"id": 7, "note": "fragile"}, where)

    assert read(data, where) == {"id": 7, "note": "fragile"}
    assert client.get_versions(f"{subject}-value") == [1]


def test_json_documents_make_the_round_trip(client, subject):
    schema = '{"title":"Order","type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}'
    write, read = JSONSerializer(schema, client), JSONDeserializer(schema, schema_registry_client=client)
    where = SerializationContext(subject, MessageField.VALUE)

    assert read(write({"id": 7}, where), where) == {"id": 7}


def test_protobuf_messages_make_the_round_trip(client, subject):
    """The serialiser registers base64 descriptors: its own file's and, before it, those of its imports."""
    message = _order_message()
    write, read = ProtobufSerializer(message, client, {"use.deprecated.format": False}), ProtobufDeserializer(message)
    where = SerializationContext(subject, MessageField.VALUE)
    order = message(id=7, note="fragile", at={"seconds": 1}, total={"cents": 995})

    data = write(order, where)

    assert read(data, where) == order
    stored = client.get_latest_version(f"{subject}-value").schema
    assert 'import "google/protobuf/timestamp.proto";' in stored.schema_str
    assert "int64 id = 1;" in stored.schema_str
    assert SchemaReference("shop/money.proto", "shop/money.proto", 1) in stored.references
    assert "int64 cents = 1;" in client.get_latest_version("shop/money.proto").schema.schema_str


def _owner(name):
    return Metadata(tags=None, properties=MetadataProperties({"owner": name}), sensitive=None)


def _order_message():
    """A message class as `protoc` would make it, without `protoc`: it imports a file of ours and one of Google's."""
    file = descriptor_pb2.FileDescriptorProto(name="shop/order.proto", package="shop", syntax="proto3")
    file.dependency.extend([timestamp_pb2.DESCRIPTOR.name, "shop/money.proto"])
    order = file.message_type.add(name="Order")
    order.field.add(name="id", number=1, type=FIELD.TYPE_INT64, label=FIELD.LABEL_OPTIONAL)
    order.field.add(name="note", number=2, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    for number, name, kind in ((3, "at", ".google.protobuf.Timestamp"), (4, "total", ".shop.Money")):
        order.field.add(name=name, number=number, type=FIELD.TYPE_MESSAGE, type_name=kind, label=FIELD.LABEL_OPTIONAL)
    money = descriptor_pb2.FileDescriptorProto(name="shop/money.proto", package="shop", syntax="proto3")
    money.message_type.add(name="Money").field.add(
        name="cents", number=1, type=FIELD.TYPE_INT64, label=FIELD.LABEL_OPTIONAL
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(money)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))
