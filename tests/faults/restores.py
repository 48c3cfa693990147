"""Restore a backup into an empty registry and kill whoever does it, at random points, until all is back.

Run as a script of its own: `restores.py KILLS VERSIONS FOLDER` prints one JSON line.
"""

import sys
from pathlib import Path
from typing import Any

from faults.killed import EACH, REGISTRIES, main
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.services.openings import left_open
from services.moves import CONTEXTS, dump, fill
from services.world import world_at


async def prepared(folder: Path) -> None:
    """An estate in three contexts with settings and soft-deleted versions, its backup, and the plan to restore it."""
    async with world_at(folder, REGISTRIES) as world:
        dev = world.registry("dev")
        await fill(dev, max(1, int(sys.argv[2]) // (len(CONTEXTS) * EACH)), EACH)
        await dev.set_config(Subject("orders.000-value", ".eu"), {"compatibility": "FULL"})
        await dev.set_mode(Subject("orders.000-value", ".us"), Mode.READONLY)
        await dev.delete_version(Subject("orders.000-value"), EACH)
        told: Any = await world.read("export_schemas", {"format": "tar.gz", "deleted": True})
        seen: Any = await world.read("import_schemas", {"path": told.file, "registry": "prod"})
        assert set(seen.clashes) == {"free"}
        (folder / "plan").write_text(seen.preview.plan, encoding="utf-8")


async def checked(folder: Path) -> None:
    async with world_at(folder, REGISTRIES) as world:
        assert await dump(world.registry("prod")) == await dump(world.registry("dev"))
        assert await left_open(world.ground.journal, world.ground.clock()) == []


if __name__ == "__main__":
    main(prepared, checked)
