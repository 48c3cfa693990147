"""What the processes of a crowd do: each test that kills or races processes runs this file with a part to play."""

import hashlib
import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import anyio

from schema_mcp.domain.allocation import Allocation, IdRange
from schema_mcp.domain.errors import LockHeldError, StoreError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.audit import Audit, Entry
from schema_mcp.stores.ids import PostgresLedger, SqliteLedger
from schema_mcp.stores.journal import Journal
from schema_mcp.stores.leases import Leases
from schema_mcp.stores.turns import Turn, Turns
from schema_mcp.toolkit.recording import recorded


def join(part: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a process that plays a part; it says `ready` on its first line of output."""
    return subprocess.Popen(
        [sys.executable, __file__, part, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ready(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    assert process.stdout
    line = process.stdout.readline()
    if line != b"ready\n":
        _, errors = process.communicate()
        raise AssertionError(errors.decode())
    return process


def tell(process: subprocess.Popen[bytes], text: str = "go") -> str:
    """Say a line to a process, and hear its answer."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{text}\n".encode())
    process.stdin.flush()
    return process.stdout.readline().decode().strip()


def kill(process: subprocess.Popen[bytes]) -> bytes:
    """End a process as hard as can be; what it had said until then."""
    process.kill()
    return process.communicate()[0]


def content(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def allocate(path: str, log: str, seed: str, first: str, last: str) -> None:
    """Allocate ids for contents of a common pool for ever, and note each answer once it was given."""

    async def work() -> None:
        ledger = SqliteLedger(Path(path), ids=IdRange(int(first), int(last)))
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
            async with recorded(Entry("register_schema", request_id="r", plan="y" * 500), audit, writes=True):
                _say("written after all")
        except StoreError as refused:
            _say(f"write: {refused}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await audit.intent(Entry("register_schema", request_id="there is room again"))

    anyio.run(work)


def carry_out(folder: str, plan: str) -> None:
    """Carry out a plan for ever, one step after the other, with something to put back."""

    async def work() -> None:
        journal = Journal(Path(folder))
        await journal.keep_plan(plan, f"text of {plan}", "ann")
        run = await journal.start(kind="deployment", owner="ann", plan=plan, total=1_000_000)
        await journal.step(run.task, "import_mode", "started", before={"mode": "READWRITE"})
        _say("ready")
        turn = 0
        while True:
            turn += 1
            await journal.step(run.task, f"step {turn}", "started")
            await journal.step(run.task, f"step {turn}", "done")
            _say(f"step {turn}")

    anyio.run(work)


def claim(folder: str, task: str) -> None:
    """Try to take a run up, together with others."""

    async def work() -> None:
        journal = Journal(Path(folder))
        _say("ready")
        sys.stdin.readline()
        try:
            run = await journal.claim(task)
            _say(f"fence {run.fence}")
        except LockHeldError:
            _say("held")
        sys.stdin.readline()

    anyio.run(work)


def keep_on_a_full_disk(folder: str, limit: str) -> None:
    """Keep plans until the disk takes no more, and go on once there is room again."""

    async def work() -> None:
        journal = Journal(Path(folder))
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
        kept = 0
        try:
            while True:
                await journal.keep_plan(f"d{kept}", "x" * 10_000, "ann")
                kept += 1
        except StoreError as refused:
            _say(f"{kept} {refused} {refused.hint}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await journal.keep_plan("later", "there is room again", "ann")
        journal.close()

    anyio.run(work)


def hold_a_turn(url: str, folder: str, name: str, lasts: str) -> None:
    """Have a turn under a shared ledger, and try what is asked for, a line each."""

    async def work() -> None:
        ledger = PostgresLedger(url)
        leases = Leases(ledger._database, lasts=timedelta(seconds=float(lasts)))
        turns = Turns(Path(folder), leases=leases)
        await ledger.extend(0, 1_000_000)
        async with turns.of("import", name) as turn:
            await turn.note("READWRITE")
            _say("ready")
            while asked := sys.stdin.readline().strip():
                try:
                    _say(await _tried(asked, ledger, turns, turn))
                except LockHeldError as refused:
                    _say(str(refused))

    anyio.run(work)


async def _tried(asked: str, ledger: PostgresLedger, turns: Turns, turn: Turn) -> str:
    match asked:
        case "write":
            await ledger.allocate(Allocation(Subject("orders-value"), 1, content(os.getpid()), "AVRO"))
            return "written"
        case "note":
            await turn.note("something else")
            return "noted"
        case _:
            await turns.still_mine()
            return "mine"


def open_ledger(path: str) -> None:
    _say("ready")
    sys.stdin.readline()
    SqliteLedger(Path(path)).close()
    _say("open")


PARTS: dict[str, Callable[..., None]] = {
    "allocate": allocate,
    "carry_out": carry_out,
    "claim": claim,
    "hold_a_turn": hold_a_turn,
    "keep_on_a_full_disk": keep_on_a_full_disk,
    "open_ledger": open_ledger,
    "record": record,
    "record_on_a_full_disk": record_on_a_full_disk,
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
