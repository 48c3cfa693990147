"""Schemas and their changes in words, for people and for the search index."""

from collections.abc import Iterator
from typing import Any, Final

from schema_mcp.domain.formats import Change, Named
from schema_mcp.domain.json_schema.distinct import Prints
from schema_mcp.domain.json_schema.model import Object, Schema
from schema_mcp.domain.json_schema.places import (
    Place,
    Shared,
    followed,
    inner_schemas,
    paired_members,
    parts,
    places,
    shared,
)
from schema_mcp.domain.json_schema.text import is_array, is_object
from schema_mcp.domain.json_schema.typewords import shown, type_text


def names(root: Schema) -> list[Named]:
    """Every object, property and enum value that a person may search for, with its description."""
    return [named for place in places(root) for named in _names(place)]


def _names(place: Place) -> Iterator[Named]:
    schema = followed(place.schema)
    doc = _doc(_raw(place.schema)) or _doc(_raw(schema))
    if place.holder is not None:
        yield Named("field", place.path, place.name, type_text(place.schema), doc)
    if schema.title and any(isinstance(part, Object) for part in parts(schema)):
        yield Named("object", place.path or schema.title, schema.title, doc=_text(_raw(schema), "description"))
    for value in _values(_raw(schema)).values():
        if isinstance(value, str):
            yield Named("symbol", f"{place.path}.{value}".lstrip("."), value)


def changes(old: Schema, new: Schema) -> list[Change]:
    """What changed, in the order of the newer schema; what is gone stands where its object stands."""
    prints = Prints()
    return [change for place in shared(old, new) for change in _changes(place, prints)]


def _changes(place: Shared, prints: Prints) -> Iterator[Change]:
    before, after = followed(place.old), followed(place.new)
    yield from _type_changes(place.path, before, after)
    yield from _keyword_changes(place.path, _said(place.old, before), _said(place.new, after), prints)
    yield from _value_changes(place.path, _raw(before), _raw(after))
    yield from _property_changes(place.path, before, after, prints)
    yield from _member_changes(place.path, before, after, prints)


def _type_changes(path: str, before: Schema, after: Schema) -> Iterator[Change]:
    """Values and alternatives are told one by one, so their kinds are enough here."""
    kinds = [[type(part) for part in parts(schema)] for schema in (before, after)]
    was, is_ = type_text(before), type_text(after)
    if was != is_ and (kinds[0] != kinds[1] or not _LISTED & _raw(after).keys()):
        yield Change("type", path, f"{_quoted(path)} changed from {was} to {is_}")


_PLACES: Final = frozenset(
    {"additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems", "dependencies"}
)
"""What changes inside them is told at places of their own."""
_LISTED: Final = frozenset({"enum", "anyOf", "oneOf", "allOf", "not", "items", "prefixItems"})
_WORDS: Final = {"title": "doc", "description": "doc", "default": "default"}
_LIMITS: Final = (
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "format", "uniqueItems"),
)
_KINDS: Final = {**_WORDS, **dict.fromkeys(_LIMITS, "limit"), "$id": "id", "id": "id", "$schema": "draft"}
_TOLD_ELSEWHERE: Final = _LISTED | {
    *("type", "properties", "required", "definitions", "$defs", "$ref", "patternProperties", "dependentSchemas"),
}


def _keyword_changes(path: str, before: dict[str, Any], after: dict[str, Any], prints: Prints) -> Iterator[Change]:
    for keyword in after | before:
        was, is_ = before.get(keyword, _MISSING), after.get(keyword, _MISSING)
        inside = is_object(was) and is_object(is_) and keyword in _PLACES
        if keyword not in _TOLD_ELSEWHERE and not inside and not _same(was, is_, prints):
            yield Change(_KINDS.get(keyword, "keyword"), path, f"{_of(keyword, path)} {_became(was, is_)}")


_MISSING: Final = object()


def _same(was: Any, is_: Any, prints: Prints) -> bool:
    if was is _MISSING or is_ is _MISSING:
        return was is is_
    return prints.of(was) == prints.of(is_)


def _became(was: Any, is_: Any) -> str:
    if was is _MISSING:
        return f"is new: {shown(is_)}"
    if is_ is _MISSING:
        return f"is gone; it was {shown(was)}"
    return f"changed from {shown(was)} to {shown(is_)}"


