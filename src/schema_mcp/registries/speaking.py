"""How a registry is spoken to over Confluent's REST API: its product found out once, its answers read with care."""

import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar

import anyio
import httpx2

from schema_mcp.domain.errors import RegistryError, SchemaMcpError
from schema_mcp.domain.schema import Json, Schema, Subject, Version
from schema_mcp.registries import asking, wire
from schema_mcp.registries.answers import HIDDEN, MISSING, UNSET
from schema_mcp.registries.calls import Call
from schema_mcp.registries.contract import Capability, Connection, Health, Info
from schema_mcp.registries.dialects import CONFLUENT, Dialect, as_of
from schema_mcp.registries.http import RestClient
from schema_mcp.registries.paths import Told
from schema_mcp.registries.recognition import recognise

_HEADERS = {
    "Accept": "application/vnd.schemaregistry.v1+json",
    "Content-Type": "application/vnd.schemaregistry.v1+json",
    # Confluent Cloud leaves newer properties out of its answers without it.
    "Confluent-Accept-Unknown-Properties": "true",
}
_NO_SUCH_ENDPOINT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_ABSENT = MISSING | UNSET | {HIDDEN}

Out = TypeVar("Out")


class NoSuchEndpointError(Exception):
    """The product does not know a path: another way has to be found. Never leaves the backend."""


class RestSpeaker:
    """A registry's product, and requests to it. A subclass that names its `product` is not asked which it is."""

    product: ClassVar[Dialect | None] = None

    def __init__(self, connection: Connection, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.name = connection.name
        self._connection = connection
        self._transport = transport
        self._rest = RestClient(connection, headers=_HEADERS, transport=transport)
        self._known = self.product is not None
        self._meeting = anyio.Lock()
        self._speak(self.product or CONFLUENT)

    @property
    def capabilities(self) -> AbstractSet[Capability]:
        return self._dialect.capabilities

    @property
    def dialect(self) -> str:
        return self._dialect.backend

    @property
    def lacks(self) -> Mapping[Capability, str]:
        """What this product cannot do, and what it does instead."""
        return self._dialect.lacks

    @property
    def health(self) -> tuple[Health, ...]:
        return self._rest.health

    @property
    def under_way(self) -> int:
        """Requests that hold a connection just now."""
        return self._rest.under_way

    async def close(self) -> None:
        await self._rest.close()

    async def _recognise(self) -> Info | None:
        found = await recognise(self._connection, self._rest, self._transport, self.product)
        if found:
            self._speak(as_of(found[0], found[1].version))
        self._known = True
        return found[1] if found else None

    def _speak(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._rest.plain = dialect.plain

    async def _met(self) -> Dialect:
        """How it speaks; which product it is is found out once, before anything else is asked of it."""
        async with self._meeting:
            if not self._known:
                await self._recognise()
        return self._dialect

    async def _can(self, capability: Capability) -> bool:
        return capability in (await self._met()).capabilities

    async def _send(self, call: Call) -> Any:
        dialect = await self._met()
        answer = await self._rest.send(call)
        return wire.without_version(answer) if dialect.adds_version else answer

    # --- asking -----------------------------------------------------------------------------------------------------

    async def _get(self, *path: str, **query: Told) -> Any:
        return await self._send(Call("GET", path, query))

    async def _find(self, *path: str, **query: Told) -> Any:
        """The answer, or None where the registry says that there is no such thing; an unknown path is an error."""
        try:
            return await self._get(*path, **query)
        except SchemaMcpError as error:
            if error.details.get("error_code") in _ABSENT:
                return None
            raise

    async def _offered(self, *path: str, **query: Told) -> Any:
        """`_find`, for what not every product has; raises `NoSuchEndpointError` where the path is unknown."""
        try:
            return await self._find(*path, **query)
        except RegistryError as error:
            if asking.status(error) in _NO_SUCH_ENDPOINT:
                raise NoSuchEndpointError from error
            raise

    async def _put(self, *path: str, body: Json, query: asking.Query | None = None) -> None:
        await self._send(Call("PUT", path, query or {}, body, writes=True))

    async def _delete(self, *path: str, **query: Told) -> Any:
        return await self._send(Call("DELETE", path, query, writes=True))

    def _about(self, subject: Subject, answer: Any, *, like: Schema | None = None) -> Version | None:
        """The version in an answer, if it is one of this subject: other contexts and aliases do not count."""
        if answer is None or not self._parsed(lambda found: wire.is_about(found, subject), answer):
            return None
        return self._parsed(lambda found: wire.version(found, subject, like=like), answer)

    def _parsed(self, parse: Callable[[Any], Out], answer: Any) -> Out:
        try:
            return parse(answer)
        except (TypeError, KeyError, ValueError) as error:
            shown = json.dumps(answer)[:1_000]
            raise self._rest.replies.nonsense("with JSON of another shape", status=HTTPStatus.OK, body=shown) from error
