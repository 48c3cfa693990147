"""Confluent's registry, 7.x, 8.x and Cloud; and whatever else speaks its API, once it is recognised."""

from schema_mcp.registries.rest import RestRegistry


class ConfluentRegistry(RestRegistry):
    """A registry whose product is found out when it is first asked something."""
