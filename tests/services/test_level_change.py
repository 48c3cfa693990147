"""Another level for an estate: what is found, what is done, and what is taken back."""

from typing import Any

import pytest

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Level, Schema, Subject
from services.world import ORDERS, V1, V2, World, record

TOTAL = record("id:long", "total:double")
CLEAN, STUCK, OLD = Subject("clean"), Subject("stuck"), Subject("old")


@pytest.fixture
async def estate(lone: World) -> World:
    """`clean` keeps everything, `stuck`'s latest version breaks, only older versions of `old` do."""
    dev = lone.registry()
    for subject, texts in {
        CLEAN: [V1, V2],
        STUCK: [V1, TOTAL],
        OLD: [V1, TOTAL, record("id:long", "total:double=0"), V1],
    }.items():
        await dev.set_config(subject, {"compatibility": "NONE"})
        for text in texts:
            await dev.register(subject, Schema(text.replace('"default": "0"', '"default": 0')))
    return lone


async def planned(world: World, level: str = "FULL_TRANSITIVE", **arguments: Any) -> dict[str, Any]:
    shape = await world.read("plan_compatibility_change", {"level": level} | arguments)
    return shape.model_dump(mode="json", exclude_none=True)


async def levels(world: World) -> dict[str, Any]:
    return {
        subject.name: (await world.registry().config(subject) or {}).get("compatibilityLevel")
        for subject in await world.registry().subjects()
    }


async def applied(world: World, plan: str) -> dict[str, Any]:
    return (await world.call("apply_plan", plan=plan)).model_dump(mode="json", exclude_none=True)


async def test_each_history_is_told_with_its_risk_and_the_smallest_fix(estate: World):
    told = await planned(estate)
    rows = {row["subject"]: row for row in told["subjects"]}
    assert {name: row["risk"] for name, row in rows.items()} == {"stuck": "stuck", "old": "old breaks", "clean": "none"}
    assert told["subjects"][0]["subject"] == "stuck"
    assert (rows["stuck"]["at_version"], rows["stuck"]["first"]["version"]) == (2, 1)
    assert "delete version 1" in rows["stuck"]["fix"]
    assert (told["steps"], told["blocked"], told["scope"]) == (2, 1, "write")


async def test_the_plan_is_applied_and_taken_back_exactly(estate: World):
    before = await levels(estate)
    done = await applied(estate, (await planned(estate))["plan"])
    assert done["status"] == "succeeded"
    assert await levels(estate) == before | {"clean": "FULL_TRANSITIVE", "old": "FULL_TRANSITIVE"}
    preview = await estate.read("rollback_change", {"task": done["task"]})
    undone = await estate.read(
        "rollback_change", {"task": done["task"], "plan": preview.model_dump()["preview"]["plan"]}
    )
    assert undone.model_dump(mode="json")["task"]["status"] == "succeeded"
    assert await levels(estate) == before


async def test_the_fix_lets_the_subject_live_with_the_level(estate: World):
    await estate.registry().delete_version(STUCK, 1)
    assert (await planned(estate, subjects=["stuck"]))["risks"] == {"none": 1}


async def test_a_level_that_looks_at_the_latest_only_leaves_nobody_stuck(estate: World):
    told = await planned(estate, "BACKWARD")
    assert told["risks"] == {"none": 1, "old breaks": 2}


async def test_what_has_the_level_already_is_left_alone(estate: World):
    told = await planned(estate, "NONE")
    assert (told["steps"], told["blocked"]) == (0, 0)


async def test_a_lower_level_needs_an_admin(estate: World):
    await estate.registry().set_config(CLEAN, {"compatibility": "FULL"})
    assert (await planned(estate, "NONE", subjects=["clean"]))["scope"] == "admin"


async def test_the_store_governs_what_it_declares(lone: World):
    await lone.register(V1)
    await lone.wish(ORDERS, level=Level.BACKWARD)
    told = await planned(lone)
    assert (told["steps"], told["blocked"]) == (0, 1)
    assert "get_plan" in told["next"]


async def test_a_history_that_moved_makes_the_plan_stale(estate: World):
    plan = (await planned(estate))["plan"]
    await estate.registry().register(CLEAN, Schema(TOTAL))
    with pytest.raises(SchemaMcpError, match="stale") as refused:
        await applied(estate, plan)
    assert refused.value.code == "stale_plan"


async def test_planning_a_level_writes_nothing(estate: World):
    before = await estate.traces()
    await planned(estate)
    assert await estate.traces() == before


async def test_a_selection_of_nothing_is_refused(estate: World):
    with pytest.raises(SchemaMcpError, match="no subject of that selection"):
        await planned(estate, prefix="nowhere")
