"""What a registry holds of a selection, read once and as the store would keep it: canonical, with digests."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from anyio import to_thread

from schema_mcp.domain.errors import InvalidSchemaError, RegistryError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.naming import GLOBAL_CONTEXT
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Mode, Schema, Subject, Version
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services.digests import kept
from schema_mcp.services.ground import Report
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each

_BATCH = 200
_TOLD_EVERY = 1_000
_SCOPES_TOLD_EVERY = 100
"""Scopes are asked one by one, versions a page at a time."""


@dataclass(frozen=True, slots=True)
class Item:
    """One version with its digest; where the store cannot hold it, `problem` says why."""

    version: Version
    digest: str
    problem: str = ""

    @property
    def place(self) -> Place:
        return self.version.subject, self.version.number


@dataclass(frozen=True, slots=True)
class Own:
    """What a scope has of its own: its configuration as the registry names it, and its mode.

    A product without configurations, or without modes, says nothing of them, which is not the same as having none.
    """

    config: Json
    mode: Mode | None
    has_config: bool = True
    has_modes: bool = True


async def versions(
    registry: Registry, selection: Selection, known: Callable[[Place], str], report: Report
) -> list[Item]:
    """Every version selected, soft-deleted ones too, sorted; a content that is `known` comes without its text.

    Raises `RegistryError` where the registry does not answer, or changed while it was read.
    """
    items: list[Item] = []
    batch: list[Version] = []
    soft = Capability.SOFT_DELETE in registry.capabilities

    async def take_in() -> None:
        items.extend(await to_thread.run_sync(lambda: [_item(one, known) for one in batch]))
        if len(items) % _TOLD_EVERY < len(batch):
            await report(len(items), None, f"{len(items):,} versions of {registry.name} read")
        batch.clear()

    async for version in registry.versions(context=selection.listing_context, prefix=selection.listing, deleted=soft):
        if selection.wants(version.subject):
            batch.append(version)
        if len(batch) == _BATCH:
            await take_in()
    await take_in()
    await refuse_moved(registry, selection, {item.version.subject for item in items}, deleted=soft)
    return sorted(items, key=lambda item: item.place)


async def settings(registry: Registry, scopes: Sequence[Subject], report: Report) -> dict[Subject, Own]:
    """What each scope has of its own."""
    configs, modes = (one in registry.capabilities for one in (Capability.CONFIG, Capability.MODES))
    done = 0

    async def ask(scope: Subject) -> Own:
        nonlocal done
        config = await registry.config(scope) if configs else None
        mode = await registry.mode(scope) if modes else None
        done += 1
        if done % _SCOPES_TOLD_EVERY == 0:
            await report(done, len(scopes), f"settings of {done:,} of {len(scopes):,} scopes read")
        return Own(config or {}, mode, configs, modes)

    return dict(zip(scopes, await each(scopes, ask), strict=True))


async def contexts(registry: Registry, selection: Selection) -> list[str]:
    """The contexts that are selected as a whole, so that their own settings belong to the question."""
    if selection.subjects or selection.prefix:
        return []
    listed = await registry.contexts() if Capability.CONTEXTS in registry.capabilities else [DEFAULT_CONTEXT]
    return [one for one in listed if one != GLOBAL_CONTEXT and selection.context in (None, one)]


def _item(version: Version, known: Callable[[Place], str]) -> Item:
    place, told = (version.subject, version.number), schema_hash(version.schema)
    if told == known(place):
        return Item(_without_text(version), told)
    try:
        schema = kept(version.schema)
    except InvalidSchemaError as error:
        return Item(_without_text(version), told, f"the store cannot read it: {error}")
    digest = schema_hash(schema)
    return Item(replace(version, schema=schema) if digest != known(place) else _without_text(version), digest)


def _without_text(version: Version) -> Version:
    schema = version.schema
    return replace(version, schema=Schema("", schema.type, schema.references))


async def subjects(registry: Registry, selection: Selection, *, deleted: bool) -> set[Subject]:
    """The selected subjects that a registry lists."""
    listing: Callable[..., Awaitable[list[Subject]]] = registry.subjects
    there = await listing(context=selection.listing_context, prefix=selection.listing, deleted=deleted)
    return {one for one in there if selection.wants(one)}


async def refuse_moved(registry: Registry, selection: Selection, seen: set[Subject], *, deleted: bool) -> None:
    """Raise `RegistryError` where a registry lists other subjects by now than those that were read."""
    moved = sorted(await subjects(registry, selection, deleted=deleted) ^ seen)
    if moved:
        raise RegistryError(
            f"{registry.name} does not list the same subjects twice: {', '.join(map(str, moved[:5]))}",
            hint="Somebody is registering or deleting there: try again when it is quiet.",
            details={"registry": registry.name, "subjects": [str(one) for one in moved[:100]]},
        )
