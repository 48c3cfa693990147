"""What the target holds where each version wants to go: told for every id and version before anything is written.

Traps of registries that are met here, as they were observed on Confluent 8.1.5: an import into an occupied version
overwrites it silently; a soft-deleted version is gone for good once its content is there again under another number;
without ids a text without metadata inherits that of the version before it, and a known text makes no new version.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from anyio import to_thread

from schema_mcp.domain.drift import Held, Snapshot
from schema_mcp.domain.engine import canonical
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import Blocked
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Mode, Schema, Subject, Version
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.glances import versions_at
from schema_mcp.services.migration_route import Cargo, Route
from schema_mcp.services.resolution import in_registry, whole
from schema_mcp.services.together import each


class Clash(StrEnum):
    """What the target holds where a version wants to go."""

    FREE = "free"
    SAME = "same content"
    VERSION_TAKEN = "version holds other content"
    ID_TAKEN = "id belongs to other content"
    SOFT_DELETED = "a soft-deleted version is in the way"
    ID_SOFT_DELETED = "id belongs to something soft-deleted"
    VANISHES = "a soft-deleted version of the same content would be gone for good"
    MEETING = "another version of this migration wants the same place or id"
    GAP = "without its id it would get another number"
    REPEATED = "without its id it would be taken for an earlier version of the same content"
    INHERITS = "without its id it would inherit the metadata of the version before it"
    BEYOND = "the target's product would refuse it or lose a part of it"
    CLOSED = "the target takes no such writes there"
    INCOMPATIBLE = "not compatible with what the target has"
    REFERENCE = "references what is neither moved nor on the target"


FINE: Final = frozenset({Clash.FREE, Clash.SAME})

_WAYS_OUT: Mapping[Clash, str] = {
    Clash.VERSION_TAKEN: "A version is never replaced: move the subject into another context (target_context), or "
    "delete it for good on the target first.",
    Clash.ID_TAKEN: "Ids never move: use another context on the target, or keep_ids: false.",
    Clash.SOFT_DELETED: "Delete that version permanently on the target first.",
    Clash.ID_SOFT_DELETED: "Delete what carries the id permanently on the target, use another context, or "
    "keep_ids: false.",
    Clash.VANISHES: "Bring it back with restore_subject, or delete it permanently, on the target first.",
    Clash.MEETING: "Move them apart: one context, or one prefix, at a time.",
    Clash.GAP: "Keep ids, with which numbers are kept, too; without them a registry numbers in a row.",
    Clash.REPEATED: "Keep ids, with which it is a version of its own.",
    Clash.INHERITS: "Keep ids, with which nothing is inherited; or give the version metadata of its own.",
    Clash.BEYOND: "Choose a target that can; the page about capabilities tells which.",
    Clash.CLOSED: "update_mode opens it, if that is meant.",
    Clash.INCOMPATIBLE: "Mend the schema in the source, or lower the target's level (update_config).",
    Clash.REFERENCE: "Move what it references as well.",
}

_CLOSED: Final = frozenset({Mode.READONLY, Mode.READONLY_OVERRIDE})
_FEW: Final = 20


@dataclass(slots=True)
class ClashMap:
    """Each version's clash, in reference order, and what is to be said about it beyond that."""

    found: dict[Place, Clash] = field(default_factory=dict[Place, Clash])
    why: dict[Place, str] = field(default_factory=dict[Place, str])

    def free(self) -> list[Place]:
        """What can go, as far as is known."""
        return [place for place, clash in self.found.items() if clash is Clash.FREE]

    def put(self, clash: Clash, why: Mapping[Place, str]) -> None:
        """Note a clash of several places, with its details."""
        self.found |= dict.fromkeys(why, clash)
        self.why |= why

    def blocked(self, target: str) -> Iterator[Blocked]:
        """What stays behind, why, and the choices there are."""
        for (subject, number), clash in self.found.items():
            if clash not in FINE:
                detail = self.why.get((subject, number), "")
                reason = f"{clash.value}: {detail}" if detail else clash.value
                yield Blocked(target, subject, reason, _WAYS_OUT[clash], number)


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of a migration, and what they hold; the source's side told in the target's terms."""

    source: GuardedRegistry
    target: GuardedRegistry
    route: Route
    cargo: Cargo
    there: Snapshot
    keep_ids: bool

    def wanted(self, place: Place) -> Held:
        subject, number = place
        here = self.cargo.here
        return here.versions.get(subject, {}).get(number) or here.deleted[subject][number]

    def is_deleted(self, place: Place) -> bool:
        """Is it soft-deleted in the source?"""
        return place[1] in self.cargo.here.deleted.get(place[0], {})


async def clash_map(ends: Ends, places: Sequence[Place]) -> ClashMap:
    """What the target holds where each version wants to go; `places` are in reference order."""
    clashes = ClashMap({place: _clash(ends, place) for place in places})
    clashes.put(Clash.BEYOND, dict(_beyond(ends, clashes.free())))
    clashes.put(Clash.CLOSED, await _closed(ends, clashes.free()))
    if ends.keep_ids:
        clashes.put(Clash.MEETING, dict(_meeting(ends, clashes.free())))
        clashes.put(Clash.VANISHES, dict(_vanishing(ends, clashes.free())))
        await _put_taken_ids(ends, clashes)
    else:
        clashes.found |= dict(_renumbered(ends, clashes.free()))
    await put_unreferenced(ends, clashes)
    return clashes


def _clash(ends: Ends, place: Place) -> Clash:
    subject, number = place
    wanted, there = ends.wanted(place), ends.there
    live, deleted = there.versions.get(subject, {}).get(number), there.deleted.get(subject, {}).get(number)
    if place in ends.cargo.meeting:
        return Clash.MEETING
    if live is not None:
        return Clash.SAME if _is_same(ends, wanted, live) else Clash.VERSION_TAKEN
    if deleted is None:
        return Clash.FREE
    if not _is_same(ends, wanted, deleted):
        return Clash.SOFT_DELETED
    return Clash.SAME if ends.is_deleted(place) else Clash.FREE


def _is_same(ends: Ends, wanted: Held, found: Held) -> bool:
    return wanted.digest == found.digest and (not ends.keep_ids or wanted.id == found.id)


def _beyond(ends: Ends, places: Sequence[Place]) -> Iterator[tuple[Place, str]]:
    for place in places:
        if why := asks.refused(ends.target, _asked(place, ends.cargo.here)):
            yield place, why


def _asked(place: Place, here: Snapshot) -> Iterator[Capability]:
    """What a version asks of the registry it goes to."""
    yield from asks.of_name(place[0])
    if place in here.uses:
        yield Capability.REFERENCES
    if place in here.metadata:
        yield Capability.METADATA
    if place in here.rules:
        yield Capability.RULES


async def _closed(ends: Ends, places: Sequence[Place]) -> dict[Place, str]:
    """Places whose context, or whose subject where the target has it already, is in a mode that refuses this."""
    if Capability.MODES not in ends.target.capabilities:
        return {}
    known = ends.there.versions.keys() | ends.there.deleted.keys()
    scopes = sorted({subject if subject in known else Subject("", subject.context) for subject, _ in places})
    modes = dict(zip(scopes, await each(scopes, lambda one: ends.target.mode(one, inherited=True)), strict=True))
    closed: dict[Place, str] = {}
    for place in places:
        subject = place[0]
        mode = modes[subject if subject in known else Subject("", subject.context)]
        if mode in _CLOSED or (not ends.keep_ids and mode not in (None, Mode.READWRITE)):
            closed[place] = f"it is in mode {mode}"
    return closed


def _meeting(ends: Ends, places: Sequence[Place]) -> Iterator[tuple[Place, str]]:
    """Ids that two contexts gave to different contents, where both go into one."""
    first: dict[tuple[str, int], Place] = {}
    for place in places:
        holder = first.setdefault((place[0].context, ends.wanted(place).id), place)
        if ends.wanted(holder).digest != ends.wanted(place).digest:
            yield place, f"id {ends.wanted(place).id} is that of {holder[0]} v{holder[1]}"


def _vanishing(ends: Ends, places: Sequence[Place]) -> Iterator[tuple[Place, str]]:
    for subject, number in places:
        for other, tomb in sorted(ends.there.deleted.get(subject, {}).items()):
            if other != number and tomb.digest == ends.wanted((subject, number)).digest:
                yield (subject, number), f"version {other} there"


async def _put_taken_ids(ends: Ends, clashes: ClashMap) -> None:
    """Ids that stand for other content on the target; those above its highest need no question."""
    places = clashes.free()
    contexts = sorted({subject.context for subject, _ in places})
    highest = dict(zip(contexts, await each(contexts, lambda one: ends.target.highest_id(context=one)), strict=True))
    asked = {
        (place[0].context, ends.wanted(place).id): place
        for place in places
        if ends.wanted(place).id <= highest[place[0].context]
    }
    bound = await _bound(ends.target, list(asked))
    others = [key for key, schema in bound.items() if not await _stands_for(ends, schema, asked[key])]
    holders = await each(others, lambda key: ends.target.holders(key[1], context=key[0]))
    named = dict(zip(others, holders, strict=True))
    for place in places:
        key = (place[0].context, ends.wanted(place).id)
        if key in named:
            live = ", ".join(f"{subject} v{number}" for subject, number in sorted(named[key])[:5])
            clash = Clash.ID_TAKEN if live else Clash.ID_SOFT_DELETED
            clashes.put(clash, {place: f"id {key[1]}, of {live}" if live else f"id {key[1]}"})


async def _bound(target: Registry, ids: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Version]:
    """What ids stand for: asked one by one where they are few, else seen in one listing of their contexts."""
    found: dict[tuple[str, int], Version] = {}
    if len(ids) <= _FEW:
        schemas = await each(ids, lambda key: target.schema(key[1], context=key[0]))
        for (context, one), schema in zip(ids, schemas, strict=True):
            if schema is not None:
                found[context, one] = Version(Subject("", context), 0, one, schema)
        return found
    wanted = set(ids)
    deleted = Capability.SOFT_DELETE in target.capabilities
    for context in sorted({context for context, _ in ids}):
        async for version in target.versions(context=context, deleted=deleted):
            if (context, version.id) in wanted:
                found.setdefault((context, version.id), version)
    return found


async def _stands_for(ends: Ends, bound: Version, place: Place) -> bool:
    """Is an id of the target bound to the very content that wants it, however the two are spelled?"""
    if schema_hash(bound.schema) == ends.wanted(place).digest:
        return True
    source_place = ends.cargo.source_of(place)
    ours = (await versions_at(ends.source, [source_place], deleted=True)).get(source_place)
    theirs = await canonical_hash(bound.schema, bound.subject, ends.target)
    return ours is not None and await canonical_hash(ours.schema, ours.subject, ends.source, ends.route) == theirs


async def canonical_hash(schema: Schema, subject: Subject, registry: Registry, route: Route | None = None) -> str:
    """The digest of a registry's schema in its canonical form, as it stands at the end of a route where one is given.

    A registry may give texts out that are not canonical.
    """
    try:
        complete = await whole(schema, subject, [in_registry(registry)])
        schema = await to_thread.run_sync(canonical, complete)
    except InvalidSchemaError:
        pass
    return schema_hash(route.rewritten(schema, subject) if route else schema)


def _renumbered(ends: Ends, places: Sequence[Place]) -> Iterator[tuple[Place, Clash]]:
    """What a registry, which numbers in a row and knows contents again, would not give its number or its content."""
    last: dict[Subject, int] = {}
    can_inherit = Capability.METADATA in ends.target.capabilities
    for subject, number in sorted(places):
        live = ends.there.versions.get(subject, {})
        history = {**ends.cargo.here.versions.get(subject, {}), **live}
        before = {one: held for one, held in history.items() if one < number}
        known = [*live, *ends.there.deleted.get(subject, {}), 0]
        expected = last.get(subject, max(known)) + 1
        if number != expected:
            yield (subject, number), Clash.GAP
        elif ends.wanted((subject, number)).digest in {held.digest for held in before.values()}:
            yield (subject, number), Clash.REPEATED
        elif can_inherit and _inherits(ends, subject, number, before):
            yield (subject, number), Clash.INHERITS
        else:
            last[subject] = number


def _inherits(ends: Ends, subject: Subject, number: int, before: Mapping[int, Held]) -> bool:
    """A version without metadata, after one with: the registry would give it that one's."""
    bare = (subject, number) not in ends.cargo.here.metadata | ends.cargo.here.rules
    with_own = ends.cargo.here.metadata | ends.cargo.here.rules | ends.there.metadata | ends.there.rules
    return bare and bool(before) and (subject, max(before)) in with_own


