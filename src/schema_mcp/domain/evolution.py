"""Ways from a history to a wanted schema: the stages to register on the way, each accepted by the engine.

What a level refuses in one step it often takes in two: a field gets a default before it goes, an enum learns a symbol
before it is written. The stages are found by mending, from both ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from schema_mcp.domain.compatibility import check
from schema_mcp.domain.engine import Whole, canonical
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.remedies import Patience, always, mend
from schema_mcp.domain.schema import Level

MOST_STAGES: Final = 4
"""Stages on a way, the wanted schema included."""

_MIRRORED: Final = {
    Level.BACKWARD: Level.FORWARD,
    Level.FORWARD: Level.BACKWARD,
    Level.BACKWARD_TRANSITIVE: Level.FORWARD,
    Level.FORWARD_TRANSITIVE: Level.BACKWARD,
    Level.FULL: Level.FULL,
    Level.FULL_TRANSITIVE: Level.FULL,
}
"""The level at which the old schema has to stand beside the wanted one, for that to be taken after it."""


@dataclass(frozen=True, slots=True)
class Route:
    """Stages in the order of registration; the last is the wanted schema where `arrives`, else the nearest to it."""

    stages: tuple[Whole, ...]
    arrives: bool


def route(
    wanted: Whole, previous: Sequence[Whole], level: Level, rules: Rules | None = None, patient: Patience = always
) -> Route:
    """The shortest way found; every stage is compatible with all that stands before it at this level.

    `previous` is the history that counts, oldest first. Raises `InvalidSchemaError` for a bad text.
    """
    nearest: tuple[Whole, ...] = ()
    ways: list[tuple[Whole, ...]] = [()]
    for _ in range(MOST_STAGES):
        longer: list[tuple[Whole, ...]] = []
        for way in ways:
            history = [*previous, *way]
            if check(wanted, history, level, rules).compatible:
                return Route((*way, _numbered(wanted, history)), arrives=True)
            for stage in _stages(wanted, history, level, rules, patient):
                longer.append((*way, _numbered(stage, history)))
                nearest = nearest or longer[-1]
        ways = longer
    return Route(nearest, arrives=False)


def _stages(
    wanted: Whole, history: Sequence[Whole], level: Level, rules: Rules | None, patient: Patience
) -> Iterator[Whole]:
    """What could be registered next, the nearest to the wish first; nothing that is there already."""
    known = {_text(version) for version in history}
    for stage in (
        _mended(wanted, history, level, rules, patient),
        _prepared(wanted, history, level, rules, patient),
    ):
        if stage is not None and _text(stage) not in known:
            known.add(_text(stage))
            yield stage


def _mended(
    author: Whole, history: Sequence[Whole], level: Level, rules: Rules | None, patient: Patience
) -> Whole | None:
    """The schema itself where it is accepted, else mended so that it is."""
    if check(author, history, level, rules).compatible:
        return author
    schema = mend(author, history, level, rules, patient)
    return replace(author, schema=schema) if schema else None


def _prepared(
    wanted: Whole, history: Sequence[Whole], level: Level, rules: Rules | None, patient: Patience
) -> Whole | None:
    """The latest version, changed as little as lets the wanted schema come after it."""
    latest = history[-1]
    if latest.schema.type is not wanted.schema.type:
        return None
    schema = mend(latest, [wanted], _MIRRORED[level], rules, patient)
    return _mended(replace(latest, schema=schema), history, level, rules, patient) if schema else None


def _numbered(whole: Whole, history: Sequence[Whole]) -> Whole:
    return replace(whole, number=history[-1].number + 1 if history else 1)


def _text(whole: Whole) -> str:
    return canonical(whole).text
