"""References: who uses whom, who is affected, and one text instead of many."""

import base64
import json

import jsonschema
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError, NotFoundError, RegistryError
from schema_mcp.domain.protobuf.format import PROTOBUF
from schema_mcp.domain.schema import Level, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.contract import Capability
from schema_mcp.services import graph
from schema_mcp.services.digests import stored_digest
from schema_mcp.services.graph import MANY
from schema_mcp.stores.schemastore import AddVersion, StoredVersion
from services.asking import ask
from services.confluent import dead, reached_over_rest
from services.world import ANN, World


def avro(name, *uses):
    fields = [{"name": one.lower(), "type": f"shop.{one}"} for one in uses]
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": fields})


def to(*names, version=1):
    return [Reference(f"shop.{name}", name.lower(), version) for name in names]


async def chain(world: World, length: int) -> None:
    """T0 is used by T1, that by T2 ..."""
    await world.register(avro("T0"), Subject("t0"))
    for index in range(1, length + 1):
        used = f"T{index - 1}"
        await world.register(avro(f"T{index}", used), Subject(f"t{index}"), references=to(used))


async def diamond(world: World) -> None:
    """Order uses Customer and Item, both use Money."""
    await world.register(avro("Money"), Subject("money"))
    for name in ("Customer", "Item"):
        await world.register(avro(name, "Money"), Subject(name.lower()), references=to("Money"))
    await world.register(avro("Order", "Customer", "Item"), Subject("order"), references=to("Customer", "Item"))


def names(found):
    return [row.subject for row in found.versions]


@pytest.mark.parametrize("source", ["registry", "store"])
async def test_what_a_schema_uses_comes_in_the_order_to_register_it(world: World, source: str):
    await diamond(world)

    found = await ask(world, "get_references", subject="order", source=source)

    assert names(found)[0] == "money"
    assert sorted(names(found)) == ["customer", "item", "money"]
    assert {row.subject: row.depth for row in found.versions} == {"money": 2, "customer": 1, "item": 1}
    assert (found.total, found.complete, found.missing, found.circles) == (3, True, 0, ())


@pytest.mark.parametrize("source", ["registry", "store"])
async def test_who_uses_a_schema_is_found_through_all_levels(world: World, source: str):
    await diamond(world)

    found = await ask(world, "get_references", subject="money", direction="used_by", source=source)

    assert {row.subject: row.depth for row in found.versions} == {"customer": 1, "item": 1, "order": 2}
    assert names(found)[-1] == "order"


async def test_the_confluent_backend_tells_the_same(world: World):
    rest = reached_over_rest(world, {"sr": FakeConfluent()})
    there = rest.registry("sr")
    await there.register(Subject("money"), Schema(avro("Money")))
    await there.register(Subject("item"), Schema(avro("Item", "Money"), references=tuple(to("Money"))))
    await there.register(Subject("order"), Schema(avro("Order", "Item"), references=tuple(to("Item"))))

    down = await ask(rest, "get_references", subject="order")
    up = await ask(rest, "get_references", subject="money", direction="used_by")

    assert names(down) == ["money", "item"]
    assert names(up) == ["item", "order"]


async def test_many_users_are_found_in_few_requests(world: World):
    fake = FakeConfluent()
    rest = reached_over_rest(world, {"sr": fake})
    there = rest.registry("sr")
    await there.register(Subject("money"), Schema(avro("Money")))
    for number in range(MANY + 1):
        schema = Schema(avro(f"User{number}", "Money"), references=tuple(to("Money")))
        await there.register(Subject(f"user{number:03}"), schema)
    await there.register(Subject("top"), Schema(avro("Top", "User0"), references=(Reference("U", "user000", 1),)))
    before = len(fake.requests)

    found = await ask(rest, "get_references", subject="money", direction="used_by", limit=1_000)
    listed = len(fake.requests) - before
    impact = await ask(rest, "analyze_impact", subject="money")

    assert {row.subject: row.depth for row in found.versions} == {
        **{f"user{number:03}": 1 for number in range(MANY + 1)},
        "top": 2,
    }
    assert all(row.id for row in found.versions)
    assert impact.total == MANY + 2
    assert all(row.latest for row in impact.affected)
    assert (listed < 20, len(fake.requests) - before - listed < 20) == (True, True)


async def test_a_walk_that_meets_too_many_ends_whole_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch):
    await diamond(world)
    monkeypatch.setattr(graph, "MOST_NODES", 2)

    found = await ask(world, "get_references", subject="money", direction="used_by", view="graph")

    assert [(row.user, row.used) for row in found.references] == [("customer v1", "money v1")]
    assert not found.complete


