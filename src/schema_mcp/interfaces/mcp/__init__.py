"""The catalogue as MCP tools, over stdio and Streamable HTTP."""
