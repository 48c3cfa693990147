"""The fields of a schema as rows of a table, whatever language it is in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from schema_mcp.domain.avro.document import is_object
from schema_mcp.domain.schema import SchemaType


@dataclass(frozen=True, slots=True)
class Row:
    """One field: where it stands, its type in words, its default as text (None: it has none), and its doc."""

    path: str
    type: str
    default: str | None
    doc: str


def fields(kind: SchemaType, parsed: Any) -> list[Row]:
    """Every field of a parsed schema, in the order of the text; a type that is used twice is told once."""
    return list(_FIELDS[kind](parsed))


def _avro(parsed: Any) -> Iterator[Row]:
    walk, describe = (import_module(f"schema_mcp.domain.avro.{name}") for name in ("walk", "describe"))
    write = import_module("schema_mcp.domain.avro.document").write
    for place in walk.places(parsed.root):
        if place.field:
            default = write(place.field.default) if place.field.has_default else None
            yield Row(place.path, describe.type_text(place.type), default, place.field.doc or "")


def _json(parsed: Any) -> Iterator[Row]:
    places, words = (import_module(f"schema_mcp.domain.json_schema.{name}") for name in ("places", "typewords"))
    for place in places.places(parsed.root):
        if place.holder is not None:
            said = {**_raw(places.followed(place.schema)), **_raw(place.schema)}
            default = words.shown(said["default"]) if "default" in said else None
            required = "" if place.name in place.holder.required else " (optional)"
            doc = next((said[word] for word in ("description", "title") if isinstance(said.get(word), str)), "")
            yield Row(place.path, words.type_text(place.schema) + required, default, doc)


def _raw(schema: Any) -> dict[str, Any]:
    raw: Any = schema.raw
    return raw if is_object(raw) else {}


def _protobuf(parsed: Any) -> Iterator[Row]:
    types, matching = (import_module(f"schema_mcp.domain.protobuf.{name}") for name in ("types", "matching"))
    value_text = import_module("schema_mcp.domain.protobuf.printer").value_text
    for found in types.definitions_of(types.Source(parsed.file, types.OWN)):
        if found.is_enum or found.body.is_map_entry:
            continue
        for placed in matching.placed_fields(found.body):
            field = placed.field
            where = f", in oneof {placed.oneof}" if placed.oneof else ""
            default = None if field.default is None else value_text(field.default)
            yield Row(
                f"{found.full_name}.{field.name}",
                f"{matching.declared(field)} = {field.tag}{where}",
                default,
                field.doc,
            )


_FIELDS: Mapping[SchemaType, Callable[[Any], Iterator[Row]]] = {
    SchemaType.AVRO: _avro,
    SchemaType.JSON: _json,
    SchemaType.PROTOBUF: _protobuf,
}