def _value_changes(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    was, is_ = _values(before), _values(after)
    if not was or not is_:
        return
    for text in [text for text in is_ if text not in was]:
        yield Change("added", path, f"{_quoted(path)} may be {text} now")
    for text in [text for text in was if text not in is_]:
        yield Change("removed", path, f"{_quoted(path)} may not be {text} any more")


def _values(raw: dict[str, Any]) -> dict[str, Any]:
    values = raw.get("enum")
    return {shown(value): value for value in values} if is_array(values) else {}


def _property_changes(path: str, before: Schema, after: Schema, prints: Prints) -> Iterator[Change]:
    old, new = _object(before), _object(after)
    if old is None or new is None:
        return
    won = {name: schema for name, schema in new.properties.items() if name not in old.properties}
    lost = {name: schema for name, schema in old.properties.items() if name not in new.properties}
    renamed = _renamed(lost, won, prints)
    for was, is_ in renamed.items():
        yield Change("renamed", _under(path, is_), f"`{was}` seems to be called `{is_}` now")
    for name, schema in won.items():
        if name not in renamed.values():
            yield Change("added", _under(path, name), f"`{name}` was added: {_property_text(schema, name, new)}")
    for name, schema in lost.items():
        if name not in renamed:
            yield Change("removed", _under(path, name), f"`{name}` was removed: {_property_text(schema, name, old)}")
    yield from _required_changes(path, old, new)
    yield from _order_changes(path, old, new)


def _object(schema: Schema) -> Object | None:
    return next((part for part in parts(schema) if isinstance(part, Object)), None)


def _renamed(lost: dict[str, Schema], won: dict[str, Schema], prints: Prints) -> dict[str, str]:
    """The one property that went and the one that came, when they say the same."""
    if len(lost) != 1 or len(won) != 1:
        return {}
    (was, old), (is_, new) = *lost.items(), *won.items()
    return {was: is_} if _raw(old) and prints.of(old.raw) == prints.of(new.raw) else {}


def _property_text(schema: Schema, name: str, holder: Object) -> str:
    return f"{type_text(schema)}, {'required' if name in holder.required else 'optional'}"


def _required_changes(path: str, old: Object, new: Object) -> Iterator[Change]:
    declared = old.properties.keys() & new.properties.keys()
    for name in sorted(old.required ^ new.required):
        if name in declared or (name not in old.properties and name not in new.properties):
            became = "required" if name in new.required else "optional"
            yield Change("required", _under(path, name), f"`{name}` became {became}")


def _order_changes(path: str, old: Object, new: Object) -> Iterator[Change]:
    was = [name for name in old.properties if name in new.properties]
    if was != [name for name in new.properties if name in old.properties]:
        yield Change("order", path, f"the properties of {_quoted(path)} stand in another order")


def _member_changes(path: str, before: Schema, after: Schema, prints: Prints) -> Iterator[Change]:
    for old, new in paired_members(inner_schemas(before), inner_schemas(after), prints):
        if old is None and new is not None:
            yield Change("added", path, f"{_quoted(path)} has a new alternative or condition: {type_text(new)}")
        elif new is None and old is not None:
            yield Change("removed", path, f"{_quoted(path)} lost an alternative or condition: {type_text(old)}")


def _said(written: Schema, schema: Schema) -> dict[str, Any]:
    """What a schema says; words beside a reference come before those of its target."""
    return _raw(schema) | {key: value for key, value in _raw(written).items() if key in _WORDS}


def _raw(schema: Schema) -> dict[str, Any]:
    return schema.raw if is_object(schema.raw) else {}


def _doc(raw: dict[str, Any]) -> str:
    return _text(raw, "description") or _text(raw, "title")


def _text(raw: dict[str, Any], keyword: str) -> str:
    found = raw.get(keyword)
    return found if isinstance(found, str) else ""


def _under(path: str, name: str) -> str:
    return f"{path}.{name}".lstrip(".")


def _of(keyword: str, path: str) -> str:
    return f"`{keyword}` of {_quoted(path)}"


def _quoted(path: str) -> str:
    return f"`{path}`" if path else "the schema"
