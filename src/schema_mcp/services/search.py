"""Find schemas by names, fields, types, docs and tags, over every registry and the store, from an index kept fresh."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import TypeAlias

import anyio
from anyio import to_thread
from cachetools import LRUCache

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.errors import InvalidSchemaError, RegistryError, SchemaMcpError
from schema_mcp.domain.formats import Named
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Subject, Version
from schema_mcp.registries.contract import Basis, Registry
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.memory import is_away
from schema_mcp.services.resolution import LATEST, Finder, in_registry, in_store, whole
from schema_mcp.services.together import each
from schema_mcp.stores.index import Record
from schema_mcp.stores.schemastore import SchemaStore

STORE = "store"
FRESH = timedelta(seconds=15)
"""A registry is listed again after so long, and after every write of our own at once."""

_PATIENCE, _FIRST_PATIENCE = 2, 10
"""Seconds that a search waits for a registry: one whose content is known, and one that was never listed."""

_MOST_DOCUMENTS = 50_000
_MOST_MATCHES = 5
_AT_ONCE = 200
_MOST_ALONE = 50
"""So many subjects that we wrote to are read one by one; for more, a listing costs less."""

_WEIGHTS = {"subject": 8, "record": 5, "message": 5, "object": 5, "enum": 5, "field": 4, "tag": 4, "type": 2, "doc": 1}
_EXACT = 3


@dataclass(frozen=True, slots=True)
class Document:
    """What one schema can be found by: (kind, what to show, the words in lower case)."""

    entries: tuple[tuple[str, str, str], ...]
    haystack: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A subject that matches, where it was found, and why."""

    subject: Subject
    number: int
    id: int
    score: int
    found_in: tuple[str, ...]
    matches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first, and how far the search reached."""

    hits: list[Hit]
    searched: tuple[str, ...]
    unreachable: tuple[str, ...]
    remembered: tuple[str, ...]
    """Those of the searched that do not answer: their last known content was searched."""

    basis: Basis
    """Of what those hold."""


_Held: TypeAlias = dict[Subject, tuple[Version, Document]]


@dataclass(slots=True)
class _Shelf:
    """What one side (a registry or the store) holds: the latest version of each subject, with its document.

    `held` is never changed, because a search may be reading it: the next state is another one.
    """

    stamp: object = None
    changes: int = 0
    """How many writes of ours it knows."""

    asked_at: datetime | None = None
    listed_at: datetime | None = None
    stale: bool = False
    held: _Held = field(default_factory=dict[Subject, tuple[Version, Document]])
    records: dict[Subject, Record] = field(default_factory=dict[Subject, Record])
    """Of the store: what its documents were written from."""


class Index:
    """Documents by content, and what each side holds of them. One per server, kept in memory, bounded."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._documents: LRUCache[str, Document] = LRUCache(_MOST_DOCUMENTS)
        self._shelves: dict[str, _Shelf] = {}
        self._refreshing: dict[str, anyio.Lock] = {}

    async def store(self, store: SchemaStore) -> _Shelf:
        """The store's shelf, brought up to its head: only subjects whose latest version is another are read."""
        await store.refresh()
        async with self._lock(STORE):
            shelf = self._shelves.setdefault(STORE, _Shelf())
            if shelf.stamp != store.head:
                stamp, records = store.head, _latest_records(store)
                new = [subject for subject, record in records.items() if shelf.records.get(subject) != record]
                latest = [stored for subject in new if (stored := store.version(subject, "latest"))]
                extras = {one.version.subject: (*one.tags, one.description) for one in latest}
                written = await self._described([one.version for one in latest], [in_store(store)], extras)
                kept = {subject: one for subject, one in shelf.held.items() if subject in records}
                shelf.held, shelf.records, shelf.stamp = kept | written, records, stamp
            return shelf

    async def registry(self, fleet: Fleet, name: str, store: SchemaStore) -> _Shelf:
        """A registry's shelf, listed again when it is older than `FRESH`; what we wrote since is read by itself.

        While the registry is away, the shelf is what it was; a new one has the last listing that is remembered.
        """
        async with self._lock(name):
            shelf, now = self._shelves.setdefault(name, _Shelf()), self._clock()
            changes = fleet.get(name).changes
            count, ours = changes.count, changes.since(shelf.changes)
            try:
                if shelf.asked_at and now - shelf.asked_at <= FRESH and ours is not None and len(ours) <= _MOST_ALONE:
                    await self._mend(shelf, sorted(ours), fleet, name, store)
                else:
                    await self._list(shelf, fleet, name, store)
            except SchemaMcpError as error:
                if ours is None or ours or not shelf.asked_at or not is_away(error):
                    raise
                shelf.asked_at, shelf.stale = now, True
            shelf.changes = count
            return shelf

    async def _mend(self, shelf: _Shelf, ours: Sequence[Subject], fleet: Fleet, name: str, store: SchemaStore) -> None:
        if not ours:
            return
        registry = fleet.get(name)
        read = [one for one in await each(ours, registry.version) if one]
        written = await self._described(read, [in_store(store), in_registry(registry)], {})
        shelf.held = {subject: one for subject, one in shelf.held.items() if subject not in ours} | written

    async def _list(self, shelf: _Shelf, fleet: Fleet, name: str, store: SchemaStore) -> None:
        registry, now = fleet.reading(name), self._clock()
        listed = await _listed(registry, _PATIENCE if shelf.listed_at else _FIRST_PATIENCE)
        finders = [in_store(store), _among(listed), in_registry(fleet.reading(name))]
        shelf.held = await self._described(listed, finders, {})
        shelf.asked_at, shelf.stale = now, registry.basis.stale
        shelf.listed_at = now - timedelta(seconds=registry.basis.age or 0)

    def basis(self, shelf: _Shelf) -> Basis:
        """How old the content of a shelf is, and whether its registry is away."""
        age = (self._clock() - shelf.listed_at).total_seconds() if shelf.listed_at else 0.0
        return Basis(age or None, shelf.stale)

    def _lock(self, name: str) -> anyio.Lock:
        return self._refreshing.setdefault(name, anyio.Lock())

    async def _described(
        self, versions: Sequence[Version], finders: Sequence[Finder], extras: Mapping[Subject, Sequence[str]]
    ) -> _Held:
        """Each version with its document; only content that is new here is parsed, beside the event loop."""
        held: _Held = {}
        for start in range(0, len(versions), _AT_ONCE):
            tasks = [_Task(one, tuple(extras.get(one.subject, ()))) for one in versions[start : start + _AT_ONCE]]
            keys = await to_thread.run_sync(_keys, tasks)
            pairs = list(zip(keys, tasks, strict=True))
            new = {
                key: (await _whole(task.version, finders), task) for key, task in pairs if key not in self._documents
            }
            fresh = dict(zip(new, await to_thread.run_sync(_described, list(new.values())), strict=True))
            for key, task in pairs:
                held[task.version.subject] = task.version, fresh.get(key) or self._documents[key]
            self._documents.update(fresh)
        return held


