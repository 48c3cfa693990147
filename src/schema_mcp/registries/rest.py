"""A registry over Confluent's REST API, in the dialect of its product; the body of every backend that speaks it.

Endpoints and their oddities: the recordings of Confluent 8.1.5. Three of them shape this file: reads of an unqualified
name search every context, `/schemas` gives at most its own limit, and 7.x answers a registration with the id alone.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from schema_mcp.domain.errors import NotFoundError, RegistryError
from schema_mcp.domain.identity import guid_of
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Mode, Schema, Subject, Version
from schema_mcp.registries import asking, configs, wire
from schema_mcp.registries.bulk import Wanted, every_version
from schema_mcp.registries.calls import Call
from schema_mcp.registries.contract import (
    Capability,
    Deployment,
    Form,
    Info,
    Number,
    TagChange,
    Verdict,
    level_of,
)
from schema_mcp.registries.dialects import NATIVE
from schema_mcp.registries.reading import aside
from schema_mcp.registries.recognition import UNKNOWN, beside
from schema_mcp.registries.speaking import NoSuchEndpointError, RestSpeaker

PAGE = 1_000
"""Confluent's default and largest page of schemas."""

_LONG_LIST = 1_000
"""A list of more names is read beside the event loop."""


class RestRegistry(RestSpeaker):
    """A registry that speaks Confluent's REST API."""

    async def info(self) -> Info:
        found = await self._recognise()
        if found is None:
            # Some that speak this API do not say what they are; the list of types proves that they answer.
            await self.types()
        return found or Info(self.product.product if self.product else UNKNOWN, UNKNOWN)

    async def deployment(self) -> Deployment:
        clusters, attributes = dict[str, str](), list[str]()
        with suppress(NoSuchEndpointError):
            clusters = self._parsed(wire.clusters, await self._offered("v1", "metadata", "id"))
        with suppress(NoSuchEndpointError):
            attributes = self._parsed(wire.attributes, await self._offered("v1", "metadata", "deployment"))
        return Deployment(clusters, tuple(attributes))

    async def types(self) -> list[str]:
        return sorted(self._parsed(wire.texts, await self._get("schemas", "types")))

    # --- lists -------------------------------------------------------------------------------------------------------

    async def contexts(self) -> list[str]:
        if not await self._can(Capability.CONTEXTS):
            return [DEFAULT_CONTEXT]
        return sorted(self._parsed(wire.contexts, await self._get("contexts")))

    async def subjects(self, *, context: str | None = None, prefix: str = "", deleted: bool = False) -> list[Subject]:
        wanted = Wanted(context, prefix)
        query = {**await self._cut_down(context, prefix), **asking.shown(deleted=deleted)}
        answer: Any = await self._get("subjects", **query) or []

        def read() -> list[Subject]:
            found = self._parsed(wire.subjects, answer)
            return sorted((subject for subject in found if wanted.covers(subject)), key=str)

        return await aside(read) if len(answer) > _LONG_LIST else read()

    async def numbers(self, subject: Subject, *, deleted: bool = False) -> list[int]:
        answer = await self._find("subjects", asking.segment(subject), "versions", **asking.shown(deleted=deleted))
        return [] if answer is None else sorted(self._parsed(wire.numbers, answer))

    def versions(
        self, *, context: str | None = None, prefix: str = "", deleted: bool = False, latest_only: bool = False
    ) -> AsyncIterator[Version]:
        """Pages of `GET /schemas`, checked against `GET /subjects`; subject by subject where they do not fit."""
        wanted = Wanted(context, prefix, deleted=deleted, latest_only=latest_only)
        return every_version(self, lambda offset: self._page(wanted, offset), wanted)

    async def _cut_down(self, context: str | None, prefix: str) -> asking.Query:
        """What a list of subjects is asked to leave out; without contexts, a plain prefix is all there is."""
        if await self._can(Capability.CONTEXTS):
            return {"subjectPrefix": asking.prefix(context, prefix)}
        return {"subjectPrefix": prefix} if prefix and Capability.PREFIX in self.capabilities else {}

    async def _page(self, wanted: Wanted, offset: int) -> list[Version] | None:
        if not await self._can(Capability.BULK_LISTING):
            return None
        query = {"subjectPrefix": asking.prefix(wanted.context, wanted.prefix), "offset": offset, "limit": PAGE}
        query |= asking.shown(deleted=wanted.deleted) | ({"latestOnly": True} if wanted.latest_only else {})
        try:
            answer = await self._offered("schemas", **query)
        except NoSuchEndpointError:
            return None
        # A thousand entries take a while: beside the event loop.
        return await aside(lambda: self._page_of(answer, wanted))

    def _page_of(self, answer: Any, wanted: Wanted) -> list[Version] | None:
        entries = self._parsed(wire.entries, answer)
        # 7.x does not say which versions are soft-deleted; reading them one by one tells.
        told = not wanted.deleted or all(isinstance(entry, dict) and "deleted" in entry for entry in entries)
        if not told or not all(map(wire.is_complete, entries)):
            return None
        return self._parsed(lambda found: [wire.version(entry, wire.subject_of(entry)) for entry in found], entries)

    # --- one thing ---------------------------------------------------------------------------------------------------

    async def version(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> Version | None:
        answer = await self._find(
            "subjects", asking.segment(subject), "versions", str(number), **asking.shown(deleted=deleted)
        )
        found = self._about(subject, answer)
        if found is None or not deleted or "deleted" in answer:
            return found
        return found if found.number in await self.numbers(subject) else replace(found, deleted=True)

    async def schema(self, schema_id: int, *, context: str = DEFAULT_CONTEXT) -> Schema | None:
        answer = await self._find("schemas", "ids", str(schema_id), **asking.within(context))
        return None if answer is None else self._parsed(wire.schema, answer)

    async def by_guid(self, guid: str) -> Schema | None:
        """Where the product has no GUIDs (7.x, and all others), whatever it holds is looked through for the content."""
        try:
            answer = await self._offered("schemas", "guids", guid)
        except NoSuchEndpointError:
            return await anext((one.schema async for one in self._with_guid(guid)), None)
        return None if answer is None else self._parsed(wire.schema, answer)

    async def ids(self, guid: str) -> Mapping[str, int]:
        try:
            answer = await self._offered("schemas", "guids", guid, "ids")
        except NoSuchEndpointError:
            return {one.subject.context: one.id async for one in self._with_guid(guid)}
        return {} if answer is None else self._parsed(wire.ids, answer)

    async def _with_guid(self, guid: str) -> AsyncIterator[Version]:
        async for version in self.versions(deleted=Capability.SOFT_DELETE in self.capabilities):
            if guid_of(version.schema) == guid:
                yield version

    async def text(
        self, subject: Subject, form: Form, number: Number = "latest", *, deleted: bool = False
    ) -> str | None:
        query = {"format": form.value, **asking.shown(deleted=deleted)}
        answer = await self._find("subjects", asking.segment(subject), "versions", str(number), **query)
        found = self._about(subject, answer)
        return found.schema.text if found else None

    async def by_metadata(
        self, subject: Subject, properties: Mapping[str, str], *, deleted: bool = False
    ) -> Version | None:
        query = {"key": tuple(properties), "value": tuple(properties.values()), **asking.shown(deleted=deleted)}
        answer = await self._find("subjects", asking.segment(subject), "metadata", **query)
        return self._about(subject, answer)

    async def holders(
        self, schema_id: int, *, context: str = DEFAULT_CONTEXT, deleted: bool = False
    ) -> list[tuple[Subject, int]]:
        query = {**asking.within(context), **asking.shown(deleted=deleted)}
        answer = await self._find("schemas", "ids", str(schema_id), "versions", **query)
        return [] if answer is None else sorted(self._parsed(lambda found: wire.holders(found, context), answer))

    async def lookup(
        self, subject: Subject, schema: Schema, *, normalize: bool = False, deleted: bool = False
    ) -> Version | None:
        query = {**asking.normalized(normalize=normalize), **asking.shown(deleted=deleted)}
        call = Call("POST", ("subjects", asking.segment(subject)), query, wire.body(schema))
        try:
            return self._about(subject, await self._send(call), like=schema)
        except NotFoundError:
            return None

    async def check(
        self, subject: Subject, schema: Schema, *, number: Number | None = None, normalize: bool = False
    ) -> Verdict:
        if number is None and not (await self._met()).checks_history:
            return await self._check_history(subject, schema, normalize=normalize)
        against = () if number is None else (str(number),)
        path = ("compatibility", "subjects", asking.segment(subject), "versions", *against)
        try:
            query = {"verbose": True, **asking.normalized(normalize=normalize)}
            answer = await self._send(Call("POST", path, query, wire.body(schema)))
        except NotFoundError:
            if isinstance(number, int) or await self.numbers(subject):
                raise
            return Verdict(compatible=True)  # there is nothing to break yet; Confluent says so, others 404
        return self._parsed(wire.verdict, answer)

    async def _check_history(self, subject: Subject, schema: Schema, *, normalize: bool) -> Verdict:
        """Version by version what the level in force asks for, newest first; the first refusal is the verdict."""
        level = level_of(await self.config(subject, inherited=True)) or ""
        every = sorted(await self.numbers(subject), reverse=True)
        for number in every if level.endswith("_TRANSITIVE") else every[:1]:
            verdict = await self.check(subject, schema, number=number, normalize=normalize)
            if not verdict.compatible:
                return verdict
        return Verdict(compatible=True)

    async def referrers(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> list[int]:
        found: list[int] = []
        if number == "latest":
            # AxonOps finds nobody who references `latest`.
            newest = await self.version(subject)
            number = newest.number if newest else number
        while True:
            path = ("subjects", asking.segment(subject), "versions", str(number), "referencedby")
            query = {"offset": len(found), "limit": PAGE, **asking.shown(deleted=deleted)}
            page = self._parsed(wire.numbers, await self._get(*path, **query))
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
        path = ("subjects", asking.segment(subject), "versions")
        body = wire.body(schema, schema_id=schema_id, number=number)
        answer = await self._send(Call("POST", path, asking.normalized(normalize=normalize), body, writes=True))
        registered = await self._registered(answer, subject, schema, number=number, normalize=normalize)
        if schema_id not in (None, registered.id) or number not in (None, registered.number):
            raise self._not_kept(registered, schema_id=schema_id, number=number)
        return registered

    async def amend(self, subject: Subject, number: int, change: TagChange) -> Version:
        path = ("subjects", asking.segment(subject), "versions", str(number), "tags")
        answer = await self._send(Call("POST", path, body=wire.tag_change(change), writes=True))
        if wire.is_registration(answer):
            return self._parsed(lambda found: wire.version(found, subject), answer)
        return self._read_back(answer, await self.version(subject, change.number or "latest"))

    async def delete_version(self, subject: Subject, number: int, *, permanent: bool = False) -> None:
        path = ("subjects", asking.segment(subject), "versions", str(number))
        await self._delete(*path, **asking.permanently(permanent=permanent))

    async def delete_subject(self, subject: Subject, *, permanent: bool = False) -> list[int]:
        answer = await self._delete("subjects", asking.segment(subject), **asking.permanently(permanent=permanent))
        return sorted(self._parsed(wire.numbers, answer))

    async def delete_context(self, context: str) -> None:
        await self._delete("contexts", f":{context}:")

    # --- settings ----------------------------------------------------------------------------------------------------

    async def config(self, scope: Subject, *, inherited: bool = False) -> Json | None:
        """For the default context, the own configuration and the server's default are one: it always answers."""
        answer = await self._find("config", *asking.scope(scope), **asking.in_force(inherited))
        found = None if answer is None else self._parsed(wire.config, answer)
        if scope.name and self._dialect.hides_origin:
            return await self._told_apart(scope, found, inherited=inherited)
        return found

    async def set_config(self, scope: Subject, config: Json) -> None:
        if (await self._met()).replaces_config:
            config = configs.merged(await self.config(scope) or {}, config)
        await self._put("config", *asking.scope(scope), body=config)

    async def delete_config(self, scope: Subject) -> None:
        if (await self._met()).hides_origin and await self.config(scope) is None:
            raise NotFoundError(f"{self.name}: {scope} has no configuration of its own", hint="It inherits one.")
        await self._delete("config", *asking.scope(scope))

    async def _told_apart(self, scope: Subject, found: Json | None, *, inherited: bool) -> Json | None:
        """A subject's configuration where the answer does not say whether it is its own."""
        if inherited:
            return found if found is not None else await self.config(Subject(""))
        if found is None or not await self.numbers(scope, deleted=True):
            return found
        return await configs.own_of_artifact(beside(self._connection, NATIVE, self._transport), scope, found)

    async def mode(self, scope: Subject, *, inherited: bool = False) -> Mode | None:
        if not await self._can(Capability.MODES):
            return Mode.READWRITE if inherited else None
        answer = await self._find("mode", *asking.scope(scope), **asking.in_force(inherited))
        return None if answer is None else self._parsed(wire.mode, answer)

    async def set_mode(self, scope: Subject, mode: Mode, *, force: bool = False) -> None:
        query: asking.Query = {"force": True} if force else {}
        await self._put("mode", *asking.scope(scope), body={"mode": mode.value}, query=query)

    async def delete_mode(self, scope: Subject, *, recursive: bool = False) -> None:
        query: asking.Query = {"recursive": True} if recursive else {}
        await self._delete("mode", *asking.scope(scope), **query)

    async def highest_id(self, *, context: str = DEFAULT_CONTEXT) -> int:
        """Asks for any id of the context, then for the highest beside it; 7.x does not tell and is listed instead."""
        if not await self._can(Capability.BULK_LISTING):
            return await self._highest_listed(context)
        listing = await self._get("schemas", subjectPrefix=asking.prefix(context, ""), deleted=True, offset=0, limit=1)
        entries = self._parsed(wire.entries, listing)
        if not entries:
            return 0
        known = self._parsed(lambda found: wire.whole(found, "id"), entries[0])
        if known is not None:
            answer = await self._find("schemas", "ids", str(known), **asking.within(context), fetchMaxId=True)
            highest = None if answer is None else self._parsed(lambda found: wire.whole(found, "maxId"), answer)
            if highest is not None:
                return highest
        return await self._highest_listed(context)

    async def _highest_listed(self, context: str) -> int:
        return max([version.id async for version in self.versions(context=context, deleted=True)], default=0)

    # -----------------------------------------------------------------------------------------------------------------

    async def _registered(
        self, answer: Any, subject: Subject, schema: Schema, *, number: int | None, normalize: bool
    ) -> Version:
        if wire.is_registration(answer):
            return self._parsed(lambda found: wire.version(found, subject, like=schema), answer)
        if number is not None:
            return self._read_back(answer, await self.version(subject, number))
        return self._read_back(answer, await self.lookup(subject, schema, normalize=normalize))

    def _read_back(self, answer: Any, found: Version | None) -> Version:
        """What a registration made where it answers with the id alone (7.x): the version that is there now."""
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