async def test_depth_ends_the_walk_and_says_so(world: World):
    await chain(world, 5)

    short = await ask(world, "get_references", subject="t5", depth=2)
    whole = await ask(world, "get_references", subject="t5", depth=5)

    assert (names(short), short.complete) == (["t3", "t4"], False)
    assert (len(whole.versions), whole.complete) == (5, True)


async def test_references_are_rows_of_a_graph_or_a_drawing(world: World):
    await diamond(world)

    edges = await ask(world, "get_references", subject="order", view="graph")
    drawn = await ask(world, "get_references", subject="order", view="mermaid")

    assert {(row.user, row.used, row.name) for row in edges.references} == {
        ("order v1", "customer v1", "shop.Customer"),
        ("order v1", "item v1", "shop.Item"),
        ("customer v1", "money v1", "shop.Money"),
        ("item v1", "money v1", "shop.Money"),
    }
    assert drawn.drawing.startswith("flowchart TD\n")
    assert drawn.drawing.count("-->") == 4
    assert '"order v1"' in drawn.drawing


async def test_pages_are_whole(world: World):
    await chain(world, 6)

    rows, cursor = [], None
    while True:
        found = await ask(world, "get_references", subject="t6", limit=2, cursor=cursor)
        rows += names(found)
        cursor = found.cursor
        assert found.total == 6
        if cursor is None:
            break

    assert rows == ["t0", "t1", "t2", "t3", "t4", "t5"]


async def keep(world: World, subject: str, text: str, *references: Reference) -> None:
    """Commit a version as it stands, as somebody would who edits the store by hand."""
    schema = Schema(text, references=references)
    version = Version(Subject(subject), 1, 20_000 + len(world.store.subjects()), schema)
    made = ("2024-05-17T09:30:00+00:00", "Ann", "", ())
    stored = StoredVersion(version, Level.BACKWARD, (), *made, schema_hash=stored_digest(schema))
    await world.store.commit([AddVersion(stored)], "Keep", ANN)


async def test_circles_and_references_that_lead_nowhere_are_told(world: World):
    await keep(world, "a", avro("A", "B"), *to("B"))
    await keep(world, "b", avro("B", "A", "Lost"), *to("A", "Lost"))

    found = await ask(world, "get_references", subject="a", source="store")
    up = await ask(world, "get_references", subject="a", source="store", direction="used_by")
    drawn = await ask(world, "get_references", subject="a", source="store", view="mermaid")

    assert found.circles == ("a v1 -> b v1 -> a v1",)
    assert (found.missing, found.complete) == (1, True)
    assert {row.subject: (row.missing, row.id is None) for row in found.versions} == {
        "lost": (True, True),
        "b": (False, False),
    }
    assert names(up) == ["b"]
    assert ":::missing" in drawn.drawing


async def test_impact_counts_users_in_every_registry(world: World):
    await diamond(world)
    await world.apply(await world.plan("prod"))
    await world.register(avro("Item"), Subject("item"))

    found = await ask(world, "analyze_impact", subject="money")

    assert [(row.registry, row.affected, row.subjects) for row in found.registries] == [
        ("dev", 3, 3),
        ("prod", 3, 3),
        ("shut", 0, 0),
    ]
    latest = {(row.registry, row.subject): row.latest for row in found.affected}
    assert (latest["dev", "item"], latest["prod", "item"]) == (False, True)
    assert {row.through for row in found.affected if row.depth == 1} == {"money v1"}
    assert found.total == 6


async def test_impact_of_what_nobody_has_is_an_error(world: World):
    with pytest.raises(NotFoundError, match="No registry"):
        await ask(world, "analyze_impact", subject="nobody")


@pytest.mark.parametrize("tool", ["get_references", "analyze_impact", "bundle_schema"])
async def test_an_unreachable_registry_is_an_error(world: World, tool: str):
    with pytest.raises(RegistryError):
        await ask(reached_over_rest(world, {"sr": dead()}), tool, subject="money")


async def test_a_registry_without_references_says_so(world: World):
    fake = FakeConfluent()
    fake.lacks = frozenset({Capability.REFERENCES})
    rest = reached_over_rest(world, {"sr": fake})
    await rest.registry("sr").register(Subject("money"), Schema(avro("Money")))

    with pytest.raises(InvalidRequestError, match="without references"):
        await ask(rest, "get_references", subject="money")


