"""Tools about who may do what, and who did it."""

from schema_mcp.tools.governance.trail import query_audit

__all__ = ["query_audit"]
