"""Migrate between two embedded registries and kill whoever does it, at random points, until all has arrived.

Run as a script of its own: `migrates.py KILLS VERSIONS FOLDER` prints one JSON line.
"""

import sys
from pathlib import Path

from faults.killed import EACH, REGISTRIES, main
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.services import rollback
from schema_mcp.services.migration import Clash
from schema_mcp.services.openings import left_open
from services.moves import CONTEXTS, dump, fill, planned, put, taken_back
from services.world import BREAKING, V1, World, world_at


async def prepared(folder: Path) -> None:
    """An estate in three contexts with settings, a target with clashes and things of its own, and the plan."""
    async with world_at(folder, REGISTRIES) as world:
        dev, prod = world.registry("dev"), world.registry("prod")
        await fill(dev, max(1, int(sys.argv[2]) // (len(CONTEXTS) * EACH)), EACH)
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
    main(prepared, checked)
