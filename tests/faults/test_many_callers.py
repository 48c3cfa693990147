"""A hundred calls at once over HTTP against ten registries: each caller gets its own answer."""

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from faults.check import ENVIRON, assert_sound
from interfaces.processes import META, Process, serving
from services.world import embedded, record

NAMES = [f"r{number}" for number in range(10)]
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
}
CALLS = 100


@pytest.fixture
def server(tmp_path: Path) -> Generator[Process]:
    (tmp_path / "registries.yaml").write_text(embedded(*NAMES), encoding="utf-8")
    with serving(tmp_path, ENVIRON | {"HOME": str(tmp_path)}, "--http", "--port", "0") as process:
        yield process


def answer_in(response: httpx2.Response) -> dict[str, Any]:
    """The answer of a call: JSON, or the last event of a stream where it took longer."""
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith(("data: {", "{"))]
    return json.loads(lines[-1])


async def test_every_caller_gets_its_own_answer(server: Process, tmp_path: Path):
    assert server.process.stderr
    found = re.search(r"http://[^/]+", server.process.stderr.readline())
    assert found
    async with httpx2.AsyncClient(base_url=found[0], timeout=100, limits=httpx2.Limits(max_connections=CALLS)) as http:

        async def call(number: int, tool: str, **arguments: object) -> dict[str, object]:
            params = {"name": tool, "arguments": arguments, "_meta": META}
            asked = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            response = await http.post("/mcp", json=asked, headers=HEADERS | {"Mcp-Name": tool})
            said = answer_in(response)
            assert said["id"] == number
            return said["result"]["structuredContent"]

        async def one(number: int) -> None:
            registry, text = NAMES[number % 10], record("id:long", name=f"R{number}")
            done = await call(number, "register_schema", registry=registry, subject=f"s{number}", schema_text=text)
            assert (done.get("subject"), done.get("registry"), done.get("outcome")) == (
                f"s{number}",
                registry,
                "registered",
            ), done
            read = await call(1_000 + number, "get_schema", registry=registry, id=done["id"])
            assert (read["subject"], f"R{number}" in str(read["schema_text"])) == (f"s{number}", True)
            ids.append(done["id"])

        ids: list[object] = []
        with anyio.fail_after(90):
            async with anyio.create_task_group() as callers:
                for number in range(CALLS):
                    callers.start_soon(one, number)
        listed = await call(5_000, "list_subjects", registry="r3")

    assert len(set(ids)) == CALLS
    assert listed["subjects"] == sorted(f"s{number}" for number in range(3, CALLS, 10))
    server.stop()
    await anyio.to_thread.run_sync(_check, tmp_path)


def _check(folder: Path) -> None:
    assert_sound(folder, embedded(*NAMES))
