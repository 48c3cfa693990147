"""One of several servers that share a Git remote: `sharing.py PART …` prints what each call answered."""

import asyncio
import functools
import os
import random
import signal
import sys
from datetime import timedelta
from pathlib import Path

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Subject
from schema_mcp.services.registration import Stop
from schema_mcp.stores import ids
from schema_mcp.stores.journal import Journal
from schema_mcp.stores.leases import Leases
from services.world import embedded, record, world_at

CONTENTS = 12


def configuration(remote: Path, registries: Path | None = None) -> str:
    """Two registries of its own, or those that all share, and the remote of all."""
    said = embedded("dev", "prod")
    if registries:
        said = said.replace("path: ", f"path: {registries}/")
    return f"{said}remote: {remote}\n"


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


async def register(url: str, folder: Path, remote: Path, number: int, count: int) -> None:
    """Register contents of a common pool under shared and own subjects; a version is told once it is committed."""
    chance = random.Random(os.getpid())
    async with world_at(folder, configuration(remote), database_url=url) as world:
        for turn in range(count):
            content = chance.randrange(CONTENTS)
            subject = Subject(f"s{content}-{number if turn % 3 else 'shared'}")
            text = record("id:long", f"f{content}:string=", name=f"R{content}")
            try:
                done = await world.register(text, subject, stop=Stop.COMMIT)
            except SchemaMcpError as error:
                _say(f"refused {error.code} {error}")
            else:
                _say(f"{subject.name} {done.number} {done.id}")


async def carry_in(url: str, folder: Path, remote: Path, registries: Path, lasts: float) -> None:
    """Apply a plan, and pause where its first version is about to be written into a registry in mode IMPORT."""
    ids.Leases = functools.partial(Leases, lasts=timedelta(seconds=lasts))
    note = Journal.step

    async def step(self, task: str, key: str, state: str, **more: object):
        answer = await note(self, task, key, state, **more)
        if state == "started" and "register" in key:
            _say("paused")
            os.kill(os.getpid(), signal.SIGSTOP)
        return answer

    async with world_at(folder, configuration(remote, registries), database_url=url) as world:
        await world.store.fetch()
        plan = await world.plan("prod")
        Journal.step = step
        run = await world.apply(plan)
        _say(str([(one["failed"], one["code"], one["error"]) for one in run.result["registries"]]))


if __name__ == "__main__":
    _, part, url, *rest = sys.argv
    if part == "register":
        folder, remote, number, count = rest
        asyncio.run(register(url, Path(folder), Path(remote), int(number), int(count)))
    else:
        folder, remote, registries, lasts = rest
        asyncio.run(carry_in(url, Path(folder), Path(remote), Path(registries), float(lasts)))
