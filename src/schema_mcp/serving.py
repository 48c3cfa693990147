"""Which interfaces a running process offers: MCP over stdin and stdout, or everything over HTTP."""

import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, nullcontext
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from schema_mcp.collector import keep_pauses_short
from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.interfaces.mcp.http import http_app
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.interfaces.mcp.stdio import serve_stdio
from schema_mcp.interfaces.web.edge import LOOPBACK
from schema_mcp.interfaces.web.site import site
from schema_mcp.settings import Settings
from schema_mcp.tracing import Tracing, tracing

if TYPE_CHECKING:  # loaded when the workspace opens
    from collections.abc import Mapping

    from schema_mcp.identity.opening import House
    from schema_mcp.registries.embedded.core import Core
    from schema_mcp.toolkit.workspace import Workspace

_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "localhost", "::1": "[::1]"}
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - to refuse them
_GRACE_SECONDS = 5


def serve(settings: Settings) -> None:
    """Serve until we are asked to stop."""
    if settings.names_tools:  # otherwise there is nothing to check, and no need to load the tools yet
        import_module("schema_mcp.app").directory(settings)
    keep_pauses_short()
    traces = tracing(os.environ)
    if settings.http:
        _refuse_strangers(settings)
        anyio.run(_serve_http, settings, traces)
    else:
        anyio.run(serve_stdio, build_server(lambda: _opened(settings), traced=traces.is_on), traces.close)


def _opened(settings: Settings) -> "AbstractAsyncContextManager[Workspace]":
    """The workspace, whose parts are loaded when it opens: over stdio a server answers long before."""
    return import_module("schema_mcp.app").workspace(settings)


def _refuse_strangers(settings: Settings) -> None:
    """Who can be reached from outside has to be able to tell who calls, and by which name."""
    if settings.host in _LOOPBACK:
        return
    if not (settings.access and settings.access.signs_in) and not _has_tokens(settings):
        raise ConfigurationError(
            f"--host {settings.host} can be reached from outside, and this server cannot tell who calls",
            hint="Set up sign-in in access.yaml, or make a token with `schema-mcp token create`; "
            "or listen on 127.0.0.1, behind a proxy that signs callers in.",
        )
    if settings.host in _EVERYWHERE and not (settings.access and settings.access.url):
        raise ConfigurationError(
            f"--host {settings.host} answers at every address, and nothing says by which name callers reach it",
            hint="Say `url: https://schemas.example.com` in access.yaml, or listen on one address.",
        )


def _has_tokens(settings: Settings) -> bool:
    opening = import_module("schema_mcp.identity.opening")
    with closing(opening.Tokens(settings.state / opening.TOKENS)) as tokens:
        return tokens.exist


async def _serve_http(settings: Settings, traces: Tracing) -> None:
    parts = import_module("schema_mcp.app")
    async with AsyncExitStack() as opened:
        opened.callback(traces.close)
        listener = opened.enter_context(_listening(settings))
        workspace = await opened.enter_async_context(_opened(settings))
        cores = await opened.enter_async_context(parts.cores(workspace))
        house = await opened.enter_async_context(_house(settings, workspace))
        app = http_site(
            workspace,
            cores,
            settings.host,
            open_metrics=settings.open_metrics,
            house=house,
            rate_limit=settings.rate_limit,
            traced=traces.is_on,
            pages=settings.origins,
        )
        await _serve_site(app, listener)


def _house(settings: Settings, workspace: "Workspace") -> "AbstractAsyncContextManager[House | None]":
    """The door, where callers have to say who they are: with sign-in set up, or where others can reach us."""
    if settings.host in _LOOPBACK and not (settings.access and settings.access.signs_in):
        return nullcontext()
    access = settings.access or import_module("schema_mcp.identity.policy").Access()
    return import_module("schema_mcp.identity.opening").opened(access, settings.state, workspace.audit)


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
        http=import_module("schema_mcp.interfaces.web.wire").Http,
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
    workspace: "Workspace",
    cores: "Mapping[str, Core]",
    host: str,
    *,
    open_metrics: bool = False,
    house: "House | None" = None,
    rate_limit: int = 0,
    traced: bool = False,
    pages: Sequence[str] = (),
) -> Starlette:
    """Everything that one port serves: MCP, the embedded registries as their own clients know them, and how we are.

    With a `house`, callers of the first two have to say who they are, and each may make `rate_limit` calls a minute.
    Web pages of other origins may call where `pages` names the origin.
    """
    if house and rate_limit:
        workspace = replace(workspace, rates=import_module("schema_mcp.toolkit.rates").Rates(rate_limit))
    server = build_server(lambda: nullcontext(workspace), via="http", signed_in=house is not None, traced=traced)
    public = urlsplit(house.access.url) if house else urlsplit("")
    hosts = {*LOOPBACK, _LOOPBACK.get(host, host), *([public.hostname] if public.hostname else [])}
    origins = [*pages, *([f"{public.scheme}://{public.netloc}"] if public.hostname else [])]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with server.session_manager.run():
            yield

    looks = house.looks if house else None
    operating = import_module("schema_mcp.interfaces.web.operating")
    own = operating.operating_routes(workspace, to_all=open_metrics, sign_in=looks)
    mcp = http_app(server, hosts, origins)
    routes = [*_faces(workspace, cores, house), *own]
    if house:
        mcp, shown = _signed_in(mcp, house, workspace)
        routes += shown
        if house.server:
            routes += import_module("schema_mcp.interfaces.web.sign_in").sign_in_routes(house.server, house.strangers)
    return site(mcp, routes, lifespan=lifespan, hosts=hosts, origins=origins, pages=pages)


def _signed_in(mcp: ASGIApp, house: "House", workspace: "Workspace") -> tuple[ASGIApp, list[BaseRoute]]:
    auth = import_module("schema_mcp.interfaces.mcp.auth")
    needs = import_module("schema_mcp.interfaces.mcp.needs").needs
    scopes = {name: listing.scope for name, listing in workspace.listings.items()}
    resource = auth.Resource(house.access.url, house.issuer, needs(scopes))
    door = auth.SignIn(
        mcp, resource, house.doorman.caller, house.turned_away, steps_up=house.steps_up, rates=workspace.rates
    )
    return door, resource.routes()


def _faces(workspace: "Workspace", cores: "Mapping[str, Core]", house: "House | None") -> list[BaseRoute]:
    gate = import_module("schema_mcp.toolkit.gate").RegistryGate(workspace, replace(workspace.caller, via="registry"))
    who = house.doorman.caller if house else None
    return import_module("schema_mcp.interfaces.registry_api.face").registry_routes(cores, gate, who=who)