@dataclass(frozen=True, slots=True)
class _Task:
    """A version to describe, with the words that the store adds to it."""

    version: Version
    extras: tuple[str, ...]

    @property
    def key(self) -> str:
        return "\0".join((str(self.version.subject), schema_hash(self.version.schema), *self.extras))


def _keys(tasks: Sequence[_Task]) -> list[str]:
    return [task.key for task in tasks]


def _described(tasks: Sequence[tuple[Whole | None, _Task]]) -> list[Document]:
    return [describe(one, task.version, task.extras) for one, task in tasks]


async def find(
    index: Index, fleet: Fleet, store: SchemaStore, query: str, registries: Sequence[str], prefix: str
) -> Found:
    """Subjects that match every word of the query, best first. A registry that does not answer is named, not hidden."""
    names = list(registries) or [*fleet.names, STORE]
    shelves: dict[str, _Shelf] = {}
    unreachable: list[str] = []
    for name in names:
        if name != STORE:
            fleet.connection(name)

    async def look(name: str) -> None:
        try:
            shelves[name] = await (index.store(store) if name == STORE else index.registry(fleet.whole, name, store))
        except SchemaMcpError:
            unreachable.append(name)

    async with anyio.create_task_group() as looking:
        for name in names:
            looking.start_soon(look, name)
    held = {name: _seen(fleet, name, shelves[name].held) for name in names if name in shelves}
    hits = await to_thread.run_sync(lambda: _ranked(held, query, prefix))
    bases = {name: index.basis(shelves[name]) for name in held}
    return Found(
        hits=hits,
        searched=tuple(held),
        unreachable=tuple(sorted(unreachable)),
        remembered=tuple(name for name, basis in bases.items() if basis.stale),
        basis=reduce(Basis.beside, bases.values(), Basis()),
    )


