"""One of a crowd that registers into one store: `crowd.py KIND FOLDER NUMBER COUNT` prints what each call answered."""

import asyncio
import sys
from pathlib import Path

from schema_mcp.domain.schema import Subject
from services.world import embedded, record, world_at

KINDS = {"ledger": embedded("dev", "prod"), "registry": embedded("dev")}


async def register(kind: str, folder: Path, number: int, count: int) -> None:
    async with world_at(folder, KINDS[kind]) as world:
        for turn in range(count):
            # Every fourth call meets the others at one subject; the rest walk over subjects of their own.
            name = "shared" if turn % 4 == 0 else f"own-{number}-{turn % 5}"
            text = record("id:long", f"f_{number}_{turn}:string=")
            done = await world.register(text, Subject(name))
            assert done.deployed
            assert not done.existing
            assert not any("rebuilt" in note for note in done.notes), done.notes
            print(name, done.number, done.id, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(register(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
