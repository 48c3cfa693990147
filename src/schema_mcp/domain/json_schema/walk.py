"""What stands directly inside a schema, and by which keys of its JSON."""

from collections.abc import Iterator
from typing import Any

from schema_mcp.domain.json_schema.model import Array, Combined, Not, Object, Reference, Schema
from schema_mcp.domain.json_schema.tree import Path


def children(schema: Schema) -> Iterator[tuple[Path, Schema]]:
    """Inner schemas with the keys that lead to them; parts of one JSON object have none."""
    match schema:
        case Object():
            yield from _of_object(schema)
        case Array():
            yield from _of_array(schema)
        case Combined():
            written = isinstance(schema.raw.get(schema.criterion), list)
            for index, member in enumerate(schema.members):
                yield (schema.criterion.value, index) if written and member.raw is not schema.raw else (), member
        case Not():
            yield ("not",), schema.inner
        case _:
            return


def _of_object(schema: Object) -> Iterator[tuple[Path, Schema]]:
    for name, inner in schema.properties.items():
        yield ("properties", name), inner
    for pattern, inner in schema.patterns.items():
        yield ("patternProperties", pattern.text), inner
    for name, inner in schema.implies.items():
        yield ("dependencies" if "dependencies" in schema.raw else "dependentSchemas", name), inner
    yield from _others(schema.additional, "additionalProperties")
    yield from _others(schema.unevaluated, "unevaluatedProperties")


def _of_array(schema: Array) -> Iterator[tuple[Path, Schema]]:
    if schema.items is not None:
        yield ("items",), schema.items
    listed = "prefixItems" if "prefixItems" in schema.raw else "items"
    for index, inner in enumerate(schema.prefix):
        yield (listed, index), inner
    yield from _others(schema.additional, "items" if listed == "prefixItems" else "additionalItems")
    yield from _others(schema.unevaluated, "unevaluatedItems")


def _others(schema: Any, keyword: str) -> Iterator[tuple[Path, Schema]]:
    if isinstance(schema, Schema):
        yield (keyword,), schema


def everything(root: Schema) -> Iterator[Schema]:
    """Every schema that the root reaches, through references too."""
    pending, seen = [root], {id(root)}
    while pending:
        schema = pending.pop()
        yield schema
        target = [schema.target] if isinstance(schema, Reference) and schema.target else []
        for inner in [*target, *(child for _, child in children(schema))]:
            if id(inner) not in seen:
                seen.add(id(inner))
                pending.append(inner)


def links(root: Schema) -> dict[int, Any]:
    """Where references lead: the JSON of the target, by the identity of the object that holds the `$ref`."""
    references = (schema for schema in everything(root) if isinstance(schema, Reference))
    return {id(reference.raw): reference.target.raw for reference in references if reference.target}


def holder_of(wanted: Schema, root: Schema) -> tuple[Schema, Path] | None:
    """The schema that another one stands in, and by which keys."""
    for schema in everything(root):
        for keys, child in children(schema):
            if child is wanted and keys:
                return schema, keys
    return None
