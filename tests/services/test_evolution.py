"""A history as a story, and the way on: as the tools tell them."""

from typing import Any

import pytest

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Schema
from services.world import ORDERS, V1, V2, World, record

TOTAL = record("id:long", "total:double")


async def told(world: World, tool: str, **arguments: Any) -> dict[str, Any]:
    shape = await world.read(tool, {"subject": ORDERS.name} | arguments)
    return shape.model_dump(mode="json", exclude_none=True)


async def filled(world: World, *texts: str, level: str = "NONE") -> None:
    await world.registry().set_config(ORDERS, {"compatibility": level})
    for text in texts:
        await world.registry().register(ORDERS, Schema(text))


async def test_a_history_is_told_version_by_version(world: World):
    await filled(world, V1, V2, TOTAL)
    story = await told(world, "analyze_evolution")
    first, second, third = story["versions"]
    assert (first["changes"], second["breaks"]) == ([], [])
    assert any("note" in change for change in second["changes"])
    assert [(one["version"], one["reader"]) for one in third["breaks"]] == [(2, "new"), (1, "new")]
    assert story["keeps"] == ["FORWARD_TRANSITIVE", "FORWARD", "NONE"]
    assert (story["in_force"], story["total"]) == ("NONE", 3)


async def test_a_history_of_the_store_is_told_too(world: World):
    await world.register(V1)
    assert (await told(world, "analyze_evolution", source="store"))["source"] == "the store"


async def test_an_unknown_subject_has_no_history(world: World):
    with pytest.raises(SchemaMcpError, match="no subject orders-value") as refused:
        await told(world, "analyze_evolution")
    assert refused.value.code == "not_found"


async def test_a_refused_change_is_taken_apart_into_steps_that_hold(world: World):
    await filled(world, V1, level="BACKWARD")
    way = await told(world, "suggest_evolution", schema_text=TOTAL)
    assert (way["reached"], way["level"], len(way["steps"])) == (True, "BACKWARD", 2)
    assert way["left_behind"] == [1]
    assert way["rollout"].startswith("Move consumers")
    for step in way["steps"]:
        await world.registry().register(ORDERS, Schema(step["schema_text"]))
    assert await world.registry().numbers(ORDERS) == [1, 2, 3]


async def test_what_no_step_reaches_is_named(world: World):
    await filled(world, V1, level="FULL_TRANSITIVE")
    way = await told(world, "suggest_evolution", schema_text=TOTAL)
    assert not way["reached"]
    assert any("total" in change for change in way["remains"])


async def test_a_step_is_given_whole_on_request(world: World):
    await filled(world, V1, level="BACKWARD")
    long = record("id:long", "total:double", *(f"field_{number}:string=" for number in range(200)))
    way = await told(world, "suggest_evolution", schema_text=long)
    assert [step.get("schema_text") for step in way["steps"]] == [None, None]
    pieces, cursor = "", None
    while True:
        page = await told(world, "suggest_evolution", schema_text=long, step=2, cursor=cursor)
        pieces += page["steps"][0]["schema_text"]
        if (cursor := page.get("cursor")) is None:
            break
    assert pieces == long


async def test_a_level_that_compares_nothing_needs_no_way(world: World):
    await filled(world, V1)
    with pytest.raises(SchemaMcpError, match="NONE compares nothing") as refused:
        await told(world, "suggest_evolution", schema_text=TOTAL)
    assert refused.value.code == "invalid_request"


async def test_looking_for_a_way_writes_nothing(world: World):
    await filled(world, V1, level="BACKWARD")
    before = await world.traces()
    await told(world, "suggest_evolution", schema_text=TOTAL)
    await told(world, "analyze_evolution")
    assert await world.traces() == before
