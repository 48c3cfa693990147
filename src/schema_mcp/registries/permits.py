"""What a caller may do in one registry: its guard for that caller, who neither sees nor changes what was not granted.

It stands where the guard stands, below every tool, plan and task. Reading needs the scope read at the place, writing
the scope of the tool that writes and at least write, taking away admin.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from schema_mcp.domain.caller import Bound, Caller, Scope
from schema_mcp.domain.errors import NotPermittedError
from schema_mcp.domain.naming import parse_subject, resolve, shown_context
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Mode, Reference, Schema, Subject, Version
from schema_mcp.registries.contract import Capability, Form, Number, TagChange, Tree, Verdict
from schema_mcp.registries.guard import GuardedRegistry

REGISTRY = Subject("")
"""The registry's own settings, which every context may inherit."""

_LAYERS = {
    "grant": "Whoever runs this server grants it, in access.yaml.",
    "limit": "It holds for everybody here; whoever runs this server set it, in access.yaml.",
}


@dataclass(frozen=True, slots=True)
class Permit:
    """What one caller may do in one registry; `asks` is the scope of the tool that is at work."""

    registry: str
    caller: Caller
    bound: Bound
    asks: Scope = Scope.READ

    @property
    def sees_registry(self) -> bool:
        """Whether there is anything to read for this caller."""
        return Scope.READ in self.caller.scopes_in(self.registry)

    @property
    def sees_all(self) -> bool:
        """Whether the caller may read all there is, now and later."""
        return self._is_granted_all(Scope.READ) and self.bound.is_open

    @property
    def writes_somewhere(self) -> bool:
        return Scope.WRITE in self.caller.scopes_in(self.registry) & self.bound.scope.implied

    def holds(self, scope: Scope, place: Subject) -> bool:
        """Whether the caller holds a scope for a subject, or for a whole context."""
        return scope in self.bound.scope.implied and self._sees(scope, place)

    def sees_context(self, context: str) -> bool:
        """Whether there is anything to read in a context."""
        admitted = not self.bound.contexts or context in self.bound.contexts
        return admitted and Scope.READ in self.caller.scopes_in(self.registry, context)

    def require(self, scope: Scope, place: Subject, deed: str = "This") -> None:
        """Raise `NotPermittedError` unless the caller holds the scope there."""
        if self.holds(scope, place):
            return
        granted = scope in self.caller.scopes_at(self.registry, place)
        raise self._refusal("limit" if granted else "grant", scope, _said(place), deed)

    def require_context(self, context: str) -> None:
        """Raise `NotPermittedError` where nothing in a context may be read."""
        if not self.sees_context(context):
            granted = Scope.READ in self.caller.scopes_in(self.registry, context)
            raise self._refusal("limit" if granted else "grant", Scope.READ, f"context {shown_context(context)}")

    def holds_all(self, scope: Scope) -> bool:
        """Whether the caller holds the scope for all there is, now and later."""
        return self._granted_all(scope) and scope in self.bound.scope.implied and self.bound.is_open

    def require_all(self, scope: Scope, deed: str) -> None:
        """Raise `NotPermittedError` unless the caller holds the scope for all there is."""
        if not self.holds_all(scope):
            layer = "limit" if self._granted_all(scope) else "grant"
            raise self._refusal(layer, scope, "the whole registry", deed)

    def require_any(self) -> None:
        """Raise `NotPermittedError` where nothing in the registry may be read."""
        if not self.sees_registry:
            raise self._refusal("grant", Scope.READ, "anything")

    def _is_granted_all(self, scope: Scope) -> bool:
        if self.caller.grants is None:
            return scope in self.caller.scopes
        return any(scope in one.scope.implied and one.reach.is_all_of(self.registry) for one in self.caller.grants)

    def _granted_all(self, scope: Scope) -> bool:
        grants = self.caller.grants
        if grants is None:
            return scope in self.caller.scopes
        return any(scope in one.scope.implied and one.reach.is_all_of(self.registry) for one in grants)

    def _sees(self, scope: Scope, place: Subject) -> bool:
        return self.bound.covers(place) and scope in self.caller.scopes_at(self.registry, place)

    def _refusal(self, layer: str, scope: Scope, place: str, deed: str = "This") -> NotPermittedError:
        return NotPermittedError(
            f"{deed} needs the scope {scope.value!r} for {place} in registry {self.registry!r}",
            hint=_LAYERS[layer],
            details={"layer": layer, "scope": scope.value, "registry": self.registry},
        )


