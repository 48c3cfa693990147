"""Comparing two registries, beside asking subject by subject; and `get_schema` over MCP, cached and uncached.

usage: python benchmarks/registries.py [--subjects 1000] [--lookups 200]
The registries answer inside the process, each request 5 ms late, as a registry in the same region does.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client

from schema_mcp import app
from schema_mcp.domain.identity import schema_hash
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Connection, Registry
from schema_mcp.registries.fleet import Fleet
from schema_mcp.services.comparison import End, compare
from schema_mcp.settings import load
from schema_mcp.toolkit.workspace import Workspace

PAUSE = 0.005
PAGE = 1_000


@dataclass(slots=True)
class Server:
    """A registry of records, one version each; every tenth text of an `edited` one is another."""

    subjects: int
    pause: float
    edited: bool = False
    requests: int = 0
    entries: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def __post_init__(self) -> None:
        for number in range(self.subjects):
            doc = "edited" if self.edited and number % 10 == 0 else ""
            fields = [{"name": f"field_{place}", "type": "string"} for place in range(12)]
            text = {"type": "record", "name": f"R{number}", "namespace": "shop", "doc": doc, "fields": fields}
            schema = json.dumps(text, separators=(",", ":"))
            name = f"team-{number % 40}.orders-{number:05}-value"
            self.entries.append({"subject": name, "version": 1, "id": number + 1, "schema": schema, "deleted": False})
        self.entries.sort(key=lambda entry: entry["subject"])

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        await anyio.sleep(self.pause)
        return self._answer(request)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:  # noqa: C901, PLR0911 - a table of endpoints
        match request.url.path.split("/")[1:]:
            case ["subjects"]:
                prefix = request.url.params.get("subjectPrefix", "").removeprefix(":*:")
                return _said([one["subject"] for one in self.entries if one["subject"].startswith(prefix)])
            case ["schemas"]:
                offset = int(request.url.params.get("offset", 0))
                return _said(self.entries[offset : offset + PAGE])
            case ["contexts"]:
                return _said(["."])
            case ["v1", "metadata", "version"]:
                return _said({"version": "8.1.5", "commitId": "0"})
            case ["subjects", subject, "versions"]:
                return _said([1]) if self._of(subject) else _missing(40401)
            case ["subjects", subject, "versions", _]:
                found = self._of(subject)
                return _said(found) if found else _missing(40401)
            case ["schemas", "ids", number]:
                found = next((one for one in self.entries if one["id"] == int(number)), None)
                return _said(found) if found else _missing(40403)
            case ["schemas", "ids", _, "versions"]:
                return _said([{"subject": one["subject"], "version": 1} for one in self.entries])
            case ["config", *_]:
                return _said({"compatibilityLevel": "BACKWARD"})
            case ["mode", *_]:
                return _said({"mode": "READWRITE"})
            case _:
                return httpx2.Response(404, json={"error_code": 404, "message": "HTTP 404 Not Found"})

    def _of(self, subject: str) -> dict[str, Any] | None:
        return next((one for one in self.entries if one["subject"] == subject), None)


def _said(answer: Any) -> httpx2.Response:
    return httpx2.Response(200, json=answer)


def _missing(code: int) -> httpx2.Response:
    return httpx2.Response(404, json={"error_code": code, "message": "not found"})


def registry(name: str, server: Server) -> ConfluentRegistry:
    connection = Connection(name, backend="confluent", urls=(f"http://{name}.example.com",))
    return ConfluentRegistry(connection, httpx2.MockTransport(server))


async def naive(source: Registry, target: Registry) -> None:
    """Every subject by itself: its versions, then each of them, on either side."""
    held: list[dict[Any, str]] = []
    for side in (source, target):
        found: dict[Any, str] = {}
        for subject in await side.subjects():
            for number in await side.numbers(subject):
                version = await side.version(subject, number)
                found[subject, number] = schema_hash(version.schema) if version else ""
        held.append(found)
    assert held[0].keys() == held[1].keys()


async def ours(source: Registry, target: Registry) -> None:
    await compare(End(source), End(target), "", _silent)


async def _silent(done: float, total: float | None, message: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Run:
    """What one comparison took; `longest` is how long anything else had to wait meanwhile, in seconds."""

    seconds: float
    requests: int
    longest: float


async def measured(way: Callable[[Registry, Registry], Awaitable[None]], *, subjects: int, edited: bool) -> Run:
    servers = Server(subjects, PAUSE), Server(subjects, PAUSE, edited)
    source, target = registry("west", servers[0]), registry("east", servers[1])
    waits: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch, waits)
        await anyio.sleep(0.05)
        began = time.perf_counter()
        await way(source, target)
        seconds = time.perf_counter() - began
        tasks.cancel_scope.cancel()
    return Run(seconds, sum(server.requests for server in servers), max(waits))


async def _watch(waits: list[float]) -> None:
    """How late does somebody wake up who wants 1 ms of the loop?"""
    while True:
        began = time.perf_counter()
        await anyio.sleep(0.001)
        waits.append(time.perf_counter() - began - 0.001)


async def comparisons(subjects: int) -> None:
    slow = await measured(naive, subjects=subjects, edited=False)
    print(f"compare 2 x {subjects:,} subjects, {PAUSE * 1_000:g} ms per request")
    _print("one by one (baseline)", slow, slow)
    for name, edited in (("equal", False), ("a tenth differs", True)):
        runs = [await measured(ours, subjects=subjects, edited=edited) for _ in range(5)]
        best = min(runs, key=lambda run: run.seconds)
        _print(f"in bulk, {name}", best, slow)
    print("  target: 0.5 s, 20 requests, others wait less than 50 ms\n")


def _print(name: str, run: Run, slow: Run) -> None:
    print(
        f"  {name:24} {run.seconds:7.3f} s  {run.requests:5} requests  {slow.seconds / run.seconds:6.1f} x"
        f"  others waited {run.longest * 1_000:5.1f} ms"
    )


async def lookups(times: int) -> None:
    """`get_schema` as a client of the MCP server has it: each version asked for the first time, then once more."""
    server = Server(times, PAUSE)
    with tempfile.TemporaryDirectory() as folder:
        settings = load({}, environ={"HOME": folder}, folder=Path(folder))

        @asynccontextmanager
        async def opening() -> AsyncGenerator[Workspace]:
            async with app.workspace(settings) as opened:
                connection = Connection("west", backend="confluent", urls=("http://west.example.com",))
                fleet = Fleet([connection], default="west", opener=lambda one: registry(one.name, server))
                yield replace(opened, fleet=fleet)

        async with Client(build_server(opening)) as client:
            first = [await _timed(client, entry) for entry in server.entries]
            asked = server.requests
            again = [await _timed(client, entry) for entry in server.entries]
    uncached, cached = statistics.median(first) * 1_000, statistics.median(again) * 1_000
    print(f"get_schema over MCP, {PAUSE * 1_000:g} ms per request, median of {times}")
    print(f"  uncached {uncached:6.2f} ms   {asked / times:.2f} requests each")
    print(f"  cached   {cached:6.2f} ms   {server.requests - asked} requests   {uncached / cached:.1f} x faster\n")


async def _timed(client: Client, entry: dict[str, Any]) -> float:
    began = time.perf_counter()
    answer = await client.call_tool("get_schema", {"subject": entry["subject"], "version": 1})
    assert not answer.is_error, answer
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1_000)
    parser.add_argument("--lookups", type=int, default=200)
    asked = parser.parse_args()
    anyio.run(comparisons, asked.subjects)
    anyio.run(lookups, asked.lookups)


if __name__ == "__main__":
    main()
