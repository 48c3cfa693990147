"""Signing in to a registry's REST face, with what Kafka clients can send: a bearer token, or a basic login."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import IdentityAwayError, RateLimitedError, SchemaMcpError, UnknownCallerError
from schema_mcp.interfaces.registry_api.media import JSON_TYPES

WhoCalls: TypeAlias = Callable[[str | None, str], Awaitable[Caller]]
"""Turns the `Authorization` header, and where it comes from, into a caller; raises `UnknownCallerError`."""

_UNKNOWN, _TOO_MANY, _AWAY = 40101, 42901, 50301


async def caller_of(request: Request, who: WhoCalls) -> Caller:
    """Who makes a request; two headers of the kind say nothing."""
    given = request.headers.getlist("authorization")
    address = request.client.host if request.client else ""
    return replace(await who(given[0] if len(given) == 1 else None, address), via="registry")


def refusal(error: SchemaMcpError) -> Response:
    """What somebody hears whom we do not know, or cannot know just now, in the registry's terms."""
    match error:
        case UnknownCallerError() if not isinstance(error, IdentityAwayError):
            said = _UNKNOWN, HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Basic realm="schema-mcp", Bearer'}
        case RateLimitedError():
            wait = str(error.details["retry_after"])
            said = _TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": wait}
        case _:
            said = _AWAY, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
    code, status, headers = said
    body = json.dumps({"error_code": code, "message": f"{error}. {error.hint}"})
    return Response(body, status, headers, JSON_TYPES[0])
