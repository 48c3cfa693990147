"""Limits per second, as the registry sees them: in real time, with many callers, retries and two tools at once."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries.backends.confluent import ConfluentRegistry
from schema_mcp.registries.contract import Connection, Limits, Registry
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.pacing import Pace

READS, WRITES = 75, 25
"""What Confluent Cloud allows in a second."""

SECONDS = 2.5


class Counting:
    """A registry that notes when it is asked; every seventh request is refused for now."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {"reads": [], "writes": []}
        self.refused = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        kind = "reads" if request.method == "GET" else "writes"
        self.times[kind].append(time.monotonic())
        match request.url.path.split("/")[1:]:
            case ["v1", *_]:
                return httpx2.Response(200, json={"version": "8.1.5", "commitId": "0"})
            case _ if len(self.times[kind]) % 7 == 0:
                self.refused += 1
                return httpx2.Response(429, json={"error_code": 429, "message": "too many"})
            case ["subjects"]:
                return httpx2.Response(200, json=["orders"])
            case ["subjects", _, "versions"] if kind == "reads":
                return httpx2.Response(200, json=[1])
            case _:
                return httpx2.Response(200, json={"subject": "orders", "version": 1, "id": 1, "schema": '"string"'})


def most_in_a_second(times: Sequence[float]) -> int:
    """The most requests that any one second has seen, wherever it begins."""
    ordered = sorted(times)
    return max(sum(begin <= one < begin + 1 for one in ordered) for begin in ordered)


async def test_no_second_sees_more_than_the_registry_allows(tmp_path: Path):
    counting = Counting()
    limits = Limits(reads_per_second=READS, writes_per_second=WRITES, connections=20)
    connection = Connection("cloud", urls=("http://cloud.example.com",), limits=limits, retries=3)
    transport = httpx2.MockTransport(counting)
    fleet = Fleet([connection], default="cloud", opener=lambda one: ConfluentRegistry(one, transport), copies=tmp_path)

    async def read(registry: Registry) -> None:
        while True:
            await registry.numbers(Subject("orders"))

    async def write(registry: Registry) -> None:
        while True:
            await registry.register(Subject("orders"), Schema('"string"'))

    with anyio.move_on_after(SECONDS):
        async with anyio.create_task_group() as tools:
            for _ in range(10):  # two tools, each with its own view of the registry
                tools.start_soon(read, fleet.get())
                tools.start_soon(read, fleet.get())
                tools.start_soon(write, fleet.get())
    await fleet.close()

    assert counting.refused > 10
    assert most_in_a_second(counting.times["reads"]) <= READS
    assert most_in_a_second(counting.times["writes"]) <= WRITES
    assert len(counting.times["reads"]) > 2 * READS  # and what is allowed is used
    assert len(counting.times["writes"]) > 2 * WRITES


@pytest.mark.parametrize("per_second", [0.5, 1, 7.5, 75])
async def test_what_came_after_a_quiet_time_may_come_at_once(per_second: float):
    clock = FakeClock()
    pace = Pace(per_second, clock.clock)
    for _ in range(int(max(1, per_second))):
        await pace.turn()

    assert clock.slept == []
    assert await pace.turn() == pytest.approx(max(1, int(per_second)) / per_second, rel=0.05)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=80), st.integers(1, 12))
async def test_however_they_come_no_second_has_more(pauses: list[float], per_second: int):
    clock = FakeClock()
    pace = Pace(per_second, clock.clock)
    gone: list[float] = []
    for pause in pauses:
        clock.time += pause
        await pace.turn()
        gone.append(clock.time)

    assert most_in_a_second(gone) <= per_second
    assert Counter(gone).total() == len(pauses)
