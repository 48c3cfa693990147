"""What the processes of a crowd do: each test that kills or races processes runs this file with a part to play."""

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

from schema_mcp.domain.allocation import Allocation
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.ids import SqliteLedger


def join(part: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a process that plays a part; it says `ready` on its first line of output."""
    return subprocess.Popen(
        [sys.executable, __file__, part, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ready(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    assert process.stdout
    line = process.stdout.readline()
    if line != b"ready\n":
        _, errors = process.communicate()
        raise AssertionError(errors.decode())
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def content(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _say_ready() -> None:
    os.write(1, b"ready\n")


def allocate(path: str, log: str, seed: str) -> None:
    """Allocate ids for contents of a common pool for ever, and note each answer once it was given."""

    async def work() -> None:
        ledger = SqliteLedger(Path(path))
        chance = random.Random(seed)
        notes = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        _say_ready()
        turn = 0
        while True:
            turn += 1
            wanted = [
                Allocation(Subject(f"s{seed}"), turn * 10 + place, content(chance.randrange(5_000)), "AVRO")
                for place in range(chance.choice((1, 1, 5)))
            ]
            for answer in await ledger.allocate_many(wanted):
                os.write(notes, f"{answer.schema_hash} {answer.id}\n".encode())

    anyio.run(work)


def open_ledger(path: str) -> None:
    _say_ready()
    sys.stdin.readline()
    SqliteLedger(Path(path)).close()


PARTS: dict[str, Callable[..., None]] = {
    "allocate": allocate,
    "open_ledger": open_ledger,
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
