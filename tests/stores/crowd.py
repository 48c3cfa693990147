"""What the processes of a crowd do: each test that kills or races processes runs this file with a part to play."""

import hashlib
import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

from schema_mcp.domain.allocation import Allocation
from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import StoreError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.audit import Audit, Entry
from schema_mcp.stores.ids import SqliteLedger

CALLER = Caller("ann", "ann@example.com", frozenset({Scope.READ, Scope.WRITE}))


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


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def allocate(path: str, log: str, seed: str) -> None:
    """Allocate ids for contents of a common pool for ever, and note each answer once it was given."""

    async def work() -> None:
        ledger = SqliteLedger(Path(path))
        chance = random.Random(seed)
        notes = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        _say("ready")
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


def record(folder: str, name: str, rotate_at: str) -> None:
    """Leave lines in an audit trail for ever, in turns with and without waiting for the disk."""

    async def work() -> None:
        audit = Audit(Path(folder), rotate_at=int(rotate_at))
        _say("ready")
        turn = 0
        while True:
            turn += 1
            await audit.record(Entry("get_schema", caller=name, request_id=str(turn)))
            if turn % 5 == 0:
                await audit.intent(Entry("register_schema", caller=name, request_id=str(turn)))

    anyio.run(work)


def record_on_a_full_disk(folder: str, limit: str) -> None:
    """Leave lines until the disk takes no more, try a write then, and go on once there is room again."""

    async def work() -> None:
        audit = Audit(Path(folder))
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
        try:
            while True:
                await audit.record(Entry("get_schema", reason="x" * 100))
        except StoreError as refused:
            _say(f"read: {refused}")
        try:
            async with audit.recorded(CALLER, "register_schema", {"plan": "y" * 500}, writes=True, request_id="r"):
                _say("written after all")
        except StoreError as refused:
            _say(f"write: {refused}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await audit.intent(Entry("register_schema", request_id="there is room again"))

    anyio.run(work)


def open_ledger(path: str) -> None:
    _say("ready")
    sys.stdin.readline()
    SqliteLedger(Path(path)).close()


PARTS: dict[str, Callable[..., None]] = {
    "allocate": allocate,
    "open_ledger": open_ledger,
    "record": record,
    "record_on_a_full_disk": record_on_a_full_disk,
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