async def bundle(world: World, text: str, kind: SchemaType, **used: tuple[str, str]):
    """Register what is used (name and text by subject), then the text, and bundle that."""
    references = []
    for subject, (name, content) in used.items():
        own = [one for one in references if one.name in content]
        await world.register(content, Subject(subject), kind=kind, references=own)
        references.append(Reference(name, subject, 1))
    await world.register(text, Subject("whole"), kind=kind, references=references)
    return await ask(world, "bundle_schema", subject="whole")


async def test_avro_references_are_put_in(world: World):
    await diamond(world)

    made = await ask(world, "bundle_schema", subject="order", source="store")

    text = json.loads(made.schema_text)
    assert text["fields"][0]["type"]["fields"][0]["type"]["name"] == "Money"
    assert made.total == 3
    assert set(made.inside) == {"money v1", "customer v1", "item v1"}
    alone = await world.register(made.schema_text, Subject("alone"))
    assert alone.deployed


@pytest.mark.parametrize(
    "draft", ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]
)
async def test_json_references_become_definitions(world: World, draft: str):
    number = {"definitions": {"n": {"type": "number"}}, "properties": {"sum": {"$ref": "#/definitions/n"}}}
    money = {"$schema": draft, "$id": "money.json", "type": "object", **number}
    item = {"$schema": draft, "type": "object", "properties": {"price": {"$ref": "money.json"}}}
    least = {"$ref": "money.json#/definitions/n"}
    properties = {"item": {"$ref": "item.json"}, "least": least, "default": {"type": "string"}}
    order = {"$schema": draft, "type": "object", "properties": properties}

    made = await bundle(
        world,
        json.dumps(order),
        SchemaType.JSON,
        money=("money.json", json.dumps(money)),
        item=("item.json", json.dumps(item)),
    )

    document = json.loads(made.schema_text)
    validator = jsonschema.validators.validator_for(document)(document)
    assert validator.is_valid({"item": {"price": {"sum": 1.5}}, "least": 2})
    assert not validator.is_valid({"item": {"price": {"sum": "x"}}})
    assert not validator.is_valid({"least": "x"})
    assert not validator.is_valid({"default": 1})
    assert "item.json" not in made.schema_text.replace("$id", "")


MONEY = """syntax = "proto3";
package shop.money;
message Money { string currency = 1; Unit unit = 2; enum Unit { U = 0; } }
"""
ORDER = """syntax = "proto3";
package shop.orders;
import "money.proto";
import "google/protobuf/timestamp.proto";
message Order {
  shop.money.Money total = 1;
  map<string, shop.money.Money> parts = 2;
  google.protobuf.Timestamp at = 3;
  oneof x { shop.money.Money.Unit unit = 4; Inner inner = 5; }
  message Inner { repeated shop.money.Money all = 1; }
}
"""


async def test_protobuf_imports_are_taken_in(world: World):
    made = await bundle(world, ORDER, SchemaType.PROTOBUF, money=("money.proto", MONEY))

    assert 'import "money.proto"' not in made.schema_text
    assert 'import "google/protobuf/timestamp.proto"' in made.schema_text
    proto = descriptor_pb2.FileDescriptorProto.FromString(
        base64.b64decode(PROTOBUF.serialized(PROTOBUF.parse(made.schema_text, (), new=True)))
    )
    proto.name = "whole.proto"
    from google.protobuf import timestamp_pb2

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    whole = pool.AddSerializedFile(proto.SerializeToString())
    order = whole.message_types_by_name["Order"]
    assert order.fields_by_name["total"].message_type.full_name == "shop.orders.Money"
    assert order.fields_by_name["unit"].enum_type.full_name == "shop.orders.Money.Unit"


@pytest.mark.parametrize(
    ("money", "words"),
    [
        pytest.param('syntax = "proto3";\npackage m;\nmessage Money {}\nmessage Order {}', "two|Two", id="twins"),
        pytest.param("package m;\nmessage Money {}", "proto2", id="another-syntax"),
    ],
)
async def test_a_file_that_cannot_be_one_is_refused(world: World, money: str, words: str):
    order = 'syntax = "proto3";\npackage o;\nimport "m.proto";\nmessage Order { m.Money total = 1; }'

    with pytest.raises(InvalidSchemaError, match=words):
        await bundle(world, order, SchemaType.PROTOBUF, money=("m.proto", money))


async def test_reading_writes_nothing(world: World):
    await diamond(world)
    before = await world.traces()

    await ask(world, "get_references", subject="money", direction="used_by")
    await ask(world, "analyze_impact", subject="money")
    await ask(world, "bundle_schema", subject="order")

    assert await world.traces() == before
