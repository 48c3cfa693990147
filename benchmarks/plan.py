"""A plan with nothing to do over 1,000 and 10,000 schemas, and one for two subjects in a small and a large registry.

usage: python benchmarks/plan.py [--few 1000] [--many 10000] [--runs 5]
The store is indexed anew for a cold plan, as a command line does, and stays indexed for a warm one, as in a server.
The registry is an embedded one in memory. Each figure is the median of the runs; the baseline of 10,000 is 1,000.
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from schema_mcp import app
from schema_mcp.__main__ import COLLECTING
from schema_mcp.domain import engine
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import Mode, Schema, Subject, Version
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.contract import Connection
from schema_mcp.registries.fleet import Fleet
from schema_mcp.services import deployment
from schema_mcp.services.digests import stored_digest
from schema_mcp.services.selection import Selection
from schema_mcp.settings import load
from schema_mcp.stores.schemastore import AddVersion, Author, SchemaStore, StoredVersion
from schema_mcp.toolkit.workspace import Workspace

REGISTRIES = "default: dev\nids: ledger\nregistries:\n  dev: { backend: embedded, path: dev.sqlite }\n"
ANN = Author("Ann", "ann@example.com")


@dataclass(frozen=True, slots=True)
class Times:
    """Medians in seconds."""

    cold: float
    warm: float
    two: float
    """For two named subjects, warm."""


def schema(number: int) -> Schema:
    fields = [{"name": f"field_{place}", "type": "string"} for place in range(12)]
    text = {"type": "record", "name": f"R{number}", "namespace": "shop", "fields": fields}
    return Schema(json.dumps(text, separators=(",", ":")))


def version(number: int) -> Version:
    return Version(Subject(f"team-{number % 40}.orders-{number:05}-value"), 1, 10_001 + number, schema(number))


@asynccontextmanager
async def filled(count: int) -> AsyncGenerator[Workspace]:
    """A workspace whose store and registry hold the same."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
        async with app.workspace(load({}, environ={"HOME": folder}, folder=Path(folder)), patience=None) as workspace:
            versions = [version(number) for number in range(count)]
            changes = [AddVersion(stored(one)) for one in versions]
            await workspace.store.commit(changes, "Fill", ANN)
            inner = EmbeddedRegistry(Connection("dev"))
            fleet = Fleet([Connection("dev")], default="dev", opener=lambda _: inner)
            registry = fleet.get("dev")
            await registry.set_mode(Subject(""), Mode.IMPORT, force=True)
            for one in versions:
                await registry.register(one.subject, one.schema, schema_id=one.id, number=1)
            await registry.set_mode(Subject(""), Mode.READWRITE)
            yield replace(workspace, fleet=fleet)


def stored(one: Version) -> StoredVersion:
    return StoredVersion(one, None, (), "", "Ann", "", (), stored_digest(one.schema))


async def measured(count: int, runs: int) -> Times:
    async with filled(count) as workspace:
        subjects = (version(1).subject, version(2).subject)

        async def cold() -> Plan:
            engine._CACHE.clear()  # noqa: SLF001 - a new process has parsed nothing yet
            return await plan(workspace, SchemaStore(workspace.store.repository, stored_digest), Selection())

        async def warm() -> Plan:
            return await plan(workspace, workspace.store, Selection())

        async def two() -> Plan:
            return await plan(workspace, workspace.store, Selection(subjects))

        return Times(*[await median(way, runs) for way in (cold, warm, two)])


async def plan(workspace: Workspace, store: SchemaStore, selection: Selection) -> Plan:
    made = await deployment.plan(workspace.fleet, store, ["dev"], selection)
    assert not made.steps
    assert not made.blocked
    return made


async def median(way: Callable[[], Awaitable[object]], runs: int) -> float:
    taken: list[float] = []
    for _ in range(runs):
        began = time.perf_counter()
        await way()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


async def run(counts: Sequence[int], runs: int) -> None:
    few, many = [await measured(count, runs) for count in counts]
    print(f"a plan with nothing to do, {counts[0]:,} and {counts[1]:,} schemas")
    for name, small, large in (("cold", few.cold, many.cold), ("warm", few.warm, many.warm)):
        print(f"  {name:24} {small:7.3f} s  {large:7.3f} s  {large / small:5.1f} x")
    print("  target: 0.2 s, at most 12 x")
    print(f"  two subjects, warm       {few.two:7.4f} s  {many.two:7.4f} s  {many.two / few.two:5.1f} x  target: 1.2 x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    gc.set_threshold(*COLLECTING)  # as every command does
    anyio.run(run, (asked.few, asked.many), asked.runs)


if __name__ == "__main__":
    main()
