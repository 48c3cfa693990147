"""Signing in to a registry's REST face, with what Kafka clients can send: a bearer token, or a basic login."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import IdentityAwayError, SchemaMcpError, UnknownCallerError
from schema_mcp.interfaces.registry_api.media import JSON_TYPES

WhoCalls: TypeAlias = Callable[[str | None], Awaitable[Caller]]
"""Turns the `Authorization` header into a caller; raises `UnknownCallerError`."""

_UNKNOWN, _AWAY = 40101, 50301


async def caller_of(request: Request, who: WhoCalls) -> Caller:
    """Who makes a request; two headers of the kind say nothing."""
    given = request.headers.getlist("authorization")
    return replace(await who(given[0] if len(given) == 1 else None), via="registry")


def refusal(error: SchemaMcpError) -> Response:
    """What somebody hears whom we do not know, or cannot know just now, in the registry's terms."""
    away = isinstance(error, IdentityAwayError) or not isinstance(error, UnknownCallerError)
    body = json.dumps({"error_code": _AWAY if away else _UNKNOWN, "message": f"{error}. {error.hint}"})
    status = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.UNAUTHORIZED
    headers = {"Retry-After": "5"} if away else {"WWW-Authenticate": 'Basic realm="schema-mcp", Bearer'}
    return Response(body, status, headers, JSON_TYPES[0])
