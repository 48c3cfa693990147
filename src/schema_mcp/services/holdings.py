"""What is exported: versions of a registry or of the store, read once, and the settings that belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.manifest import Setting
from schema_mcp.domain.naming import GLOBAL_CONTEXT
from schema_mcp.domain.schema import Json, Subject, Version
from schema_mcp.registries.contract import LEVEL_KEYS, Capability, Registry, level_of
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import inventory
from schema_mcp.services.ground import Report
from schema_mcp.services.judgement import Side
from schema_mcp.services.resolution import Finder
from schema_mcp.services.selection import Selection
from schema_mcp.stores.schemastore import SchemaStore

_TOLD_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a selection: all versions or the latest, soft-deleted ones, the settings."""

    latest: bool = False
    deleted: bool = False
    settings: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """Versions by subject and number, and settings."""

    side: Side
    versions: Sequence[Version]
    settings: Sequence[Setting] = field(default=())

    @property
    def finders(self) -> list[Finder]:
        """Where referenced schemas are: among these versions, before anybody is asked."""
        known = {(version.subject, version.number): version for version in self.versions}

        async def find(subject: Subject, number: int) -> Version | None:
            return known.get((subject, number))

        return [find, *self.side.finders]


async def read(side: Side, selection: Selection, extent: Extent, report: Report) -> Holding:
    """What a side holds of a selection.

    Raises `NotFoundError` where that is nothing, `RegistryError` where the registry changes while it is read.
    """
    told = await _progress(side, selection, extent, report)
    versions = await _versions(side, selection, extent, told)
    if not versions:
        raise NotFoundError(f"{side.name} has no subject of that selection", hint="list_subjects tells what is there.")
    versions.sort(key=lambda one: (one.subject, one.number))
    settings = await _settings_of(side, selection, versions, told) if extent.settings else list[Setting]()
    await told.end(f"{len(versions):,} versions read")
    return Holding(side, versions, settings)


@dataclass(slots=True)
class _Progress:
    """How much is read: a part for each subject's versions, and one for each scope's settings."""

    report: Report
    total: int
    before: int = 0

    async def __call__(self, done: float, total: float | None, message: str) -> None:
        del total  # of one stage only
        await self.report(self.before + done, max(self.total, self.before + done), message)

    async def end(self, message: str) -> None:
        await self.report(self.total, self.total, message)


async def _progress(side: Side, selection: Selection, extent: Extent, report: Report) -> _Progress:
    if side.registry is None:
        return _Progress(report, 1)
    deleted = extent.deleted and Capability.SOFT_DELETE in side.registry.capabilities
    listed = await inventory.subjects(side.registry, selection, deleted=deleted)
    return _Progress(report, len(listed) * (2 if extent.settings else 1))


async def _versions(side: Side, selection: Selection, extent: Extent, told: _Progress) -> list[Version]:
    if side.registry is None:
        return await _stored(side.store, selection, extent)
    registry, found, subjects = side.registry, list[Version](), set[Subject]()
    deleted = extent.deleted and Capability.SOFT_DELETE in registry.capabilities
    async for version in registry.versions(
        context=selection.listing_context, prefix=selection.listing, deleted=deleted, latest_only=extent.latest
    ):
        if selection.wants(version.subject):
            found.append(version)
            subjects.add(version.subject)
            if len(found) % _TOLD_EVERY == 0:
                await told(len(subjects), None, f"{len(found):,} versions of {registry.name} read")
    await inventory.refuse_moved(registry, selection, subjects, deleted=deleted)
    return found


async def _stored(store: SchemaStore, selection: Selection, extent: Extent) -> list[Version]:
    await store.refresh()
    found: list[Version] = []
    for subject in filter(selection.wants, store.subjects()):
        several = [one.version for one in store.history(subject) if extent.deleted or not one.version.deleted]
        found += several[-1:] if extent.latest else several
    return found


async def _settings_of(
    side: Side, selection: Selection, versions: Sequence[Version], told: _Progress
) -> Sequence[Setting]:
    subjects = sorted({version.subject for version in versions})
    if side.registry is None:
        return _wished(side.store, selection, subjects)
    return await _settings(side.registry, selection, subjects, told)


async def _settings(
    registry: Registry, selection: Selection, subjects: Sequence[Subject], told: _Progress
) -> list[Setting]:
    contexts = await inventory.contexts(registry, selection)
    if contexts and selection.context is None and Capability.CONTEXTS in registry.capabilities:
        contexts = [GLOBAL_CONTEXT, *contexts]
    scopes = [Subject("", context) for context in contexts if _may_read(registry, context)]
    told.before, told.total = len(subjects), len(subjects) + len(scopes) + len(subjects)
    own = await inventory.settings(registry, [*scopes, *subjects], told)
    return [Setting(scope, one.config or None, one.mode) for scope, one in own.items() if one.config or one.mode]


def _may_read(registry: Registry, context: str) -> bool:
    return not isinstance(registry, GuardedRegistry) or registry.permits(Scope.READ, Subject("", context))


def _wished(store: SchemaStore, selection: Selection, subjects: Sequence[Subject]) -> list[Setting]:
    """What the store declares, as a registry would have it."""
    found: list[Setting] = []
    if not (selection.subjects or selection.prefix):
        for context in sorted({subject.context for subject in subjects}):
            wish = store.context_wish(context)
            found.append(Setting(Subject("", context), _config(wish.level, wish.defaults), wish.mode))
    for subject in subjects:
        wish = store.wish(subject)
        found.append(Setting(subject, _config(wish.level, None), wish.mode))
    return [one for one in found if one.config or one.mode]


def _config(level: str | None, defaults: Json | None) -> Json | None:
    fields = {name: value for name, value in (defaults or {}).items() if name not in LEVEL_KEYS}
    level = level or level_of(defaults)
    return fields | ({"compatibilityLevel": level} if level else {}) or None
