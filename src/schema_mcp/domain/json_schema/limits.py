"""Limits on lengths, counts and values: one rule for all of them."""

from fractions import Fraction
from typing import Final

from schema_mcp.domain.json_schema.model import Array, Limit, Number, Object, String
from schema_mcp.domain.json_schema.steps import Found
from schema_mcp.domain.schema import Semantics

_KINDS: Final = {
    "maxLength": "MAX_LENGTH",
    "minLength": "MIN_LENGTH",
    "maximum": "MAXIMUM",
    "minimum": "MINIMUM",
    "exclusiveMaximum": "EXCLUSIVE_MAXIMUM",
    "exclusiveMinimum": "EXCLUSIVE_MINIMUM",
    "maxProperties": "MAX_PROPERTIES",
    "minProperties": "MIN_PROPERTIES",
    "maxItems": "MAX_ITEMS",
    "minItems": "MIN_ITEMS",
    "maxContains": "MAX_CONTAINS",
    "minContains": "MIN_CONTAINS",
}
_FAR: Final = 300
"""Numbers with more digits than this before or after the point are not divided."""


def limits_found(
    original: String | Number | Array | Object, update: String | Number | Array | Object, path: str
) -> list[Found]:
    if original.limits == update.limits:
        return []
    changes = {key: _change(original.limits.get(key), update.limits.get(key)) for key in _KINDS}
    return [
        Found(f"{_KINDS[key]}_{change}", f"{path}/{key}", original, update) for key, change in changes.items() if change
    ]


def _change(before: Limit | None, after: Limit | None) -> str:
    if before == after:
        return ""
    if before is None:
        return "ADDED"
    if after is None:
        return "REMOVED"
    return "INCREASED" if after > before else "DECREASED"


def multiple_of_change(before: Limit | None, after: Limit | None, semantics: Semantics) -> str:
    """How `multipleOf` changed, in the words of the kinds; nothing where it did not."""
    if before is None or after is None:
        return "" if before is after else "ADDED" if before is None else "REMOVED"
    if semantics is Semantics.CONFLUENT_8_3:
        if type(before) is type(after) and before == after:
            return ""
        whole = int(before) if _near(before) else 0, int(after) if _near(after) else 0
        if all(whole):  # up to 8.3 fractions are cut off, and 2 and 2.0 are two values
            return _division(*map(Fraction, whole))
    if before == after:
        return ""
    return _division(Fraction(before), Fraction(after)) if _near(before) and _near(after) else "CHANGED"


def _division(before: Fraction, after: Fraction) -> str:
    if after % before == 0:
        return "EXPANDED"
    return "REDUCED" if before % after == 0 else "CHANGED"


def _near(number: Limit) -> bool:
    return isinstance(number, int) or -_FAR < number.adjusted() < _FAR
