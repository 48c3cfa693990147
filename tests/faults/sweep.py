"""Kill a process at every point where it is about to write, or has just written, one point after the other.

Run as a script of its own, because it forks: `sweep.py KIND FOLDER` prints one JSON line per point.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from signal import SIGKILL
from typing import Any

from schema_mcp.domain.schema import Mode
from services.world import V1, V2, World, embedded, world_at

KINDS = {"ledger": embedded("dev", "prod"), "registry": embedded("dev")}
WRITES = {
    "store": ["commit"],
    "ledger": ["allocate", "extend", "adopt"],
    "journal": ["start", "step", "finish", "keep_plan"],
    "registry": ["register", "set_mode", "delete_mode"],
}


def sweep(kind: str, folder: Path) -> None:
    for point in count(1):
        there = folder / str(point)
        if in_a_child(lambda: asyncio.run(victim(there, kind, point))):  # noqa: B023 - called at once
            return
        if not in_a_child(lambda: asyncio.run(after(there, kind, point))):  # noqa: B023
            sys.exit(f"point {point}: what came after failed")


def in_a_child(work: Callable[[], None]) -> bool:
    """Did the work come to its end, in a process of its own?"""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


async def victim(there: Path, kind: str, point: int) -> None:
    async with world_at(there, KINDS[kind]) as world:
        await world.register(V1)
        arm(world, point)
        await story(world)


async def story(world: World) -> list[str]:
    """Register a version, and take it everywhere."""
    done = await world.register(V2)
    plan = await world.plan(*world.workspace.fleet.writable)
    if plan.steps:
        said = (await world.apply(plan)).result.get("notes", [])
        return [*done.notes, *said]
    return [*done.notes]


async def after(there: Path, kind: str, point: int) -> None:
    async with world_at(there, KINDS[kind]) as world:
        said = await story(world)
        stored = world.stored()
        assert list(stored) == [1, 2]
        assert len(set(stored.values())) == 2
        for name in world.workspace.fleet.names:
            assert await world.held(name) == stored, name
        assert Mode.IMPORT not in await world.modes()
        assert not [run for run in await world.ground.journal.recovered() if run.kind == "registration"]
        known = await world.ground.ledger.entries()
        assert {entry.number: entry.id for entry in known} == stored
        assert len(await world.store.log()) <= 2 + (kind == "ledger")
        print(json.dumps({"point": point, "said": said}), flush=True)  # noqa: T201


def arm(world: World, point: int) -> None:
    """Kill this process at its n-th point."""
    points = count(1)

    def pass_by() -> None:
        if next(points) == point:
            os.kill(os.getpid(), SIGKILL)

    things = {"store": world.store, "ledger": world.ground.ledger, "journal": world.ground.journal}
    registries = {f"registry {name}": world.registry(name) for name in world.workspace.fleet.names}
    for name, thing in {**things, **registries}.items():
        for method in WRITES[name.partition(" ")[0]]:
            setattr(thing, method, watched(getattr(thing, method), pass_by))


def watched(method: Callable[..., Any], pass_by: Callable[[], None]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        pass_by()
        answer = await method(*args, **kwargs)
        pass_by()
        return answer

    return call


if __name__ == "__main__":
    sweep(sys.argv[1], Path(sys.argv[2]))
