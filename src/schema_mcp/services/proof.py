"""Prove a schema against a history, and say no in a way that helps."""

from collections.abc import Iterable, Sequence
from itertools import islice
from time import monotonic
from typing import Any

from schema_mcp.domain.compatibility import Comparison, Outcome, check, in_group
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import IncompatibleError
from schema_mcp.domain.formats import Difference, Rules
from schema_mcp.domain.remedies import Remedy, ways_out
from schema_mcp.domain.schema import Level

_PATIENCE = 0.5
"""Seconds a mended text may take to find: ordinary schemas take milliseconds."""

_TOLD_BREAKS = 10
_TOLD_WAYS = 2
_TOLD_CHARACTERS = 4_000
_LONGEST_PLACE, _LONGEST_MESSAGE = 300, 500


def prove(
    new: Whole,
    previous: Sequence[Whole],
    levels: Iterable[Level],
    rules: Rules | None = None,
    *,
    group: str | None = None,
) -> None:
    """Pass in silence when the schema holds at every level, else raise `IncompatibleError` with reasons and ways out.

    With a `group` (a metadata property) only versions that have the new schema's value are compared.
    """
    compared = [old for old in previous if group is None or in_group(new.schema, old.schema, group)]
    for level in levels:
        outcome = check(new, compared, level, rules)
        if not outcome.compatible:
            raise refusal(new, compared, level, outcome, rules)


def refusal(
    new: Whole, previous: Sequence[Whole], level: Level, outcome: Outcome, rules: Rules | None = None
) -> IncompatibleError:
    """The error for an incompatible schema: what breaks for whom, and the mended text."""
    end = monotonic() + _PATIENCE
    ways = list(islice(ways_out(new, previous, level, rules, lambda: monotonic() < end), _TOLD_WAYS))
    first, more = outcome.breaks[0], len(outcome.breaks) - 1
    also = f" (and {more} more)" if more else ""
    return IncompatibleError(
        f"Not {level} compatible with version {first[0].number}: {first[1].plain[:_LONGEST_MESSAGE]}{also}",
        hint=ways[0].text,
        details={
            "level": level,
            "breaks": [told(comparison, difference) for comparison, difference in outcome.breaks[:_TOLD_BREAKS]],
            "ways_out": [way_told(way) for way in ways],
        },
    )


def told(comparison: Comparison, difference: Difference) -> dict[str, Any]:
    """One break as replies carry it."""
    return {
        "version": comparison.number,
        "type": difference.kind,
        "path": difference.path[:_LONGEST_PLACE],
        "reader": "new" if comparison.reads else "old",
        "message": difference.plain[:_LONGEST_MESSAGE],
    }


def way_told(way: Remedy) -> dict[str, Any]:
    """One way out as replies carry it."""
    said: dict[str, Any] = {"kind": way.kind, "text": way.text, "schema_text": way.schema.text}
    if len(way.schema.text) > _TOLD_CHARACTERS:
        said["schema_text"] = ""
        said["text"] += f" Its {len(way.schema.text):,} characters do not fit into a reply."
    if way.kind == "group":
        said["metadata"] = way.schema.metadata
    return said
