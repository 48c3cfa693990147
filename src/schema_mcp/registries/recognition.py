"""Which product is it? Asked once, when a registry is first spoken to."""

import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any, cast

import httpx2

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Json
from schema_mcp.registries import wire
from schema_mcp.registries.calls import Call
from schema_mcp.registries.contract import Connection, Info
from schema_mcp.registries.dialects import SIGNS, Dialect, Sign
from schema_mcp.registries.http import RestClient

_JSON = {"Accept": "application/json"}
_NO_SIGN = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)
"""No such path, or not for us: what we were about to ask will say so itself."""

UNKNOWN = "unknown"


def beside(connection: Connection, part: str, transport: httpx2.AsyncBaseTransport | None) -> RestClient | None:
    """A client for what stands beside the registry's own face, None where its address does not have that part."""
    roots = tuple(url.partition(part)[0] for url in connection.urls if part in url)
    return RestClient(replace(connection, urls=roots), headers=_JSON, transport=transport) if roots else None


async def recognise(
    connection: Connection, rest: RestClient, transport: httpx2.AsyncBaseTransport | None, only: Dialect | None
) -> tuple[Dialect, Info] | None:
    """The product that shows one of its signs, None for one that shows none; `only` looks for one product.

    Raises `RegistryError` when nobody answers.
    """
    told: dict[tuple[str, ...], Json | None] = {}
    for sign in SIGNS:
        if only not in (None, sign.dialect):
            continue
        if sign.path not in told:
            told[sign.path] = await _told(connection, rest, transport, sign)
        answer = told[sign.path]
        if answer is not None and (not sign.key or sign.key in answer):
            version = wire.words(answer, sign.version) if sign.version else UNKNOWN
            return sign.dialect, Info(sign.dialect.product, version)
    return None


async def _told(
    connection: Connection, rest: RestClient, transport: httpx2.AsyncBaseTransport | None, sign: Sign
) -> Json | None:
    if not sign.beside:
        return await _answer(rest, sign)
    client = beside(connection, sign.beside, transport)
    if client is None:
        return None
    try:
        return await _answer(client, sign)
    finally:
        await client.close()


async def _answer(client: RestClient, sign: Sign) -> Json | None:
    """What is there. No such path is no answer; any other trouble is raised, so that nothing is guessed from it."""
    try:
        answer: Any = await client.send(Call("GET", sign.path))
    except SchemaMcpError as error:
        status = error.details.get("status")
        if status == HTTPStatus.OK and not sign.key:
            return {}  # it need not be JSON
        if status in _NO_SIGN:
            return None
        raise
    if not isinstance(answer, dict):
        raise client.replies.nonsense("with JSON of another shape", status=HTTPStatus.OK, body=json.dumps(answer))
    return cast("Json", answer)
