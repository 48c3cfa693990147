"""The store in Git: put schemas in, change what is said of them, list them, read their history, adopt a registry."""

from schema_mcp.tools.store.adoption import adopt_registry
from schema_mcp.tools.store.history import get_schema_history
from schema_mcp.tools.store.listing import list_stored_schemas
from schema_mcp.tools.store.storing import store_schema, update_stored_schema

__all__ = [
    "adopt_registry",
    "get_schema_history",
    "list_stored_schemas",
    "store_schema",
    "update_stored_schema",
]
