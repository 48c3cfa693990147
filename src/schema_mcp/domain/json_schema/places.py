"""The places of a schema as people name them, and the places that two versions of it share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schema_mcp.domain.json_schema.distinct import Prints
from schema_mcp.domain.json_schema.model import Anything, Combined, Criterion, Object, Reference, Schema
from schema_mcp.domain.json_schema.tree import Path
from schema_mcp.domain.json_schema.walk import children

_MEMBERS: Final = frozenset(Criterion)
_STEPS: Final = {
    "additionalProperties": ".*",
    "unevaluatedProperties": ".*",
    "additionalItems": "[*]",
    "unevaluatedItems": "[*]",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A schema where it stands: `Order.customer.email`. `holder` is the object whose property it is."""

    path: str
    schema: Schema
    name: str = ""
    holder: Object | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """A place that both versions have."""

    path: str
    old: Schema
    new: Schema


def places(root: Schema) -> Iterator[Place]:
    """Every place in the order of the text; what a reference leads to is walked once, where it is met first."""
    pending = [Place(root_name(root), root)]
    seen: set[int] = set()
    while pending:
        place = pending.pop()
        yield place
        schema = followed(place.schema)
        if id(schema) not in seen:
            seen.add(id(schema))
            pending += reversed(list(_inner_places(place.path, schema)))


def _inner_places(path: str, schema: Schema) -> Iterator[Place]:
    holder = next((part for part in parts(schema) if isinstance(part, Object)), None)
    for keys, child in inner_schemas(schema).items():
        name = str(keys[1]) if keys[0] == "properties" else ""
        yield Place(_joined(path, keys), child, name, holder if keys[0] == "properties" else None)


def shared(old: Schema, new: Schema) -> Iterator[Shared]:
    """Every place that two versions share, each pair of schemas once."""
    prints = Prints()
    pending = [Shared(root_name(new) or root_name(old), old, new)]
    seen: set[tuple[int, int]] = set()
    while pending:
        place = pending.pop()
        before, after = followed(place.old), followed(place.new)
        if (id(before), id(after)) in seen:
            continue
        seen.add((id(before), id(after)))
        yield place
        inner = [Shared(_joined(place.path, keys), *both) for keys, both in _pairs(before, after, prints)]
        pending += reversed(inner)


def followed(schema: Schema) -> Schema:
    """What a reference leads to in the end."""
    seen: set[int] = set()
    while isinstance(schema, Reference):
        if schema.target is None or id(schema) in seen:
            return Anything(schema.raw)
        seen.add(id(schema))
        schema = schema.target
    return schema


def parts(schema: Schema) -> list[Schema]:
    """The classes that one JSON object is made of."""
    shared_ = [child for keys, child in children(schema) if not keys] if isinstance(schema, Combined) else []
    return [part for child in shared_ for part in parts(child)] if shared_ else [schema]


def inner_schemas(schema: Schema) -> dict[Path, Schema]:
    """Inner schemas of a JSON object, all its parts together, by the keys that lead to them."""
    found: dict[Path, Schema] = {}
    for part in [schema, *parts(schema)]:
        found |= {keys: child for keys, child in children(part) if keys}
    return found


def root_name(root: Schema) -> str:
    title = root.title or ""
    return title if title.isidentifier() else ""


def _joined(path: str, keys: Path) -> str:
    return (path + _step(keys)).lstrip(".")


def _step(keys: Path) -> str:
    match keys:
        case ("properties", str(name)):
            return f".{name}"
        case ("patternProperties", str(pattern)):
            return f"./{pattern}/"
        case ("items" | "prefixItems", int(index)):
            return f"[{index}]"
        case ("items",):
            return "[]"
        case (keyword, *_):
            return _STEPS.get(str(keyword), "")
        case _:
            return ""


def _pairs(old: Schema, new: Schema, prints: Prints) -> Iterator[tuple[Path, tuple[Schema, Schema]]]:
    before, after = inner_schemas(old), inner_schemas(new)
    for keys, schema in after.items():
        if keys in before and keys[0] not in _MEMBERS:
            yield keys, (before[keys], schema)
    for one, other in paired_members(before, after, prints):
        if one is not None and other is not None:
            yield ("members",), (one, other)


def paired_members(
    before: dict[Path, Schema], after: dict[Path, Schema], prints: Prints
) -> list[tuple[Schema | None, Schema | None]]:
    """Members of `anyOf` and the like: equal ones together, and changed ones where as many went as came."""
    old, new = ([schema for keys, schema in side.items() if keys[0] in _MEMBERS] for side in (before, after))
    waiting: dict[int, list[Schema]] = {}
    for schema in reversed(new):
        waiting.setdefault(prints.of(schema.raw), []).append(schema)
    equals = [(schema, _taken(waiting, prints.of(schema.raw))) for schema in old]
    found = {id(other) for _, other in equals}
    lost = [schema for schema, other in equals if other is None]
    won = [schema for schema in new if id(schema) not in found]
    if len(lost) == len(won):
        changed: list[tuple[Schema | None, Schema | None]] = list(zip(lost, won, strict=True))
    else:
        changed = [*((schema, None) for schema in lost), *((None, schema) for schema in won)]
    return [*((schema, other) for schema, other in equals if other is not None), *changed]


def _taken(waiting: dict[int, list[Schema]], print_: int) -> Schema | None:
    return waiting[print_].pop() if waiting.get(print_) else None