def _said(place: Subject) -> str:
    return f"{str(place)[:200]!r}" if place.name else f"the whole context {shown_context(place.context)}"


class PermittedRegistry(GuardedRegistry):
    """A guarded registry as one caller may use it.

    Lists leave out what the caller may not read; a name that is asked for is refused. Every method of the protocol
    stands here by name, so that a new one is missing until somebody decides what it needs.
    """

    def __init__(self, guarded: GuardedRegistry, permit: Permit) -> None:
        super().__init__(guarded, closed_by=guarded.closed_by)
        self._permit = permit
        self._aliases: dict[Subject, Subject] = {}

    def require(self, scope: Scope, what: str, place: Subject | None = None) -> None:
        if place is not None:
            self._permit.require(scope, place, what)
        elif scope not in self._permit.caller.scopes_in(self.name) & self._permit.bound.scope.implied:
            self._permit.require(scope, Subject(""), what)

    def permits(self, scope: Scope, place: Subject) -> bool:
        if scope is Scope.READ and not place.name:
            return self._permit.sees_context(place.context)
        return self._permit.holds(scope, place)

    async def close(self) -> None:
        """It is the fleet's, which closes it."""

    # --- reads -------------------------------------------------------------------------------------------------------

    async def contexts(self) -> list[str]:
        return [one for one in await super().contexts() if self._permit.sees_context(one)]

    async def subjects(self, *, context: str | None = None, prefix: str = "", deleted: bool = False) -> list[Subject]:
        found = await super().subjects(context=context, prefix=prefix, deleted=deleted)
        return [one for one in found if self._sees(one)]

    async def numbers(self, subject: Subject, *, deleted: bool = False) -> list[int]:
        await self._read(subject)
        return await super().numbers(subject, deleted=deleted)

    async def version(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> Version | None:
        await self._read(subject)
        return await super().version(subject, number, deleted=deleted)

    async def versions(
        self, *, context: str | None = None, prefix: str = "", deleted: bool = False, latest_only: bool = False
    ) -> AsyncIterator[Version]:
        listed = super().versions(context=context, prefix=prefix, deleted=deleted, latest_only=latest_only)
        async for version in listed:
            if self._sees(version.subject):
                yield version

    async def schema(self, schema_id: int, *, context: str = ".") -> Schema | None:
        """The schema behind an id, where the caller may read the context, or one of the subjects that carry it."""
        if not self._sees(Subject("", context)):
            self._permit.require_context(context)
            if not await self.holders(schema_id, context=context, deleted=True):
                return None
        return await super().schema(schema_id, context=context)

    async def by_guid(self, guid: str) -> Schema | None:
        """The schema behind a GUID, where the caller may read one of the versions that hold it."""
        found = await super().by_guid(guid)
        if found is None or self._permit.sees_all:
            return found
        listed = self.versions(deleted=Capability.SOFT_DELETE in self.capabilities)
        return found if found in [one.schema async for one in listed] else None

    async def ids(self, guid: str) -> Mapping[str, int]:
        """The ids in those contexts where the caller may read one of the versions that hold it."""
        found = await super().ids(guid)
        if self._permit.sees_all:
            return found
        return {
            context: schema_id
            for context, schema_id in found.items()
            if self._permit.sees_context(context) and await self.holders(schema_id, context=context, deleted=True)
        }

    async def text(
        self, subject: Subject, form: Form, number: Number = "latest", *, deleted: bool = False
    ) -> str | None:
        """Another form may say what the version references, which the caller must be allowed to read then."""
        await self._read(subject)
        if not self._permit.sees_all:
            await self._read_behind(await super().version(subject, number, deleted=deleted), set())
        return await super().text(subject, form, number, deleted=deleted)

    async def by_metadata(
        self, subject: Subject, properties: Mapping[str, str], *, deleted: bool = False
    ) -> Version | None:
        await self._read(subject)
        return await super().by_metadata(subject, properties, deleted=deleted)

    async def holders(self, schema_id: int, *, context: str = ".", deleted: bool = False) -> list[tuple[Subject, int]]:
        held = await super().holders(schema_id, context=context, deleted=deleted)
        return [one for one in held if self._sees(one[0])]

    async def lookup(
        self, subject: Subject, schema: Schema, *, normalize: bool = False, deleted: bool = False
    ) -> Version | None:
        await self._read(subject)
        return await super().lookup(subject, schema, normalize=normalize, deleted=deleted)

    async def tree(self, version: Version, resolve: Callable[[], Awaitable[Tree]]) -> Tree:
        """What others have resolved may hold what this caller may not read."""
        found = await super().tree(version, resolve)
        for one in found.dependencies:
            await self._read(parse_subject(one.subject))
        return found

    async def check(
        self, subject: Subject, schema: Schema, *, number: Number | None = None, normalize: bool = False
    ) -> Verdict:
        await self._read(subject)
        return await super().check(subject, schema, number=number, normalize=normalize)

    async def referrers(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> list[int]:
        await self._read(subject)
        return await super().referrers(subject, number, deleted=deleted)

    async def config(self, scope: Subject, *, inherited: bool = False) -> Json | None:
        await self._read(scope)
        return await super().config(scope, inherited=inherited)

    async def mode(self, scope: Subject, *, inherited: bool = False) -> Mode | None:
        await self._read(scope)
        return await super().mode(scope, inherited=inherited)

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
        await self._write(subject)
        return await super().register(subject, schema, schema_id=schema_id, number=number, normalize=normalize)

    async def amend(self, subject: Subject, number: int, change: TagChange) -> Version:
        await self._write(subject)
        return await super().amend(subject, number, change)

    async def delete_version(self, subject: Subject, number: int, *, permanent: bool = False) -> None:
        await self._take_away(subject)
        await super().delete_version(subject, number, permanent=permanent)

    async def delete_subject(self, subject: Subject, *, permanent: bool = False) -> list[int]:
        await self._take_away(subject)
        return await super().delete_subject(subject, permanent=permanent)

    async def delete_context(self, context: str) -> None:
        await self._take_away(Subject("", context))
        await super().delete_context(context)

    async def set_config(self, scope: Subject, config: Json) -> None:
        await self._write(scope)
        await super().set_config(scope, config)

    async def delete_config(self, scope: Subject) -> None:
        await self._write(scope)
        await super().delete_config(scope)

    async def set_mode(self, scope: Subject, mode: Mode, *, force: bool = False) -> None:
        await self._write(scope)
        await super().set_mode(scope, mode, force=force)

    async def delete_mode(self, scope: Subject, *, recursive: bool = False) -> None:
        await self._write(scope)
        await super().delete_mode(scope, recursive=recursive)

    # -----------------------------------------------------------------------------------------------------------------

    def _sees(self, place: Subject) -> bool:
        return self._permit.holds(Scope.READ, place)

    async def _read(self, place: Subject) -> None:
        """What is set for a whole context is told to whoever may read something in it."""
        if place.name:
            await self._require(Scope.READ, place, "Reading")
        else:
            self._permit.require_context(place.context)

    async def _read_behind(self, version: Version | None, seen: set[Reference]) -> None:
        """What a version references, directly or not."""
        for reference in version.schema.references if version else ():
            place = resolve(reference.subject, version.subject) if version else REGISTRY
            pinned = replace(reference, subject=str(place))
            if pinned not in seen:
                seen.add(pinned)
                await self._read(place)
                await self._read_behind(await super().version(place, reference.version, deleted=True), seen)

    async def _write(self, place: Subject) -> None:
        # A tool that is for admins is for those who are admins there: switching a mode is part of registering, too.
        needed = self._permit.asks if self._permit.asks is not Scope.READ else Scope.WRITE
        await self._require(needed, place, "Writing")

    async def _take_away(self, place: Subject) -> None:
        await self._require(Scope.ADMIN, place, "Taking away")

    async def _require(self, scope: Scope, place: Subject, deed: str) -> None:
        if self._permit.holds_all(scope):
            return
        if place == REGISTRY:
            self._permit.require_all(scope, deed)
        self._permit.require(scope, place, deed)
        if place.name and Capability.CONFIG_FIELDS in self.capabilities:
            self._permit.require(scope, await self._meant(place), deed)

    async def _meant(self, place: Subject) -> Subject:
        """What a registry takes a name for: it follows aliases by itself, one step."""
        if place not in self._aliases:
            alias = (await super().config(place) or {}).get("alias")
            self._aliases[place] = _in_context(parse_subject(alias), place) if isinstance(alias, str) else place
        return self._aliases[place]


def _in_context(alias: Subject, place: Subject) -> Subject:
    return alias if alias.context != DEFAULT_CONTEXT else Subject(alias.name, place.context)
