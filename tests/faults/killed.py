"""Carry a plan out in processes that are killed at random points until all is done, and count what they ask for.

`prepared` leaves a plan in a folder, `checked` sees that what came of it is right, each in a process of its own,
because this forks. What an undisturbed run of the same plan asks for is counted beside it, in a copy of the folder.
"""

import asyncio
import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from signal import SIGKILL
from typing import Any

from schema_mcp.services import application
from schema_mcp.stores.journal import Status, StepState
from services.world import World, embedded, world_at

REGISTRIES = embedded("dev", "prod")
EACH = 10
"""Versions of a subject."""

PATIENCE = 300
"""Seconds that a run may take to the point where it is killed."""

AFTER = 0.02
"""Seconds at most from that point to the kill, so that it comes in the middle of anything."""

EARLY = 0.9
"""The part of the steps among which the points lie; the rest is for the last run."""

READS = ("subjects", "numbers", "version", "schema", "holders", "lookup", "referrers", "highest_id", "config", "mode")
WRITES = ("register", "delete_version", "set_config", "delete_config", "set_mode", "delete_mode")

Work = Callable[[Path], Coroutine[Any, Any, None]]


def main(prepared: Work, checked: Work) -> None:
    kills, folder = int(sys.argv[1]), Path(sys.argv[3])
    in_a_child(prepared(folder))
    calm = folder.with_name(folder.name + "-calm")
    shutil.copytree(folder, calm)
    in_a_child(applied(calm))
    points = sorted(random.Random(kills).sample(range(1, int(total(calm) * EARLY)), kills))
    killed = 0
    while not killed_or_done(applied(folder, *points[killed : killed + 1]), points[killed : killed + 1], folder):
        killed += 1
    in_a_child(checked(folder))
    told = {"kills": killed, "steps": total(calm), "calm": asked(calm), "disturbed": asked(folder)}
    print(json.dumps(told), flush=True)  # noqa: T201


def total(folder: Path) -> int:
    return int((folder / "total").read_text(encoding="utf-8"))


def asked(folder: Path) -> Counter[str]:
    """What the target was asked for, by kind: reads, writes, and writes of steps that were finished already."""
    return Counter((folder / "asked").read_text(encoding="utf-8").split())


def in_a_child(work: Coroutine[Any, Any, None]) -> None:
    if not killed_or_done(work, [], Path()):
        sys.exit("what must succeed failed")


def killed_or_done(work: Coroutine[Any, Any, None], points: list[int], folder: Path) -> bool:
    """Do the work in a process of its own; was it done before it was killed, at its point if it has one?"""
    begun = folder / "there"
    if points:
        begun.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        asyncio.run(work)
        os._exit(0)
    work.close()
    status = until_there(child, begun) if points else None
    if status is None and points:
        time.sleep(random.Random(points[0]).uniform(0, AFTER))
        os.kill(child, SIGKILL)
    if status is None:
        status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a child failed")
    return os.WIFEXITED(status)


def until_there(child: int, there: Path) -> int | None:
    """Wait until a run has come to its point; gives how it ended where it did before."""
    for _ in range(PATIENCE * 500):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if there.exists():
            return None
        time.sleep(0.002)
    sys.exit("a run did not come to its point")


async def applied(folder: Path, *points: int) -> None:
    """Carry the plan out, and say so once so many of its steps are done."""
    async with world_at(folder, REGISTRIES) as world:
        digest = (folder / "plan").read_text(encoding="utf-8")
        finished = await finished_of(world, digest)

        async def report(done: float, total: float | None, message: str) -> None:
            if points and len(finished) + done >= points[0]:
                (folder / "there").touch()

        with (folder / "asked").open("a", encoding="utf-8", buffering=1) as notes:
            count(world.registry("prod"), finished, lambda kind: notes.write(f"{kind}\n"))
            run = await application.apply(world.ground, digest, world.signed, report, None, None)
    assert run.status is Status.SUCCEEDED, run.result
    (folder / "total").write_text(str(run.total), encoding="utf-8")


async def finished_of(world: World, digest: str) -> set[str]:
    """The steps of a plan that the journal shows as done, by what names them."""
    runs = await world.ground.journal.runs(plan=digest, limit=1)
    steps = [step for run in runs for step in await world.ground.journal.steps(run.task)]
    return {step.key for step in steps if step.state is StepState.DONE and step.before is None}


def count(registry: Any, finished: set[str], note: Callable[[str], object]) -> None:
    """Note each call to a registry from now on; a listing counts once for each started thousand."""
    for name in (*READS, *WRITES):
        setattr(registry, name, noting(getattr(registry, name), name, finished, note))
    listing = registry.versions

    async def versions(**kwargs: Any) -> Any:
        seen = 0
        async for version in listing(**kwargs):
            if seen % 1_000 == 0:
                note("read")
            seen += 1
            yield version

    registry.versions = versions


def noting(plain: Any, name: str, finished: set[str], note: Callable[[str], object]) -> Any:
    kind = "read" if name in READS else "mode_write" if name.endswith("mode") else "write"

    async def call(*args: Any, **kwargs: Any) -> Any:
        note(kind)
        if name == "register" and f"prod register {args[0]} {kwargs['number']}" in finished:
            note("finished_again")
        return await plain(*args, **kwargs)

    return call
