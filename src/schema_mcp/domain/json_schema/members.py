"""Members of combined schemas that find no partner on the other side."""

from typing import Final

from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.combined import are_strangers
from schema_mcp.domain.json_schema.compatibility import MAX_PAIRS, compare
from schema_mcp.domain.json_schema.matching import largest_matching
from schema_mcp.domain.json_schema.model import Combined, Schema

_MOST_PAIRS: Final = 40_000
_LEAST_STEPS: Final = 100
"""What two members may take to compare, however many there are."""


def unmatched(original: Combined, update: Combined) -> tuple[list[int], list[int]] | None:
    """The places of those left over on each side; None where there are too many to pair off.

    All pairs together may take about what a verdict may; raises `InvalidSchemaError` where one takes longer.
    """
    pairs = len(original.members) * len(update.members)
    if pairs > _MOST_PAIRS:
        return None
    most = max(_LEAST_STEPS, MAX_PAIRS // max(1, pairs))
    partners = {
        left: [right for right, after in enumerate(update.members) if _fits(before, after, most)]
        for left, before in enumerate(original.members)
    }
    matching = largest_matching(partners)
    return (
        [left for left in partners if left not in matching],
        [right for right in range(len(update.members)) if right not in matching.values()],
    )


def _fits(before: Schema, after: Schema, most: int) -> bool:
    return not are_strangers(before, after) and not compare(before, after, Rules(), most).breaks
