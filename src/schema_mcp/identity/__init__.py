"""Who calls: from a token to a caller with scopes and grants."""

from typing import Final

CALLER: Final = "schema_mcp.caller"
"""Under which a request carries who makes it, once that is known."""
