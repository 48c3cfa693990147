"""An existing registry comes into the store as it is: afterwards there is nothing to plan and nothing differs."""

from typing import Any

from schema_mcp.domain.schema import Level, Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.services import adoption, drift
from schema_mcp.services.adoption import Adopted
from schema_mcp.services.adoption_wishes import Terms
from schema_mcp.services.selection import Selection
from services.world import ORDERS, V1, V2, V3, World, record, silent

EU = Subject("orders-value", ".eu")
HOSTILE = [
    Subject(name)
    for name in ("a/b", "..", "CON", "Orders-Value", "ORDERS-VALUE", "context.json", "日本", "x" * 250, "%2F")
]


async def adopt(world: World, selection: Selection | None = None, registry: str = "dev", **terms: Any) -> Adopted:
    return await adoption.adopt(
        world.ground, world.registry(registry), selection or Selection(), world.signed, silent, terms=Terms(**terms)
    )


async def in_step(world: World, registry: str = "dev") -> bool:
    plan = await world.plan(registry)
    found = await drift.detect_in([world.registry(registry)], world.store, Selection())
    return not plan.steps and not plan.blocked and not found


async def lived_in(world: World) -> None:
    """A registry with a history: gaps, soft deletions, references, contexts, contracts, settings, odd names."""
    there = world.registry()
    for text in (V1, V2, V3):
        await there.register(ORDERS, Schema(text))
    await there.delete_version(ORDERS, 2)
    await there.delete_version(ORDERS, 2, permanent=True)
    await there.register(Subject("gone"), Schema(V1))
    await there.register(Subject("gone"), Schema(V2))
    await there.delete_version(Subject("gone"), 1)
    await there.register(Subject("money"), Schema(record("amount:long", name="Money")))
    paid = '{"type":"record","name":"Paid","namespace":"shop","fields":[{"name":"m","type":"shop.Money"}]}'
    await there.register(Subject("paid"), Schema(paid, references=(Reference("shop.Money", "money", 1),)))
    await there.register(
        Subject("json"), Schema('{"type":"object","properties":{"id":{"type":"integer"}}}', SchemaType.JSON)
    )
    await there.register(
        Subject("proto"), Schema('syntax = "proto3";\nmessage A { int32 a = 1; }', SchemaType.PROTOBUF)
    )
    rules = {"domainRules": [{"name": "r", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "true"}]}
    await there.register(Subject("rules"), Schema(V1, metadata={"properties": {"owner": "ann"}}, rule_set=rules))
    await there.register(EU, Schema(V1))
    for odd in HOSTILE:
        await there.register(odd, Schema(V1))
    await there.set_config(ORDERS, {"compatibility": "FULL", "normalize": True})
    await there.set_mode(ORDERS, Mode.READONLY)
    await there.set_config(Subject("", ".eu"), {"compatibility": "NONE", "defaultMetadata": {"properties": {"a": "b"}}})


async def test_what_was_adopted_is_in_step_with_the_registry(either: World):
    await lived_in(either)

    done = await adopt(either)

    assert done.commit
    assert not done.adoption.clashes
    assert await in_step(either)


async def test_numbers_ids_gaps_and_deletions_are_kept(either: World):
    await lived_in(either)
    before = {subject: await either.held(subject=subject) for subject in await either.registry().subjects()}

    await adopt(either)

    store = either.store
    assert {s: {r.number: r.id for r in store.records(s) if not r.deleted} for s in store.subjects()} == before
    assert [(one.number, one.deleted) for one in store.records(ORDERS)] == [(1, False), (3, False)]
    assert [(one.number, one.deleted) for one in store.records(Subject("gone"))] == [(1, True), (2, False)]


async def test_settings_become_wishes_and_what_has_no_place_is_named(either: World):
    await lived_in(either)

    done = await adopt(either)

    wish, eu = either.store.wish(ORDERS), either.store.context_wish(".eu")
    assert (wish.level, wish.mode) == (Level.FULL, Mode.READONLY)
    assert (eu.level, eu.defaults) == (Level.NONE, {"defaultMetadata": {"properties": {"a": "b"}}})
    assert [(one.scope, one.reason.partition(":")[0]) for one in done.adoption.left] == [(ORDERS, "normalize")]
