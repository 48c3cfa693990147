"""A subject's history as a chart: which version fails to read which, and so the levels that the history keeps.

Source of what a level compares: registry semantics 2.0 (levels) and 1.6 (groups).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schema_mcp.domain.compatibility import Comparison, check
from schema_mcp.domain.engine import Whole, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.schema import Level

STRICTEST_FIRST = (
    Level.FULL_TRANSITIVE,
    Level.FULL,
    Level.BACKWARD_TRANSITIVE,
    Level.FORWARD_TRANSITIVE,
    Level.BACKWARD,
    Level.FORWARD,
    Level.NONE,
)


@dataclass(frozen=True, slots=True)
class Clash:
    """A version against an earlier one of its group; `neighbours` where nothing of the group lies between them."""

    number: int
    comparison: Comparison
    neighbours: bool

    def counts_at(self, level: Level) -> bool:
        """Would a registry at this level have found it?"""
        direction = level.backward if self.comparison.reads else level.forward
        return direction and (self.neighbours or level.is_transitive)


@dataclass(frozen=True, slots=True)
class Chart:
    """All clashes of a history, by the newer version; `unreadable` are the versions whose text is no schema."""

    versions: int
    latest: int
    clashes: tuple[Clash, ...]
    unreadable: Mapping[int, str]

    def breaks(self, level: Level) -> list[Clash]:
        """What stands in the way of a level."""
        return [clash for clash in self.clashes if clash.counts_at(level)]

    @property
    def kept(self) -> tuple[Level, ...]:
        """The levels that the whole history keeps, strictest first; those that a stricter one implies included."""
        return tuple(level for level in STRICTEST_FIRST if not self.breaks(level))


def chart(history: Sequence[Whole], rules: Rules | None = None, *, group: str | None = None) -> Chart:
    """Hold every version against all earlier ones, both ways; oldest first. Costs one check per pair and direction."""
    readable: list[Whole] = []
    clashes: list[Clash] = []
    unreadable: dict[int, str] = {}
    for version in history:
        try:
            parse(version)
            found = check(version, readable, Level.FULL_TRANSITIVE, rules, group=group, exhaustive=True)
        except InvalidSchemaError as error:
            unreadable[version.number] = str(error)
            continue
        clashes += _clashes(version, found.comparisons)
        readable.append(version)
    latest = history[-1].number if history else 0
    return Chart(len(history), latest, tuple(clashes), unreadable)


def _clashes(version: Whole, comparisons: Sequence[Comparison]) -> list[Clash]:
    nearest = max((comparison.index for comparison in comparisons), default=-1)
    return [Clash(version.number, one, one.index == nearest) for one in comparisons if one.breaks]
