"""Store against registry: where they disagree, and which disagreements are spelling only."""

from collections.abc import Sequence

from schema_mcp.domain import drift
from schema_mcp.domain.drift import Drift, Kind, compare
from schema_mcp.domain.engine import canonical
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.schema import Version
from schema_mcp.registries.contract import Registry
from schema_mcp.services import snapshots
from schema_mcp.services.resolution import stored_whole
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore


async def detect_in(
    registries: Sequence[Registry], store: SchemaStore, selection: Selection
) -> list[tuple[str, Drift]]:
    """Every disagreement between the store and each registry, with the registry's name.

    Raises `RegistryError` when a registry does not answer: unreachable is never "in sync".
    """
    await store.refresh()
    found = await each(registries, lambda registry: _detect(registry, store, selection))
    return [(registry.name, one) for registry, many in zip(registries, found, strict=True) for one in many]


async def _detect(registry: Registry, store: SchemaStore, selection: Selection) -> list[Drift]:
    wish = snapshots.of_store(store, registry.name, selection.wants)
    found = await snapshots.of_registry(
        registry,
        selection.wants,
        settings_of=wish.settings,
        prefix=selection.listing,
        context=selection.listing_context,
    )
    return await told_apart(compare(wish, found), registry, store)


async def told_apart(found: Sequence[Drift], registry: Registry, store: SchemaStore) -> list[Drift]:
    """The same drift, differences of content told exactly: those of spelling only are cosmetic."""
    return await each(found, lambda one: _told_apart(one, registry, store))


async def _told_apart(one: Drift, registry: Registry, store: SchemaStore) -> Drift:
    if one.kind is not Kind.CONTENT:
        return one
    stored = store.version(one.subject, one.number)
    there = await registry.version(one.subject, one.number)
    if stored is None or there is None:
        return one
    same = await _same_text(stored.version, there, store)
    return drift.told_apart(one, stored.version.schema, there.schema, same_text=same)


async def _same_text(here: Version, there: Version, store: SchemaStore) -> bool:
    """Do both texts normalise to one? A text that cannot be parsed is different."""
    try:
        ours = canonical(await stored_whole(here, store), normalize=True)
        theirs = canonical(await stored_whole(there, store), normalize=True)
    except InvalidSchemaError:
        return False
    return ours.text == theirs.text
