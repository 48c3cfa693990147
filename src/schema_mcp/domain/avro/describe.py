"""Schemas and their changes in words, for people and for the search index."""

from collections.abc import Iterator
from typing import Any

from schema_mcp.domain.avro.document import write
from schema_mcp.domain.avro.model import (
    MISSING,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Type,
    Union,
    branch_name,
)
from schema_mcp.domain.avro.stackless import Steps, each, run
from schema_mcp.domain.avro.walk import Match, Place, alternatives, field_before, matches, places
from schema_mcp.domain.formats import Change, Named


def type_text(type_: Type) -> str:
    """A type in a few words: `array of string`, `null or long (timestamp-millis)`, `com.example.Address`."""
    return run(_type_text(type_))


def _type_text(type_: Type) -> Steps[str]:
    match type_:
        case Array():
            text = f"array of {yield _type_text(type_.items)}"
        case Map():
            text = f"map of {yield _type_text(type_.values)}"
        case Union():
            text = " or ".join((yield each(_type_text(branch) for branch in type_.branches))) or "nothing"
        case _:
            text = str(branch_name(type_))
    logical = _logical_text(type_)
    return f"{text} ({logical})" if logical else text


def _logical_text(type_: Type) -> str:
    if not isinstance(type_, Primitive | Fixed) or "logicalType" not in type_.raw:
        return ""
    numbers = [str(type_.raw[word]) for word in ("precision", "scale") if word in type_.raw]
    return f"{type_.raw['logicalType']} {','.join(numbers)}".strip()


def names(root: Type) -> list[Named]:
    """Every type and field a person may search for, with its doc."""
    found: list[Named] = []
    seen: set[str] = set()
    for place in places(root):
        found += _field_names(place)
        if isinstance(place.type, Record | Enum | Fixed) and place.type.full_name not in seen:
            seen.add(place.type.full_name)
            found += _type_names(place.type)
    return found


def _field_names(place: Place) -> Iterator[Named]:
    if place.field:
        yield Named("field", place.path, place.field.name, type_text(place.type), place.field.doc or "")


def _type_names(named: Record | Enum | Fixed) -> Iterator[Named]:
    yield Named(named.kind.value, named.full_name, named.name, doc=named.doc or "")
    if isinstance(named, Enum):
        for symbol in named.symbols:
            yield Named("symbol", f"{named.full_name}.{symbol}", symbol)


def changes(old: Type, new: Type) -> list[Change]:
    """What changed, in the order of the newer schema; what is gone stands where its record stands."""
    found: list[Change] = []
    told: set[tuple[int, int]] = set()
    for match_ in matches(old, new):
        found += _field_changes(match_)
        pair = (id(match_.old), id(match_.new))
        if pair not in told:
            told.add(pair)
            found += _type_changes(match_)
    return found


def _field_changes(match_: Match) -> Iterator[Change]:
    old, new, path = match_.old_field, match_.new_field, match_.path
    if old is None or new is None:
        return
    if old.name != new.name:
        yield Change("renamed", path, f"`{old.name}` is now called `{new.name}`, with an alias")
    yield from _value_changes("default", path, old.default, new.default)
    yield from _value_changes("doc", path, _or_missing(old.doc), _or_missing(new.doc))
    yield from _value_changes("order", path, old.order, new.order)
    yield from _value_changes("aliases", path, _or_missing(old.aliases), _or_missing(new.aliases))
    yield from _property_changes(path, old.properties, new.properties)


def _type_changes(match_: Match) -> Iterator[Change]:
    path = match_.path or "schema"
    match match_.old, match_.new:
        case Record() as old, Record() as new:
            yield from _name_changes(path, old, new)
            yield from _members_changes(path, old, new)
        case Enum() as old, Enum() as new:
            yield from _name_changes(path, old, new)
            yield from _symbol_changes(path, old, new)
        case Fixed() as old, Fixed() as new:
            yield from _name_changes(path, old, new)
            yield from _value_changes("size", path, old.size, new.size)
        case (Array() as old, Array() as new) | (Map() as old, Map() as new) | (Primitive() as old, Primitive() as new):
            if old.kind is not new.kind:
                yield _changed_type(path, old, new)
            yield from _property_changes(path, old.properties, new.properties)
        case (Union() as old, new) | (old, Union() as new):
            yield from _branch_changes(path, old, new)
        case old, new:
            yield _changed_type(path, old, new)


