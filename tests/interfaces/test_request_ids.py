"""Each call has one name: in the log lines written while it runs, on the audit trail, and over HTTP in the answer."""

import io
import json
import logging
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client

from interfaces.conftest import ORDER
from interfaces.house import ACCEPT, House, kept_open
from interfaces.processes import PATIENCE, serving
from schema_mcp import app
from schema_mcp.interfaces.cli.calling import called
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.logs import JsonLines
from schema_mcp.settings import Settings
from schema_mcp.stores.audit import Entry
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools import CATALOGUE

Make = Callable[..., Settings]
Lines = Callable[[], list[dict[str, Any]]]
CANARY = "canary-4711"


@pytest.fixture
def logged() -> Generator[Lines]:
    """What our own code logs, as it would stand on stderr."""
    stream, ours = io.StringIO(), logging.getLogger("schema_mcp")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    ours.removeHandler(handler)
    ours.setLevel(before)


async def ended(workspace: Workspace, tool: str) -> Entry:
    return next(one for one in await workspace.audit.recent(50) if one.tool == tool)


def told(entry: Entry, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The one log line about a call."""
    (line,) = [one for one in lines if one["event"] == "call ended" and one["tool"] == entry.tool]
    return line


def facts(line: dict[str, Any]) -> set[str]:
    return set(line) - {"event", "level", "logger", "timestamp"}


async def asks_tool(house: House, token: str) -> httpx2.Response:
    return await house.call(token, "list_subjects", registry="dev")


async def asks_older(house: House, token: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_subjects", "arguments": {}}}
    async with house.http(token, **{"MCP-Protocol-Version": "2025-06-18"}) as http:
        return await http.post("/mcp", json=body)


async def asks_resource(house: House, token: str) -> httpx2.Response:
    return await house.ask(token, "resources/read", uri="registry://dev")


async def asks_unknown(house: House, token: str) -> httpx2.Response:
    return await house.call(token, "no_such_tool")


async def asks_too_much(house: House, _: str) -> httpx2.Response:
    return await house.call(house.token("ann"), "delete_subject", subject="orders-a")


async def asks_face(house: House, token: str) -> httpx2.Response:
    return await house.face(token, "GET", "/dev/subjects")


async def writes_at_face(house: House, token: str) -> httpx2.Response:
    return await house.face(token, "POST", "/dev/subjects/orders-a/versions", {"schema": ORDER})


@pytest.mark.parametrize(
    ("ask", "tool", "registry", "outcome", "who"),
    [
        pytest.param(asks_tool, "list_subjects", "dev", "ok", "root", id="tool"),
        pytest.param(asks_older, "list_subjects", "dev", "ok", "root", id="tool, older protocol"),
        pytest.param(asks_resource, "registry://{name}", "dev", "ok", "root", id="resource"),
        pytest.param(asks_unknown, "no_such_tool", None, "refused", "root", id="unknown tool"),
        pytest.param(asks_too_much, "delete_subject", None, "refused", "ann", id="missing scope"),
        pytest.param(asks_face, "GET /subjects", "dev", "ok", "root", id="registry's own face"),
        pytest.param(writes_at_face, "POST /subjects/orders-a/versions", "dev", "ok", "root", id="write at the face"),
    ],
)
async def test_over_http_the_answer_the_log_and_the_trail_name_the_call_alike(
    world: Path, settings: Make, logged: Lines, ask: Any, tool: str, registry: str | None, outcome: str, who: str
):
    async with kept_open(world, settings) as house:
        response = await ask(house, house.token("root"))
        entry = await ended(house.workspace, tool)
        line = told(entry, logged())

    assert len(entry.request_id) == 16
    assert response.headers.get_list("x-request-id") == [entry.request_id]
    assert line["request_id"] == entry.request_id
    assert (line.get("registry"), line["outcome"], line["caller"]) == (registry, outcome, who)


async def test_who_is_not_known_hears_the_name_under_which_the_refusal_is_kept(
    world: Path, settings: Make, logged: Lines
):
    async with kept_open(world, settings) as house:
        response = await house.call("gho_nobody", "list_registries")
        entry = await ended(house.workspace, "sign_in")

    assert (response.status_code, response.headers["x-request-id"]) == (401, entry.request_id)
    assert told(entry, logged())["code"] == "unknown_caller"


async def test_two_calls_on_one_connection_have_two_names(settings: Make, logged: Lines):
    async with Client(build_server(lambda: app.workspace(settings()))) as client:
        for _ in range(2):
            await client.call_tool("list_registries", {})

    names = [line["request_id"] for line in logged() if line["event"] == "call ended"]
    assert len(names) == len(set(names)) == 2


async def test_the_command_line_names_its_call(settings: Make, logged: Lines):
    async with app.workspace(settings(), patience=None) as workspace:
        await called(CATALOGUE["list_registries"], {}, workspace)
        entry = await ended(workspace, "list_registries")

    line = told(entry, logged())
    assert line["request_id"] == entry.request_id
    assert facts(line) == {"request_id", "tool", "outcome", "duration_ms", "caller", "via"}


async def test_what_is_logged_while_a_call_runs_has_its_name(
    settings: Make, logged: Lines, monkeypatch: pytest.MonkeyPatch
):
    def breaks(*_: Any) -> Any:
        raise KeyError("a bug")

    monkeypatch.setattr(Workspace, "reading", breaks)
    async with Client(build_server(lambda: app.workspace(settings()))) as client:
        reply = await client.call_tool("get_schema", {"subject": "orders"})

    (line,) = [one for one in logged() if one["level"] == "error"]
    assert "KeyError" in line["exception"]
    assert line["request_id"] in reply.structured_content["message"]


def test_at_debug_a_server_logs_no_secret_no_argument_and_no_schema(world: Path, environ: dict[str, str]):
    config = (
        "default: dev\nregistries:\n  dev: {}\n"
        f'  far: {{ backend: confluent, url: "http://127.0.0.1:9", retries: 0,'
        f' auth: {{ type: basic, username: u, password: "p\\"\\u00e4-{CANARY}" }} }}\n'
    )
    (world / "registries.yaml").write_text(config, encoding="utf-8")
    schema = ORDER.replace('"Order"', '"Order","doc":"' + CANARY + '"')
    calls = {
        "register_schema": {"subject": "orders-value", "schema_text": schema, "reason": CANARY},
        "get_schema": {"subject": "orders-value"},
        "list_subjects": {"registry": "far"},
        "list_registries": {CANARY: CANARY},
    }

    with serving(world, environ, "--http", "--port", "0", "--log", "debug") as server:
        assert server.process.stderr
        while "MCP at " not in (line := server.process.stderr.readline()):
            assert line
        for name, arguments in calls.items():
            asked = {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": name, "arguments": arguments},
            }
            answer = httpx2.post(line.split()[-1], json=asked, headers=ACCEPT, timeout=PATIENCE)
            assert answer.status_code == 200
        server.stop()
        said = server.complaints()

    ended = [one for one in map(json.loads, said.splitlines()) if one["event"] == "call ended"]
    assert CANARY not in said
    assert [(one["tool"], one["outcome"]) for one in ended] == [
        ("register_schema", "ok"),
        ("get_schema", "ok"),
        ("list_subjects", "failed"),
        ("list_registries", "refused"),
    ]
