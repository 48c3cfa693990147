"""The graph of references, and the order to register in."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.schema import Subject, Version

Place: TypeAlias = tuple[Subject, int]
"""One version under one subject."""


def used_by(version: Version) -> list[Place]:
    """What a version references, in its own order."""
    return [(resolve(one.subject, version.subject), one.version) for one in version.schema.references]


def in_reference_order(places: Iterable[Place], uses: Callable[[Place], Sequence[Place]]) -> list[Place]:
    """Places so that whatever one uses stands before it, and lower versions of a subject before higher ones.

    References to places outside the given ones are passed over. Raises `InvalidSchemaError` for a cycle, naming it.
    """
    wanted = sorted(places)
    earlier = {place: before for before, place in pairwise(wanted) if before[0] == place[0]}

    def after_earlier(place: Place) -> Sequence[Place]:
        return [earlier[place], *uses(place)] if place in earlier else uses(place)

    try:
        return _ordered(wanted, after_earlier)
    except InvalidSchemaError:  # versions of two subjects that were carried in out of turn; or a true circle
        return _ordered(wanted, uses)


def _ordered(wanted: Sequence[Place], uses: Callable[[Place], Sequence[Place]]) -> list[Place]:
    known = set(wanted)
    ordered: list[Place] = []
    done: set[Place] = set()
    for start in wanted:
        _visit(start, known, uses, done, ordered)
    return ordered


def _visit(
    start: Place, known: set[Place], uses: Callable[[Place], Sequence[Place]], done: set[Place], ordered: list[Place]
) -> None:
    # A stack instead of recursion: chains of references can be long.
    stack: list[tuple[Place, list[Place]]] = []
    on_way: set[Place] = set()

    def enter(place: Place) -> None:
        on_way.add(place)
        stack.append((place, [used for used in reversed(uses(place)) if used in known]))

    if start not in done:
        enter(start)
    while stack:
        place, todo = stack[-1]
        if not todo:
            stack.pop()
            on_way.discard(place)
            done.add(place)
            ordered.append(place)
            continue
        used = todo.pop()
        if used in on_way:
            raise InvalidSchemaError(
                f"The references run in a circle: {_circle([one for one, _ in stack], used)}",
                hint="Break the circle: move what both need into a third schema.",
            )
        if used not in done:
            enter(used)


def _circle(way: Sequence[Place], back_to: Place) -> str:
    round_trip = [*way[way.index(back_to) :], back_to]
    return " -> ".join(f"{subject} v{number}" for subject, number in round_trip)
