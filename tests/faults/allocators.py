"""One of a crowd that takes ids from one ledger: `allocators.py PLACE LOG SEED WIDTH` goes on until it is killed."""

import asyncio
import hashlib
import os
import random
import sys

from schema_mcp.domain.allocation import Allocation
from schema_mcp.domain.schema import Subject
from stores.ledgers import open_at

SHARED = 2_000
"""Contents that everybody may ask for; the rest are one's own."""


async def allocate(place: str, log: str, seed: int, width: int) -> None:
    """Ids one by one or `width` at a time, and now and then a block; each answer is noted once it was given."""
    ledger = open_at(place)
    chance = random.Random(seed)
    notes = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    turn = 0
    while True:
        turn += 1
        if turn % 50 == 0:
            block = await ledger.reserve(chance.randrange(1, 20), f"worker-{seed}")
            os.write(notes, f"block {block.first} {block.last}\n".encode())
        wanted = [_wanted(chance, seed, turn, one) for one in range(width if chance.random() < 0.9 else 1)]
        answers = await ledger.allocate_many(wanted)
        os.write(notes, "".join(f"{one.schema_hash} {one.id}\n" for one in answers).encode())


def _wanted(chance: random.Random, seed: int, turn: int, place: int) -> Allocation:
    number = chance.randrange(SHARED) if chance.random() < 0.02 else SHARED + seed * 10_000_000 + turn * 1_000 + place
    return Allocation(Subject(f"s{seed}"), turn * 1_000 + place, hashlib.sha256(b"%d" % number).hexdigest(), "AVRO")


if __name__ == "__main__":
    _, place, log, seed, width = sys.argv
    asyncio.run(allocate(place, log, int(seed), int(width)))
