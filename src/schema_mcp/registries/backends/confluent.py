"""Confluent's registry over its REST API: 7.x, 8.x and Confluent Cloud.

Endpoints and their oddities: the recordings of Confluent 8.1.5. Three of them shape this file: reads of an unqualified
name search every context, `/schemas` gives at most its own limit, and 7.x answers a registration with the id alone.
"""

import json
from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

import httpx2

from schema_mcp.domain.errors import NotFoundError, RegistryError, SchemaMcpError
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Mode, Schema, Subject, Version
from schema_mcp.registries import wire
from schema_mcp.registries.answers import MISSING, UNSET
from schema_mcp.registries.bulk import Wanted, every_version
from schema_mcp.registries.calls import Call
from schema_mcp.registries.contract import Capability, Connection, Info, Number, Verdict
from schema_mcp.registries.http import RestClient

PAGE = 1_000
"""Confluent's default and largest page of schemas."""

_HEADERS = {
    "Accept": "application/vnd.schemaregistry.v1+json",
    "Content-Type": "application/vnd.schemaregistry.v1+json",
    # Confluent Cloud leaves newer properties out of its answers without it.
    "Confluent-Accept-Unknown-Properties": "true",
}
_NO_SUCH_ENDPOINT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_ABSENT = MISSING | UNSET
_CLIMBS = frozenset({".", ".."})

Query: TypeAlias = dict[str, str | int | bool]
Out = TypeVar("Out")


