"""No read tool, whatever it is asked, tells of a subject that its caller was not granted."""

from dataclasses import replace
from typing import Any

import pytest

from schema_mcp.domain.caller import Caller, Grant, Reach, Scope
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Level, Schema, Subject
from schema_mcp.toolkit.tool import Tool
from services.world import V1, World, record
from tools.test_reads_write_nothing import READS, ROUNDS, asked

HIDDEN = (Subject("hidden-canary"), Subject("orders-canary", ".canary"))
NARROW = Caller(
    "bob",
    "bob@example.com",
    Scope.READ.implied,
    grants=(Grant(Scope.READ, Reach(frozenset({"dev"}), frozenset({"."}), ("orders-*",))),),
)


@pytest.mark.parametrize("tool", READS, ids=lambda tool: tool.name)
async def test_a_read_tells_nothing_that_was_not_granted(tool: Tool[Any, Any], world: World):
    await world.register()
    for registry in ("dev", "prod"):
        for subject in HIDDEN:
            await world.registry(registry).register(subject, Schema(record("canary:long", "id:long", name="Canary")))
            await world.registry(registry).set_config(subject, {"compatibility": Level.FULL, "alias": "canary-alias"})
    bob = World(replace(world.workspace, caller=NARROW))
    told: list[str] = []

    for turn in range(ROUNDS):
        arguments = asked(tool.request, turn)
        for name in ("id", "other_id"):
            if name in arguments:
                arguments[name] = turn % 4 + 1
        try:
            told.append((await bob.read(tool.name, arguments)).model_dump_json())
        except SchemaMcpError as error:
            told.append(f"{error} {error.hint} {error.details}")

    assert "canary" not in " ".join(told).lower()


async def test_the_canary_sings_for_who_may_hear_it(world: World):
    await world.registry().register(HIDDEN[0], Schema(V1))

    found: Any = await world.read("list_subjects", {"registry": "dev"})

    assert "hidden-canary" in found.model_dump_json()
