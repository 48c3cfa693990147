"""A registry in numbers: held against contents that the test knows."""

from typing import Any

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Reference, Schema, SchemaType, Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import statistics
from schema_mcp.services.statistics import Statistics
from services.confluent import answering, dead, reached_over_rest
from services.world import ORDERS, V1, V2, V3, World, silent

CUSTOMER = '{"type":"record","name":"Customer","namespace":"shop","fields":[]}'
EU = ".eu"


def user(name: str) -> Schema:
    text = f'{{"type":"record","name":"{name}","namespace":"shop","fields":[{{"name":"c","type":"shop.Customer"}}]}}'
    return Schema(text, references=(Reference("shop.Customer", "customer", 1),))


async def counted(registry: GuardedRegistry, context: str | None = None, prefix: str = "") -> Statistics:
    return await statistics.of(registry, context=context, prefix=prefix, report=silent)


async def a_shop(registry: GuardedRegistry) -> None:
    await registry.register(Subject("customer"), Schema(CUSTOMER))
    for name in ("A", "B"):
        await registry.register(Subject(name), user(name))
    for text in (V1, V2, V3):
        await registry.register(ORDERS, Schema(text))
    await registry.register(Subject("orders-value", EU), Schema(V1, metadata={"properties": {"owner": "ann"}}))
    await registry.register(Subject("copy"), Schema(V1))
    await registry.register(Subject("json", EU), Schema('{"type":"object"}', SchemaType.JSON))
    await registry.register(Subject("gone"), Schema('"string"'))
    await registry.delete_subject(Subject("gone"))
    await registry.set_config(ORDERS, {"compatibility": "FULL"})


async def test_everything_is_counted_once(world: World):
    await a_shop(world.registry())

    found = await counted(world.registry())

    assert (len(found.versions), found.versions.total(), found.soft_deleted) == (7, 9, 1)
    assert found.types == {SchemaType.AVRO: 8, SchemaType.JSON: 1}
    assert found.contexts == {".": 5, EU: 2}
    assert len(found.ids) == 8  # the copy shares an id
    assert (found.with_references, found.with_metadata, found.with_rules) == (2, 1, 0)
    assert statistics.top(found.references) == [((Subject("customer"), 1), 2)]
    assert statistics.most_versions(found.versions)[0] == (ORDERS, 3)
    assert found.largest[0][1:] == (ORDERS, 3)


async def test_a_context_and_a_prefix_are_counted_alone(world: World):
    await a_shop(world.registry())

    assert set((await counted(world.registry(), EU)).versions) == {Subject("orders-value", EU), Subject("json", EU)}
    assert set((await counted(world.registry(), None, "order")).versions) == {ORDERS, Subject("orders-value", EU)}


async def test_levels_are_asked_as_far_as_the_bound(world: World):
    await a_shop(world.registry())
    subjects = await world.registry().subjects()

    every = await statistics.levels(world.registry(), subjects, 100)
    few = await statistics.levels(world.registry(), subjects, 3)

    assert (every.counts, every.unasked) == ({"FULL": 1, statistics.INHERITED: 6}, 0)
    assert (few.counts.total(), few.unasked) == (3, 4)


async def test_an_empty_registry_counts_nothing(world: World):
    found = await counted(world.registry())

    assert (found.versions.total(), found.largest, found.characters) == (0, [], 0)


async def test_counts_over_rest_are_those_of_the_registry(world: World):
    fake = FakeConfluent()
    over = reached_over_rest(world, {"west": fake})
    west = over.registry("west")
    for number in range(30):
        await west.register(Subject(f"s{number}", EU if number % 3 else "."), Schema(V1))
    fake.requests.clear()

    found = await counted(west)

    assert (len(found.versions), found.contexts) == (30, {EU: 20, ".": 10})
    assert {method for method, _ in fake.requests} == {"GET"}
    assert len(fake.requests) <= 3


@pytest.mark.parametrize("broken", [answering(500), answering(401), answering(200, "no json"), dead()])
async def test_a_registry_that_does_not_answer_is_an_error_and_never_empty(world: World, broken: Any):
    over = reached_over_rest(world, {"west": broken})

    with pytest.raises(SchemaMcpError):
        await counted(over.registry("west"))