class ConfluentRegistry:
    """A registry that speaks Confluent's REST API."""

    capabilities: AbstractSet[Capability] = frozenset(Capability)

    def __init__(self, connection: Connection, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.name = connection.name
        self._rest = RestClient(connection, headers=_HEADERS, transport=transport)

    async def close(self) -> None:
        await self._rest.close()

    async def info(self) -> Info:
        try:
            answer = await self._get("v1", "metadata", "version")
        except RegistryError as error:
            if _status(error) not in _NO_SUCH_ENDPOINT:
                raise
            # Some that speak this API do not say what they are; the list of types proves that they answer.
            self._parsed(wire.entries, await self._get("schemas", "types"))
            return Info("unknown", "unknown")
        return Info("Confluent Schema Registry", self._parsed(lambda found: wire.words(found, "version"), answer))

    # --- lists -------------------------------------------------------------------------------------------------------

    async def contexts(self) -> list[str]:
        return sorted(self._parsed(wire.contexts, await self._get("contexts")))

    async def subjects(self, *, context: str | None = None, prefix: str = "", deleted: bool = False) -> list[Subject]:
        wanted = Wanted(context, prefix)
        answer = await self._get("subjects", subjectPrefix=_prefix(context, prefix), **_shown(deleted=deleted))
        found = self._parsed(wire.subjects, answer)
        return sorted((subject for subject in found if wanted.covers(subject)), key=str)

    async def numbers(self, subject: Subject, *, deleted: bool = False) -> list[int]:
        answer = await self._find("subjects", _segment(subject), "versions", **_shown(deleted=deleted))
        return [] if answer is None else sorted(self._parsed(wire.numbers, answer))

    def versions(
        self, *, context: str | None = None, prefix: str = "", deleted: bool = False, latest_only: bool = False
    ) -> AsyncIterator[Version]:
        """Pages of `GET /schemas`, checked against `GET /subjects`; subject by subject where they do not fit."""
        wanted = Wanted(context, prefix, deleted=deleted, latest_only=latest_only)
        return every_version(self, lambda offset: self._page(wanted, offset), wanted)

    async def _page(self, wanted: Wanted, offset: int) -> list[Version] | None:
        query = {"subjectPrefix": _prefix(wanted.context, wanted.prefix), "offset": offset, "limit": PAGE}
        query |= _shown(deleted=wanted.deleted) | ({"latestOnly": True} if wanted.latest_only else {})
        try:
            answer = await self._get("schemas", **query)
        except RegistryError as error:
            if _status(error) not in _NO_SUCH_ENDPOINT:
                raise
            return None
        entries = self._parsed(wire.entries, answer)
        # 7.x does not say which versions are soft-deleted; reading them one by one tells.
        told = not wanted.deleted or all(isinstance(entry, dict) and "deleted" in entry for entry in entries)
        if not told or not all(map(wire.is_complete, entries)):
            return None
        return self._parsed(lambda found: [wire.version(entry, wire.subject_of(entry)) for entry in found], entries)

    # --- one thing ---------------------------------------------------------------------------------------------------

    async def version(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> Version | None:
        answer = await self._find("subjects", _segment(subject), "versions", str(number), **_shown(deleted=deleted))
        found = self._about(subject, answer)
        if found is None or not deleted or "deleted" in answer:
            return found
        return found if found.number in await self.numbers(subject) else replace(found, deleted=True)

    async def schema(self, schema_id: int, *, context: str = DEFAULT_CONTEXT) -> Schema | None:
        answer = await self._find("schemas", "ids", str(schema_id), **_within(context))
        return None if answer is None else self._parsed(wire.schema, answer)

    async def holders(
        self, schema_id: int, *, context: str = DEFAULT_CONTEXT, deleted: bool = False
    ) -> list[tuple[Subject, int]]:
        query = {**_within(context), **_shown(deleted=deleted)}
        answer = await self._find("schemas", "ids", str(schema_id), "versions", **query)
        return [] if answer is None else sorted(self._parsed(lambda found: wire.holders(found, context), answer))

    async def lookup(
        self, subject: Subject, schema: Schema, *, normalize: bool = False, deleted: bool = False
    ) -> Version | None:
        query = {**_normalized(normalize=normalize), **_shown(deleted=deleted)}
        call = Call("POST", ("subjects", _segment(subject)), query, wire.body(schema))
        try:
            return self._about(subject, await self._rest.send(call), like=schema)
        except NotFoundError:
            return None

    async def check(self, subject: Subject, schema: Schema, *, number: Number | None = None) -> Verdict:
        against = () if number is None else (str(number),)
        path = ("compatibility", "subjects", _segment(subject), "versions", *against)
        answer = await self._rest.send(Call("POST", path, {"verbose": True}, wire.body(schema)))
        return self._parsed(wire.verdict, answer)

    async def referrers(self, subject: Subject, number: Number = "latest") -> list[int]:
        found: list[int] = []
        while True:
            path = ("subjects", _segment(subject), "versions", str(number), "referencedby")
            page = self._parsed(wire.numbers, await self._get(*path, offset=len(found), limit=PAGE))
            found += page
            if len(page) < PAGE:
                return sorted(set(found))

    # --- writes ------------------------------------------------------------------------------------------------------

    async def register(
        self,
        subject: Subject,
        schema: Schema,
        *,
        schema_id: int | None = None,
        number: int | None = None,
        normalize: bool = False,
    ) -> Version:
        path = ("subjects", _segment(subject), "versions")
        body = wire.body(schema, schema_id=schema_id, number=number)
        answer = await self._rest.send(Call("POST", path, _normalized(normalize=normalize), body, writes=True))
        registered = await self._registered(answer, subject, schema, number=number, normalize=normalize)
        if schema_id not in (None, registered.id) or number not in (None, registered.number):
            raise self._not_kept(registered, schema_id=schema_id, number=number)
        return registered

    async def delete_version(self, subject: Subject, number: int, *, permanent: bool = False) -> None:
        await self._delete("subjects", _segment(subject), "versions", str(number), permanent=permanent)

    async def delete_subject(self, subject: Subject, *, permanent: bool = False) -> list[int]:
        answer = await self._delete("subjects", _segment(subject), permanent=permanent)
        return sorted(self._parsed(wire.numbers, answer))

    async def delete_context(self, context: str) -> None:
        await self._delete("contexts", f":{context}:")

    # --- settings ----------------------------------------------------------------------------------------------------

    async def config(self, scope: Subject, *, inherited: bool = False) -> Json | None:
        """For the default context, the own configuration and the server's default are one: it always answers."""
        answer = await self._find("config", *_scope(scope), **_in_force(inherited))
        return None if answer is None else self._parsed(wire.config, answer)

    async def set_config(self, scope: Subject, config: Json) -> None:
        await self._put("config", *_scope(scope), body=config)

    async def delete_config(self, scope: Subject) -> None:
        await self._delete("config", *_scope(scope))

    async def mode(self, scope: Subject, *, inherited: bool = False) -> Mode | None:
        answer = await self._find("mode", *_scope(scope), **_in_force(inherited))
        return None if answer is None else self._parsed(wire.mode, answer)

    async def set_mode(self, scope: Subject, mode: Mode, *, force: bool = False) -> None:
        await self._put("mode", *_scope(scope), body={"mode": mode.value}, query={"force": True} if force else {})

    async def delete_mode(self, scope: Subject) -> None:
        await self._delete("mode", *_scope(scope))

    async def highest_id(self, *, context: str = DEFAULT_CONTEXT) -> int:
        """Asks for any id of the context, then for the highest beside it; 7.x does not tell and is listed instead."""
        listing = await self._get("schemas", subjectPrefix=_prefix(context, ""), deleted=True, offset=0, limit=1)
        entries = self._parsed(wire.entries, listing)
        if not entries:
            return 0
        known = self._parsed(lambda found: wire.whole(found, "id"), entries[0])
        if known is not None:
            answer = await self._find("schemas", "ids", str(known), **_within(context), fetchMaxId=True)
            highest = None if answer is None else self._parsed(lambda found: wire.whole(found, "maxId"), answer)
            if highest is not None:
                return highest
        return max([version.id async for version in self.versions(context=context, deleted=True)], default=0)

    # --- asking ------------------------------------------------------------------------------------------------------

    async def _get(self, *path: str, **query: str | int | bool) -> Any:
        return await self._rest.send(Call("GET", path, query))

    async def _find(self, *path: str, **query: str | int | bool) -> Any:
        """The answer, or None where the registry says that there is no such thing; an unknown path is an error."""
        try:
            return await self._get(*path, **query)
        except SchemaMcpError as error:
            if error.details.get("error_code") in _ABSENT:
                return None
            raise

    async def _put(self, *path: str, body: Json, query: Query | None = None) -> None:
        await self._rest.send(Call("PUT", path, query or {}, body, writes=True))

    async def _delete(self, *path: str, permanent: bool = False) -> Any:
        return await self._rest.send(Call("DELETE", path, {"permanent": True} if permanent else {}, writes=True))

    def _about(self, subject: Subject, answer: Any, *, like: Schema | None = None) -> Version | None:
        """The version in an answer, if it is one of this subject: other contexts and aliases do not count."""
        if answer is None or not self._parsed(lambda found: wire.is_about(found, subject), answer):
            return None
        return self._parsed(lambda found: wire.version(found, subject, like=like), answer)

    async def _registered(
        self, answer: Any, subject: Subject, schema: Schema, *, number: int | None, normalize: bool
    ) -> Version:
        if wire.is_registration(answer):
            return self._parsed(lambda found: wire.version(found, subject, like=schema), answer)
        # 7.x answers with the id alone: what it kept, and as which version, is read back.
        found = (
            await self.lookup(subject, schema, normalize=normalize)
            if number is None
            else await self.version(subject, number)
        )
        if found is None or found.id != self._parsed(lambda told: wire.whole(told, "id"), answer):
            raise self._rest.replies.nonsense("to a registration, but does not show what it registered", status=200)
        return found

    def _not_kept(self, registered: Version, *, schema_id: int | None, number: int | None) -> RegistryError:
        return RegistryError(
            f"{self.name} registered {registered.subject} as version {registered.number} with id {registered.id}, "
            f"not as version {number or registered.number} with id {schema_id}",
            hint="It does not keep what it is given here. What it registered is still there: look before going on.",
            details={"registry": self.name, "id": registered.id, "version": registered.number},
        )

    def _parsed(self, parse: Callable[[Any], Out], answer: Any) -> Out:
        try:
            return parse(answer)
        except (TypeError, KeyError, ValueError) as error:
            shown = json.dumps(answer)[:1_000]
            raise self._rest.replies.nonsense("with JSON of another shape", status=HTTPStatus.OK, body=shown) from error


def _segment(subject: Subject) -> str:
    """A subject as a path names it. `..` cannot stand in a path alone, but `:.:..` can, which means the same."""
    climbs = subject.context == DEFAULT_CONTEXT and subject.name in _CLIMBS
    return f":.:{subject.name}" if climbs else str(subject)


def _scope(scope: Subject) -> tuple[str, ...]:
    """What follows `/config` and `/mode`: nothing for the default context as a whole."""
    return () if scope == Subject("") else (_segment(scope),)


def _prefix(context: str | None, prefix: str) -> str:
    """What a list is cut down to: every context as `:*:`, the default one without a word."""
    match context:
        case None:
            return f":*:{prefix}"
        case str() if context == DEFAULT_CONTEXT and not prefix.startswith(":"):
            return prefix
        case _:
            return f":{context}:{prefix}"


def _within(context: str) -> Query:
    """Where an id is looked up."""
    return {} if context == DEFAULT_CONTEXT else {"subject": f":{context}:"}


def _shown(*, deleted: bool) -> Query:
    return {"deleted": True} if deleted else {}


def _normalized(*, normalize: bool) -> Query:
    return {"normalize": True} if normalize else {}


def _in_force(inherited: bool) -> Query:
    return {"defaultToGlobal": True} if inherited else {}


def _status(error: SchemaMcpError) -> object:
    return error.details.get("status")
