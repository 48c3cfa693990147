"""What the registry accepts in silence."""

from schema_mcp.domain.formats import Finding
from schema_mcp.domain.protobuf.schema import ProtobufSchema


def lint(parsed: ProtobufSchema, text: str) -> list[Finding]:
    """What protoc would refuse."""
    del parsed, text
    return []


def lint_change(new: ProtobufSchema, old: ProtobufSchema) -> list[Finding]:
    """Changes that pass the check and still hurt."""
    del new, old
    return []
