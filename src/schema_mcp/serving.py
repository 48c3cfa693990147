"""Which interfaces a running process offers: MCP over stdin and stdout, or everything over HTTP."""

import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.interfaces.mcp.http import http_app
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.interfaces.mcp.stdio import serve_stdio
from schema_mcp.interfaces.web.edge import LOOPBACK
from schema_mcp.interfaces.web.site import site
from schema_mcp.settings import Settings

if TYPE_CHECKING:  # loaded when the workspace opens
    from collections.abc import Mapping

    from schema_mcp.registries.embedded.core import Core
    from schema_mcp.toolkit.workspace import Workspace

_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "localhost", "::1": "[::1]"}
_GRACE_SECONDS = 5


def serve(settings: Settings) -> None:
    """Serve until we are asked to stop."""
    if settings.names_tools:  # otherwise there is nothing to check, and no need to load the tools yet
        import_module("schema_mcp.app").directory(settings)
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
    parts = import_module("schema_mcp.app")
    with _listening(settings) as listener:
        async with _opened(settings) as workspace, parts.cores(workspace) as cores:
            app = http_site(workspace, cores, settings.host, open_metrics=settings.open_metrics)
            await _serve_site(app, listener)


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's delay off only where it is: 40 ms a reply otherwise.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {settings.port} of {settings.host} cannot be listened on: {error.strerror}",
            hint="Choose another --port; 0 takes a free one.",
        ) from error
    return listener


async def _serve_site(app: Starlette, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = uvicorn.Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn handles these only while it runs, and repeats them when it is done; we still have a workspace to close.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    host, port, *_ = listener.getsockname()
    print(f"schema-mcp: MCP at http://{_LOOPBACK.get(host, host)}:{port}/mcp", file=sys.stderr, flush=True)  # noqa: T201
    await server.serve(sockets=[listener])


def http_site(
    workspace: "Workspace", cores: "Mapping[str, Core]", host: str, *, open_metrics: bool = False
) -> Starlette:
    """Everything that one port serves: MCP, the embedded registries as their own clients know them, and how we are."""
    server = build_server(lambda: nullcontext(workspace), via="http")
    hosts = {*LOOPBACK, _LOOPBACK.get(host, host)}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with server.session_manager.run():
            yield

    own = import_module("schema_mcp.interfaces.web.operating").operating_routes(workspace, to_all=open_metrics)
    return site(http_app(server, hosts), [*own, *_faces(workspace, cores)], lifespan=lifespan, hosts=hosts)


def _faces(workspace: "Workspace", cores: "Mapping[str, Core]") -> list[BaseRoute]:
    gate = import_module("schema_mcp.toolkit.gate").RegistryGate(workspace, replace(workspace.caller, via="registry"))
    return import_module("schema_mcp.interfaces.registry_api.face").registry_routes(cores, gate)
