"""Redpanda's built-in registry."""

from schema_mcp.registries.dialects import REDPANDA
from schema_mcp.registries.rest import RestRegistry


class RedpandaRegistry(RestRegistry):
    """A registry that is known to be this product, and is not asked."""

    product = REDPANDA
