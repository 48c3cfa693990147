"""Everything HTTP, composed: MCP, the registries, health."""
