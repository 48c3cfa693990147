"""Tools about the registries themselves."""

from schema_mcp.tools.registries.comparison import compare_registries
from schema_mcp.tools.registries.listing import list_registries
from schema_mcp.tools.registries.status import get_registry_info, test_registry_connection

__all__ = [
    "compare_registries",
    "get_registry_info",
    "list_registries",
    "test_registry_connection",
]
