"""In which order registries take a plan, and what becomes of the others when one fails."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from schema_mcp.domain.errors import StalePlanError
from schema_mcp.domain.plan import OnFailure, Rollout, Strategy
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.services.draft import Terms
from schema_mcp.services.registration import Stop
from schema_mcp.services.strategy import AT_ONCE, roll_out
from schema_mcp.stores.journal import Status
from services.conftest import kept_open
from services.world import ORDERS, V1, V2, World, embedded

REGIONS = ("eu", "us", "ap")


@pytest.fixture
async def regions(tmp_path: Path) -> AsyncGenerator[World]:
    async with kept_open(tmp_path, embedded(*REGIONS)) as opened:
        for text in (V1, V2):
            await opened.register(text, registry="eu", stop=Stop.COMMIT)
        yield opened


def terms(strategy: Strategy, on_failure: OnFailure = OnFailure.STOP, *order: str) -> Terms:
    return Terms(Rollout(strategy, on_failure, order or REGIONS))


def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What registries are asked, in order."""
    seen: list[tuple[str, str]] = []
    for name in REGIONS:
        there = world.registry(name)
        for asked in ("register", "version"):
            monkeypatch.setattr(there, asked, noted(seen, name, asked, getattr(there, asked)))
    return seen


def noted(seen: list[tuple[str, str]], name: str, asked: str, method: Any) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        seen.append((name, asked))
        return await method(*args, **kwargs)

    return call


def turns(seen: list[tuple[str, str]]) -> list[str]:
    """The registries in the order of their blocks of requests."""
    return [name for index, (name, _) in enumerate(seen) if index == 0 or seen[index - 1][0] != name]


async def test_rolling_reads_each_registry_back_before_the_next(regions: World, monkeypatch: pytest.MonkeyPatch):
    plan = await regions.plan(*REGIONS, terms=terms(Strategy.ROLLING, OnFailure.STOP, "us", "ap", "eu"))
    seen = watched(regions, monkeypatch)

    done = await regions.apply(plan)

    assert done.status is Status.SUCCEEDED
    assert turns(seen) == ["us", "ap", "eu"]
    for name in REGIONS:
        asked = [what for where, what in seen if where == name]
        assert asked.index("register") < len(asked) - 1 - asked[::-1].index("version")
        assert await regions.held(name) == regions.stored()


async def test_a_canary_goes_first_and_the_rest_side_by_side(regions: World, monkeypatch: pytest.MonkeyPatch):
    plan = await regions.plan(*REGIONS, terms=terms(Strategy.CANARY, OnFailure.STOP, "ap"))
    seen = watched(regions, monkeypatch)

    await regions.apply(plan)

    assert turns(seen)[0] == "ap"
    assert "ap" not in turns(seen)[1:]
    assert len(turns(seen)) > 3  # the other two take turns


@pytest.mark.parametrize(
    ("strategy", "on_failure", "states"),
    [
        (Strategy.CANARY, OnFailure.STOP, {"eu": "failed", "us": "not_started", "ap": "not_started"}),
        (Strategy.CANARY, OnFailure.CONTINUE, {"eu": "failed", "us": "not_started", "ap": "not_started"}),
        (Strategy.ROLLING, OnFailure.STOP, {"eu": "failed", "us": "not_started", "ap": "not_started"}),
        (Strategy.ROLLING, OnFailure.CONTINUE, {"eu": "failed", "us": "done", "ap": "done"}),
        (Strategy.ALL_AT_ONCE, OnFailure.CONTINUE, {"eu": "failed", "us": "done", "ap": "done"}),
    ],
)
async def test_a_failure_stops_whom_it_should(
    regions: World, strategy: Strategy, on_failure: OnFailure, states: dict[str, str]
):
    await regions.registry("eu").set_mode(Subject(""), Mode.READONLY)
    plan = await regions.plan(*REGIONS, terms=terms(strategy, on_failure))

    done = await regions.apply(plan)

    told = {one["registry"]: one for one in done.result["registries"]}
    assert done.status is Status.FAILED
    assert {name: one["state"] for name, one in told.items()} == states
    for name, state in states.items():
        assert await regions.held(name) == (regions.stored() if state == "done" else {})
        assert told[name]["done"] == (2 if state == "done" else 0)


async def test_what_was_not_started_is_planned_again(regions: World):
    await regions.registry("eu").set_mode(Subject(""), Mode.READONLY)
    await regions.apply(await regions.plan(*REGIONS, terms=terms(Strategy.CANARY)))
    await regions.registry("eu").delete_mode(Subject(""))

    done = await regions.apply(await regions.plan(*REGIONS, terms=terms(Strategy.CANARY)))

    assert done.status is Status.SUCCEEDED
    assert [await regions.held(name) for name in REGIONS] == [regions.stored()] * 3


async def test_an_approval_of_one_strategy_is_none_of_another(regions: World):
    digests = {
        (await regions.plan(*REGIONS, terms=terms(strategy, on_failure))).digest
        for strategy in Strategy
        for on_failure in OnFailure
    }

    assert len(digests) == len(Strategy) * len(OnFailure)


async def test_a_plan_with_a_strategy_is_made_again_as_it_was(regions: World):
    plan = await regions.plan(*REGIONS, terms=terms(Strategy.ROLLING))
    await regions.registry("us").register(ORDERS, Schema(V1))

    with pytest.raises(StalePlanError, match="us"):
        await regions.apply(plan)


@dataclass
class Part:
    failed_there: bool


async def test_only_so_many_registries_are_worked_on_at_a_time():
    at_work, most = 0, 0

    async def work(_: str) -> Part:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await anyio.sleep(0.001)
        at_work -= 1
        return Part(failed_there=False)

    done = await roll_out(Rollout(), [str(number) for number in range(30)], work)

    assert len(done) == 30
    assert most == AT_ONCE


async def test_all_at_once_with_stop_begins_no_more_after_a_failure():
    begun: list[str] = []

    async def work(name: str) -> Part:
        begun.append(name)
        await anyio.lowlevel.checkpoint()
        return Part(failed_there=True)

    names = [f"{number:02}" for number in range(30)]
    await roll_out(Rollout(on_failure=OnFailure.STOP), names, work)

    assert begun == names[:AT_ONCE]


async def test_the_tool_takes_the_first_registry_as_the_canary(regions: World):
    made: Any = await regions.call("plan_deployment", strategy="canary", registries=["us", "eu", "ap"])
    shown: Any = await regions.read("get_plan", {"plan": made.plan})
    plan = shown.plan

    assert (plan.strategy, plan.on_failure, plan.state) == (Strategy.CANARY, OnFailure.STOP, "fresh")
    await regions.registry("us").set_mode(Subject(""), Mode.READONLY)
    done: Any = await regions.call("apply_plan", plan=made.plan)
    states = {one.registry: one.state for one in done.registries}
    assert states == {"us": "failed", "eu": "not_started", "ap": "not_started"}
