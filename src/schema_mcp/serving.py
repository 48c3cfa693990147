"""Which interfaces a running process offers: MCP over stdin and stdout, or everything over HTTP."""

import signal
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING

import anyio
import uvicorn
from starlette.applications import Starlette

from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.interfaces.mcp.http import http_app
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.interfaces.mcp.stdio import serve_stdio
from schema_mcp.interfaces.web.edge import LOOPBACK
from schema_mcp.interfaces.web.site import site
from schema_mcp.settings import Settings

if TYPE_CHECKING:  # loaded when the workspace opens
    from schema_mcp.toolkit.workspace import Workspace

_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "localhost", "::1": "[::1]"}
_GRACE_SECONDS = 5


def serve(settings: Settings) -> None:
    """Serve until we are asked to stop."""
    if settings.http:
        _refuse_strangers(settings.host)
        anyio.run(_serve_http, settings)
    else:
        anyio.run(serve_stdio, build_server(lambda: _opened(settings)))


def _opened(settings: Settings) -> "AbstractAsyncContextManager[Workspace]":
    """The workspace, whose parts are loaded when it opens: over stdio a server answers long before."""
    return import_module("schema_mcp.app").workspace(settings)


def _refuse_strangers(host: str) -> None:
    if host not in _LOOPBACK:
        raise ConfigurationError(
            f"--host {host} can be reached from outside, and this server cannot tell who calls",
            hint="Listen on 127.0.0.1; where others must reach it, put a proxy in front that signs them in.",
        )


async def _serve_http(settings: Settings) -> None:
    async with _opened(settings) as workspace:
        config = uvicorn.Config(
            http_site(workspace, settings.host),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        # uvicorn repeats the signal that ended it, once it is done; we still have a workspace to close.
        signal.signal(signal.SIGTERM, _heard)
        signal.signal(signal.SIGINT, _heard)
        await uvicorn.Server(config).serve()


def _heard(*_: object) -> None:
    """A signal that was already acted on."""


def http_site(workspace: "Workspace", host: str) -> Starlette:
    """Everything that one port serves."""
    server = build_server(lambda: nullcontext(workspace), via="http")
    hosts = {*LOOPBACK, _LOOPBACK.get(host, host)}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with server.session_manager.run():
            yield

    return site(http_app(server, hosts), [], lifespan=lifespan, hosts=hosts)
