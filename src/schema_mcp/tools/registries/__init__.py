"""Tools about the registries themselves."""

from schema_mcp.tools.registries.access import explain_access
from schema_mcp.tools.registries.comparison import compare_registries
from schema_mcp.tools.registries.listing import list_registries
from schema_mcp.tools.registries.statistics import get_statistics
from schema_mcp.tools.registries.status import get_registry_info, test_registry_connection

__all__ = [
    "compare_registries",
    "explain_access",
    "get_registry_info",
    "get_statistics",
    "list_registries",
    "test_registry_connection",
]
