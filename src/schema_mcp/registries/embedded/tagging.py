"""Inline tags: `confluent:tags` put on, and taken off, the records and fields of an Avro schema; and found.

Source: the recordings of Confluent 8.1.5. There, paths are full names of records, with a field's name at the end.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from schema_mcp.domain.schema import Json, SchemaType
from schema_mcp.registries.embedded.refusals import invalid_schema

PROPERTY = "confluent:tags"
RECORD = "sr_record"
FIELD = "sr_field"


@dataclass(frozen=True, slots=True)
class Tag:
    """Tags of one place: `path` is `com.ex.User` for a record, `com.ex.User.name` for a field."""

    path: str
    kind: str
    tags: tuple[str, ...]


def tagged(text: str, kind: str, added: Sequence[Tag], removed: Sequence[Tag]) -> str:
    """The text with tags added, then removed; raises 42201 for a place that is not there."""
    if kind != SchemaType.AVRO:
        raise invalid_schema(f"Tags inside the schema are not supported here for {kind}: use metadata.tags")
    root: Any = json.loads(text)
    places = {(path, kind): place for path, kind, place in _places(root, "")}
    for tag in (*added, *removed):
        if (tag.path, tag.kind) not in places:
            raise invalid_schema(f"No matching path '{tag.path}' found in the schema")
    for tag in added:
        place = places[tag.path, tag.kind]
        place[PROPERTY] = [*dict.fromkeys((*place.get(PROPERTY, ()), *tag.tags))]
    for tag in removed:
        place = places[tag.path, tag.kind]
        place[PROPERTY] = [one for one in place.get(PROPERTY, ()) if one not in tag.tags]
        if not place[PROPERTY]:
            del place[PROPERTY]
    return json.dumps(root, ensure_ascii=False)


def found_tags(text: str, kind: str, wanted: Sequence[str]) -> list[Tag]:
    """The places that carry one of the wanted tags, or any with `*`."""
    if kind != SchemaType.AVRO:
        return []
    return [
        Tag(path, kind, tuple(place[PROPERTY]))
        for path, kind, place in _places(json.loads(text), "")
        if "*" in wanted or set(wanted) & set(place.get(PROPERTY, ()))
        if place.get(PROPERTY)
    ]


def _places(node: Any, namespace: str) -> Iterator[tuple[str, str, Json]]:
    """Every record and field with its path; names are qualified by the namespace around them."""
    if isinstance(node, list):
        for branch in cast("list[Any]", node):
            yield from _places(branch, namespace)
    if not isinstance(node, dict):
        return
    schema = cast("Json", node)
    if "fields" in schema:
        name = str(schema["name"])
        space = name.rpartition(".")[0] or str(schema.get("namespace", namespace))
        full = name if "." in name or not space else f"{space}.{name}"
        yield full, RECORD, schema
        for field in schema["fields"]:
            yield f"{full}.{field['name']}", FIELD, field
            yield from _places(field["type"], space)
    for key in ("items", "values"):
        yield from _places(schema.get(key), namespace)
    if isinstance(schema.get("type"), dict | list):
        yield from _places(schema["type"], namespace)
