"""The smallest edit that makes one difference go away, kind by kind: a changed copy of the author's JSON object."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from schema_mcp.domain.json_schema.content import covering
from schema_mcp.domain.json_schema.members import unmatched
from schema_mcp.domain.json_schema.model import Array, Combined, Criterion, Number, Object, Schema
from schema_mcp.domain.json_schema.steps import Found
from schema_mcp.domain.json_schema.text import is_array, is_object, write

Raw: TypeAlias = dict[str, Any]

_ANNOTATIONS: Final = frozenset({"title", "description", "default", "examples", "$comment"})
_NO_DEFAULT: Final = object()
_DEFAULTS: Final[Raw] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
_KEPT: Final = _ANNOTATIONS | {"$schema", "$id", "id", "$anchor", "definitions", "$defs"}
"""What a schema keeps when its rules are replaced."""


@dataclass(frozen=True, slots=True)
class Case:
    """A difference as the author sees it: `mine` is to change, `theirs` is what it clashed with.

    `reads` tells whether the author's schema was the reader, `modern` how it is written; `take` copies JSON of the
    other document.
    """

    found: Found
    mine: Schema
    theirs: Schema
    reads: bool
    modern: bool
    take: Callable[[Any], Any]

    @property
    def raw(self) -> Raw:
        return self.mine.raw if is_object(self.mine.raw) else {}

    @property
    def other(self) -> Raw:
        return self.theirs.raw if is_object(self.theirs.raw) else {}

    @property
    def keyword(self) -> str:
        return self.found.path.rpartition("/")[2]

    @property
    def name(self) -> str:
        return self.found.name


def repaired(case: Case) -> Any:
    """The author's object after the edit, or None where no small edit is known."""
    for beginning, repair in _REPAIRS.items():
        if case.found.kind.startswith(beginning):
            return repair(case)
    return _as_theirs(case, case.keyword)


def restored(case: Case) -> Any:
    """The rules of the other schema; the author's titles, descriptions and definitions stay."""
    taken = case.take(case.theirs.raw)
    if not is_object(taken):
        return taken
    rules = {key: value for key, value in taken.items() if key not in _KEPT}
    return _kept(case.raw) | rules


def _kept(raw: Raw) -> Raw:
    return {key: value for key, value in raw.items() if key in _KEPT}


def _as_theirs(case: Case, *keywords: str) -> Raw:
    """Some keywords as the other schema has them."""
    raw = {key: value for key, value in case.raw.items() if key not in keywords or key in case.other}
    return raw | {key: case.take(case.other[key]) for key in keywords if key in case.other}


def _without(raw: Raw, keyword: str) -> Raw:
    return {key: value for key, value in raw.items() if key != keyword}


def _contains(case: Case) -> Raw:
    return _as_theirs(case, "contains", "minContains", "maxContains")


def _type_changed(case: Case) -> Any:
    """A reader may take both types; a writer must keep to the old one."""
    return _widened(case) if case.reads else restored(case)


def _widened(case: Case) -> Any:
    mine = {key: value for key, value in case.raw.items() if key not in _KEPT}
    old = case.take(case.theirs.raw)
    match case.mine, case.theirs:
        case Combined(criterion=Criterion.ANY | Criterion.ONE as criterion) as combined, _ if criterion in mine:
            return case.raw | {criterion.value: [old, *case.raw[criterion]]} if combined.members else restored(case)
        case (Combined(), _) | (_, Combined()):
            return restored(case)
        case _ if not mine or not is_object(old):
            return restored(case)
        case _:
            old = {key: value for key, value in old.items() if key not in _KEPT}
            return _kept(case.raw) | (_both_types(old, mine) or {"anyOf": [old, mine]})


def _both_types(old: Raw, mine: Raw) -> Raw:
    plain = old.keys() == mine.keys() == {"type"} and isinstance(old["type"], str) and isinstance(mine["type"], str)
    return {"type": [old["type"], mine["type"]]} if plain else {}


def _number(case: Case) -> Raw | None:
    if not isinstance(case.theirs, Number):
        return None
    was, wanted = ("number", "integer") if case.theirs.integer else ("integer", "number")
    kind = case.raw.get("type")
    kinds = [wanted if one == was else one for one in kind] if is_array(kind) else wanted
    return case.raw | {"type": kinds}


def _enum(case: Case) -> Raw:
    """A reader knows the old values too; a writer keeps to them."""
    if case.keyword == "const":
        return _as_theirs(case, "const")
    mine, theirs = ({write(value, sort=True): value for value in raw["enum"]} for raw in (case.raw, case.other))
    shared = [value for text, value in mine.items() if text in theirs]
    return case.raw | {"enum": list((mine | theirs).values()) if case.reads else shared or list(theirs.values())}


