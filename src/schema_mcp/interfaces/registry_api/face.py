"""The REST face as routes: one request in, one answer out, the gate around it."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.datastructures import URLPath
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from schema_mcp.domain.approval import Irreversible
from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import (
    InvalidRequestError,
    NotPermittedError,
    RateLimitedError,
    ReadOnlyError,
    SchemaMcpError,
)
from schema_mcp.interfaces.registry_api import bodies, schemas
from schema_mcp.interfaces.registry_api.auth import WhoCalls, caller_of, refusal
from schema_mcp.interfaces.registry_api.calls import Call, Endpoint, Raw, not_found
from schema_mcp.interfaces.registry_api.endpoints import alike
from schema_mcp.interfaces.registry_api.gate import Asking, Gate
from schema_mcp.interfaces.registry_api.media import JSON_TYPES, answer_type, check_content_type
from schema_mcp.interfaces.registry_api.paths import Target, target
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.embedded.refusals import Refusal, method_not_allowed

LARGEST_BODY = 32 * 1024 * 1024
MOUNT = "/registries"


_HARMLESS = (None, "READWRITE", "READONLY", "READONLY_OVERRIDE", "FORWARD")
"""Modes that a request may set as they are spelled here; `null` takes the own one away."""


def registry_routes(
    cores: Mapping[str, Core],
    gate: Gate,
    *,
    who: WhoCalls | None = None,
    mount: str = MOUNT,
    largest_body: int = LARGEST_BODY,
) -> list[BaseRoute]:
    """The routes of every registry in `cores`, below `{mount}/{name}`; with `who`, callers have to say who they are."""
    return [
        RegistryRoute(name, core, gate, f"{mount}/{name}".encode(), largest_body, who) for name, core in cores.items()
    ]


class RegistryRoute(BaseRoute):
    """All paths of one registry. It looks at the path as it was sent, which a pattern of Starlette's cannot."""

    def __init__(
        self, name: str, core: Core, gate: Gate, mount: bytes, largest_body: int, who: WhoCalls | None = None
    ) -> None:
        self._name = name
        self._core = core
        self._gate = gate
        self._mount = mount
        self._largest_body = largest_body
        self._who = who

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        raw = _raw_path(scope)
        ours = scope["type"] == "http" and (raw == self._mount or raw.startswith(self._mount + b"/"))
        return (Match.FULL if ours else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            caller = await caller_of(request, self._who) if self._who else None
            response = await self._respond(request, caller)
        except SchemaMcpError as error:
            response = refusal(error)
        await response(scope, receive, send)

    async def _respond(self, request: Request, caller: Caller | None) -> Response:
        try:
            asked = target(_raw_path(request.scope)[len(self._mount) :], request.scope["query_string"])
        except Refusal as no:
            # There, the HTTP server says this, before the registry is asked: it is no JSON.
            return PlainTextResponse(no.message, no.status)
        return await self._answered(request, asked, caller)

    async def _answered(self, request: Request, asked: Target, caller: Caller | None) -> Response:
        media_type = JSON_TYPES[0]
        try:
            if request.method == "OPTIONS":
                return _options(asked)
            endpoint, values = _endpoint(request.method, asked.segments)
            if endpoint.reads_body:
                check_content_type(request.headers.get("content-type"))
            media_type = answer_type(request.headers.get("accept"))
            body = bodies.parse(await self._body(request)) if endpoint.reads_body else {}
            call = Call(self._name, self._core, values, asked.query, body)
            answer = await self._answer(endpoint, call, request, caller)
        except Refusal as no:
            return _refused(no, media_type)
        except SchemaMcpError as error:
            response = _refused(_refusal(error), media_type)
            if isinstance(error, RateLimitedError):
                response.headers["Retry-After"] = str(error.details["retry_after"])
            return response
        except sqlite3.Error as error:
            return _refused(Refusal(50001, f"The registry's file could not be used: {error}"), media_type)
        return _printed(answer, media_type)

    async def _answer(self, endpoint: Endpoint, call: Call, request: Request, caller: Caller | None) -> Any:
        path = _raw_path(request.scope)[len(self._mount) :].decode("latin-1") or "/"
        reached = partial(schemas.reached, call, endpoint.path)
        asking = Asking(
            self._name, request.method, path, endpoint.path, call.places, caller, reached, _deed(endpoint, call)
        )
        if not endpoint.writes:
            async with self._gate.read(asking):
                return await endpoint.answer(call)
        async with self._gate.write(asking) as witness:
            return await endpoint.answer(replace(call, witness=witness))

    async def _body(self, request: Request) -> bytes:
        found = bytearray()
        async for chunk in request.stream():
            found += chunk
            if len(found) > self._largest_body:
                raise Refusal(413, f"Request body is too large: more than {self._largest_body} bytes")
        return bytes(found)


def _endpoint(method: str, segments: tuple[str, ...]) -> tuple[Endpoint, dict[str, str]]:
    """The row for a request; 404 where no path fits, 405 where only the method does not."""
    fitting = [(one, values) for one in alike(segments) if (values := one.matched(segments)) is not None]
    if not fitting:
        raise not_found()
    wanted = "GET" if method == "HEAD" else method
    for endpoint, values in fitting:
        if endpoint.method == wanted:
            return endpoint, values
    raise method_not_allowed()


def _options(asked: Target) -> Response:
    methods = sorted({one.method for one in alike(asked.segments) if one.matched(asked.segments) is not None})
    if not methods:
        return _refused(not_found(), JSON_TYPES[0])
    return Response(headers={"allow": ", ".join([*methods, "HEAD", "OPTIONS"])})


def _deed(endpoint: Endpoint, call: Call) -> Irreversible | None:
    """What of a request cannot be undone: a permanent deletion, and any mode not known as harmless."""
    if endpoint.method == "DELETE" and call.flag("permanent"):
        return Irreversible.PURGE
    is_mode = endpoint.method == "PUT" and "/mode" in endpoint.path
    return Irreversible.IMPORT if is_mode and call.body.get("mode") not in _HARMLESS else None


def _printed(answer: Any, media_type: str) -> Response:
    if answer is None:
        return Response(status_code=204)
    text = answer.text if isinstance(answer, Raw) else json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), media_type=media_type)


def _refused(no: Refusal, media_type: str) -> Response:
    body = {"error_code": no.error_code, "message": no.message}
    return Response(json.dumps(body).encode(), status_code=no.status, media_type=media_type)


def _refusal(error: SchemaMcpError) -> Refusal:
    """One of our errors in the registry's terms; the gate's included."""
    match error:
        case InvalidRequestError():
            return Refusal(error.details.get("error_code", 400), str(error))
        case ReadOnlyError():
            return Refusal(42205, str(error))
        case RateLimitedError():
            return Refusal(42901, str(error))
        case NotPermittedError():
            return Refusal(40301, str(error))
        case _:
            return Refusal(50001, str(error))


def _raw_path(scope: Scope) -> bytes:
    """The path below the application, as it was sent."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.removeprefix(scope.get("root_path", "").encode())
