"""Durable id allocation by several processes, beside bare counter rows: `python benchmarks/ids.py`.

SQLite, then a PostgreSQL that is started here, from the development packages or the system's.
"""

import argparse
import hashlib
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import anyio
import psycopg

from schema_mcp.domain.allocation import Allocation
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.ids import BookLedger, PostgresLedger, SqliteLedger

FAR = 1_000_000_000
TESTS = Path(__file__).parents[1] / "tests"


@dataclass(frozen=True, slots=True)
class Race:
    """One way of handing out ids, `width` at a time, `turns` times per process, and what we promise of it."""

    name: str
    run: Callable[[str, int, int, int], None]
    width: int
    turns: int
    target: int | None = None


def opened(place: str) -> BookLedger:
    return PostgresLedger(place) if "://" in place else SqliteLedger(Path(place))


def sqlite_counter(place: str, _worker: int, width: int, turns: int) -> None:
    connection = sqlite3.connect(place, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous = FULL")
    for _ in range(turns):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE counter SET last = last + ?", (width,))
        connection.execute("SELECT last FROM counter").fetchone()
        connection.execute("COMMIT")


def postgres_counter(place: str, _worker: int, width: int, turns: int) -> None:
    with psycopg.connect(place, autocommit=True) as connection:
        for _ in range(turns):
            connection.execute("UPDATE counter SET last = last + %s RETURNING last", (width,)).fetchone()


def ledger(place: str, worker: int, width: int, turns: int) -> None:
    async def allocate() -> None:
        book = opened(place)
        for turn in range(turns):
            await book.allocate_many([_wanted(worker, turn * width + one) for one in range(width)])
        book.close()

    anyio.run(allocate)


def blocks(place: str, worker: int, width: int, turns: int) -> None:
    async def reserve() -> None:
        book = opened(place)
        for _ in range(turns):
            await book.reserve(width, f"worker-{worker}")
        book.close()

    anyio.run(reserve)


def _wanted(worker: int, number: int) -> Allocation:
    subject = Subject(f"orders-{worker}-{number % 500}")
    return Allocation(subject, number // 500 + 1, hashlib.sha256(f"{worker}/{number}".encode()).hexdigest(), "AVRO")


def _prepare(place: str) -> None:
    async def open_wide() -> None:
        book = opened(place)
        await book.extend(0, FAR)
        book.close()

    anyio.run(open_wide)
    make = ("CREATE TABLE counter (last BIGINT NOT NULL)", "INSERT INTO counter VALUES (0)")
    connection = psycopg.connect(place, autocommit=True) if "://" in place else sqlite3.connect(place)
    for statement in make:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _work(race: Race, place: str, worker: int, start: Barrier) -> None:
    start.wait()
    race.run(place, worker, race.width, race.turns)


def rate(race: Race, processes: int, place: str) -> float:
    """Ids per second, all processes together, from the common start to the last one's end."""
    _prepare(place)
    start = multiprocessing.Barrier(processes + 1)
    workers = [multiprocessing.Process(target=_work, args=(race, place, n, start)) for n in range(processes)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    return processes * race.turns * race.width / (time.perf_counter() - began)


@contextmanager
def places(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Fresh places for a ledger, one after the other."""
    if kind == "SQLite":
        names = iter(range(1_000))
        yield lambda: str(folder / f"{next(names)}.sqlite")
        return
    sys.path.insert(0, str(TESTS))
    from fakes.postgres import PostgresServer  # noqa: PLC0415 - only where it is started here

    server = PostgresServer()
    try:
        server.start("fsync=on", "synchronous_commit=on")
        yield server.new
    finally:
        server.close()


def races(kind: str, turns: int) -> list[tuple[Race, Race]]:
    counter = sqlite_counter if kind == "SQLite" else postgres_counter
    race = partial(Race, turns=turns)
    return [
        (race("one by one", ledger, 1, target=1_000), race("counter row", counter, 1)),
        (
            race("100 contents at a time", ledger, 100, turns=max(1, turns // 5), target=30_000),
            race("counter row + 100", counter, 100),
        ),
        (race("blocks of 100 reserved", blocks, 100, target=30_000), race("counter row + 100", counter, 100)),
    ]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--processes", type=int, default=4)
    asked.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="on the disk to measure")
    asked.add_argument("--turns", type=int, default=1_000)
    options = asked.parse_args()
    for kind in ("SQLite", "PostgreSQL"):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder, places(kind, Path(folder)) as place:
            for ours, baseline in races(kind, options.turns):
                theirs, mine = (rate(one, options.processes, place()) for one in (baseline, ours))
                print(
                    f"{kind:10} {ours.name:24} {mine:9,.0f} ids/s   {baseline.name:18} {theirs:9,.0f}   "
                    f"ratio {mine / theirs:5.2f}   target {ours.target:,}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
