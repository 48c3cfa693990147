"""MCP's side of signing in: who calls is known before the protocol sees a request, and who lacks a scope is told so.

MCP 2026-07-28, "Authorization"; RFC 6750 for the challenges, RFC 9728 for the metadata.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import mcp_types as types
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schema_mcp.domain import caller, once
from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import IdentityAwayError, RateLimitedError, SchemaMcpError, UnknownCallerError
from schema_mcp.domain.once import TwiceError
from schema_mcp.identity import CALLER
from schema_mcp.interfaces.mcp.http import LARGEST_BODY, PATH
from schema_mcp.interfaces.mcp.needs import Needs
from schema_mcp.toolkit.rates import Rates

_METADATA = "/.well-known/oauth-protected-resource"
_VIA = "http"
_BASELINE = caller.Scope.READ
"""What a client is asked to ask for at first; more only when a call needs it."""

WhoCalls = Callable[[str | None, str], Awaitable[Caller]]
"""Turns the `Authorization` header, and where it comes from, into a caller; raises `UnknownCallerError`."""

Refused = Callable[[Caller, str, caller.Scope], Awaitable[None]]
"""Notes that something was refused to a caller for want of a scope."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What we are to an OAuth client: our address, who signs people in for us, and what each request needs."""

    url: str
    issuer: str
    needs: Needs

    @property
    def metadata_url(self) -> str:
        return f"{self.url}{_METADATA}{PATH}"

    def routes(self) -> list[BaseRoute]:
        """Protected-resource metadata where clients look for it: at the path's form and at the root's."""
        if not self.url:  # nobody but holders of our own tokens comes in
            return []
        document = {
            "resource": f"{self.url}{PATH}",
            "authorization_servers": [self.issuer] if self.issuer else [],
            "bearer_methods_supported": ["header"],
            "scopes_supported": [_BASELINE.value],
            "resource_name": "schema-mcp",
        }

        async def metadata(_: Request) -> Response:
            return JSONResponse(document, headers={"Cache-Control": "max-age=3600"})

        return [Route(path, metadata) for path in (f"{_METADATA}{PATH}", _METADATA)]


class SignIn:
    """Around the application at `/mcp`: 401 for nobody we know, 403 for want of a scope, and who calls with the rest.

    The 403 is the form in which clients can ask for more. Tools, resources and prompts are refused again where they
    are asked for, so that nothing hangs on how we read the body here; without `steps_up` only that refusal is given.
    """

    def __init__(
        self,
        app: ASGIApp,
        resource: Resource,
        who: WhoCalls,
        refused: Refused,
        *,
        steps_up: bool = True,
        rates: Rates | None = None,
    ) -> None:
        self._app = app
        self._resource = resource
        self._who = who
        self._refused = refused
        self._steps_up = steps_up
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist("authorization")
        try:
            known = await self._who(given[0] if len(given) == 1 else None, (scope.get("client") or ("",))[0])
        except SchemaMcpError as error:
            await self._unknown(error, tried=bool(given))(scope, receive, send)
            return
        scope = {**scope, CALLER: known if known.via == _VIA else replace(known, via=_VIA)}
        await self._let_in(known, scope, receive, send)

    async def _let_in(self, known: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        try:
            asked = _read(body)
        except TwiceError as error:
            await _unreadable(error)(scope, receive, send)
            return
        need = self._resource.needs(asked) if self._steps_up else None
        if need is not None and need[1] not in known.scopes and self._has_time(known):
            await self._refused(known, *need)
            await self._insufficient(*need)(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)

    def _has_time(self, known: Caller) -> bool:
        """Whether a refusal still counts as a call; one too many is refused as any call is, further in."""
        try:
            if self._rates:
                self._rates.take(known)
        except RateLimitedError:
            return False
        return True

    def _unknown(self, error: SchemaMcpError, *, tried: bool) -> Response:
        said = f"{error}. {error.hint}"
        if isinstance(error, RateLimitedError):
            wait = {"Retry-After": str(error.details["retry_after"])}
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, error.code, said, wait)
        if isinstance(error, IdentityAwayError) or not isinstance(error, UnknownCallerError):
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, error.code, said, {"Retry-After": "5"})
        parts = {"error": "invalid_token", "error_description": str(error)} if tried else {}
        return _refusal(HTTPStatus.UNAUTHORIZED, error.code, said, self._challenge(_BASELINE, parts))

    def _insufficient(self, asked: str, needed: caller.Scope) -> Response:
        why = f"{asked} needs the scope {needed.value}"
        parts = {"error": "insufficient_scope", "error_description": why}
        return _refusal(HTTPStatus.FORBIDDEN, "insufficient_scope", why, self._challenge(needed, parts))

    def _challenge(self, scope: caller.Scope, parts: Mapping[str, str]) -> dict[str, str]:
        said = {**parts, "scope": scope.value}
        if self._resource.url:
            said["resource_metadata"] = self._resource.metadata_url
        return {"WWW-Authenticate": "Bearer " + ", ".join(f'{name}="{_quotable(one)}"' for name, one in said.items())}


def _refusal(status: HTTPStatus, code: str, message: str, headers: Mapping[str, str]) -> Response:
    return JSONResponse({"error": code, "message": message}, status, {**headers, "Cache-Control": "no-store"})


def _unreadable(error: TwiceError) -> Response:
    problem = {"code": types.PARSE_ERROR, "message": f"The body is ambiguous: {error}"}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": problem}, HTTPStatus.BAD_REQUEST)


def _quotable(text: str) -> str:
    """What may stand between quotes in a header (RFC 6750, 3)."""
    return "".join(one if one.isascii() and one.isprintable() and one not in '"\\' else "?" for one in text)


async def _body(receive: Receive) -> list[Message]:
    """The messages of a body; reading stops where it is larger than the application takes."""
    messages: list[Message] = []
    size = 0
    while size <= LARGEST_BODY:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    """The same body for whoever reads it next."""
    left = iter(messages)

    async def replay() -> Message:
        for message in left:
            return message
        return await receive()

    return replay


def _read(messages: list[Message]) -> Any:
    """What a body says; None where it is no JSON: then the protocol says what is wrong.

    Raises `TwiceError` for what we and whoever reads it next could take for two things.
    """
    try:
        return once.parsed(b"".join(message.get("body", b"") for message in messages))
    except TwiceError:
        raise
    except (ValueError, RecursionError):
        return None
