"""A schema and its changes in words."""

from schema_mcp.domain.formats import Change, Named
from schema_mcp.domain.protobuf.schema import ProtobufSchema


def changes(old: ProtobufSchema, new: ProtobufSchema) -> list[Change]:
    """What changed."""
    del old, new
    return []


def names(parsed: ProtobufSchema) -> list[Named]:
    """Everything a person may search for."""
    del parsed
    return []
