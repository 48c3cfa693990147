"""Everything that one port serves: MCP at `/mcp`, the registries' own REST face, and whether we are well."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from schema_mcp.interfaces.web.edge import LOOPBACK, Edge


def site(
    mcp: ASGIApp,
    registries: Iterable[BaseRoute],
    *,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    hosts: Iterable[str] = LOOPBACK,
) -> Starlette:
    """One application; `registries` are the routes of their REST faces, `lifespan` opens what stands behind MCP."""
    own = [Route("/health", _well), Route("/ready", _well)]
    return Starlette(
        routes=[*own, *registries, Mount("/", mcp)], lifespan=lifespan, middleware=[Middleware(Edge, hosts=hosts)]
    )


async def _well(_: Request) -> JSONResponse:
    """We answer only once everything is open; a registry that is down does not make us unfit to serve the others."""
    return JSONResponse({"status": "ok"})
