"""A migration that is disturbed in any of its phases: nothing is left open, and going on repeats next to nothing."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from schema_mcp.domain.errors import ConflictError, RegistryError, StalePlanError
from schema_mcp.domain.plan import Action
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.services import recovery
from schema_mcp.services.migration import Clash
from schema_mcp.services.openings import left_open
from schema_mcp.stores.journal import Status
from services.moves import done, dump, fill, planned, taken_back
from services.world import BREAKING, World

DISTURBED = Subject("orders.001-value", ".eu")
CARRIED_IN = Subject("orders.000-value", ".eu")

Disturbance = Callable[[], Awaitable[None]]

PHASES = [
    pytest.param("versions", 2, id="looking what is there"),
    pytest.param("set_config", 1, id="loosening"),
    pytest.param("mode", 8, id="asking for a mode"),
    pytest.param("set_mode", 3, id="entering IMPORT"),
    pytest.param("register", 1, id="the first version"),
    pytest.param("register", 7, id="a version in the middle"),
    pytest.param("register", 21, id="the last version"),
    pytest.param("delete_mode", 2, id="leaving IMPORT"),
    pytest.param("delete_version", 1, id="deleting softly"),
    pytest.param("set_config", 2, id="tightening"),
    pytest.param("set_mode", 10, id="setting a mode"),
    pytest.param("versions", 3, id="reading back"),
]


def disturb(registry: Any, method: str, turn: int, disturbance: Disturbance, *, before: bool) -> Counter[str]:
    """Let something happen once, around a certain call; gives the count of calls by method from now on."""
    calls: Counter[str] = Counter()

    def disturbed(name: str, plain: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            hit = name == method and calls[name] == turn
            if hit and before:
                await disturbance()
            answer = await plain(*args, **kwargs)
            if hit:
                await disturbance()
            return answer

        return call

    async def versions(**kwargs: Any) -> Any:
        calls["versions"] += 1
        if method == "versions" and calls["versions"] == turn:
            await disturbance()
        async for version in listing(**kwargs):
            yield version

    listing = registry.versions
    for name in ("register", "set_mode", "delete_mode", "mode", "set_config", "delete_version"):
        setattr(registry, name, disturbed(name, getattr(registry, name)))
    registry.versions = versions
    return calls


async def estate(world: World) -> dict[str, Any]:
    """What is moved in these tests: settings, a soft-deleted version, references; gives what the target held."""
    dev = world.registry("dev")
    await fill(dev, 2, 3)
    await dev.set_config(Subject("customer"), {"compatibility": "NONE"})
    await dev.set_config(DISTURBED, {"compatibility": "FULL"})
    await dev.set_mode(DISTURBED, Mode.READONLY)
    await dev.delete_version(Subject("orders.000-value", ".us"), 2)
    return await dump(world.registry("prod"))


async def finished(world: World) -> None:
    """Plan again, apply, and see that the two are equal."""
    again = await planned(world, deleted=True)
    if again.plan.steps:
        await done(world, again.plan)
    assert await dump(world.registry("prod")) == await dump(world.registry("dev"))
    assert await left_open(world.ground.journal, world.ground.clock()) == []


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("method", "turn"), PHASES)
async def test_a_cancelled_migration_goes_on_where_it_was(world: World, method: str, turn: int, before: bool):
    await estate(world)
    made = await planned(world, deleted=True)
    scope = anyio.CancelScope()

    async def cancel() -> None:
        scope.cancel()
        await anyio.lowlevel.checkpoint()

    calls = disturb(world.registry("prod"), method, turn, cancel, before=before)
    with scope:
        await world.apply(made.plan)
    [run, *_] = await world.ground.journal.runs(plan=made.plan.digest)

    assert scope.cancel_called
    assert Mode.IMPORT not in await world.modes("prod")
    if run.status is Status.INTERRUPTED:
        await done(world, made.plan)
    await finished(world)
    assert calls["register"] <= made.versions + 1


@pytest.mark.parametrize(("method", "turn"), PHASES)
async def test_a_registry_that_dies_in_the_middle_is_reported_and_the_rest_follows(
    world: World, method: str, turn: int
):
    before = await estate(world)
    made = await planned(world, deleted=True)

    async def die() -> None:
        raise RegistryError("prod does not answer", hint="Ask again later.")

    calls = disturb(world.registry("prod"), method, turn, die, before=True)
    try:
        run = await world.apply(made.plan)
    except RegistryError:  # while it was planned again: nothing was begun
        assert await dump(world.registry("prod")) == before
    else:
        assert run.status in (Status.FAILED, Status.INTERRUPTED)
        await recovery.settle(world.ground, world.signed)
        assert Mode.IMPORT not in await world.modes("prod")
        if run.status is Status.FAILED and method != "delete_mode":
            with pytest.raises(StalePlanError) if run.done else anyio.CancelScope():
                await world.apply(made.plan)
    await finished(world)
    assert calls["register"] <= made.versions + 1


async def test_what_was_done_before_a_failure_is_taken_back(world: World):
    before = await estate(world)
    made = await planned(world, deleted=True)

    async def die() -> None:
        raise RegistryError("prod does not answer", hint="Ask again later.")

    disturb(world.registry("prod"), "register", 9, die, before=True)
    run = await world.apply(made.plan)
    changed = await dump(world.registry("prod"))
    await taken_back(world, run)

    assert (run.status, run.done > 0) == (Status.FAILED, True)
    assert changed != before
    assert await dump(world.registry("prod")) == before


async def test_what_somebody_registers_meanwhile_is_never_written_over(world: World):
    await fill(world.registry("dev"), 1, 2, (".",))
    prod, subject = world.registry("prod"), Subject("orders.000-value")
    made = await planned(world)

    async def intrude() -> None:
        await prod._inner.set_mode(subject, Mode.IMPORT, force=True)  # pyright: ignore[reportPrivateUsage]
        await prod._inner.register(subject, Schema(BREAKING), schema_id=700, number=2)  # pyright: ignore[reportPrivateUsage]
        await prod._inner.delete_mode(subject)  # pyright: ignore[reportPrivateUsage]

    disturb(prod, "register", 1, intrude, before=False)
    run = await world.apply(made.plan)

    assert run.status is Status.FAILED
    assert "other content" in run.result["registries"][0]["error"]
    assert (await world.held("prod", subject))[2] == 700


async def test_a_source_that_changes_meanwhile_makes_the_plan_stale(world: World):
    dev = world.registry("dev")
    await fill(dev, 1, 2, (".",))
    made = await planned(world)
    await dev.register(Subject("later"), Schema(BREAKING))

    with pytest.raises((StalePlanError, ConflictError)):
        await world.apply(made.plan)
    assert world.registry("prod").writes == 0
    assert (await planned(world)).clashes == {Clash.FREE: 4}


@pytest.mark.parametrize(
    ("change", "scope", "to"),
    [
        pytest.param("set_config", Subject("customer"), [{"compatibility": "FULL"}], id="another level"),
        pytest.param("delete_config", Subject("customer"), [], id="its level gone"),
        pytest.param("delete_mode", DISTURBED, [], id="its mode gone"),
        pytest.param("delete_mode", CARRIED_IN, [], id="no longer being imported"),
        pytest.param("set_config", Subject("", ".eu"), [{"compatibility": "NONE"}], id="a context's level"),
    ],
)
async def test_a_setting_that_the_plan_rests_on_makes_it_stale_when_it_changes(
    world: World, change: str, scope: Subject, to: list[Any]
):
    await estate(world)
    dev = world.registry("dev")
    await dev.set_mode(CARRIED_IN, Mode.IMPORT, force=True)
    made = await planned(world)
    await getattr(dev, change)(scope, *to)

    with pytest.raises(StalePlanError):
        await world.apply(made.plan)
    assert world.registry("prod").writes == 0


async def test_a_setting_that_the_plan_does_not_write_is_left_to_the_next_plan(world: World):
    await estate(world)
    made = await planned(world)
    await world.registry("dev").set_config(CARRIED_IN, {"compatibility": "FULL"})

    await done(world, made.plan)

    assert await world.registry("prod").config(CARRIED_IN) is None
    assert [(step.action, step.subject) for step in (await planned(world)).plan.steps] == [(Action.TIGHTEN, CARRIED_IN)]


async def test_settings_go_around_the_versions(world: World):
    await estate(world)

    steps = (await planned(world, deleted=True)).plan.steps

    order = [step.action for step in steps if step.action is not Action.REGISTER]
    assert order == [Action.LOOSEN, Action.DELETE, Action.TIGHTEN, Action.MODE]
    assert next(number for number, step in enumerate(steps) if step.action is Action.DELETE) == len(steps) - 3
