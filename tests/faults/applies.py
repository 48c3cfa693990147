"""Apply plans to two regions and kill whoever does it, at random moments, until they are applied all the same.

Run as a script of its own, because it forks: `applies.py KILLS FOLDER PORT` prints one JSON line per plan.
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

from schema_mcp.domain.plan import OnFailure, Rollout, Strategy
from schema_mcp.domain.schema import Level, Mode, Subject
from schema_mcp.services.draft import Terms
from schema_mcp.services.openings import left_open
from schema_mcp.services.registration import Stop
from schema_mcp.stores.journal import Status
from services.world import World, record, world_at

REGIONS = ("eu", "us")
SUBJECTS, VERSIONS = 3, 3
LONGEST, LONGER = 0.5, 0.25
"""Seconds that a run may last before it is killed: at first, and more each time, so that it ends on any machine."""


def configured(port: str) -> str:
    rows = [
        f"  {name}: {{ backend: confluent, url: 'http://127.0.0.1:{port}/registries/{name}', cache: {{ ttl: 0 }} }}"
        for name in REGIONS
    ]
    return "\n".join(["default: eu", "registries:", *rows, ""])


def main(kills: int, folder: Path, registries: str) -> None:
    rolls = random.Random(kills)
    done = turn = 0
    while done < kills:
        in_a_child(lambda turn=turn: planned(folder, registries, turn))
        killed = 0
        while not killed_or_done(lambda: applied(folder, registries), rolls.uniform(0, LONGEST + killed * LONGER)):
            killed += 1
        done, turn = done + killed, turn + 1
        in_a_child(lambda: checked(folder, registries))
        print(json.dumps({"plan": turn, "kills": killed}), flush=True)  # noqa: T201


def in_a_child(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    if not killed_or_done(work, None):
        sys.exit("what must succeed failed")


def killed_or_done(work: Callable[[], Coroutine[Any, Any, None]], after: float | None) -> bool:
    """Do the work in a process of its own; was it done before it was killed?"""
    child = os.fork()
    if child == 0:
        asyncio.run(work())
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a child failed")
    return os.WIFEXITED(status)


async def planned(folder: Path, registries: str, turn: int) -> None:
    async with world_at(folder, registries) as world:
        for number in range(SUBJECTS):
            subject = Subject(f"t{turn}-{number}")
            for version in range(VERSIONS):
                fields = (f"f{one}:string=" for one in range(version))
                text = record("id:long", *fields, name=f"R{turn}x{number}")
                await world.register(text, subject, registry="eu", stop=Stop.COMMIT)
            await world.wish(subject, level=Level.FULL if number % 2 else Level.NONE)
        strategy = list(Strategy)[turn % len(Strategy)]
        plan = await world.plan(*REGIONS, terms=Terms(Rollout(strategy, OnFailure.STOP, REGIONS)))
        (folder / "plan").write_text(plan.digest, encoding="utf-8")


async def applied(folder: Path, registries: str) -> None:
    async with world_at(folder, registries) as world:
        digest = (folder / "plan").read_text(encoding="utf-8")
        [*runs] = await world.ground.journal.runs(plan=digest)
        if not any(run.status is Status.SUCCEEDED for run in runs):
            plan = await world.call("apply_plan", plan=digest)
            assert plan.model_dump()["status"] == "succeeded", plan


async def checked(folder: Path, registries: str) -> None:
    async with world_at(folder, registries) as world:
        await world.store.refresh()
        assert (await world.plan(*REGIONS)).steps == ()
        for subject in world.store.subjects():
            for region in REGIONS:
                assert await world.held(region, subject) == world.stored(subject)
        assert Mode.IMPORT not in await world.modes()
        await nothing_left(world)


async def nothing_left(world: World) -> None:
    assert await left_open(world.ground.journal, world.ground.clock()) == []
    assert await world.ground.journal.recovered() == []
    digest_runs = await world.ground.journal.runs(limit=1)
    steps = [step for step in await world.ground.journal.steps(digest_runs[0].task) if step.before is None]
    assert len({step.key for step in steps}) == len(steps) == digest_runs[0].total == digest_runs[0].done


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), configured(sys.argv[3]))
