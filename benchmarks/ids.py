"""Durable id allocation by several processes, beside a bare SQLite counter row: `python benchmarks/ids.py`."""

import argparse
import hashlib
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import anyio

from schema_mcp.domain.allocation import Allocation
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.ids import SqliteLedger

FAR = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Race:
    """One way of handing out ids, `width` at a time, `turns` times per process, and what we promise of it."""

    name: str
    run: Callable[[Path, int, int, int], None]
    width: int
    turns: int
    target: int | None = None


def bare_counter(path: Path, _worker: int, width: int, turns: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous = FULL")
    for _ in range(turns):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE counter SET last = last + ?", (width,))
        connection.execute("SELECT last FROM counter").fetchone()
        connection.execute("COMMIT")


def ledger(path: Path, worker: int, width: int, turns: int) -> None:
    async def allocate() -> None:
        book = SqliteLedger(path)
        for turn in range(turns):
            await book.allocate_many([_wanted(worker, turn * width + place) for place in range(width)])
        book.close()

    anyio.run(allocate)


def blocks(path: Path, worker: int, width: int, turns: int) -> None:
    async def reserve() -> None:
        book = SqliteLedger(path)
        for _ in range(turns):
            await book.reserve(width, f"worker-{worker}")
        book.close()

    anyio.run(reserve)


def _wanted(worker: int, number: int) -> Allocation:
    subject = Subject(f"orders-{worker}-{number % 500}")
    return Allocation(subject, number // 500 + 1, hashlib.sha256(f"{worker}/{number}".encode()).hexdigest(), "AVRO")


def _prepare(path: Path) -> None:
    async def open_wide() -> None:
        book = SqliteLedger(path)
        await book.extend(0, FAR)
        book.close()

    anyio.run(open_wide)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE counter (last INTEGER NOT NULL) STRICT")
    connection.execute("INSERT INTO counter VALUES (0)")
    connection.close()


def _work(race: Race, path: Path, worker: int, start: Barrier) -> None:
    start.wait()
    race.run(path, worker, race.width, race.turns)


def rate(race: Race, processes: int, folder: Path) -> float:
    """Ids per second, all processes together, from the common start to the last one's end."""
    path = folder / f"{race.run.__name__}-{race.width}.sqlite"
    _prepare(path)
    start = multiprocessing.Barrier(processes + 1)
    workers = [multiprocessing.Process(target=_work, args=(race, path, n, start)) for n in range(processes)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    return processes * race.turns * race.width / (time.perf_counter() - began)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--processes", type=int, default=4)
    asked.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="on the disk to measure")
    asked.add_argument("--turns", type=int, default=1_000)
    options = asked.parse_args()
    race = partial(Race, turns=options.turns)
    pairs = [
        (race("one by one", ledger, 1, target=1_000), race("counter row", bare_counter, 1)),
        (
            race("100 contents at a time", ledger, 100, turns=options.turns // 5, target=30_000),
            race("counter row + 100", bare_counter, 100),
        ),
        (race("blocks of 100 reserved", blocks, 100, target=30_000), race("counter row + 100", bare_counter, 100)),
    ]
    for ours, baseline in pairs:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            theirs, mine = rate(baseline, options.processes, Path(folder)), rate(ours, options.processes, Path(folder))
        print(
            f"{ours.name:24} {mine:9,.0f} ids/s   {baseline.name:18} {theirs:9,.0f}   "
            f"ratio {mine / theirs:5.2f}   target {ours.target:,}"
        )


if __name__ == "__main__":
    main()
