"""Karapace."""

from schema_mcp.registries.dialects import KARAPACE
from schema_mcp.registries.rest import RestRegistry


class KarapaceRegistry(RestRegistry):
    """A registry that is known to be this product, and is not asked."""

    product = KARAPACE
