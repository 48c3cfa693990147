"""Apicurio's registry through its Confluent-compatible face, v7 or v8; the address ends in /apis/ccompat/v7."""

from schema_mcp.registries.dialects import APICURIO
from schema_mcp.registries.rest import RestRegistry


class ApicurioRegistry(RestRegistry):
    """A registry that is known to be this product, and is not asked."""

    product = APICURIO
