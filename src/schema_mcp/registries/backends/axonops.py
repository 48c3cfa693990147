"""AxonOps' registry."""

from schema_mcp.registries.dialects import AXONOPS
from schema_mcp.registries.rest import RestRegistry


class AxonopsRegistry(RestRegistry):
    """A registry that is known to be this product, and is not asked."""

    product = AXONOPS
