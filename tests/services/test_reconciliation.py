"""Drift mended in both directions: previewed, carried out by the preview's digest, and what stays is explained."""

from dataclasses import replace
from typing import Any

import pytest

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError, NotPermittedError, StalePlanError
from schema_mcp.domain.schema import Level, Mode, Schema, Subject
from schema_mcp.services import rollback
from schema_mcp.services.registration import Stop
from schema_mcp.stores.schemastore import AddVersion
from services.world import ANN, ORDERS, V2, V3, World, record

OTHER = Subject("by-hand")


async def reconcile(world: World, direction: str, **arguments: Any) -> dict[str, Any]:
    told = await world.read("reconcile_drift", {"direction": direction, "registry": "dev", **arguments})
    return told.model_dump(mode="json", exclude_none=True) | {"exit_code": told.exit_code}


async def in_sync(world: World) -> bool:
    told: Any = await world.call("detect_drift", registry="dev")
    return told.in_sync


async def drifted(world: World) -> None:
    """The registry lacks version 2 and holds a subject that the store does not know."""
    await world.registry("dev").register(OTHER, Schema(record("x:long", name="Hand")))
    await world.register()
    await world.register(V2, stop=Stop.COMMIT)


@pytest.mark.parametrize("direction", ["deploy", "adopt"])
async def test_a_preview_changes_nothing(world: World, direction: str):
    await drifted(world)
    before = await world.traces()

    told = await reconcile(world, direction)

    assert (told["done"], told["exit_code"]) == (False, 3)
    assert told["plan"] in told["next"]
    assert await world.traces() == before


async def test_deploying_brings_what_is_missing_and_tells_what_stays(world: World):
    await drifted(world)

    seen = await reconcile(world, "deploy")
    done = await reconcile(world, "deploy", plan=seen["plan"], reason="Monday's drift")

    assert [(one["subject"], one["version"], one["change"]) for one in seen["changes"]] == [
        ("orders-value", 2, "register")
    ]
    assert [(one["subject"], "adopt" in one["hint"]) for one in seen["left"]] == [("by-hand", True)]
    assert done["done"]
    assert done["task"]["status"] == "succeeded"
    assert await world.held() == {1: 10_001, 2: 10_002}
    assert (await reconcile(world, "deploy"))["exit_code"] == 4


async def test_adopting_takes_over_what_the_registry_holds(world: World):
    await drifted(world)

    seen = await reconcile(world, "adopt")
    done = await reconcile(world, "adopt", plan=seen["plan"], reason="It was right")

    changes = {(one["subject"], one.get("version"), one["change"]) for one in seen["changes"]}
    assert changes >= {("by-hand", 1, "add"), ("orders-value", 2, "retire")}
    assert done["done"]
    (commit,) = await world.store.log(limit=1)
    assert (commit.id[:10], "It was right" in commit.message) == (done["commit"], True)
    assert await in_sync(world)
    assert (await reconcile(world, "adopt"))["next"] == "Nothing to do."


async def test_what_is_adopted_from_one_registry_is_sent_to_no_other(world: World):
    await drifted(world)
    await world.registry("prod").register(OTHER, Schema(record("x:long", name="Hand")))

    await reconcile(world, "adopt", plan=(await reconcile(world, "adopt"))["plan"])
    beside = await reconcile(world, "adopt", registry="prod")
    elsewhere = await world.plan("prod")
    await reconcile(world, "adopt", registry="prod", plan=beside["plan"])

    assert OTHER not in {step.subject for step in elsewhere.steps}
    assert [(one["subject"], one["change"]) for one in beside["changes"] if one["subject"] == OTHER.name] == [
        (OTHER.name, "settings")
    ]
    assert world.store.wish(OTHER).targets == ("dev", "prod")


async def test_a_newer_version_brings_no_settings_along_that_nobody_declared(world: World):
    await world.register()
    await world.registry("dev").set_config(ORDERS, {"compatibility": "NONE"})
    await world.registry("dev").register(ORDERS, Schema(V2))

    await reconcile(world, "adopt", plan=(await reconcile(world, "adopt"))["plan"])

    assert sorted(world.stored()) == [1, 2]
    assert (world.store.wish(ORDERS).level, world.store.wish(ORDERS).targets) == (None, None)


async def test_other_content_is_replaced_by_neither_direction(world: World):
    await world.register(stop=Stop.COMMIT)
    dev = world.registry("dev")
    await dev.register(ORDERS, Schema(record("x:long")))

    deploy, adopt = await reconcile(world, "deploy"), await reconcile(world, "adopt")

    for told in (deploy, adopt):
        assert (told["exit_code"], told["total"], "plan" in told) == (4, 0, False)
        assert told["left"][0]["version"] == 1
        assert told["left"][0]["hint"]
    assert "never replaced" in deploy["left"][0]["hint"]


async def test_a_clash_in_one_subject_keeps_no_other_from_being_adopted(world: World):
    await world.registry("dev").register(Subject("clash"), Schema(record("b:long", name="B")))
    await drifted(world)
    stored = world.store.history(ORDERS)[0]
    clashing = replace(stored, version=replace(stored.version, subject=Subject("clash")))
    await world.store.commit([AddVersion(clashing)], "By hand", ANN)

    seen = await reconcile(world, "adopt")
    await reconcile(world, "adopt", plan=seen["plan"])

    assert "clash" in {one["subject"] for one in seen["left"]}
    assert world.stored(OTHER)
    assert world.stored(Subject("clash")) == {1: 10_001}


@pytest.mark.parametrize("direction", ["deploy", "adopt"])
async def test_what_changed_since_the_preview_is_not_carried_out(world: World, direction: str):
    await drifted(world)
    seen = await reconcile(world, direction)
    await world.registry("dev").register(Subject("newer"), Schema(V3))
    head, held = world.store.head, await world.held()

    with pytest.raises(StalePlanError):
        await reconcile(world, direction, plan=seen["plan"])

    assert (world.store.head, await world.held()) == (head, held)


async def test_a_digest_serves_one_direction(world: World):
    await drifted(world)
    deploy, adopt = await reconcile(world, "deploy"), await reconcile(world, "adopt")

    with pytest.raises(StalePlanError):
        await reconcile(world, "adopt", plan=deploy["plan"])
    with pytest.raises(NotFoundError):
        await reconcile(world, "deploy", plan=adopt["plan"])


async def test_no_other_plan_goes_through_it(world: World):
    await drifted(world)
    run = await world.apply(await world.plan("prod"))
    elsewhere = await world.keep(await rollback.plan(world.ground, run.task))

    for digest in (elsewhere.digest, (await world.plan("dev", "prod")).digest):
        with pytest.raises(InvalidRequestError, match="no preview of reconciling dev"):
            await reconcile(world, "deploy", plan=digest)
    assert await world.held("prod") == world.stored()


async def test_deploying_needs_the_highest_scope_of_its_steps(world: World):
    await world.register()
    await world.wish(level=Level.NONE)
    seen = await reconcile(world, "deploy")
    assert seen["scope"] == "admin"
    writer = World(replace(world.workspace, caller=world.signature(Scope.WRITE).caller))

    with pytest.raises(NotPermittedError):
        await reconcile(writer, "deploy", plan=seen["plan"])


async def test_settings_go_either_way(world: World):
    await world.register()
    await world.wish(level=Level.FULL, mode=Mode.READWRITE)
    await world.registry("dev").set_config(ORDERS, {"compatibility": "FORWARD"})

    adopt = await reconcile(world, "adopt")
    await reconcile(world, "adopt", plan=adopt["plan"])

    assert world.store.wish(ORDERS).level is Level.FORWARD
