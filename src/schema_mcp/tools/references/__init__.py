"""Tools about references between schemas: who uses whom, who is affected, one text instead of many, bump them all."""

from schema_mcp.tools.references.bundling import bundle_schema
from schema_mcp.tools.references.impact import analyze_impact
from schema_mcp.tools.references.updating import plan_reference_update
from schema_mcp.tools.references.walking import get_references

__all__ = ["analyze_impact", "bundle_schema", "get_references", "plan_reference_update"]
