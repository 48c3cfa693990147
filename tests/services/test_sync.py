"""How all registries stand against the store, also when one is away or something was left in IMPORT."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.schema import Mode, Schema, Subject, Version
from schema_mcp.services import recovery
from schema_mcp.services.registration import Stop
from services.world import ORDERS, V1, V2, World, record

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


async def status(world: World, **arguments: Any) -> dict[str, Any]:
    told = await world.read("get_sync_status", arguments)
    return told.model_dump(mode="json", exclude_none=True) | {"exit_code": told.exit_code}


def row(told: dict[str, Any], registry: str) -> dict[str, Any]:
    return next(one for one in told["registries"] if one["registry"] == registry)


def at(world: World, moment: datetime) -> World:
    return World(replace(world.workspace, clock=lambda: moment))


def away(monkeypatch: pytest.MonkeyPatch, world: World, name: str) -> None:
    async def versions(**_: object) -> AsyncIterator[Version]:
        raise RegistryError(f"{name} does not answer")
        yield

    monkeypatch.setattr(world.registry(name), "versions", versions)


async def test_nothing_anywhere_is_in_sync(world: World):
    told = await status(world)

    assert told["in_sync"]
    assert told["exit_code"] == 0
    assert told["states"] == {"in_sync": 3}
    assert told["total"] == 3


async def test_every_kind_is_counted_per_registry(world: World):
    await world.register()
    await world.register(V2, stop=Stop.COMMIT)
    await world.registry("dev").register(Subject("by-hand"), Schema(V1))
    await world.wish(mode=Mode.READONLY)

    told = await status(world)

    assert not told["in_sync"]
    assert told["exit_code"] == 3
    dev, prod = row(told, "dev"), row(told, "prod")
    assert [dev[key] for key in ("subjects", "versions", "missing", "extra", "settings")] == [2, 2, 1, 1, 1]
    assert (prod["state"], prod["missing"], prod["extra"]) == ("drifted", 2, 0)
    assert told["counts"]["missing"] == 1 + 2 + 2
    assert told["commit"] == (world.store.head or "")[:10]
    assert "reconcile_drift" in told["next"]


async def test_a_registry_that_is_away_is_told_of_beside_the_others(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.register()
    await world.apply(await world.plan("dev", "prod"))
    away(monkeypatch, world, "prod")

    told = await status(world, registries=["dev", "prod"])

    assert (told["in_sync"], told["exit_code"]) == (False, 1)
    assert told["states"] == {"in_sync": 1, "unreachable": 1}
    assert row(told, "prod")["problem"] == "prod does not answer"
    assert "versions" not in row(told, "prod")
    assert (row(told, "dev")["state"], row(told, "dev")["versions"]) == ("in_sync", 1)
    assert told["registries"][0]["registry"] == "prod"


async def test_the_oldest_drift_is_told(world: World):
    await world.register(stop=Stop.COMMIT)
    await status(at(world, MONDAY), registries=["dev"])
    await world.register(V2, stop=Stop.COMMIT)

    told = await status(at(world, MONDAY + timedelta(days=3)), registries=["dev"])

    assert row(told, "dev")["oldest"] == "2026-03-02T00:00:00Z"


async def test_a_subject_left_in_import_is_an_alarm(world: World):
    await world.register()
    await world.apply(await world.plan("prod"))
    run = await world.ground.journal.start(kind="deployment", owner="Ann", total=1)
    key = recovery.mode_key("prod", ORDERS)
    await world.ground.journal.step(run.task, key, "started", before={"mode": recovery.NO_MODE})
    await world.registry("prod").set_mode(ORDERS, Mode.IMPORT, force=True)

    told = await status(world)

    assert told["importing"] == 1
    assert told["registries"][0] | {"importing": ["orders-value"]} == told["registries"][0]
    assert told["registries"][0]["registry"] == "prod"


async def test_the_last_run_that_wrote_there_is_named(world: World):
    await world.register(stop=Stop.COMMIT)
    run = await world.apply(await world.plan("prod"))

    told = await status(world)

    assert row(told, "prod")["last_apply"]["task"] == run.task
    assert row(told, "prod")["last_apply"]["status"] == "succeeded"
    assert "last_apply" not in row(told, "shut")


async def test_a_part_of_the_store_can_be_asked_for(world: World):
    await world.register(stop=Stop.COMMIT)
    await world.register(record("x:long"), Subject("payments"), stop=Stop.COMMIT)
    await world.register(V1, Subject("orders-value", ".eu"), stop=Stop.COMMIT)

    assert row(await status(world, prefix="pay"), "dev")["missing"] == 1
    assert row(await status(world, context="eu"), "dev")["missing"] == 1


async def test_drift_has_an_age_that_survives_and_ends(world: World):
    await world.register(stop=Stop.COMMIT)

    async def since(moment: datetime) -> list[str]:
        told = (await at(world, moment).call("detect_drift")).model_dump(mode="json")
        return [one["since"] for one in told["drift"]]

    assert await since(MONDAY) == ["2026-03-02T00:00:00Z"]
    assert await since(MONDAY + timedelta(days=5)) == ["2026-03-02T00:00:00Z"]
    await world.apply(await world.plan("dev"))
    assert await since(MONDAY + timedelta(days=6)) == []
