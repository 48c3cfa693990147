"""What one JSON object says, as classes: the parts and their order are those of the registry's own loaders.

Those are everit-json-schema for the drafts up to 7 and json-sKema for the later ones (both open source): an explicit
`type` takes the keywords of its type, and keywords that are left over make a part of their own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeAlias

from schema_mcp.domain.json_schema import keywords
from schema_mcp.domain.json_schema.drafts import GROUPS, Draft
from schema_mcp.domain.json_schema.keywords import MisfitError, Raw
from schema_mcp.domain.json_schema.model import (
    Array,
    Boolean,
    Combined,
    Conditional,
    Const,
    Criterion,
    Enum,
    Limit,
    Not,
    Null,
    Number,
    Object,
    Reference,
    Schema,
    String,
)
from schema_mcp.domain.json_schema.patterns import Pattern
from schema_mcp.domain.json_schema.references import Scope
from schema_mcp.domain.json_schema.regex import PatternError
from schema_mcp.domain.json_schema.text import is_array, write

_CONDITION: Final = frozenset({"if", "then", "else"})
_SPECIAL: Final = _CONDITION | {"$ref", "enum", "const", "not", *Criterion}

MAX_PATTERN_TEXT: Final = 100_000
"""Characters in all the different patterns of a schema."""


@dataclass(slots=True)
class Work:
    """Inner schemas that are still to be read, each with the place it goes to."""

    pending: list[tuple[Any, Any, Any, Scope]] = field(default_factory=list[tuple[Any, Any, Any, Scope]])
    references: list[tuple[Reference, Scope]] = field(default_factory=list[tuple[Reference, Scope]])
    combined: list[Combined] = field(default_factory=list[Combined])
    patterns: dict[str, Pattern] = field(default_factory=dict[str, Pattern])
    pattern_text: int = 0

    def later(self, holder: Any, place: Any, raw: Any, scope: Scope) -> None:
        self.pending.append((holder, place, raw, scope))

    def each(self, raw: dict[Any, Any], scope: Scope) -> dict[Any, Any]:
        """A mapping of names to schemas, in the order of the text."""
        holder: dict[Any, Any] = dict.fromkeys(raw)
        self.pending += [(holder, name, inner, scope) for name, inner in raw.items()]
        return holder

    def listed(self, raw: list[Any], scope: Scope) -> list[Any]:
        holder: list[Any] = [None] * len(raw)
        self.pending += [(holder, index, inner, scope) for index, inner in enumerate(raw)]
        return holder

    def pattern(self, raw: Raw, text: str) -> Pattern:
        """A regular expression, read once however often it is used."""
        found = self.patterns.get(text)
        if found is None:
            self.pattern_text += len(text)
            if self.pattern_text > MAX_PATTERN_TEXT:
                raise MisfitError(raw, f"all its patterns have more than {MAX_PATTERN_TEXT:,} characters")
            found = self.patterns[text] = _pattern(raw, text)
        return found


def _pattern(raw: Raw, text: str) -> Pattern:
    try:
        return Pattern(text)
    except PatternError as error:
        raise MisfitError(raw, f"{text!r} is not a regular expression: {error}") from error


def parts_of(raw: Raw, scope: Scope, work: Work) -> list[Schema]:
    """Most objects have a type and its keywords, and nothing else to look for."""
    return _typed(raw, scope, work) if _SPECIAL.isdisjoint(raw) else list(_all_parts(raw, scope, work))


def _all_parts(raw: Raw, scope: Scope, work: Work) -> Iterator[Schema]:
    draft = scope.document.draft
    if "$ref" in raw:
        yield _reference(raw, scope, work)
        if draft is not Draft.MODERN:
            return  # up to draft 7 nothing beside a $ref counts
    if draft is not Draft.MODERN:
        yield from _enum(raw)
    yield from _combinations(raw, scope, work)
    if "not" in raw:
        yield _not(raw, scope, work)
    if "const" in raw and draft is not Draft.FOUR:
        yield Const(raw, value=write(raw["const"], sort=True))
    yield from _typed(raw, scope, work)
    if draft is Draft.MODERN:
        yield from _enum(raw)
    if draft >= Draft.SEVEN and not _CONDITION.isdisjoint(raw):
        yield from _conditional(raw, scope, work)


def _enum(raw: Raw) -> Iterator[Enum]:
    if "enum" in raw:
        yield Enum(raw, values=frozenset(write(value, sort=True) for value in keywords.array(raw, "enum")))


def _reference(raw: Raw, scope: Scope, work: Work) -> Reference:
    reference = Reference(raw, uri=keywords.text(raw, "$ref"))
    work.references.append((reference, scope))
    return reference


def _combinations(raw: Raw, scope: Scope, work: Work) -> Iterator[Combined]:
    for criterion in Criterion:
        if criterion in raw:
            members = work.listed(keywords.array(raw, criterion), scope)
            combined = Combined(raw, criterion=criterion, members=members)
            work.combined.append(combined)
            yield combined


def _not(raw: Raw, scope: Scope, work: Work) -> Not:
    schema = Not(raw)
    work.later(schema, "inner", raw["not"], scope)
    return schema


def _conditional(raw: Raw, scope: Scope, work: Work) -> Iterator[Conditional]:
    if scope.document.draft is Draft.MODERN and "if" not in raw:
        return
    work.each({keyword: raw[keyword] for keyword in _CONDITION & raw.keys()}, scope)
    yield Conditional(raw)


def _typed(raw: Raw, scope: Scope, work: Work) -> list[Schema]:
    """The part that `type` names, then those whose keywords are there without their type."""
    draft = scope.document.draft
    kinds = _kinds(raw, draft)
    parts = [_of_type(kind, raw, scope, work) for kind in kinds]
    if isinstance(raw.get("type"), list):
        parts: list[Schema] = [Combined(raw, criterion=Criterion.ANY, members=parts)]
    for group, own in _groups_beside(draft, kinds):
        if not own.isdisjoint(raw):
            parts.append(_TYPES[group](raw, scope, work))
    return parts


@cache
def _groups_beside(draft: Draft, kinds: tuple[str, ...]) -> list[tuple[str, frozenset[str]]]:
    taken = {_GROUP_OF.get(kind, kind) for kind in kinds}
    return [(group, own) for group, own in GROUPS[draft].items() if group not in taken]


def _kinds(raw: Raw, draft: Draft) -> tuple[str, ...]:
    kind = raw.get("type")
    if isinstance(kind, str):
        return (kind,)
    if isinstance(kind, list):
        return keywords.strings(raw, "type")
    if "type" in raw and draft is not Draft.MODERN:
        raise MisfitError(raw, "'type' must be a string or an array of strings")
    return ()


def _of_type(kind: str, raw: Raw, scope: Scope, work: Work) -> Schema:
    build = _TYPES.get(kind)
    if build is None:
        raise MisfitError(raw, f"'type' must name one of {', '.join(_TYPES)}")
    return build(raw, scope, work)


def _string(raw: Raw, scope: Scope, work: Work) -> String:
    schema = String(raw, limits=_integers(raw, ("minLength", "maxLength"), scope))
    if "pattern" in raw:
        schema.pattern = work.pattern(raw, keywords.text(raw, "pattern")).text
    if "format" in raw:
        keywords.text(raw, "format")
    return schema


def _number(raw: Raw, scope: Scope, _: Work) -> Number:
    schema = Number(raw)
    for keyword in ("minimum", "maximum"):
        if keyword in raw:
            schema.limits[keyword] = keywords.number(raw, keyword)
    for keyword in ("exclusiveMinimum", "exclusiveMaximum"):
        if keyword not in raw:
            continue
        if scope.document.draft is Draft.FOUR:
            keywords.flag(raw, keyword)  # a flag beside minimum or maximum, and not compared
        else:
            schema.limits[keyword] = keywords.number(raw, keyword)
    if "multipleOf" in raw:
        schema.multiple_of = keywords.number(raw, "multipleOf")
        if not schema.multiple_of:
            raise MisfitError(raw, "'multipleOf' must not be 0")
    return schema


def _integer(raw: Raw, scope: Scope, work: Work) -> Number:
    schema = _number(raw, scope, work)
    schema.integer = True
    return schema


def _array(raw: Raw, scope: Scope, work: Work) -> Array:
    schema = Array(raw, limits=_integers(raw, ("minItems", "maxItems"), scope))
    if "uniqueItems" in raw:
        schema.unique = keywords.flag(raw, "uniqueItems")
    if "contains" in raw and scope.document.draft is not Draft.FOUR:
        work.later({}, "contains", raw["contains"], scope)
    (_modern_items if scope.document.draft is Draft.MODERN else _items)(schema, raw, scope, work)
    return schema


def _items(schema: Array, raw: Raw, scope: Scope, work: Work) -> None:
    """Up to draft 7: a list in `items` is a tuple; one schema for all items leaves no additional ones."""
    items = raw.get("items")
    if is_array(items):
        schema.prefix = work.listed(items, scope)
    elif "items" in raw:
        work.later(schema, "items", items, scope)
    if "additionalItems" in raw:
        _open_or(schema, "additional", raw, "additionalItems", scope, work)
        if schema.additional is False and "items" in raw and not is_array(items):
            schema.additional = True


def _modern_items(schema: Array, raw: Raw, scope: Scope, work: Work) -> None:
    if "prefixItems" in raw:
        schema.prefix = work.listed(keywords.array(raw, "prefixItems"), scope)
    if "items" in raw:
        if schema.prefix:
            _open_or(schema, "additional", raw, "items", scope, work)
        else:
            work.later(schema, "items", raw["items"], scope)
    if "unevaluatedItems" in raw:
        _open_or(schema, "unevaluated", raw, "unevaluatedItems", scope, work)
    if "contains" in raw:
        schema.limits["minContains"] = 1
        schema.limits |= keywords.counts(raw, "minContains", "maxContains")


def _object(raw: Raw, scope: Scope, work: Work) -> Object:
    schema = Object(raw, limits=_integers(raw, ("minProperties", "maxProperties"), scope))
    if "properties" in raw:
        schema.properties = work.each(_properties(raw, scope.document.draft), scope)
    if "required" in raw:
        schema.required = keywords.names(raw, "required")
    if "patternProperties" in raw:
        bodies = keywords.mapping(raw, "patternProperties")
        schema.patterns = work.each({work.pattern(raw, text): body for text, body in bodies.items()}, scope)
    if "additionalProperties" in raw:
        _open_or(schema, "additional", raw, "additionalProperties", scope, work)
    if "propertyNames" in raw and scope.document.draft is not Draft.FOUR:
        work.later({}, "propertyNames", raw["propertyNames"], scope)
    (_modern_dependencies if scope.document.draft is Draft.MODERN else _dependencies)(schema, raw, scope, work)
    return schema


def _properties(raw: Raw, draft: Draft) -> Raw:
    """The older loader takes a property named like the id keyword for one only when it is an object."""
    properties = keywords.mapping(raw, "properties")
    name = draft.id_keyword
    if draft is Draft.MODERN or isinstance(properties.get(name, {}), dict):
        return properties
    return {key: inner for key, inner in properties.items() if key != name}


def _dependencies(schema: Object, raw: Raw, scope: Scope, work: Work) -> None:
    if "dependencies" not in raw:
        return
    dependencies = keywords.mapping(raw, "dependencies")
    lists = [name for name, needed in dependencies.items() if isinstance(needed, list)]
    schema.needs = {name: keywords.names(dependencies, name) for name in lists if dependencies[name]}
    schema.implies = work.each({name: inner for name, inner in dependencies.items() if name not in lists}, scope)


def _modern_dependencies(schema: Object, raw: Raw, scope: Scope, work: Work) -> None:
    if "dependentRequired" in raw:
        needed = keywords.mapping(raw, "dependentRequired")
        schema.needs = {name: keywords.names(needed, name) for name in needed}
    if "dependentSchemas" in raw:
        schema.implies = work.each(keywords.mapping(raw, "dependentSchemas"), scope)
    if "unevaluatedProperties" in raw:
        _open_or(schema, "unevaluated", raw, "unevaluatedProperties", scope, work)


def _open_or(schema: Schema, place: str, raw: Raw, key: str, scope: Scope, work: Work) -> None:
    """A keyword that says yes, no, or by which schema."""
    value = raw[key]
    if isinstance(value, bool):
        setattr(schema, place, value)
    else:
        work.later(schema, place, keywords.mapping(raw, key), scope)


def _integers(raw: Raw, keys: tuple[str, ...], scope: Scope) -> dict[str, Limit]:
    return {key: keywords.integer(raw, key, scope.document.draft) for key in keys if key in raw}


def _of_nothing(kind: Callable[[Raw], Schema]) -> "Build":
    return lambda raw, _scope, _work: kind(raw)


Build: TypeAlias = Callable[[Raw, Scope, Work], Schema]

_TYPES: Final[dict[str, Build]] = {
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": _of_nothing(Boolean),
    "null": _of_nothing(Null),
    "array": _array,
    "object": _object,
}
_GROUP_OF: Final = {"integer": "number"}
