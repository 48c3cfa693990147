"""What every HTTP request passes first: only names we answer to, only origins we know, and no body that never ends."""

import time
from collections.abc import Iterable, Mapping

import anyio
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schema_mcp.toolkit.request import new_request_id, serving

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_MISDIRECTED, _FORBIDDEN, _TIMED_OUT = 421, 403, 408
_REQUEST_ID = b"x-request-id"
_PATIENCE = 30.0
"""Seconds that a client has to send its body."""


class Edge:
    """Refuses a Host or Origin that is not ours, so that no web page can reach a server on loopback by another name.

    What is asked at a path in `straight` is answered there, and anything else by the application. A request without an
    Origin does not come from a web page. See the MCP transport's security section on DNS rebinding
    (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports).
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Iterable[str] = LOOPBACK,
        patience: float = _PATIENCE,
        origins: Iterable[str] = (),
        straight: Mapping[str, ASGIApp] | None = None,
    ) -> None:
        self._app = app
        self._straight = straight or {}
        self._hosts = frozenset(hosts)
        self._origins = frozenset({*origins, *(f"http://{host}" for host in self._hosts)})
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif refusal := self._refusal(Headers(scope=scope)):
            await refusal(scope, receive, send)
        else:
            with serving(new_request_id()) as request:
                await self._pass_on(scope, receive, _named(send, request))

    def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        if _without_port(headers.get("host", "")) not in self._hosts:
            return PlainTextResponse("This server does not answer to that Host", _MISDIRECTED)
        origin = headers.get("origin")
        if origin is not None and not {origin, _without_port(origin)} & self._origins:
            return PlainTextResponse("This server does not answer that Origin", _FORBIDDEN)
        return None

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            app = self._straight.get(scope["path"], self._app)
            await app(scope, _Body(receive, self._patience).receive, send)
        except _TooSlowError:
            headers = {"Connection": "close"}
            await PlainTextResponse("The body took too long", _TIMED_OUT, headers)(scope, receive, send)


def _named(send: Send, request: str) -> Send:
    """The answer says by which name logs and audit trail know the request."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (_REQUEST_ID, request.encode())]}
        await send(message)

    return sending


class _TooSlowError(Exception):
    """The body did not arrive in time."""


class _Body:
    """A request's body, which must be there in time; afterwards the client may stay as long as it likes."""

    def __init__(self, receive: Receive, patience: float) -> None:
        self._receive = receive
        self._until = time.monotonic() + patience
        self._arrived = False

    async def receive(self) -> Message:
        if self._arrived:
            return await self._receive()
        with anyio.move_on_after(self._until - time.monotonic()):
            message = await self._receive()
            self._arrived = not message.get("more_body", False)
            return message
        raise _TooSlowError


def _without_port(name: str) -> str:
    front, colon, port = name.rpartition(":")
    return front if colon and port.isdecimal() else name
