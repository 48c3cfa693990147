"""The site in the test's own process, where a test can put its own tools into it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
import uvicorn
from mcp.client import Client
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from schema_mcp import app
from schema_mcp.domain.caller import Scope
from schema_mcp.interfaces.web.edge import Edge
from schema_mcp.serving import http_site
from schema_mcp.settings import Settings
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools import CATALOGUE

Make = Callable[..., Settings]


@asynccontextmanager
async def served(site: Any) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(site, log_config=None, timeout_graceful_shutdown=1))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


class Nothing(Shape):
    """No arguments."""


class Said(Shape):
    said: str
    """What is said."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def steps(workspace: Workspace, request: Nothing) -> Said:
    """Say how far it is."""
    await workspace.report(1, 2, "half")
    await workspace.report(2, 2, "whole")
    return Said(said=workspace.caller.via)


@pytest.mark.parametrize("era", ["legacy", "auto"], ids=["handshake", "modern"])
async def test_progress_is_told_over_http(settings: Make, monkeypatch: pytest.MonkeyPatch, era: str):
    monkeypatch.setitem(CATALOGUE, "steps", steps)
    told: list[Any] = []

    async def hear(*progress: Any) -> None:
        told.append(progress)

    async with (
        app.workspace(settings()) as workspace,
        served(http_site(workspace, {}, "127.0.0.1")) as url,
        Client(f"{url}/mcp", mode=era) as client,
    ):
        result = await client.call_tool("steps", {}, progress_callback=hear)

    assert told == [(1, 2, "half"), (2, 2, "whole")]
    assert result.structured_content == {"said": "http"}


@pytest.mark.parametrize("era", ["legacy", "auto"], ids=["handshake", "modern"])
async def test_a_call_whose_client_went_away_stops(settings: Make, monkeypatch: pytest.MonkeyPatch, era: str):
    began, ended = anyio.Event(), anyio.Event()

    async def endless(workspace: Workspace, request: Nothing) -> Said:
        """Run until it is cancelled."""
        began.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()
        raise AssertionError

    monkeypatch.setitem(CATALOGUE, "endless", tool(scope=Scope.READ, effect=Effect.READS, core=True)(endless))

    with anyio.fail_after(20):
        async with app.workspace(settings()) as workspace, served(http_site(workspace, {}, "127.0.0.1")) as url:
            async with Client(f"{url}/mcp", mode=era) as client, anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "endless", {})
                await began.wait()
                tasks.cancel_scope.cancel()
            await ended.wait()

    assert ended.is_set()


async def test_a_body_that_never_ends_is_cut():
    async def reader(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await PlainTextResponse(await Request(scope, receive).body())(scope, receive, send)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(1)

    async with served(Edge(reader, patience=0.2)) as url, httpx2.AsyncClient(base_url=url) as client:
        whole = await client.post("/", content=b"whole")
        cut = await client.post("/", content=slowly())

    assert (whole.status_code, whole.text) == (200, "whole")
    assert cut.status_code == 408


async def test_a_client_may_wait_longer_for_an_answer_than_its_body_may_take():
    async def patient(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await Request(scope, receive).body()
            await asyncio.sleep(0.3)
            await PlainTextResponse("done")(scope, receive, send)

    async with served(Edge(patient, patience=0.1)) as url, httpx2.AsyncClient(base_url=url) as client:
        assert (await client.post("/", content=b"x")).text == "done"
