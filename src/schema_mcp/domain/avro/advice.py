"""What makes an Avro schema easier to evolve."""

from collections.abc import Iterator

from schema_mcp.domain.avro.model import Enum, Kind
from schema_mcp.domain.avro.schema import AvroSchema
from schema_mcp.domain.avro.walk import Place, alternatives, places
from schema_mcp.domain.formats import Finding


def advice(schema: AvroSchema) -> list[Finding]:
    """Places where a small, compatible edit leaves more room for later ones."""
    return [finding for place in places(schema.root) for finding in _of(place)]


def _of(place: Place) -> Iterator[Finding]:
    if place.field and not place.field.has_default and _is_nullable(place):
        yield Finding(
            "nullable_default",
            place.path,
            "it may be null and has no default: put null first and add `default: null`, so that it can come and go",
        )
    if isinstance(place.type, Enum) and place.type.default is None:
        yield Finding(
            "enum_default",
            place.type.full_name,
            "the enum has no default: with one, readers survive symbols that are added later",
        )


def _is_nullable(place: Place) -> bool:
    branches = alternatives(place.type)
    return len(branches) > 1 and any(branch.kind is Kind.NULL for branch in branches)
