"""A bundle as a registry that only answers, so that restoring one is moving from a registry to another.

Nobody configures it: it is a guest of the fleet for as long as its content is planned or moved.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.contracts import has_properties
from schema_mcp.domain.errors import InvalidRequestError, ReadOnlyError
from schema_mcp.domain.identity import guid_of
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Mode, Schema, Subject, Version
from schema_mcp.registries.contract import Capability, Connection, Deployment, Info, Number, Registry, Verdict
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry

_CANNOT_SAY = frozenset({Capability.COMPATIBILITY, Capability.EXPLANATIONS, Capability.FORMS})


@dataclass(frozen=True, slots=True)
class Own:
    """What a scope has of its own in a bundle."""

    config: Json | None = None
    mode: Mode | None = None


async def _refused(*_: object, **__: object) -> NoReturn:
    raise ReadOnlyError("A bundle takes no writes", hint="Nothing was changed.")


class BundleRegistry:
    """Versions and settings at one moment, in memory. Every write is refused."""

    capabilities = frozenset(Capability) - _CANNOT_SAY

    def __init__(self, name: str, versions: Iterable[Version], settings: Mapping[Subject, Own]) -> None:
        self.name = name
        self._settings = settings
        self._versions: dict[Subject, dict[int, Version]] = {}
        for version in sorted(versions, key=lambda one: (one.subject, one.number)):
            self._versions.setdefault(version.subject, {})[version.number] = version

    async def close(self) -> None:
        """There is nothing to close."""

    async def info(self) -> Info:
        return Info("bundle", "")

    async def deployment(self) -> Deployment:
        return Deployment()

    async def types(self) -> list[str]:
        return sorted({one.schema.type for one in self._every})

    async def contexts(self) -> list[str]:
        scopes = {scope.context for scope in [*self._versions, *self._settings]}
        return sorted(scopes | {DEFAULT_CONTEXT})

    async def subjects(self, *, context: str | None = None, prefix: str = "", deleted: bool = False) -> list[Subject]:
        return [
            one
            for one, numbers in self._versions.items()
            if context in (None, one.context)
            and one.name.startswith(prefix)
            and (deleted or any(not version.deleted for version in numbers.values()))
        ]

    async def numbers(self, subject: Subject, *, deleted: bool = False) -> list[int]:
        return [number for number, one in self._versions.get(subject, {}).items() if deleted or not one.deleted]

    async def version(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> Version | None:
        known = await self.numbers(subject, deleted=deleted)
        if number == "latest":
            return self._versions[subject][known[-1]] if known else None
        return self._versions[subject][number] if number in known else None

    async def versions(
        self, *, context: str | None = None, prefix: str = "", deleted: bool = False, latest_only: bool = False
    ) -> AsyncIterator[Version]:
        for subject in await self.subjects(context=context, prefix=prefix, deleted=deleted):
            numbers = await self.numbers(subject, deleted=deleted)
            for number in numbers[-1:] if latest_only else numbers:
                yield self._versions[subject][number]

    async def schema(self, schema_id: int, *, context: str = DEFAULT_CONTEXT) -> Schema | None:
        return next((one.schema for one in self._held(schema_id, context)), None)

    async def by_guid(self, guid: str) -> Schema | None:
        return next((one.schema for one in self._every if guid_of(one.schema) == guid), None)

    async def ids(self, guid: str) -> Mapping[str, int]:
        return {one.subject.context: one.id for one in self._every if guid_of(one.schema) == guid}

    async def text(self, *_: object, **__: object) -> str | None:
        raise InvalidRequestError("A bundle has its texts as they were registered", hint="Ask for a version.")

    async def by_metadata(
        self, subject: Subject, properties: Mapping[str, str], *, deleted: bool = False
    ) -> Version | None:
        known = [self._versions[subject][number] for number in await self.numbers(subject, deleted=deleted)]
        return next((one for one in reversed(known) if has_properties(one.schema.metadata, properties)), None)

    async def holders(
        self, schema_id: int, *, context: str = DEFAULT_CONTEXT, deleted: bool = False
    ) -> list[tuple[Subject, int]]:
        return [(one.subject, one.number) for one in self._held(schema_id, context) if deleted or not one.deleted]

    async def lookup(
        self, subject: Subject, schema: Schema, *, normalize: bool = False, deleted: bool = False
    ) -> Version | None:
        del normalize
        known = await self.numbers(subject, deleted=deleted)
        return next(
            (one for one in map(self._versions.get(subject, {}).get, known) if one and one.schema == schema), None
        )

    async def check(self, *_: object, **__: object) -> Verdict:
        raise InvalidRequestError("A bundle does not check anything", hint="Ask the registry it is meant for.")

    async def referrers(self, subject: Subject, number: Number = "latest", *, deleted: bool = False) -> list[int]:
        version = await self.version(subject, number)
        if version is None:
            return []
        place = (subject, version.number)
        return sorted({one.id for one in self._every if (deleted or not one.deleted) and place in _uses(one)})

    async def config(self, scope: Subject, *, inherited: bool = False) -> Json | None:
        return next((own.config for own in self._own(scope, inherited=inherited) if own.config), None)

    async def mode(self, scope: Subject, *, inherited: bool = False) -> Mode | None:
        return next((own.mode for own in self._own(scope, inherited=inherited) if own.mode), None)

    async def highest_id(self, *, context: str = DEFAULT_CONTEXT) -> int:
        return max((one.id for one in self._every if one.subject.context == context), default=0)

    @property
    def _every(self) -> list[Version]:
        return [version for numbers in self._versions.values() for version in numbers.values()]

    def _held(self, schema_id: int, context: str) -> list[Version]:
        return [one for one in self._every if one.id == schema_id and one.subject.context == context]

    def _own(self, scope: Subject, *, inherited: bool) -> list[Own]:
        above = [Subject("", scope.context), Subject("")] if inherited else []
        return [self._settings[one] for one in dict.fromkeys([scope, *above]) if one in self._settings]

    register = amend = delete_version = delete_subject = delete_context = _refused
    set_config = delete_config = set_mode = delete_mode = _refused


def _uses(version: Version) -> list[tuple[Subject, int]]:
    return [(resolve(one.subject, version.subject), one.version) for one in version.schema.references]


class HostingFleet(Fleet):
    """A fleet with a bundle as its guest, for those alone who plan or move what is in it."""

    def __init__(self, host: Fleet, guest: BundleRegistry) -> None:
        super().__init__(
            host.connections.values(),
            default=host.default,
            opener=_opens_nothing,
            read_only=host.read_only,
            bounds=host.bounds,
        )
        self._host = host
        self.guest = GuardedRegistry(guest, closed_by="it is a bundle")

    @property
    def whole(self) -> Fleet:
        return self._host.whole

    def permitted(self, caller: Caller, asks: Scope) -> Fleet:
        return self._host.permitted(caller, asks)

    @property
    def writable(self) -> list[str]:
        return self._host.writable

    @property
    def opened(self) -> Mapping[str, GuardedRegistry]:
        return self._host.opened

    def connection(self, name: str | None = None) -> Connection:
        return self._host.connection(name)

    def get(self, name: str | None = None) -> GuardedRegistry:
        return self.guest if name == self.guest.name else self._host.get(name)

    def reading(self, name: str | None = None) -> GuardedRegistry:
        return self._host.reading(name)

    async def close(self) -> None:
        """The host is closed by whoever opened it."""


def _opens_nothing(connection: Connection) -> Registry:
    raise AssertionError(connection.name)