def _required(case: Case, *, on: bool) -> Raw:
    names: list[str] = [name for name in case.raw.get("required", []) if name != case.name]
    if on:
        names.append(case.name)
    return case.raw | {"required": names} if names else _without(case.raw, "required")


def _required_attribute(case: Case) -> Raw:
    return _defaulted(case) or _required(case, on=False) if case.reads else _required(case, on=True)


def _required_property(case: Case) -> Raw | None:
    return _defaulted(case) or _required(case, on=False) if case.reads else _with_property(case)


def _defaulted(case: Case) -> Raw | None:
    """The property stays required and gets a default, where its type has a plain one."""
    declared = case.raw["properties"][case.name]
    default = _plain_default(declared) if is_object(declared) else _NO_DEFAULT
    return None if default is _NO_DEFAULT else _put_property(case.raw, case.name, declared | {"default": default})


def _plain_default(declared: Raw) -> Any:
    rules = declared.keys() - _ANNOTATIONS
    if rules <= {"type", "enum"} and is_array(declared.get("enum")) and declared["enum"]:
        return declared["enum"][0]
    if rules != {"type"}:
        return _NO_DEFAULT
    kinds = declared["type"] if is_array(declared["type"]) else [declared["type"]]
    return None if "null" in kinds else _DEFAULTS.get(kinds[0] if kinds else "", _NO_DEFAULT)


def _open_property(case: Case) -> Raw | None:
    """In an open object only a property that may be anything can be declared."""
    if not case.reads:
        return _with_property(case)
    declared = case.raw["properties"][case.name]
    return _put_property(case.raw, case.name, {key: declared[key] for key in declared if key in _ANNOTATIONS})


def _lost_property(case: Case) -> Raw | None:
    """A reader needs the property back; a writer must not have it where the reader is closed."""
    if case.reads:
        return _with_property(case)
    rest = {name: inner for name, inner in case.raw["properties"].items() if name != case.name}
    return _required(case, on=False) | {"properties": rest}


def _uncovered_property(case: Case) -> Raw | None:
    """Declared on my side, it follows what the other side allows there; else it is declared as there."""
    if case.name not in case.raw.get("properties", {}):
        return _with_property(case)
    cover = covering(case.theirs, case.name) if isinstance(case.theirs, Object) else None
    return None if cover is None else _put_property(case.raw, case.name, case.take(cover.raw))


def _with_property(case: Case) -> Raw | None:
    """The property of the other schema, required only where the other one is the reader that requires it."""
    if not isinstance(case.theirs, Object) or case.name not in case.theirs.properties:
        return None
    raw = _put_property(case.raw, case.name, case.take(case.theirs.properties[case.name].raw))
    if case.reads or case.name not in case.theirs.required or case.name in raw.get("required", []):
        return raw
    return raw | {"required": [*raw.get("required", []), case.name]}


def _put_property(raw: Raw, name: str, inner: Any) -> Raw:
    return raw | {"properties": raw.get("properties", {}) | {name: inner}}


def _item(case: Case) -> Raw | None:
    """The same for items, which have places instead of names."""
    if not isinstance(case.mine, Array) or not isinstance(case.theirs, Array):
        return None
    index, listed = int(case.name), "prefixItems" if case.modern else "items"
    items: list[Any] = case.raw.get(listed, []) if case.mine.prefix or listed not in case.raw else []
    if index >= len(items):
        appended = [case.take(item.raw) for item in case.theirs.prefix[len(items) : index + 1]]
        return case.raw | {listed: items + appended} if case.mine.items is None else None
    if case.found.kind == "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL":
        return case.raw | {listed: items[:index]}
    cover = covering(case.theirs, case.name)
    return case.raw | {listed: [*items[:index], {} if cover is None else case.take(cover.raw), *items[index + 1 :]]}


def _items(case: Case) -> Raw | None:
    """One schema for all items came, where there was none."""
    if case.reads:
        return _without(case.raw, "items")
    items = case.theirs.items if isinstance(case.theirs, Array) else None
    return None if items is None or "items" in case.raw else case.raw | {"items": case.take(items.raw)}


def _others(case: Case) -> Raw | None:
    """Unlisted properties or items as the other schema has them."""
    if not isinstance(case.theirs, (Object, Array)):
        return None
    keyword = case.keyword
    if keyword == "additionalItems" and case.modern:
        keyword = "items"
        if "prefixItems" not in case.raw:
            return None
    value = case.theirs.unevaluated if keyword.startswith("unevaluated") else case.theirs.additional
    if isinstance(value, Schema):
        return case.raw | {keyword: case.take(value.raw)}
    return _without(case.raw, keyword) if value is None or value is True else case.raw | {keyword: value}


