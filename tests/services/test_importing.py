"""A subject in mode IMPORT: the mode it had is given back, whatever ends the work, and somebody says so until it is."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.services.openings import left_open
from schema_mcp.services.registration import Stop
from schema_mcp.stores.journal import Status
from services.world import ORDERS, V1, V2, V3, World

PHASES = {
    "before the mode": ("set_mode", "before", 1),
    "in the mode": ("set_mode", "after", 1),
    "before the first version": ("register", "before", 1),
    "after the first version": ("register", "after", 1),
    "after the last version": ("register", "after", 3),
    "before the mode is given back": ("delete_mode", "before", 1),
    "after the mode is given back": ("delete_mode", "after", 1),
}

phases = pytest.mark.parametrize(("write", "when", "turn"), PHASES.values(), ids=list(PHASES))


async def committed(world: World) -> None:
    for text in (V1, V2, V3):
        await world.register(text, stop=Stop.COMMIT)


def at(method: Any, when: str, turn: int, act: Callable[[], Any]) -> Any:
    """Do something at the n-th call of a method, before or after it."""
    calls = 0

    async def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == turn and when == "before":
            await act()
        answer = await method(*args, **kwargs)
        if calls == turn and when == "after":
            await act()
        return answer

    return call


@phases
async def test_a_cancelled_run_gives_the_mode_back_and_goes_on_later(
    world: World, monkeypatch: pytest.MonkeyPatch, write: str, when: str, turn: int
):
    await committed(world)
    prod, plan = world.registry("prod"), await world.plan("prod")

    with monkeypatch.context() as patched, anyio.CancelScope() as scope:

        async def cancel() -> None:
            scope.cancel()
            await anyio.lowlevel.checkpoint()

        patched.setattr(prod, write, at(getattr(prod, write), when, turn, cancel))
        await world.apply(plan)

    assert await prod.mode(ORDERS) is None
    assert await left_open(world.ground.journal, world.ground.clock()) == []
    [run] = await world.ground.journal.runs(plan=plan.digest)
    if run.status is Status.INTERRUPTED:
        run = await world.apply(plan)
    assert run.status is Status.SUCCEEDED
    assert await world.held("prod") == world.stored()
    assert await prod.mode(ORDERS) is None


@phases
async def test_a_registry_that_dies_in_the_middle_is_mended_when_it_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch, write: str, when: str, turn: int
):
    await committed(world)
    await world.registry("prod").set_mode(ORDERS, Mode.READWRITE)
    prod, plan = world.registry("prod"), await world.plan("prod")
    if write == "delete_mode":  # a mode of its own is given back by setting it
        write, turn = "set_mode", 2

    with monkeypatch.context() as patched:

        async def gone(*_: Any, **__: Any) -> Any:
            raise RegistryError("prod does not answer", hint="Try again.")

        async def die() -> None:
            for name in ("set_mode", "delete_mode", "register", "mode", "version", "numbers"):
                patched.setattr(prod, name, gone)
            raise RegistryError("prod went away")

        patched.setattr(prod, write, at(getattr(prod, write), when, turn, die))
        run = await world.apply(plan)
        assert run.status in (Status.INTERRUPTED, Status.FAILED)
        still_open = await left_open(world.ground.journal, world.ground.clock())
        assert [(one.registry, one.subject) for one in still_open] in ([], [("prod", ORDERS)])

    done = await world.apply(plan) if run.status is Status.INTERRUPTED else await world.apply(await world.plan("prod"))

    assert done.status is Status.SUCCEEDED
    assert await world.held("prod") == world.stored()
    assert await prod.mode(ORDERS) is Mode.READWRITE
    assert await left_open(world.ground.journal, world.ground.clock()) == []


async def test_a_subject_that_is_left_in_import_is_an_alarm_until_it_is_mended(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    await committed(world)
    prod, plan = world.registry("prod"), await world.plan("prod")

    async def gone(*_: Any, **__: Any) -> Any:
        raise RegistryError("prod does not answer", hint="Try again.")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(prod, "delete_mode", gone)
        run = await world.apply(plan)
        await world.register(V1, Subject("another"))

    [left] = await left_open(world.ground.journal, world.ground.clock(), registry="prod")
    assert (left.subject, left.task, left.at_work) == (ORDERS, run.task, False)
    assert left.seconds < 60
    assert await left_open(world.ground.journal, world.ground.clock(), registry="dev") == []
    warned = [one.getMessage() for one in caplog.records if "has been in mode IMPORT for" in one.getMessage()]
    assert len(warned) >= 2  # when it happened, and with what was written next
    assert "prod: orders-value" in warned[0]

    await world.register(V1, Subject("a-third"))

    assert await prod.mode(ORDERS) is None
    assert await left_open(world.ground.journal, world.ground.clock()) == []


async def test_while_versions_are_carried_in_the_subject_is_told_of_as_at_work(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await committed(world)
    prod, plan = world.registry("prod"), await world.plan("prod")
    seen: list[Any] = []

    async def look() -> None:
        seen.extend(await left_open(world.ground.journal, world.ground.clock()))

    monkeypatch.setattr(prod, "register", at(prod.register, "after", 1, look))
    await world.apply(plan)

    assert [(one.registry, one.subject, one.at_work) for one in seen] == [("prod", ORDERS, True)]


async def test_a_run_with_a_mode_to_give_back_is_not_called_cancelled(world: World, monkeypatch: pytest.MonkeyPatch):
    await committed(world)
    prod, plan = world.registry("prod"), await world.plan("prod")

    async def gone(*_: Any, **__: Any) -> Any:
        raise RegistryError("prod does not answer", hint="Try again.")

    with monkeypatch.context() as patched:
        patched.setattr(prod, "delete_mode", gone)
        run = await world.apply(plan)

    stopped = await world.ground.journal.stop(run.task)

    assert stopped.status is Status.INTERRUPTED
    await world.register(V1, Subject("another"))
    assert await prod.mode(ORDERS) is None
