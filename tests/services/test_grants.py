"""Grants hold through the tools: a scope somewhere is no scope elsewhere, and what was not granted is not shown."""

from dataclasses import replace
from typing import Any

import pytest

from schema_mcp.domain.caller import Grant, Reach, Scope, with_implied
from schema_mcp.domain.errors import NotPermittedError
from schema_mcp.domain.schema import Subject
from services.world import V1, V2, World

PAYMENTS = Subject("payments-value")


def as_caller(world: World, *grants: Grant) -> World:
    scopes = with_implied(one.scope for one in grants)
    caller = replace(world.workspace.caller, name="bob", scopes=scopes, grants=grants)
    return World(replace(world.workspace, caller=caller))


def at(*registries: str, scope: Scope = Scope.READ, subjects: tuple[str, ...] = ()) -> Grant:
    return Grant(scope, Reach(frozenset(registries), subjects=subjects))


async def test_an_admin_elsewhere_is_none_here(world: World):
    await world.register()
    bob = as_caller(world, at("dev", scope=Scope.WRITE), at("prod", scope=Scope.ADMIN))

    for tool, arguments in (
        ("update_mode", {"mode": "READONLY", "subject": "orders-value"}),
        ("update_config", {"level": "NONE", "subject": "orders-value"}),
    ):
        with pytest.raises(NotPermittedError):
            await bob.read(tool, {**arguments, "registry": "dev"})
    assert await world.registry().mode(Subject("orders-value")) is None


async def test_a_plan_is_applied_only_where_its_scope_was_granted(world: World):
    await world.register(stop=None)
    await world.register(V2, PAYMENTS)
    plan = await world.plan("prod")
    bob = as_caller(world, at("dev", scope=Scope.ADMIN), at("prod"))

    with pytest.raises(NotPermittedError) as refused:
        await bob.read("apply_plan", {"plan": plan.digest})
    assert refused.value.details["registry"] == "prod"
    assert await world.held("prod") == {}
    assert [run.plan for run in await world.ground.journal.runs() if run.plan == plan.digest] == []


async def test_a_search_shows_only_what_may_be_read(world: World):
    await world.register()
    await world.register(V1, PAYMENTS)
    bob = as_caller(world, at("dev", subjects=("payments-*",)))

    everybody: Any = await world.read("search_schemas", {"query": "order", "registries": ["dev"]})
    found: Any = await bob.read("search_schemas", {"query": "order", "registries": ["dev"]})
    again: Any = await world.read("search_schemas", {"query": "order", "registries": ["dev"]})

    assert {hit.subject for hit in found.hits} == {"payments-value"}
    assert {hit.subject for hit in everybody.hits} == {"orders-value", "payments-value"}
    assert again == everybody


async def test_a_registry_that_was_not_granted_is_nowhere(world: World):
    bob = as_caller(world, at("dev"))

    listed: Any = await bob.read("list_registries", {})

    assert [row.name for row in listed.registries] == ["dev"]
    with pytest.raises(NotPermittedError):
        await bob.read("list_subjects", {"registry": "prod"})


async def test_an_id_is_free_for_everybody_or_for_nobody(world: World):
    """Whoever numbers goes above the ids of registries that he may not see."""
    await world.register(registry="prod")
    [taken] = (await world.held("prod")).values()
    bob = as_caller(world, at("dev", scope=Scope.WRITE))

    made: Any = await bob.read(
        "register_schema", {"registry": "dev", "subject": "payments-value", "schema_text": V2, "schema_type": "AVRO"}
    )

    assert made.id > taken
