"""Which edition of JSON Schema a document is written in, as a registry tells them apart, and what that changes."""

from enum import IntEnum
from typing import Any, Final

from schema_mcp.domain.json_schema.text import is_object


class Draft(IntEnum):
    """The editions a registry knows; 2019-09 is read with the rules of 2020-12."""

    FOUR = 4
    SIX = 6
    SEVEN = 7
    MODERN = 2020

    __hash__ = int.__hash__  # an enumeration's own is slow, and every schema looks something up by its draft

    @property
    def words(self) -> str:
        return "2020-12" if self is Draft.MODERN else f"draft {self.value}"

    @property
    def id_keyword(self) -> str:
        return "id" if self is Draft.FOUR else "$id"


_BY_URI: Final = {
    "json-schema.org/draft-04/schema": Draft.FOUR,
    "json-schema.org/draft-06/schema": Draft.SIX,
    "json-schema.org/draft-07/schema": Draft.SEVEN,
    "json-schema.org/draft/2019-09/schema": Draft.MODERN,
    "json-schema.org/draft/2020-12/schema": Draft.MODERN,
}

_STRING: Final = frozenset({"minLength", "maxLength", "pattern", "format"})
_NUMBER: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_ARRAY_4: Final = frozenset({"items", "additionalItems", "minItems", "maxItems", "uniqueItems"})
_OBJECT_4: Final = frozenset(
    {
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "dependencies",
        "patternProperties",
        "additionalProperties",
    }
)
_ARRAY_6: Final = _ARRAY_4 | {"contains"}
_OBJECT_6: Final = _OBJECT_4 | {"propertyNames"}
_ARRAY_MODERN: Final = (_ARRAY_6 - {"additionalItems"}) | {"prefixItems", "unevaluatedItems"}
_OBJECT_MODERN: Final = (_OBJECT_6 - {"dependencies"}) | {
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
}

GROUPS: Final[dict[Draft, dict[str, frozenset[str]]]] = {
    draft: {"array": array, "object": object_, "number": _NUMBER, "string": _STRING}
    for draft, array, object_ in (
        (Draft.FOUR, _ARRAY_4, _OBJECT_4),
        (Draft.SIX, _ARRAY_6, _OBJECT_6),
        (Draft.SEVEN, _ARRAY_6, _OBJECT_6),
        (Draft.MODERN, _ARRAY_MODERN, _OBJECT_MODERN),
    )
}
"""The keywords that belong to each type, in the order in which parts without a `type` are found."""


def known_draft(document: Any) -> Draft | None:
    """The edition that `$schema` names, if it names one we know."""
    uri = document.get("$schema") if is_object(document) else None
    if not isinstance(uri, str):
        return None
    return _BY_URI.get(uri.rstrip("#").removeprefix("https://").removeprefix("http://"))
