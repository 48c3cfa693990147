"""Tools about contexts: the namespaces inside a registry."""

from schema_mcp.tools.contexts.beginning import create_context, list_contexts
from schema_mcp.tools.contexts.deletion import clear_context_batch, delete_context

__all__ = ["clear_context_batch", "create_context", "delete_context", "list_contexts"]
