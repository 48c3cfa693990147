"""Large registries: every version once, in few requests, and never all in memory at the same time."""

import json
import statistics
import threading
import tracemalloc
from typing import Any

import anyio
import httpx2
import pytest

from schema_mcp.domain.schema import Version
from schema_mcp.registries import wire
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Connection
from schema_mcp.services.comparison import End, compare

SUBJECTS = 10_000
CAP = 1_000
"""Confluent's largest page, whatever is asked for."""

TEXT = json.dumps({"type": "record", "name": "Order", "doc": "x" * 4_000, "fields": []})


class Large:
    """10,000 subjects of 4 kB each; `lost` are left out of the pages, `changed` have another text."""

    def __init__(self, *, cap: int = CAP, lost: frozenset[int] = frozenset(), changed: frozenset[int] = frozenset()):
        self.cap, self.lost, self.changed = cap, lost, changed
        self.requests: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request.url.path)
        match request.url.path.split("/")[1:]:
            case ["subjects"]:
                return httpx2.Response(200, json=[f"s-{number:05}" for number in range(SUBJECTS)])
            case ["schemas"]:
                offset = int(request.url.params["offset"])
                shown = [number for number in range(SUBJECTS) if number not in self.lost]
                return httpx2.Response(200, json=[self.entry(number) for number in shown[offset : offset + self.cap]])
            case ["subjects", _, "versions"]:
                return httpx2.Response(200, json=[1])
            case ["subjects", subject, "versions", "1"]:
                return httpx2.Response(200, json=self.entry(int(subject[2:])))
            case ["contexts"]:
                return httpx2.Response(200, json=["."])
            case _:
                return httpx2.Response(200, json={"version": "8.1.5", "commitId": "0"})

    def entry(self, number: int) -> dict[str, Any]:
        text = TEXT.replace("Order", "Changed") if number in self.changed else TEXT
        return {"subject": f"s-{number:05}", "version": 1, "id": number + 1, "schema": text, "deleted": False}


def registry(name: str, large: Large) -> ConfluentRegistry:
    connection = Connection(name, backend="confluent", urls=(f"http://{name}.example.com",))
    return ConfluentRegistry(connection, httpx2.MockTransport(large))


@pytest.mark.parametrize(
    ("lost", "most"),
    [
        pytest.param(frozenset[int](), 16, id="whole-pages"),
        pytest.param(frozenset({0, 4_999, 9_999}), 22, id="pages-that-leave-subjects-out"),
    ],
)
async def test_every_version_comes_once_in_few_requests(lost: frozenset[int], most: int):
    large = Large(lost=lost)

    seen = [version.subject.name async for version in registry("prod", large).versions()]

    assert sorted(seen) == [f"s-{number:05}" for number in range(SUBJECTS)]
    assert len(large.requests) <= most


async def test_two_large_registries_are_compared_in_bounded_memory_with_progress():
    source, target = Large(), Large(changed=frozenset({7, 8}))
    told: list[float] = []

    async def report(done: float, total: float | None, message: str) -> None:
        told.append(done)

    tracemalloc.start()
    try:
        found = await compare(End(registry("prod", source)), End(registry("staging", target)), prefix="", report=report)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [one.subject.name for one in found.differences] == ["s-00007", "s-00008"]
    assert (found.source.versions, found.target.versions) == (SUBJECTS, SUBJECTS)
    assert len(source.requests) + len(target.requests) <= 40
    assert len(told) == 20
    assert peak < len(TEXT) * SUBJECTS  # one side's texts alone would take more


async def test_a_listing_for_readers_is_not_kept_when_it_is_too_long():
    from schema_mcp.registries.cache import CachedRegistry
    from schema_mcp.registries.memory import Memory

    memory = Memory(60)
    seen: list[Version] = []

    async for version in CachedRegistry(registry("prod", Large()), memory).versions(latest_only=True):
        seen = [version]

    assert seen
    assert memory.figures.bytes == 0  # 40 MB are more than it may take


async def test_long_answers_are_read_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch):
    readers: set[str] = set()
    for module, name in ((wire, "version"), (wire, "subjects"), (json, "loads")):
        monkeypatch.setattr(module, name, telling(getattr(module, name), name, readers))

    async for _ in registry("prod", Large()).versions():
        pass

    assert readers == {"version", "subjects", "loads", "loads here"}  # what is short is read at once


def telling(act: Any, name: str, readers: set[str]) -> Any:
    def call(*arguments: Any, **options: Any) -> Any:
        here = threading.current_thread() is threading.main_thread()
        readers.add(f"{name} here" if here else name)
        return act(*arguments, **options)

    return call


async def test_others_are_served_while_ten_thousand_subjects_are_read():
    waits: list[float] = []

    async def watch() -> None:
        while True:
            began = anyio.current_time()
            await anyio.sleep(0.001)
            waits.append(anyio.current_time() - began)

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        async for _ in registry("prod", Large()).versions():
            pass
        tasks.cancel_scope.cancel()

    assert len(waits) > 20
    assert statistics.median(waits) < 0.05
    assert max(waits) < (anyio.current_time() - began) / 2  # of the whole, so that a busy machine does not decide
