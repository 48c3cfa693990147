"""The catalogue as an MCP client meets it, in both eras of the protocol."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.client import Client

from schema_mcp import app
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import ConflictError, StoreError
from schema_mcp.interfaces.mcp.replies import WIRE_BYTES
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.logs import JsonLines
from schema_mcp.settings import Settings
from schema_mcp.toolkit.tool import Effect, Shape, Tool, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools import CATALOGUE

Make = Callable[..., Settings]
CANARY = "hunter2-in-a-traceback"
ORDER = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'


@pytest.fixture(params=["legacy", "auto"], ids=["handshake", "modern"])
def era(request: pytest.FixtureRequest) -> str:
    return request.param


@asynccontextmanager
async def client(settings: Settings, era: str) -> AsyncIterator[Client]:
    async with Client(build_server(lambda: app.workspace(settings)), mode=era) as connected:
        yield connected


def structure(result: Any) -> dict[str, Any]:
    """What a result says; text and structure must say the same."""
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


class Nothing(Shape):
    """No arguments."""


class Said(Shape):
    said: str
    """What is said."""


async def _bug(workspace: Workspace, request: Nothing) -> Said:
    """Fail as only a bug fails."""
    raise KeyError(CANARY)


async def _conflict(workspace: Workspace, request: Nothing) -> Said:
    """Fail as a user can understand."""
    raise ConflictError("two of a kind", hint="Take one.", details={"other": 7})


async def _flood(workspace: Workspace, request: Nothing) -> Said:
    """Say too much."""
    return Said(said='"' * WIRE_BYTES)


async def _steps(workspace: Workspace, request: Nothing) -> Said:
    """Say how far it is."""
    await workspace.report(1, 2, "half")
    await workspace.report(2, 2, "whole")
    return Said(said="done")


class Endless:
    """A tool that runs until it is cancelled."""

    def __init__(self):
        self.began, self.ended = anyio.Event(), anyio.Event()

    async def run(self, workspace: Workspace, request: Nothing) -> Said:
        self.began.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.ended.set()
        raise AssertionError


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tool[Any, Any]]:
    """Put a function into the catalogue for one test."""

    def declare(run: Any, effect: Effect = Effect.READS) -> Tool[Any, Any]:
        one = tool(scope=Scope.READ, effect=effect, core=True)(run)
        monkeypatch.setitem(CATALOGUE, one.name, one)
        return one

    return declare


async def test_the_core_tools_are_listed_by_default(settings: Make, era: str):
    async with client(settings(), era) as connected:
        listed = await connected.list_tools()

    assert [one.name for one in listed.tools] == [one.name for one in CATALOGUE.values() if one.core]


async def test_the_list_is_the_same_every_time_and_for_the_same_caller_only(settings: Make):
    async with client(settings(), "auto") as one, client(settings(), "auto") as other:
        first, second = await one.list_tools(), await other.list_tools()

    assert first.model_dump_json() == second.model_dump_json()
    assert (first.cache_scope, first.ttl_ms) == ("private", 60_000)


@pytest.mark.parametrize(
    ("options", "shown", "hidden"),
    [
        pytest.param({"toolsets": "all"}, {"list_tasks", "find_tool"}, set[str](), id="all"),
        pytest.param({"toolsets": "tasks"}, {"list_tasks"}, {"find_tool"}, id="one-toolset"),
        pytest.param({"tools": "list_tasks"}, {"list_tasks", "find_tool"}, set[str](), id="one-more"),
        pytest.param({"toolsets": "none", "tools": "list_tasks"}, {"list_tasks"}, {"find_tool"}, id="just-one"),
        pytest.param({"exclude_tools": "find_tool", "toolsets": "all"}, set[str](), {"find_tool"}, id="excluded"),
        pytest.param({"scopes": "read"}, {"get_schema"}, {"register_schema"}, id="scope"),
        pytest.param({"read_only": True, "toolsets": "all"}, {"get_schema"}, {"register_schema"}, id="read-only"),
    ],
)
async def test_what_is_listed_follows_the_settings(
    settings: Make, options: dict[str, Any], shown: set[str], hidden: set[str]
):
    async with client(settings(**options), "auto") as connected:
        names = {one.name for one in (await connected.list_tools()).tools}

    assert shown <= names
    assert not hidden & names


@pytest.mark.parametrize(
    ("options", "name", "code"),
    [
        pytest.param({}, "list_tasks", "not_permitted", id="other-toolset"),
        pytest.param({"exclude_tools": "find_tool"}, "find_tool", "not_permitted", id="excluded"),
        pytest.param({"scopes": "read"}, "register_schema", "not_permitted", id="scope"),
        pytest.param({"read_only": True}, "register_schema", "read_only", id="read-only"),
    ],
)
async def test_a_tool_that_is_not_listed_is_refused_when_called_by_name(
    settings: Make, era: str, options: dict[str, Any], name: str, code: str
):
    async with client(settings(**options), era) as connected:
        result = await connected.call_tool(name, {})

    assert result.is_error
    assert structure(result)["code"] == code
    assert structure(result)["hint"]


async def test_a_call_answers_with_text_and_structure(settings: Make, era: str):
    async with client(settings(), era) as connected:
        result = await connected.call_tool("list_registries", {})

    assert not result.is_error
    assert [one["name"] for one in structure(result)["registries"]] == ["dev", "staging", "locked"]
    assert "null" not in result.content[0].text


async def test_an_unknown_tool_is_answered_with_the_nearest_name(settings: Make, era: str):
    async with client(settings(), era) as connected:
        result = await connected.call_tool("list_registry", {})
        line = (await newest_lines(settings()))[0]

    assert (line.tool, line.outcome, line.code) == ("list_registry", "refused", "not_found")
    assert result.is_error
    assert structure(result)["code"] == "not_found"
    assert "'list_registries'" in structure(result)["hint"]


async def test_an_unknown_argument_is_refused_with_the_known_ones(settings: Make, era: str):
    async with client(settings(), era) as connected:
        result = await connected.call_tool("list_subjects", {"registri": "dev"})

    assert result.is_error
    assert structure(result)["code"] == "invalid_request"
    assert "'registry'" in structure(result)["hint"]


async def test_an_error_says_its_code_what_happened_and_what_to_do(
    settings: Make, era: str, offer: Callable[..., Tool[Any, Any]]
):
    offer(_conflict)

    async with client(settings(), era) as connected:
        result = await connected.call_tool("_conflict", {})

    assert result.is_error
    assert structure(result) == {
        "code": "conflict",
        "message": "two of a kind",
        "hint": "Take one.",
        "details": {"other": 7},
    }


async def test_nothing_of_a_bug_reaches_the_caller(
    settings: Make, era: str, offer: Callable[..., Tool[Any, Any]], caplog: pytest.LogCaptureFixture
):
    offer(_bug)
    caplog.handler.setFormatter(JsonLines())

    async with client(settings(), era) as connected:
        result = await connected.call_tool("_bug", {})
        entry = (await newest_lines(settings()))[0]

    assert result.is_error
    assert CANARY not in result.model_dump_json()
    assert structure(result)["code"] == "internal_error"
    assert CANARY in caplog.text
    assert entry.request_id in structure(result)["message"]
    assert entry.request_id in caplog.text
    assert (entry.tool, entry.outcome, entry.code) == ("_bug", "failed", "bug")


async def newest_lines(settings: Settings) -> list[Any]:
    """The newest audit lines of the world."""
    async with app.workspace(settings) as workspace:
        return await workspace.audit.recent(5)


async def test_nothing_of_a_bug_while_opening_reaches_the_caller(era: str, caplog: pytest.LogCaptureFixture):
    def broken() -> Any:
        raise KeyError(CANARY)

    async with Client(build_server(broken), mode=era) as connected:
        result = await connected.call_tool("find_tool", {"query": "x"})
        with pytest.raises(MCPError) as refused:
            await connected.list_tools()

    assert structure(result)["code"] == "store_error"
    assert CANARY not in result.model_dump_json() + str(refused.value)
    assert CANARY in caplog.text


async def test_a_workspace_that_cannot_be_opened_says_why_and_is_tried_again(settings: Make, era: str):
    tries: list[int] = []

    def opening() -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise StoreError("the disk is away", hint="Bring it back.")
        return app.workspace(settings())

    async with Client(build_server(opening), mode=era) as connected:
        first = await connected.call_tool("find_tool", {"query": "list"})
        second = await connected.call_tool("find_tool", {"query": "list"})

    assert structure(first) == {"code": "store_error", "message": "the disk is away", "hint": "Bring it back."}
    assert not second.is_error


@pytest.mark.parametrize(
    ("effect", "word"),
    [pytest.param(Effect.READS, "Ask for less", id="read"), pytest.param(Effect.ADDS, "do not repeat", id="write")],
)
async def test_a_reply_that_would_flood_the_caller_is_refused(
    settings: Make, era: str, offer: Callable[..., Tool[Any, Any]], effect: Effect, word: str
):
    offer(_flood, effect)

    async with client(settings(), era) as connected:
        result = await connected.call_tool("_flood", {})

    assert result.is_error
    assert structure(result)["code"] == "reply_too_large"
    assert word in structure(result)["hint"]


async def test_progress_is_told_while_a_call_runs(settings: Make, era: str, offer: Callable[..., Tool[Any, Any]]):
    offer(_steps)
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with client(settings(), era) as connected:
        await connected.call_tool("_steps", {}, progress_callback=hear)

    assert told == [(1, 2, "half"), (2, 2, "whole")]


async def test_a_cancelled_call_stops_its_work_and_leaves_its_line(
    settings: Make, era: str, offer: Callable[..., Tool[Any, Any]]
):
    endless = Endless()
    name = offer(endless.run, Effect.ADDS).name

    with anyio.fail_after(20):
        async with client(settings(), era) as connected, anyio.create_task_group() as tasks:
            tasks.start_soon(connected.call_tool, name, {})
            await endless.began.wait()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await endless.ended.wait()
        lines = await newest_lines(settings())

    assert [(one.outcome, one.code) for one in lines[:2]] == [("failed", "cancelled"), ("started", "")]


async def test_calls_run_side_by_side(settings: Make, era: str, offer: Callable[..., Tool[Any, Any]]):
    endless = Endless()
    name = offer(endless.run).name

    with anyio.fail_after(20):
        async with client(settings(), era) as connected, anyio.create_task_group() as tasks:
            tasks.start_soon(connected.call_tool, name, {})
            await endless.began.wait()
            assert not (await connected.call_tool("list_registries", {})).is_error
            tasks.cancel_scope.cancel()


async def test_what_was_registered_can_be_read(settings: Make, era: str):
    async with client(settings(), era) as connected:
        made = await connected.call_tool("register_schema", {"subject": "orders-value", "schema": ORDER})
        read = await connected.call_tool("get_schema", {"subject": "orders-value"})

    assert not made.is_error, made
    assert structure(read)["version"] == 1
    assert structure(read)["id"] == structure(made)["id"]


async def test_the_server_introduces_itself_briefly(settings: Make, era: str):
    async with client(settings(), era) as connected:
        capabilities = connected.server_capabilities

    assert capabilities.tools is not None
    assert capabilities.prompts is not None
    assert capabilities.resources is not None
    server = build_server(lambda: app.workspace(settings()))
    assert server.instructions is not None
    assert len(server.instructions) < 1600
