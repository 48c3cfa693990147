"""MCP over Streamable HTTP, without sessions: any worker can answer any request."""

from collections.abc import Iterable
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/mcp"
LARGEST_BODY = 6 * 1024 * 1024
"""A schema may have 5 MB, and arrives as text inside JSON."""


def http_app(server: Server[Any], hosts: Iterable[str], origins: Iterable[str] = ()) -> ASGIApp:
    """The application at `/mcp`; `server.session_manager.run()` must be entered around its use."""
    names = list(hosts)
    elsewhere = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=False,  # with plain JSON answers the SDK drops progress
        max_request_body_size=LARGEST_BODY,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[*names, *(f"{name}:*" for name in names)],
            allowed_origins=[*origins, *(f"http://{name}{port}" for name in names for port in ("", ":*"))],
        ),
    )
    return PostOnly(StreamableHTTPASGIApp(server.session_manager), elsewhere)


class PostOnly:
    """Answers 405 to everything but POST: without sessions a GET would hang for ever, and a DELETE means nothing.

    Posts go straight to `mcp`, past the routes of the SDK's application, which knows what to say `elsewhere`.
    """

    def __init__(self, mcp: ASGIApp, elsewhere: ASGIApp) -> None:
        self._mcp = mcp
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") == PATH and scope["method"] != "POST":
            response = PlainTextResponse("POST only", status_code=405, headers={"Allow": "POST"})
            await response(scope, receive, send)
            return
        await (self._mcp if scope["path"] == PATH else self._elsewhere)(scope, receive, send)
