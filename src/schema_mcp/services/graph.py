"""Walk the references of a registry or the store, both ways, level by level."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from anyio import to_thread

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.graph import Edge, Graph, Node
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.references import Place, used_by
from schema_mcp.domain.schema import Version
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services.judgement import Side
from schema_mcp.services.together import each
from schema_mcp.stores.view import View

MOST_NODES = 5_000
"""A walk that meets more versions ends there, and says so."""

MANY = 100
"""With more users than that, a registry is read as a whole."""

_Neighbours: TypeAlias = Callable[[Version], Awaitable[list[Version | Place]]]


@dataclass(slots=True)
class _Walk:
    """What was met so far."""

    nodes: dict[Place, Node] = field(default_factory=dict[Place, Node])
    edges: set[Edge] = field(default_factory=set[Edge])
    is_cut: bool = False

    def graph(self) -> Graph:
        return Graph(self.nodes, tuple(sorted(self.edges)), self.is_cut)


async def uses(side: Side, starts: Sequence[Version], depth: int) -> Graph:
    """What versions reference, directly or not; a reference that leads nowhere is a missing node."""
    require_references(side)

    async def used(version: Version) -> list[Version | Place]:
        places = list(dict.fromkeys(used_by(version)))
        found = await each(places, lambda place: _version(side, place))
        return [version or place for version, place in zip(found, places, strict=True)]

    return await _walked(starts, used, depth, towards_users=False)


async def users(side: Side, starts: Sequence[Version], depth: int) -> Graph:
    """Who references versions, directly or not; soft-deleted and retired ones do not count."""
    require_references(side)
    registry = side.registry
    if registry is None:
        known = _Known(await to_thread.run_sync(users_in_store, side.store))
        return await _walked(starts, known.users, depth, towards_users=True)
    if await _are_popular(registry, starts):
        known = _Known(await _users_listed(registry))
        return await _walked(starts, known.users, depth, towards_users=True)
    contexts = await registry.contexts() if Capability.CONTEXTS in registry.capabilities else ["."]

    async def in_registry(version: Version) -> list[Version | Place]:
        return [*await _users_in_registry(registry, contexts, version)]

    return await _walked(starts, in_registry, depth, towards_users=True)


def require_references(side: Side) -> None:
    """Raise `InvalidRequestError` for a registry that has none."""
    if side.registry is not None and Capability.REFERENCES not in side.registry.capabilities:
        raise InvalidRequestError(
            f"{side.name} is a registry without references", hint="Ask with source: store, or another registry."
        )


async def _walked(starts: Sequence[Version], ask: _Neighbours, depth: int, *, towards_users: bool) -> Graph:
    walk = _Walk()
    level = [_meet(walk, version, 0) for version in starts]
    for distance in range(1, depth + 2):
        found = await each(level, ask)
        if distance > depth:
            walk.is_cut = walk.is_cut or any(_place(one) not in walk.nodes for several in found for one in several)
            break
        met: list[Version] = []
        for version, neighbours in zip(level, found, strict=True):
            for other in neighbours:
                met += _new(walk, other, distance)
                if _place(other) in walk.nodes:
                    _join(walk, version, other, towards_users=towards_users)
        level = met
    return walk.graph()


def _new(walk: _Walk, other: Version | Place, distance: int) -> list[Version]:
    place = _place(other)
    if place in walk.nodes:
        return []
    if len(walk.nodes) >= MOST_NODES:
        walk.is_cut = True
        return []
    if isinstance(other, Version):
        return [_meet(walk, other, distance)]
    walk.nodes[place] = Node(place, distance, is_missing=True)
    return []


def _meet(walk: _Walk, version: Version, distance: int) -> Version:
    place = _place(version)
    walk.nodes[place] = Node(place, distance, version.id, version.schema.type)
    return version


def _join(walk: _Walk, one: Version, other: Version | Place, *, towards_users: bool) -> None:
    user = other if towards_users else one
    used = _place(one) if towards_users else _place(other)
    if isinstance(user, Version):
        for reference in user.schema.references:
            if (resolve(reference.subject, user.subject), reference.version) == used:
                walk.edges.add(Edge(_place(user), used, reference.name))


def _place(one: Version | Place) -> Place:
    return (one.subject, one.number) if isinstance(one, Version) else one


async def _version(side: Side, place: Place) -> Version | None:
    subject, number = place
    if side.registry is not None:
        return await side.registry.version(subject, number, deleted=True)
    stored = side.store.version(subject, number)
    return stored.version if stored else None


@dataclass(frozen=True, slots=True)
class _Known:
    """Users that were all looked up before."""

    by_place: Mapping[Place, Sequence[Version]]

    async def users(self, version: Version) -> list[Version | Place]:
        return [*self.by_place.get(_place(version), ())]


async def _are_popular(registry: Registry, starts: Sequence[Version]) -> bool:
    """Would it take more requests to ask for each user than to read whatever there is?"""
    if Capability.BULK_LISTING not in registry.capabilities:
        return False
    found = await each(starts, lambda one: registry.referrers(one.subject, one.number))
    return sum(map(len, found)) > MANY


async def _users_listed(registry: Registry) -> dict[Place, list[Version]]:
    """The live versions of a registry that reference a place, without their texts."""
    found: dict[Place, list[Version]] = {}
    async for version in registry.versions():
        if version.schema.references:
            _enter(found, replace(version, schema=replace(version.schema, text="")))
    return found


async def _users_in_registry(registry: Registry, contexts: Sequence[str], version: Version) -> list[Version]:
    """A registry tells ids, those of all contexts together, so each holder is looked at."""
    place = (version.subject, version.number)
    ids = list(dict.fromkeys(await registry.referrers(*place)))
    asked = [(schema_id, context) for schema_id in ids for context in contexts]
    held = await each(asked, lambda one: registry.holders(one[0], context=one[1]))
    places = list(dict.fromkeys(one for several in held for one in several))
    found = await each(places, lambda one: registry.version(*one))
    return [one for one in found if one is not None and place in used_by(one)]


def users_in_store(store: View) -> dict[Place, list[Version]]:
    """The live versions of the store that reference a place."""
    found: dict[Place, list[Version]] = {}
    for subject in store.subjects():
        for stored in store.history(subject):
            if not stored.version.deleted:
                _enter(found, stored.version)
    return found


def _enter(found: dict[Place, list[Version]], user: Version) -> None:
    for place in dict.fromkeys(used_by(user)):
        found.setdefault(place, []).append(user)
