"""Going through schemas by place: one schema's parts, and the parts of two that belong together."""

from collections.abc import Iterator
from dataclasses import dataclass

from schema_mcp.domain.avro.model import Array, Enum, Field, Fixed, Map, Record, Type, Union, branch_name


@dataclass(frozen=True, slots=True)
class Place:
    """A type where it stands; `field` is the one it is the type of, `record` the one that has the field."""

    path: str
    type: Type
    field: Field | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The same place in an older and a newer schema."""

    path: str
    old: Type
    new: Type
    old_field: Field | None = None
    new_field: Field | None = None


def places(root: Type) -> Iterator[Place]:
    """Every place of a schema in the order of the text; a named type is entered where it comes first."""
    entered: set[int] = set()
    waiting = [Place(_start(root), root)]
    while waiting:
        place = waiting.pop()
        yield place
        if isinstance(place.type, Record):
            if id(place.type) in entered:
                continue
            entered.add(id(place.type))
        waiting.extend(reversed(list(_within(place))))


def _start(root: Type) -> str:
    return root.name if isinstance(root, Record | Enum | Fixed) else ""


def _within(place: Place) -> Iterator[Place]:
    match place.type:
        case Record() as record:
            for field in record.fields:
                yield Place(f"{place.path}.{field.name}".removeprefix("."), field.type, field, record)
        case Array():
            yield Place(f"{place.path}[]", place.type.items)
        case Map():
            yield Place(f"{place.path}{{}}", place.type.values)
        case Union():
            for branch in place.type.branches:
                yield Place(place.path or _start(branch), branch)
        case _:
            return


def matches(old: Type, new: Type) -> Iterator[Match]:
    """Every place that both schemas have, in the order of the newer one; fields also by the newer one's aliases."""
    entered: set[tuple[int, int]] = set()
    waiting = [Match(_start(new), old, new)]
    while waiting:
        match_ = waiting.pop()
        yield match_
        pair = (id(match_.old), id(match_.new))
        if pair not in entered:
            entered.add(pair)
            waiting.extend(reversed(list(_matched_within(match_))))


def _matched_within(pair: Match) -> Iterator[Match]:
    match pair.old, pair.new:
        case Record() as old, Record() as new:
            for field in new.fields:
                before = field_before(field, old)
                if before is not None:
                    path = f"{pair.path}.{field.name}".removeprefix(".")
                    yield Match(path, before.type, field.type, before, field)
        case Array() as old, Array() as new:
            yield Match(f"{pair.path}[]", old.items, new.items)
        case Map() as old, Map() as new:
            yield Match(f"{pair.path}{{}}", old.values, new.values)
        case Union(), _:
            yield from _matched_branches(pair.path, pair.old, pair.new)
        case _, Union():
            yield from _matched_branches(pair.path, pair.old, pair.new)
        case _:
            return


def field_before(field: Field, old: Record) -> Field | None:
    """The field as it was in the older record, under its name or one of its aliases."""
    names = [field.name, *field.aliases]
    return next((old.by_name[name] for name in names if name in old.by_name), None)


def _matched_branches(path: str, old: Type, new: Type) -> Iterator[Match]:
    before = {_key(branch): branch for branch in alternatives(old)}
    for branch in alternatives(new):
        if _key(branch) in before:
            yield Match(path or _start(branch), before[_key(branch)], branch)


def alternatives(type_: Type) -> list[Type]:
    """The branches of a union, or the type as its own only alternative."""
    return type_.branches if isinstance(type_, Union) else [type_]


def _key(branch: Type) -> str:
    return branch_name(branch).rpartition(".")[2]
