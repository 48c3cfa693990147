"""Move schemas between registries and contexts."""

from schema_mcp.tools.migration.moving import migrate_schemas
from schema_mcp.tools.migration.planning import plan_migration
from schema_mcp.tools.migration.promotion import promote_schema

__all__ = ["migrate_schemas", "plan_migration", "promote_schema"]
