"""Migrate between two embedded registries and kill whoever does it, at random moments, until all has arrived.

Run as a script of its own, because it forks: `migrates.py KILLS VERSIONS FOLDER` prints one JSON line.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from signal import SIGKILL
from typing import Any

from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.services import application, rollback
from schema_mcp.services.migration import Clash
from schema_mcp.services.openings import left_open
from schema_mcp.stores.journal import Status
from services.moves import CONTEXTS, dump, fill, planned, put, taken_back
from services.world import BREAKING, V1, World, embedded, world_at

REGISTRIES = embedded("dev", "prod")
EACH = 10
"""Versions of a subject."""

PATIENCE = 300
"""Seconds that a run may take to its first step."""

PER_VERSION = 0.001
"""Seconds that a run may go on for at most, for each version there is, once its first step is done."""


def main(kills: int, versions: int, folder: Path) -> None:
    rolls = random.Random(kills)
    in_a_child(lambda: prepared(folder, versions))
    killed = 0
    while not killed_or_done(lambda: applied(folder), pause(rolls, versions, killed, kills), folder / "begun"):
        killed += 1
    in_a_child(lambda: checked(folder))
    print(json.dumps({"kills": killed}), flush=True)  # noqa: T201


def pause(rolls: random.Random, versions: int, killed: int, kills: int) -> float | None:
    """How long the next run may go on; to its end once there were enough."""
    return None if killed >= kills else rolls.uniform(0, versions * PER_VERSION)


def in_a_child(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    if not killed_or_done(work, None):
        sys.exit("what must succeed failed")


def killed_or_done(
    work: Callable[[], Coroutine[Any, Any, None]], after: float | None, begun: Path | None = None
) -> bool:
    """Do the work in a process of its own; was it done before it was killed, so long after it had begun?"""
    if begun:
        begun.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        asyncio.run(work())
        os._exit(0)
    status = None
    if begun and after is not None:
        status = until_begun(child, begun)
        if status is None:
            time.sleep(after)
            os.kill(child, SIGKILL)
    if status is None:
        status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a child failed")
    return os.WIFEXITED(status)


def until_begun(child: int, begun: Path) -> int | None:
    """Wait until a run does steps; gives how it ended where it did before."""
    for _ in range(PATIENCE * 100):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if begun.exists():
            return None
        time.sleep(0.01)
    sys.exit("a run did not begin")


async def prepared(folder: Path, versions: int) -> None:
    """An estate in three contexts with settings, a target with clashes and things of its own, and the plan."""
    async with world_at(folder, REGISTRIES) as world:
        dev, prod = world.registry("dev"), world.registry("prod")
        await fill(dev, max(1, versions // (len(CONTEXTS) * EACH)), EACH)
        await dev.set_config(Subject("orders.000-value", ".eu"), {"compatibility": "FULL"})
        await dev.set_mode(Subject("orders.000-value", ".us"), Mode.READONLY)
        await dev.delete_version(Subject("orders.000-value"), EACH)
        await put(prod, Subject("stays"), V1, 90_000)
        await put(prod, Subject("orders.000-value", ".eu"), BREAKING, 90_001, number=EACH)
        await put(prod, Subject("customer", ".us"), BREAKING, 90_002, number=3)
        await prod.delete_version(Subject("customer", ".us"), 3)
        before = await dump(prod)
        made = await planned(world, deleted=True)
        assert made.clashes[Clash.VERSION_TAKEN] == 1
        (folder / "plan").write_text(made.plan.digest, encoding="utf-8")
        (folder / "before").write_text(repr(before), encoding="utf-8")


async def applied(folder: Path) -> None:
    async def report(done: float, total: float | None, message: str) -> None:
        (folder / "begun").touch()

    async with world_at(folder, REGISTRIES) as world:
        digest = (folder / "plan").read_text(encoding="utf-8")
        run = await application.apply(world.ground, digest, world.signed, report, None, None)
        assert run.status is Status.SUCCEEDED, run.result


async def checked(folder: Path) -> None:
    """All that can be there is there, the rest of the target is as it was, and so is all of it after a rollback."""
    async with world_at(folder, REGISTRIES) as world:
        dev, prod = await dump(world.registry("dev")), await dump(world.registry("prod"))
        clash, own = (":.eu:orders.000-value", EACH), {("stays", 1), (":.us:customer", 3)}
        assert {one: version for one, version in prod["versions"].items() if one not in own | {clash}} == {
            one: version for one, version in dev["versions"].items() if one != clash
        }
        assert prod["versions"].keys() >= own
        assert prod["mode"][":.us:orders.000-value"] is Mode.READONLY
        assert Mode.IMPORT not in prod["mode"].values()
        assert not (await planned(world, deleted=True)).plan.steps
        await nothing_left(world)
        [run, *_] = await world.ground.journal.runs(limit=1)
        await taken_back(world, run)
        assert repr(await dump(world.registry("prod"))) == (folder / "before").read_text(encoding="utf-8")


async def nothing_left(world: World) -> None:
    assert await left_open(world.ground.journal, world.ground.clock()) == []
    assert await world.ground.journal.recovered() == []
    [run, *_] = await world.ground.journal.runs(limit=1)
    steps = [step for step in await world.ground.journal.steps(run.task) if step.before is None]
    assert len({step.key for step in steps}) == len(steps) == run.total == run.done
    assert (await rollback.plan(world.ground, run.task)).blocked == ()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
