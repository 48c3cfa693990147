"""Everything that one port serves: MCP at `/mcp`, the registries' own REST face, and how we are."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from schema_mcp.interfaces.web.edge import LOOPBACK, Edge

MCP = "/mcp"

_CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "PUT", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Mcp-Method",
        "Mcp-Name",
        "Mcp-Protocol-Version",
        "Mcp-Session-Id",
        "Traceparent",
    ],
    "expose_headers": ["Mcp-Protocol-Version", "WWW-Authenticate", "X-Request-Id"],
}
"""What a web page of another origin may send, and see of the answer. Never cookies: callers show a token each time."""


def site(
    mcp: ASGIApp,
    routes: Iterable[BaseRoute],
    *,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    hosts: Iterable[str] = LOOPBACK,
    origins: Iterable[str] = (),
    pages: Sequence[str] = (),
) -> Starlette:
    """One application; `routes` are all but MCP's, `lifespan` opens what stands behind MCP.

    Requests may come from `origins`; browsers are told that pages of the origins in `pages` may read the answers.
    """
    shared = [Middleware(CORSMiddleware, allow_origins=pages, **_CORS)] if pages else []
    # Nearly everything is asked at /mcp, which needs no look at all the routes.
    straight = CORSMiddleware(mcp, allow_origins=pages, **_CORS) if pages else mcp
    edge = Middleware(Edge, hosts=hosts, origins=origins, straight={MCP: straight})
    return Starlette(routes=[*routes, Mount("/", mcp)], lifespan=lifespan, middleware=[edge, *shared])
