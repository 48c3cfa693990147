"""Tools that write schemas out, and bring them back."""

from schema_mcp.tools.export.importing import import_schemas
from schema_mcp.tools.export.many import export_schemas
from schema_mcp.tools.export.one import export_schema

__all__ = ["export_schema", "export_schemas", "import_schemas"]
