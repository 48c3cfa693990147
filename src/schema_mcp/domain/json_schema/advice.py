"""What makes a JSON Schema easier to evolve."""

from collections.abc import Iterator, Mapping
from typing import Any

from schema_mcp.domain.formats import Finding
from schema_mcp.domain.json_schema.places import Place, followed, places
from schema_mcp.domain.json_schema.schema import JsonSchema
from schema_mcp.domain.json_schema.text import is_object


def advice(schema: JsonSchema) -> list[Finding]:
    """Places where a small, compatible edit leaves more room for later ones."""
    return [finding for place in places(schema.root) for finding in _of(place)]


def _of(place: Place) -> Iterator[Finding]:
    said = _said(place)
    if place.holder is not None and "default" not in said and _is_nullable(said):
        yield Finding(
            "nullable_default", place.path, "it may be null and has no default: add `default: null`, so that it can go"
        )
    if place.holder is not None and "enum" in said and "default" not in said:
        yield Finding(
            "enum_default", place.path, "the values are listed and none is the default: readers have nothing to fall to"
        )


def _said(place: Place) -> Mapping[str, Any]:
    raw = followed(place.schema).raw
    return raw if is_object(raw) else {}


def _is_nullable(said: Mapping[str, Any]) -> bool:
    kinds = said.get("type")
    return isinstance(kinds, list) and "null" in kinds
