"""A drift sweep of a store over two registries, beside asking version by version: time, requests, and who has to wait.

usage: python benchmarks/drift.py [--subjects 1000]
Both registries answer inside the process, each request 5 ms late, as a registry in the same region does.
"""

import argparse
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio

from registries import PAUSE, Run, Server, registry
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import Schema, Version
from schema_mcp.registries.contract import Registry
from schema_mcp.services import drift
from schema_mcp.services.digests import stored_digest
from schema_mcp.services.selection import Selection
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.schemastore import AddVersion, Author, SchemaStore, StoredVersion

Sweep = Callable[[Sequence[Registry], SchemaStore], Awaitable[None]]


async def filled(folder: Path, server: Server) -> SchemaStore:
    """A store that wants what a server has."""
    store = SchemaStore(Repository.create(folder), stored_digest)
    changes: list[AddVersion] = []
    for entry in server.entries:
        schema = Schema(entry["schema"])
        version = Version(parse_subject(entry["subject"]), 1, entry["id"], schema)
        changes.append(AddVersion(StoredVersion(version, None, (), "", "Ann", "", (), stored_digest(schema))))
    await store.commit(changes, "Fill", Author("Ann", "ann@example.com"))
    return store


async def naive(registries: Sequence[Registry], store: SchemaStore) -> None:
    """Every stored version by itself, one after the other."""
    for one in registries:
        for subject in store.subjects():
            for record in store.records(subject):
                found = await one.version(subject, record.number)
                assert found is None or len(schema_hash(found.schema)) == len(record.schema_hash)


async def ours(registries: Sequence[Registry], store: SchemaStore) -> None:
    await drift.swept(registries, store, Selection())


async def measured(way: Sweep, store: SchemaStore, subjects: int, *, edited: bool) -> Run:
    servers = Server(subjects, PAUSE), Server(subjects, PAUSE, edited)
    registries = [registry("west", servers[0]), registry("east", servers[1])]
    waits: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch, waits)
        await anyio.sleep(0.05)
        began = time.perf_counter()
        await way(registries, store)
        seconds = time.perf_counter() - began
        tasks.cancel_scope.cancel()
    return Run(seconds, sum(server.requests for server in servers), max(waits))


async def _watch(waits: list[float]) -> None:
    """How late does somebody wake up who wants 1 ms of the loop?"""
    while True:
        began = time.perf_counter()
        await anyio.sleep(0.001)
        waits.append(time.perf_counter() - began - 0.001)


async def sweeps(subjects: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = await filled(Path(folder), Server(subjects, 0))
        slow = await measured(naive, store, subjects, edited=False)
        print(f"drift of a store over 2 x {subjects:,} subjects, {PAUSE * 1_000:g} ms per request")
        _print("one by one (baseline)", slow, slow)
        for name, edited in (("in sync", False), ("a tenth differs", True)):
            runs = [await measured(ours, store, subjects, edited=edited) for _ in range(5)]
            _print(f"swept, {name}", min(runs, key=lambda run: run.seconds), slow)
    print("  target: 0.5 s, 20 requests, others wait less than 50 ms")


def _print(name: str, run: Run, slow: Run) -> None:
    print(
        f"  {name:24} {run.seconds:7.3f} s  {run.requests:5} requests  {slow.seconds / run.seconds:6.1f} x"
        f"  others waited {run.longest * 1_000:5.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1_000)
    anyio.run(sweeps, parser.parse_args().subjects)


if __name__ == "__main__":
    main()