def _latest_records(store: SchemaStore) -> dict[Subject, Record]:
    """What the store has of each subject that is not retired, without its text."""
    found: dict[Subject, Record] = {}
    for subject in store.subjects():
        live = next((record for record in reversed(store.records(subject)) if not record.deleted), None)
        if live:
            found[subject] = live
    return found


def _seen(fleet: Fleet, name: str, held: _Held) -> _Held:
    """What a caller may see of a shelf, which holds everything."""
    if fleet is fleet.whole or name == STORE:
        return held
    registry = fleet.get(name)
    return {subject: one for subject, one in held.items() if registry.permits(Scope.READ, subject)}


def describe(one: Whole | None, version: Version, extras: Iterable[str]) -> Document:
    """What a version can be found by; a text that cannot be parsed is found by its words."""
    names = _names(one)
    entries = [("subject", str(version.subject), str(version.subject).lower())]
    entries += [("tag", word, word.lower()) for word in extras if word]
    for named in names:
        entries.append((named.kind, f"{named.kind} {named.path}", named.name.lower()))
        if named.type:
            entries.append(("type", f"{named.path}: {named.type}", named.type.lower()))
        if named.doc:
            entries.append(("doc", f"{named.path}: {named.doc[:80]}", named.doc.lower()))
    if not names:
        entries.append(("doc", "text", version.schema.text[:20_000].lower()))
    return Document(tuple(entries), "\n".join(words for _, _, words in entries))


def _names(one: Whole | None) -> list[Named]:
    try:
        return [] if one is None else format_of(one.schema.type).names(parse(one))
    except InvalidSchemaError:
        return []


async def _listed(registry: Registry, patience: float) -> list[Version]:
    """The latest version of each subject; who does not begin to answer in time would hold up all the others."""
    listing = registry.versions(latest_only=True)
    listed: list[Version] = []
    with anyio.move_on_after(patience) as waiting:
        async for version in listing:
            waiting.deadline = math.inf
            listed.append(version)
    if waiting.cancelled_caught:
        raise RegistryError(
            f"{registry.name} did not begin to answer within {patience:g} s",
            hint="The others were searched.",
            details={"registry": registry.name, "outcome": "not done"},
        )
    return listed


def _among(listed: Sequence[Version]) -> Finder:
    """Look for referenced versions in a listing: most references are to the latest."""
    held = {version.subject: version for version in listed}

    async def find(subject: Subject, number: int) -> Version | None:
        version = held.get(subject)
        return version if version and number in (LATEST, version.number) else None

    return find


async def _whole(version: Version, finders: Sequence[Finder]) -> Whole | None:
    try:
        return await whole(version.schema, version.subject, finders)
    except InvalidSchemaError:
        return None


def _ranked(held: dict[str, _Held], query: str, prefix: str) -> list[Hit]:
    words = re.findall(r"[\w.$-]+", query.lower()) or [query.lower()]
    hits: dict[tuple[Subject, int, int], Hit] = {}
    for name, shelf in held.items():
        for subject, (version, document) in shelf.items():
            if subject.name.startswith(prefix) and all(word in document.haystack for word in words):
                key = (subject, version.number, version.id)
                known = hits.get(key)
                hits[key] = _also_in(known, name) if known else _hit(version, document, words, name)
    return sorted(hits.values(), key=lambda hit: (-hit.score, str(hit.subject), hit.number, hit.id))


def _also_in(hit: Hit, name: str) -> Hit:
    return Hit(hit.subject, hit.number, hit.id, hit.score, (*hit.found_in, name), hit.matches)


def _hit(version: Version, document: Document, words: Sequence[str], name: str) -> Hit:
    score = 0
    shown: dict[str, int] = {}
    for kind, label, text in document.entries:
        points = sum(_points(kind, word, text) for word in words)
        if points:
            score += points
            shown[label] = max(points, shown.get(label, 0))
    best = sorted(shown, key=lambda label: -shown[label])[:_MOST_MATCHES]
    return Hit(version.subject, version.number, version.id, score, (name,), tuple(best))


def _points(kind: str, word: str, text: str) -> int:
    if word not in text:
        return 0
    weight = _WEIGHTS.get(kind, 1)
    return weight * _EXACT if word == text else weight
