"""Members of combined schemas that find no partner on the other side."""

from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.compatibility import compare
from schema_mcp.domain.json_schema.matching import largest_matching
from schema_mcp.domain.json_schema.model import Combined


def unmatched(original: Combined, update: Combined) -> tuple[list[int], list[int]]:
    """The places of those left over on each side."""
    partners = {
        left: [right for right, after in enumerate(update.members) if not compare(before, after, Rules()).breaks]
        for left, before in enumerate(original.members)
    }
    matching = largest_matching(partners)
    return (
        [left for left in partners if left not in matching],
        [right for right in range(len(update.members)) if right not in matching.values()],
    )