def _changed_type(path: str, old: Type, new: Type) -> Change:
    return Change("type", path, f"`{path}` changed from {type_text(old)} to {type_text(new)}")


def _members_changes(path: str, old: Record, new: Record) -> Iterator[Change]:
    before = {field.name: field_before(field, old) for field in new.fields}
    kept = {field.name: None for field in before.values() if field}
    for field in new.fields:
        if before[field.name] is None:
            yield Change("added", f"{path}.{field.name}", f"`{field.name}` was added: {_field_text(field)}")
    for field in old.fields:
        if field.name not in kept:
            yield Change("removed", f"{path}.{field.name}", f"`{field.name}` was removed: {_field_text(field)}")
    if list(kept) != [field.name for field in old.fields if field.name in kept]:
        yield Change("order", path, f"the fields of `{path}` stand in another order")


def _field_text(field: Field) -> str:
    default = f"default {write(field.default)}" if field.has_default else "no default"
    return f"{type_text(field.type)}, {default}"


def _symbol_changes(path: str, old: Enum, new: Enum) -> Iterator[Change]:
    for symbol in new.symbols:
        if symbol not in old.symbols:
            yield Change("added", f"{path}.{symbol}", f"the symbol `{symbol}` was added to {new.name}")
    for symbol in old.symbols:
        if symbol not in new.symbols:
            yield Change("removed", f"{path}.{symbol}", f"the symbol `{symbol}` was removed from {new.name}")
    if sorted(old.symbols) == sorted(new.symbols) and old.symbols != new.symbols:
        yield Change("order", path, f"the symbols of {new.name} stand in another order")
    yield from _value_changes("default", path, _or_missing(old.default), _or_missing(new.default))


def _branch_changes(path: str, old: Type, new: Type) -> Iterator[Change]:
    before = {branch_name(branch): branch for branch in alternatives(old)}
    after = {branch_name(branch): branch for branch in alternatives(new)}
    added = [type_text(branch) for name, branch in after.items() if name not in before]
    removed = [type_text(branch) for name, branch in before.items() if name not in after]
    if removed and added:
        yield _changed_type(path, old, new)
    elif added:
        yield Change("type", path, f"`{path}` may now also be {' or '.join(added)}")
    elif removed:
        yield Change("type", path, f"`{path}` may no longer be {' or '.join(removed)}")
    elif list(before) != list(after):
        yield Change("order", path, f"the branches of `{path}` stand in another order")


def _name_changes(path: str, old: Record | Enum | Fixed, new: Record | Enum | Fixed) -> Iterator[Change]:
    if old.full_name != new.full_name:
        yield Change("renamed", path, f"{old.kind} {old.full_name} is now {new.full_name}")
    yield from _value_changes("doc", path, _or_missing(old.doc), _or_missing(new.doc))
    yield from _value_changes("aliases", path, _or_missing(old.aliases), _or_missing(new.aliases))
    yield from _property_changes(path, old.properties, new.properties)


def _property_changes(path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for name in {**old, **new}:
        before, after = old.get(name, MISSING), new.get(name, MISSING)
        yield from _value_changes(name, path, before, after, kind="property")


def _value_changes(word: str, path: str, old: Any, new: Any, *, kind: str = "") -> Iterator[Change]:
    if _shown(old) == _shown(new):
        return
    if old is MISSING:
        text = f"`{path}` got the {word} {_shown(new)}"
    elif new is MISSING:
        text = f"`{path}` lost its {word} {_shown(old)}"
    else:
        text = f"the {word} of `{path}` changed from {_shown(old)} to {_shown(new)}"
    yield Change(kind or word, path, text)


def _or_missing(value: Any) -> Any:
    return value or MISSING


def _shown(value: Any) -> str:
    return "" if value is MISSING else write(value)
