"""Inline tags: `confluent:tags` put on, and taken off, the records and fields of an Avro schema; and found.

Source: the recordings of Confluent 8.1.5. There, paths are full names of records, with a field's name at the end.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from schema_mcp.domain.schema import Json, SchemaType
from schema_mcp.registries.contract import Tag
from schema_mcp.registries.embedded.refusals import invalid_schema

PROPERTY = "confluent:tags"
RECORD = "sr_record"
FIELD = "sr_field"


def tagged(text: str, kind: str, added: Sequence[Tag], removed: Sequence[Tag]) -> str:
    """A valid text with tags added, then removed; raises 42201 for a place that is not there."""
    if kind != SchemaType.AVRO:
        raise invalid_schema(f"Tags inside the schema are not supported here for {kind}: use metadata.tags")
    root = _document(text)
    places = {(path, kind): place for path, kind, place in _places(root)}
    for tag in (*added, *removed):
        if (tag.path, tag.kind) not in places:
            raise invalid_schema(f"No matching path '{tag.path}' found in the schema")
    for tag in added:
        place = places[tag.path, tag.kind]
        _set_tags(place, [*dict.fromkeys((*_tags_of(place), *tag.tags))])
    for tag in removed:
        place = places[tag.path, tag.kind]
        _set_tags(place, [one for one in _tags_of(place) if one not in tag.tags])
    return json.dumps(root, ensure_ascii=False)


def found_tags(text: str, kind: str, wanted: Sequence[str]) -> list[Tag]:
    """The places that carry one of the wanted tags, or any with `*`."""
    if kind != SchemaType.AVRO:
        return []
    carried = [Tag(path, kind, tuple(_tags_of(place))) for path, kind, place in _places(_document(text))]
    return [tag for tag in carried if tag.tags and ("*" in wanted or set(wanted) & set(tag.tags))]


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid_schema(f"The schema is too deep to look for tags: {error}") from error


def _tags_of(place: Json) -> list[str]:
    found = place.get(PROPERTY)
    return [str(tag) for tag in cast("list[Any]", found)] if isinstance(found, list) else []


def _set_tags(place: Json, tags: list[str]) -> None:
    if tags:
        place[PROPERTY] = tags
    else:
        place.pop(PROPERTY, None)


def _places(root: Any) -> Iterator[tuple[str, str, Json]]:
    """Every record and field with its path, in the order of the text; names are in the namespace around them."""
    waiting: list[tuple[Any, str]] = [(root, "")]
    while waiting:
        node, namespace = waiting.pop()
        inner: list[tuple[Any, str]] = []
        if isinstance(node, list):
            inner = [(branch, namespace) for branch in cast("list[Any]", node)]
        elif isinstance(node, dict):
            schema = cast("Json", node)
            if "fields" in schema:
                full, space = _full_name(schema, namespace)
                yield full, RECORD, schema
                for field in schema["fields"]:
                    yield f"{full}.{field['name']}", FIELD, field
                    inner.append((field["type"], space))
            inner += [(schema[key], namespace) for key in ("items", "values", "type") if key in schema]
        waiting += reversed(inner)


def _full_name(record: Json, namespace: str) -> tuple[str, str]:
    """A record's full name and the namespace of what it holds."""
    name = str(record["name"])
    if "." in name:
        return name, name.rpartition(".")[0]
    space = str(record.get("namespace", namespace))
    return (f"{space}.{name}" if space else name), space
