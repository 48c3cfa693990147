"""A server over HTTP that is asked to stop: calls end within a bound, and tasks are interrupted and go on later."""

import json
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from faults.check import ENVIRON
from interfaces.processes import PATIENCE, Process, serving
from services.world import embedded, record

SUBJECTS = 30
BOUND = 25
"""Seconds: five for calls to end, five to close, and slack for a machine that is busy."""

ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


@contextmanager
def server_over_http(folder: Path, registries: str) -> Generator[tuple[Process, str]]:
    (folder / "registries.yaml").write_text(registries, encoding="utf-8")
    options = ("--http", "--port", "0", "--toolsets", "all")
    with serving(folder, ENVIRON | {"HOME": str(folder)}, *options) as server:
        assert server.process.stderr
        found = re.search(r"http://[^/]+", server.process.stderr.readline())
        assert found
        yield server, found[0]


def call(url: str, name: str, **arguments: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    response = httpx2.post(f"{url}/mcp", json=body, headers=ACCEPT, timeout=PATIENCE)
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith(("data: ", "{"))]
    reply = json.loads(lines[-1])["result"]
    assert not reply.get("isError"), reply
    return reply["structuredContent"]


def statuses(folder: Path) -> list[tuple[str, str]]:
    """Tasks as the journal's file has them, which nobody has opened and put in order since."""
    [path] = (folder / ".schema-mcp").rglob("journal*.sqlite")
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT task, status FROM runs WHERE kind = 'deployment'").fetchall()


def test_a_task_under_way_is_interrupted_in_the_journal_and_goes_on_in_the_next_process(tmp_path: Path):
    world = embedded("dev", "prod")
    with server_over_http(tmp_path, world) as (server, url):
        for number in range(SUBJECTS):
            text = record("id:long", name=f"R{number}")
            call(url, "register_schema", subject=f"s{number:02}", schema_text=text, stop_after="commit")
        plan = call(url, "plan_deployment", registries=["dev", "prod"])["plan"]
        task = call(url, "apply_plan", plan=plan, wait=0)["task"]
        while call(url, "get_task", task=task)["done"] < 3:
            pass
        began = time.monotonic()
        code = server.stop()

    assert code == 0
    assert time.monotonic() - began < BOUND
    assert statuses(tmp_path) == [(task, "interrupted")]
    with server_over_http(tmp_path, world) as (server, url):
        assert call(url, "resume_task", task=task, wait=60)["status"] == "succeeded"
        assert call(url, "plan_deployment", registries=["dev", "prod"])["total"] == 0


def test_a_call_that_ends_soon_is_answered_though_the_server_stops(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as slow, ThreadPoolExecutor() as threads:
        text = f'registries:\n  dev: {{ backend: confluent, url: "http://127.0.0.1:{slow.getsockname()[1]}" }}\n'
        with server_over_http(tmp_path, text) as (server, url):
            waiting = threads.submit(call, url, "list_subjects")
            connection, _ = slow.accept()
            asked = connection.recv(65_536)
            server.process.send_signal(signal.SIGTERM)
            while not refuses(url):  # it has heard
                time.sleep(0.05)
            while asked:
                body = b"[]" if b"/subjects" in asked.partition(b"\r\n")[0] else b"{}"
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body)
                asked = connection.recv(65_536)
            connection.close()
            answer = waiting.result(PATIENCE)
            code = server.process.wait(PATIENCE)

    assert (code, answer["subjects"]) == (0, [])
    trail = "".join(path.read_text() for path in (tmp_path / ".schema-mcp" / "audit").glob("*.jsonl"))
    assert '"cancelled"' not in trail


def refuses(url: str) -> bool:
    with socket.socket() as asking:
        asking.settimeout(1)
        try:
            asking.connect(("127.0.0.1", int(url.rpartition(":")[2])))
        except OSError:
            return True
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_call_that_waits_for_a_silent_registry_does_not_keep_the_server(tmp_path: Path, how: signal.Signals):
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as threads:
        port = silent.getsockname()[1]
        timeouts = "timeouts: { connect: 5, read: 300, total: 300 }"
        text = f'registries:\n  dev: {{ backend: confluent, url: "http://127.0.0.1:{port}", retries: 0, {timeouts} }}\n'
        with server_over_http(tmp_path, text) as (server, url):
            waiting = threads.submit(call, url, "list_subjects")
            connection, _ = silent.accept()
            assert connection.recv(1)
            began = time.monotonic()
            code = server.stop(how)
            took = time.monotonic() - began
            connection.close()
            assert waiting.exception(PATIENCE) is not None

    assert code == 0
    assert took < BOUND
    trail = "".join(path.read_text() for path in (tmp_path / ".schema-mcp" / "audit").glob("*.jsonl"))
    assert '"cancelled"' in trail
