"""Store against registry: where they disagree, which disagreements the product is known for, and since when."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from anyio import to_thread

from schema_mcp.domain import drift
from schema_mcp.domain.drift import Drift, Kind, Snapshot, compare
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import InvalidSchemaError, SchemaMcpError
from schema_mcp.domain.references import Place
from schema_mcp.domain.rewrites import Normalisers, Rewrite, habit, of_text
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.registries.normalisers import normalisers_of
from schema_mcp.services import snapshots
from schema_mcp.services.glances import versions_at
from schema_mcp.services.resolution import stored_whole
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore
from schema_mcp.stores.sightings import Sight, Sightings, what

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sides:
    """What the store wants a registry to hold, what it holds, and where the two disagree."""

    registry: str
    wanted: Snapshot
    found: Snapshot
    drift: Sequence[Drift]

    @property
    def in_sync(self) -> bool:
        return not any(one.matters for one in self.drift)


AT_ONCE = 8
"""Registries that are swept side by side."""


async def swept(registries: Sequence[Registry], store: SchemaStore, selection: Selection) -> list[Sides]:
    """The store against each registry.

    Raises `RegistryError` when a registry does not answer: unreachable is never "in sync".
    """
    await store.refresh()
    return await each(registries, lambda registry: between(registry, store, selection), at_once=AT_ONCE)


async def between(registry: Registry, store: SchemaStore, selection: Selection) -> Sides:
    """The store, as last refreshed, against one registry."""
    view = store.still()  # a thread takes its time, and others may commit
    wanted = await to_thread.run_sync(snapshots.of_store, view, registry.name, selection.wants, selection.subjects)
    found = await snapshots.of_registry(
        registry,
        selection.wants,
        settings_of=wanted.settings,
        prefix=selection.listing,
        context=selection.listing_context,
        subjects=selection.subjects,
    )
    return Sides(registry.name, wanted, found, await disagreements(wanted, found, registry, store))


async def ages(sides: Sides, sightings: Sightings, selection: Selection, now: datetime) -> Mapping[Drift, datetime]:
    """Since when each drift has been there, as far as that was noted; spelling has no age.

    Notes what is new and forgets what is gone. Where our own files fail, drift is told without its age.
    """
    sights = {one: Sight(one.subject, one.number, what(one.kind, one.detail)) for one in sides.drift if one.matters}
    try:
        since = await sightings.since(sides.registry, list(sights.values()), selection.wants, now)
    except SchemaMcpError as error:
        _log.warning("the age of drift is not known: %s", error)
        return {}
    return {one: since[sight] for one, sight in sights.items() if sight in since}


async def disagreements(wanted: Snapshot, found: Snapshot, registry: Registry, store: SchemaStore) -> list[Drift]:
    """Where they disagree, told exactly: what the registry's product is known to rewrite is cosmetic."""
    known = normalisers_of(registry)
    differing = await to_thread.run_sync(_differing, wanted, found, known)
    contents = await _contents(differing, registry, store)
    texts = await _mergeable(differing, store, known)
    return await to_thread.run_sync(_told, differing, contents, texts, known)


def _differing(wanted: Snapshot, found: Snapshot, known: Normalisers) -> list[Drift]:
    if habit(known, Rewrite.NUMBERS):
        found = replace(found, versions=drift.renumbered(wanted.versions, found.versions))
    return [drift.own_number(one, known) for one in compare(wanted, found)]


_Pair: TypeAlias = tuple[Whole, Whole]


async def _contents(differing: Sequence[Drift], registry: Registry, store: SchemaStore) -> dict[Place, _Pair]:
    """Both sides of each difference of content, with all they reference; what has gone meanwhile is left out."""
    places = [(one.subject, one.number) for one in differing if one.kind is Kind.CONTENT]
    there = await versions_at(registry, places) if places else {}

    async def pair(place: Place) -> _Pair | None:
        stored = store.version(*place)
        if stored is None or place not in there:
            return None
        try:
            return await stored_whole(stored.version, store), await stored_whole(there[place], store)
        except InvalidSchemaError:  # a reference that nobody has
            return Whole(stored.version.schema), Whole(there[place].schema)

    pairs = zip(places, await each(places, pair), strict=True)
    return {place: both for place, both in pairs if both}


async def _mergeable(differing: Sequence[Drift], store: SchemaStore, known: Normalisers) -> dict[Subject, list[Whole]]:
    """The live versions of subjects of which some are missing, where a product may take one for another."""
    if not any(one.merges for one in known):
        return {}
    subjects = list(dict.fromkeys(one.subject for one in differing if one.kind is Kind.MISSING))

    async def wholes(subject: Subject) -> list[Whole]:
        live = [one.version for one in store.history(subject) if not one.version.deleted]
        return [await stored_whole(version, store) for version in live] if len(live) > 1 else []

    histories = zip(subjects, await each(subjects, wholes), strict=True)
    return {subject: history for subject, history in histories if history}


def _told(
    differing: Sequence[Drift],
    contents: Mapping[Place, _Pair],
    texts: Mapping[Subject, Sequence[Whole]],
    known: Normalisers,
) -> list[Drift]:
    return sorted(_exactly(one, contents, texts, known) for one in differing)


def _exactly(
    one: Drift, contents: Mapping[Place, _Pair], texts: Mapping[Subject, Sequence[Whole]], known: Normalisers
) -> Drift:
    pair = contents.get((one.subject, one.number))
    if one.kind is Kind.CONTENT and pair:
        ours, theirs = pair
        return drift.told_apart(one, ours.schema, theirs.schema, text=of_text(ours, theirs), known=known)
    if one.kind is Kind.MISSING and one.subject in texts:
        return _as_merged(one, texts[one.subject], known)
    return one


def _as_merged(one: Drift, history: Sequence[Whole], known: Normalisers) -> Drift:
    """The same, where the product takes the missing version for an earlier one."""
    new = next(version for version in history if version.number == one.number)
    for old in (version for version in history if version.number < new.number):
        rewrite = of_text(old, new) if new.schema.references == old.schema.references else None
        said = habit(known, rewrite, new.schema.type) if rewrite else None
        if said and said.merges:
            return drift.merged(one, old.number, said, known)
    return one
