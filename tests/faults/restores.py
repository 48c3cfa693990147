"""Restore a backup into an empty registry and kill whoever does it, at random moments, until all is back.

Run as a script of its own, because it forks: `restores.py KILLS VERSIONS FOLDER` prints one JSON line.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

from faults.migrates import EACH, REGISTRIES, in_a_child, killed_or_done, pause
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.services import application
from schema_mcp.services.openings import left_open
from schema_mcp.stores.journal import Status
from services.moves import CONTEXTS, dump, fill
from services.world import world_at


def main(kills: int, versions: int, folder: Path) -> None:
    rolls = random.Random(kills)
    in_a_child(lambda: prepared(folder, versions))
    killed = 0
    while not killed_or_done(lambda: applied(folder), pause(rolls, versions, killed, kills), folder / "begun"):
        killed += 1
    in_a_child(lambda: checked(folder))
    print(json.dumps({"kills": killed}), flush=True)  # noqa: T201


async def prepared(folder: Path, versions: int) -> None:
    """An estate in three contexts with settings and soft-deleted versions, its backup, and the plan to restore it."""
    async with world_at(folder, REGISTRIES) as world:
        dev = world.registry("dev")
        await fill(dev, max(1, versions // (len(CONTEXTS) * EACH)), EACH)
        await dev.set_config(Subject("orders.000-value", ".eu"), {"compatibility": "FULL"})
        await dev.set_mode(Subject("orders.000-value", ".us"), Mode.READONLY)
        await dev.delete_version(Subject("orders.000-value"), EACH)
        told: Any = await world.read("export_schemas", {"format": "tar.gz", "deleted": True})
        seen: Any = await world.read("import_schemas", {"path": told.file, "registry": "prod"})
        assert set(seen.clashes) == {"free"}
        (folder / "plan").write_text(seen.preview.plan, encoding="utf-8")


async def applied(folder: Path) -> None:
    async def report(done: float, total: float | None, message: str) -> None:
        (folder / "begun").touch()

    async with world_at(folder, REGISTRIES) as world:
        digest = (folder / "plan").read_text(encoding="utf-8")
        run = await application.apply(world.ground, digest, world.signed, report, None, None)
        assert run.status is Status.SUCCEEDED, run.result


async def checked(folder: Path) -> None:
    async with world_at(folder, REGISTRIES) as world:
        assert await dump(world.registry("prod")) == await dump(world.registry("dev"))
        assert await left_open(world.ground.journal, world.ground.clock()) == []


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
