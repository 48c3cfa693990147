"""Everything that one port serves: MCP at `/mcp`, the registries' own REST face, and how we are."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from schema_mcp.interfaces.web.edge import LOOPBACK, Edge

MCP = "/mcp"


def site(
    mcp: ASGIApp,
    routes: Iterable[BaseRoute],
    *,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    hosts: Iterable[str] = LOOPBACK,
    origins: Iterable[str] = (),
) -> Starlette:
    """One application; `routes` are all but MCP's, `lifespan` opens what stands behind MCP."""
    # Nearly everything is asked at /mcp, which needs no look at all the routes.
    edge = Middleware(Edge, hosts=hosts, origins=origins, straight={MCP: mcp})
    return Starlette(routes=[*routes, Mount("/", mcp)], lifespan=lifespan, middleware=[edge])