async def put_unreferenced(ends: Ends, clashes: ClashMap) -> None:
    """What uses something that cannot go, or that is other content there, stays behind, too."""
    uses = ends.cargo.here.uses
    outside = sorted({used for place in clashes.free() for used in uses.get(place, ()) if used not in clashes.found})
    there = await each(outside, lambda place: _is_there(ends, place))
    missing = {place for place, is_there in zip(outside, there, strict=True) if not is_there}
    standing = {place for place, clash in clashes.found.items() if clash in FINE}
    for place in list(clashes.found):  # in reference order: whatever one uses was decided before
        lacking = [
            used for used in uses.get(place, ()) if used in missing or (used in clashes.found and used not in standing)
        ]
        if clashes.found[place] is Clash.FREE and lacking:
            clashes.put(Clash.REFERENCE, {place: ", ".join(f"{subject} v{number}" for subject, number in lacking[:5])})
            standing.discard(place)


async def _is_there(ends: Ends, place: Place) -> bool:
    """Does the target hold what is referenced, and is it what the source's reference means?"""
    there = await ends.target.version(*place)
    if there is None:
        return False
    meant = await ends.source.version(*ends.cargo.meant[place])
    if meant is None or schema_hash(ends.route.rewritten(meant.schema, meant.subject)) == schema_hash(there.schema):
        return True
    ours = await canonical_hash(meant.schema, meant.subject, ends.source, ends.route)
    return ours == await canonical_hash(there.schema, there.subject, ends.target)