def _dependency(case: Case) -> Raw | None:
    if not isinstance(case.theirs, Object):
        return None
    listed = case.found.kind.startswith("DEPENDENCY_ARRAY")
    keyword = ("dependentRequired" if listed else "dependentSchemas") if case.modern else "dependencies"
    rest = _without(case.raw.get(keyword, {}), case.name)
    if listed and case.name in case.theirs.needs:
        rest[case.name] = sorted(case.theirs.needs[case.name])
    elif not listed and case.name in case.theirs.implies:
        rest[case.name] = case.take(case.theirs.implies[case.name].raw)
    return case.raw | {keyword: rest} if rest else _without(case.raw, keyword)


def _criterion(case: Case) -> Raw | None:
    """The same members, joined by the other keyword."""
    mine, theirs = case.mine, case.theirs
    if not isinstance(mine, Combined) or not isinstance(theirs, Combined) or not _is_written(mine):
        return None
    if theirs.criterion in case.raw:
        return None
    return {theirs.criterion.value if key == mine.criterion else key: value for key, value in case.raw.items()}


def _members(case: Case) -> Raw | None:
    """Members without a partner on the other side are replaced, dropped, or joined by those that lack one there."""
    mine, theirs = case.mine, case.theirs
    if not isinstance(mine, Combined) or not isinstance(theirs, Combined):
        return None
    if not _is_written(mine):
        return _types(case)
    sides = unmatched(theirs, mine) if case.reads else unmatched(mine, theirs)
    if sides is None:
        return None
    surplus, missing = sides[::-1] if case.reads else sides
    may_grow = case.reads is (mine.criterion is not Criterion.ALL)
    pairs = _pairs(mine, theirs, surplus, missing, alike=may_grow)
    taken = [case.take(member.raw) for member in theirs.members]
    members = [
        taken[pairs[place]] if place in pairs else member
        for place, member in enumerate(case.raw[mine.criterion])
        if may_grow or place in pairs or place not in surplus
    ]
    if may_grow:
        members += [taken[other] for other in missing if other not in pairs.values()]
    return case.raw | {mine.criterion.value: members} if members else None


def _pairs(mine: Combined, theirs: Combined, surplus: list[int], missing: list[int], *, alike: bool) -> dict[int, int]:
    """Which of their members stands in for which of mine: one of its class, at its place if there is one."""
    pairs: dict[int, int] = {}
    for place in surplus:
        free = [other for other in missing if other not in pairs.values()]
        same = [other for other in free if type(mine.members[place]) is type(theirs.members[other])]
        choices = same if alike else same or free
        if choices:
            pairs[place] = place if place in choices else choices[0]
    return pairs


def _is_written(combined: Combined) -> bool:
    """Its members are listed in the text, each at its place."""
    members = combined.raw.get(combined.criterion)
    return is_array(members) and len(members) == len(combined.members)


def _types(case: Case) -> Raw | None:
    """`type` arrays: a reader takes the old types too, a writer keeps to them."""
    mine, theirs = case.raw.get("type"), case.other.get("type")
    if not is_array(mine) or not is_array(theirs):
        return None
    shared = [kind for kind in mine if kind in theirs]
    kinds = [*mine, *(kind for kind in theirs if kind not in mine)] if case.reads else shared or theirs
    return case.raw | {"type": kinds}


_REPAIRS: Final[dict[str, Callable[[Case], Any]]] = {
    "TYPE_CHANGED": _type_changed,
    "TYPE_NARROWED": _number,
    "ENUM_ARRAY": _enum,
    "COMBINED_TYPE_CHANGED": _criterion,
    "COMBINED_TYPE_SUBSCHEMAS_CHANGED": _members,
    "SUM_TYPE": _members,
    "PRODUCT_TYPE": _members,
    "SCHEMA_ADDED": _items,
    "MIN_CONTAINS": _contains,
    "MAX_CONTAINS": _contains,
    "REQUIRED_ATTRIBUTE": _required_attribute,
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN": _required_property,
    "REQUIRED_PROPERTY": _open_property,
    "OPTIONAL_PROPERTY": _open_property,
    "PROPERTY_ADDED_NOT_COVERED": _uncovered_property,
    "PROPERTY_REMOVED_NOT_COVERED": _uncovered_property,
    "PROPERTY_REMOVED": _lost_property,
    "ITEM_": _item,
    "ADDITIONAL_": _others,
    "UNEVALUATED_": _others,
    "DEPENDENCY_": _dependency,
}
"""By how the kind begins; every other kind is about one keyword, which then is as in the other schema."""
