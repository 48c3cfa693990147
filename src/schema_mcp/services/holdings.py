"""What is exported: versions of a registry or of the store, read once, and the settings that belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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
    """What a side holds of a selection, and its settings where the extent says so.

    Raises `NotFoundError` where that is nothing, `RegistryError` where the registry changes while it is read.
    """
    holding = await versions(side, selection, extent, report)
    return await with_settings(holding, selection, report) if extent.settings else holding


async def versions(side: Side, selection: Selection, extent: Extent, report: Report) -> Holding:
    """The versions alone; reports subjects. Raises as `read` does."""
    registry = side.registry
    found = await (_listed(registry, selection, extent, report) if registry else _stored(side.store, selection, extent))
    if not found:
        raise NotFoundError(f"{side.name} has no subject of that selection", hint="list_subjects tells what is there.")
    return Holding(side, sorted(found, key=lambda one: (one.subject, one.number)))


async def with_settings(holding: Holding, selection: Selection, report: Report) -> Holding:
    """The same with the settings that belong to it; reports scopes."""
    side, subjects = holding.side, sorted({version.subject for version in holding.versions})
    if side.registry is None:
        return replace(holding, settings=_wished(side.store, selection, subjects))
    return replace(holding, settings=await _settings(side.registry, selection, subjects, report))


async def _listed(registry: Registry, selection: Selection, extent: Extent, report: Report) -> list[Version]:
    found, subjects = list[Version](), set[Subject]()
    deleted = extent.deleted and Capability.SOFT_DELETE in registry.capabilities
    total = len(await inventory.subjects(registry, selection, deleted=deleted))
    async for version in registry.versions(
        context=selection.listing_context, prefix=selection.listing, deleted=deleted, latest_only=extent.latest
    ):
        if selection.wants(version.subject):
            found.append(version)
            subjects.add(version.subject)
            if len(found) % _TOLD_EVERY == 0:
                await report(len(subjects), total, f"{len(found):,} versions of {registry.name} read")
    await inventory.refuse_moved(registry, selection, subjects, deleted=deleted)
    return found


async def _stored(store: SchemaStore, selection: Selection, extent: Extent) -> list[Version]:
    await store.refresh()
    found: list[Version] = []
    for subject in filter(selection.wants, store.subjects()):
        several = [one.version for one in store.history(subject) if extent.deleted or not one.version.deleted]
        found += several[-1:] if extent.latest else several
    return found


async def _settings(
    registry: Registry, selection: Selection, subjects: Sequence[Subject], report: Report
) -> list[Setting]:
    contexts = await inventory.contexts(registry, selection)
    if contexts and selection.context is None and Capability.CONTEXTS in registry.capabilities:
        contexts = [GLOBAL_CONTEXT, *contexts]
    scopes = [Subject("", context) for context in contexts if _may_read(registry, context)]
    own = await inventory.settings(registry, [*scopes, *subjects], report)
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
