"""A version's text in another form, as `format=` asks for it.

Source: registry semantics 1.9; other words, and other types, get the text as it was registered.
"""

from dataclasses import replace
from typing import Any, Protocol, cast

from schema_mcp.domain.engine import format_of, parse
from schema_mcp.domain.schema import SchemaType, Version
from schema_mcp.registries.contract import Form
from schema_mcp.registries.embedded.references import whole_of
from schema_mcp.registries.embedded.session import Session


class _Serializes(Protocol):
    """What Protobuf can do beyond the contract of formats: a base64 file descriptor."""

    def serialized(self, parsed: Any) -> str: ...


def formatted(session: Session, version: Version, wanted: str) -> Version:
    """The version with its text in another format, where its language has it; the GUID stays."""
    kind = version.schema.type
    match wanted, kind:
        case Form.RESOLVED, SchemaType.AVRO:
            write = format_of(kind).resolved
        case Form.SERIALIZED, SchemaType.PROTOBUF:
            write = cast("_Serializes", format_of(kind)).serialized
        case _:
            return version
    text = write(parse(whole_of(session, version)))
    return replace(version, schema=replace(version.schema, text=text))
