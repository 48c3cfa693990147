"""What a JSON Schema asks of a value without looking further in: types, limits, enumerations, required names."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from schema_mcp.domain.json_schema.drafts import Draft
from schema_mcp.domain.json_schema.text import is_array, is_object
from schema_mcp.domain.payloads import shown

_LARGEST_EXPONENT: Final = 400


def kind_of(value: Any) -> str:  # noqa: PLR0911 - a table of kinds
    """The type of a value in JSON Schema's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return "number"


def kind_fits(kind: Any, value: Any, draft: Draft) -> bool:
    """Is the value of the type, or of one of them? From draft 6 on 1.0 is an integer."""
    if is_array(kind):
        return any(kind_fits(one, value, draft) for one in kind)
    found = kind_of(value)
    if found == "number" and kind == "integer":
        # Not through `round`: 1E+400000000 would be written out.
        return draft is not Draft.FOUR and Decimal(value) == Decimal(value).to_integral_value()
    return found == kind or (found == "integer" and kind == "number")


def same(one: Any, other: Any) -> bool:
    """Are two values one to JSON Schema? 1 and 1.0 are, 1 and true are not."""
    return key(one) == key(other)


def key(value: Any) -> Hashable:
    """What equal values have in common."""
    if is_object(value):
        return "object", frozenset((name, key(member)) for name, member in value.items())
    if is_array(value):
        return "array", tuple(key(item) for item in value)
    found = kind_of(value)
    return "number" if found == "integer" else found, value


def is_multiple(value: Any, of: Any) -> bool:
    """Exactly, whatever the digits; numbers with endless exponents are passed over."""
    if of == 0 or any(abs(Decimal(one).adjusted()) > _LARGEST_EXPONENT for one in (value, of)):
        return True
    return (Fraction(str(value)) / Fraction(str(of))).denominator == 1


@dataclass(frozen=True, slots=True)
class _Limit:
    """One keyword with a number: which values it is about, when it holds, and what to say."""

    word: str
    about: tuple[type, ...]
    holds: Callable[[Any, Any], bool]
    complaint: str


_NUMBERS: Final = (int, float, Decimal)

_LIMITS: Final = (
    _Limit("minLength", (str,), lambda value, limit: len(value) >= limit, "has fewer than {} characters"),
    _Limit("maxLength", (str,), lambda value, limit: len(value) <= limit, "has more than {} characters"),
    _Limit("minItems", (list,), lambda value, limit: len(value) >= limit, "has fewer than {} items"),
    _Limit("maxItems", (list,), lambda value, limit: len(value) <= limit, "has more than {} items"),
    _Limit("minProperties", (dict,), lambda value, limit: len(value) >= limit, "has fewer than {} properties"),
    _Limit("maxProperties", (dict,), lambda value, limit: len(value) <= limit, "has more than {} properties"),
    _Limit("minimum", _NUMBERS, lambda value, limit: value >= limit, "is less than {}"),
    _Limit("maximum", _NUMBERS, lambda value, limit: value <= limit, "is more than {}"),
    _Limit("exclusiveMinimum", _NUMBERS, lambda value, limit: value > limit, "is not above {}"),
    _Limit("exclusiveMaximum", _NUMBERS, lambda value, limit: value < limit, "is not below {}"),
    _Limit("multipleOf", _NUMBERS, is_multiple, "is no multiple of {}"),
)


def unmet(raw: dict[str, Any], value: Any, draft: Draft) -> Iterator[str]:
    """What the schema asks of the value in vain, in words."""
    for limit in _LIMITS:
        bound = _bound(raw, limit.word)
        if bound is not None and _is_about(limit, value) and not limit.holds(value, bound):
            yield f"{shown(value)} {limit.complaint.format(bound)}"
    if is_array(raw.get("enum")) and not any(same(value, one) for one in raw["enum"]):
        yield f"{shown(value)} is none of {shown(raw['enum'])}"
    if "const" in raw and draft is not Draft.FOUR and not same(value, raw["const"]):
        yield f"{shown(value)} is not {shown(raw['const'])}"
    if is_array(value) and raw.get("uniqueItems") is True and len({key(item) for item in value}) < len(value):
        yield "an item is there twice"
    if is_object(value):
        yield from _missing(raw, value, draft)


def _is_about(limit: _Limit, value: Any) -> bool:
    return isinstance(value, limit.about) and not isinstance(value, bool)


def _missing(raw: dict[str, Any], value: dict[str, Any], draft: Draft) -> Iterator[str]:
    required = raw.get("required")
    for name in required if is_array(required) else ():
        if name not in value:
            yield f"the property {name!r} is missing"
    needs = raw.get("dependentRequired" if draft is Draft.MODERN else "dependencies")
    for name, others in (needs if is_object(needs) else {}).items():
        for other in others if is_array(others) and name in value else ():
            if other not in value:
                yield f"with {name!r} the property {other!r} has to be there"


def _bound(raw: dict[str, Any], word: str) -> Any:
    """A limit; where draft 4 says `exclusiveMinimum: true`, the minimum stands under that name."""
    bound = raw.get(word)
    if bound is True and word.startswith("exclusive"):
        bound = raw.get(word.removeprefix("exclusive").lower())
    return bound if isinstance(bound, _NUMBERS) and not isinstance(bound, bool) else None
