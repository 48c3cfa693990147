"""Tools that hold schemas against each other: two, a history, an estate."""

from schema_mcp.tools.compatibility.checking import check_compatibility, diff_schemas
from schema_mcp.tools.compatibility.estate import check_compatibility_bulk
from schema_mcp.tools.compatibility.evolution import analyze_evolution, suggest_evolution
from schema_mcp.tools.compatibility.improvement import suggest_improvements
from schema_mcp.tools.compatibility.level_change import plan_compatibility_change

__all__ = [
    "analyze_evolution",
    "check_compatibility",
    "check_compatibility_bulk",
    "diff_schemas",
    "plan_compatibility_change",
    "suggest_evolution",
    "suggest_improvements",
]
