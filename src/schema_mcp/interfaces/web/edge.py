"""What every HTTP request passes first: only names we answer to, only origins we know, on every path and method."""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_MISDIRECTED = 421
_FORBIDDEN = 403


class Edge:
    """Refuses a Host or Origin that is not ours, so that no web page can reach a server on loopback by another name.

    A request without an Origin does not come from a web page. See the MCP transport's security section on DNS
    rebinding (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports).
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = LOOPBACK) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(Headers(scope=scope))):
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        if _without_port(headers.get("host", "")) not in self._hosts:
            return PlainTextResponse("This server does not answer to that Host", _MISDIRECTED)
        origin = headers.get("origin")
        if origin is not None and _without_port(origin) not in self._origins:
            return PlainTextResponse("This server does not answer that Origin", _FORBIDDEN)
        return None


def _without_port(name: str) -> str:
    front, colon, port = name.rpartition(":")
    return front if colon and port.isdecimal() else name
