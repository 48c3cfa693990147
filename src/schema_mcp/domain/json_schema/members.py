"""Members of combined schemas that find no partner on the other side."""

from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.compatibility import MAX_PAIRS, compare
from schema_mcp.domain.json_schema.matching import largest_matching
from schema_mcp.domain.json_schema.model import Combined

_LEAST_STEPS = 100
"""What two members may take to compare, however many there are."""


def unmatched(original: Combined, update: Combined) -> tuple[list[int], list[int]]:
    """The places of those left over on each side; raises `InvalidSchemaError` where that takes too long to tell."""
    most = max(_LEAST_STEPS, MAX_PAIRS // (len(original.members) * len(update.members) or 1))
    partners = {
        left: [right for right, after in enumerate(update.members) if not compare(before, after, Rules(), most).breaks]
        for left, before in enumerate(original.members)
    }
    matching = largest_matching(partners)
    return (
        [left for left in partners if left not in matching],
        [right for right in range(len(update.members)) if right not in matching.values()],
    )
