"""Differences said to a person: which field, what a reader meets there, and the way out."""

from typing import Final

_TO_OPEN: Final = "ADDED_TO_OPEN_CONTENT_MODEL"
_TO_UNOPEN: Final = "ADDED_TO_UNOPEN_CONTENT_MODEL"
_COVERED: Final = "COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
_FREE: Final = "records may already hold anything there, because the writer's object is open"

_SENTENCES: Final = {
    "ID_CHANGED": "the id of {place} changed",
    "TITLE_CHANGED": "the title of {place} changed",
    "DESCRIPTION_CHANGED": "the description of {place} changed",
    "DEFAULT_CHANGED": "the default of {place} changed",
    "SCHEMA_ADDED": "{place} must now follow a schema, and the writer was free: leave it free",
    "SCHEMA_REMOVED": "{place} no longer follows a schema",
    "TYPE_CHANGED": "{place} has one type for the writer and another for the reader: keep the old type, or take both "
    "with anyOf",
    "TYPE_NARROWED": "{place} takes whole numbers only, and the writer may send fractions: keep the type number",
    "TYPE_EXTENDED": "{place} takes fractions too",
    "COMBINED_TYPE_CHANGED": "{place} joins its members in another way: keep the old keyword, or use anyOf",
    "COMBINED_TYPE_EXTENDED": "{place} joins its members less strictly",
    "COMBINED_TYPE_SUBSCHEMAS_CHANGED": "a member of {place} has no counterpart that fits: keep the members that were "
    "there as they were, and put new ones beside them",
    "SUM_TYPE_EXTENDED": "{place} takes more alternatives",
    "SUM_TYPE_NARROWED": "{place} lacks alternatives that the writer may use: keep them all",
    "PRODUCT_TYPE_EXTENDED": "{place} must satisfy more members of allOf than the writer knew: leave the new ones out",
    "PRODUCT_TYPE_NARROWED": "{place} has fewer conditions",
    "NOT_TYPE_EXTENDED": "{place} forbids what the writer may send: forbid no more than before",
    "NOT_TYPE_NARROWED": "{place} forbids no more than before",
    "ENUM_ARRAY_CHANGED": "{place} lacks values that the writer may send: keep them, and add new ones beside them",
    "ENUM_ARRAY_NARROWED": "{place} lacks values that the writer may send: keep them",
    "ENUM_ARRAY_EXTENDED": "{place} takes more values",
    "PATTERN_ADDED": "{place} must match a pattern, and the writer need not: leave the pattern out",
    "PATTERN_CHANGED": "{place} must match another pattern than the writer's: keep the old one, or leave it out",
    "PATTERN_REMOVED": "{place} need not match a pattern any more",
    "MULTIPLE_OF_ADDED": "{place} must be a multiple of a number, and the writer need not keep to it: leave "
    "multipleOf out",
    "MULTIPLE_OF_CHANGED": "{place} must be a multiple of another number than the writer's: keep the old one, or take "
    "a divisor of it",
    "MULTIPLE_OF_EXPANDED": "{place} must be a multiple of a greater number than the writer's: keep the old one",
    "MULTIPLE_OF_REDUCED": "{place} may be a multiple of a smaller number",
    "MULTIPLE_OF_REMOVED": "{place} need not be a multiple of a number any more",
    "UNIQUE_ITEMS_ADDED": "{place} must not repeat items, and the writer may: leave uniqueItems out",
    "UNIQUE_ITEMS_REMOVED": "{place} may repeat items",
    "REQUIRED_ATTRIBUTE_ADDED": "a reader requires {place}, which records may lack: leave it optional, or give it a "
    "default",
    "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED": "{place} is required now, and has a default",
    "REQUIRED_ATTRIBUTE_REMOVED": "{place} is optional now",
    f"REQUIRED_PROPERTY_{_TO_OPEN}": f"a reader requires {{place}}, which records may lack, and {_FREE}: leave it "
    "undeclared, or declare it as {{}}",
    f"REQUIRED_PROPERTY_WITH_DEFAULT_{_TO_OPEN}": f"a reader gives {{place}} a meaning, and {_FREE}: leave it "
    "undeclared, or declare it as {{}}",
    f"OPTIONAL_PROPERTY_{_TO_OPEN}": f"a reader gives {{place}} a meaning, and {_FREE}: leave it undeclared, declare "
    "it as {{}}, or keep objects closed (additionalProperties: false) from the first version on",
    f"PROPERTY_WITH_EMPTY_SCHEMA_{_TO_OPEN}": "{place} is declared now, and may be anything",
    f"REQUIRED_PROPERTY_{_TO_UNOPEN}": "a reader requires {place}, which records lack: leave it optional, or give it a "
    "default",
    f"REQUIRED_PROPERTY_WITH_DEFAULT_{_TO_UNOPEN}": "{place} is new and required, and has a default",
    f"OPTIONAL_PROPERTY_{_TO_UNOPEN}": "{place} is new and optional",
    f"PROPERTY_ADDED_IS_{_COVERED}": "{place} is new and fits what was allowed there",
    f"PROPERTY_ADDED_NOT_{_COVERED}": "{place} is new, and the writer may send other values under that name: declare "
    "what was allowed there before",
    "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL": "{place} is gone; the reader takes anything there",
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL": "a reader refuses {place}, which records may hold: keep the "
    "property, or allow additional ones",
    "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL": "{place} is gone, and was never allowed",
    f"PROPERTY_REMOVED_IS_{_COVERED}": "{place} is gone, and fits what the reader allows there",
    f"PROPERTY_REMOVED_NOT_{_COVERED}": "{place} is gone, and what records hold does not fit what the reader allows "
    "there: keep the property",
    f"ITEM_{_TO_OPEN}": "a reader gives {place} a meaning, and records may already hold anything there: leave the item "
    "undeclared, or declare it as {{}}",
    f"ITEM_WITH_EMPTY_SCHEMA_{_TO_OPEN}": "{place} is declared now, and may be anything",
    "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL": "{place} is new",
    f"ITEM_ADDED_IS_{_COVERED}": "{place} is new and fits what was allowed there",
    f"ITEM_ADDED_NOT_{_COVERED}": "{place} is new, and the writer may send other values there: declare what was "
    "allowed there before",
    "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL": "{place} is gone; the reader takes anything there",
    "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL": "a reader refuses {place}, which records may hold: keep the item",
    "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL": "{place} is gone, and was never allowed",
    f"ITEM_REMOVED_IS_{_COVERED}": "{place} is gone, and fits what the reader allows there",
    f"ITEM_REMOVED_NOT_{_COVERED}": "{place} is gone, and what records hold does not fit what the reader allows there: "
    "keep the item",
    "DEPENDENCY_ARRAY_ADDED": "{place} calls for other properties, and the writer need not send them: leave the "
    "dependency out",
    "DEPENDENCY_ARRAY_EXTENDED": "{place} calls for more properties than the writer must send: leave the new ones out",
    "DEPENDENCY_ARRAY_CHANGED": "{place} calls for other properties than the writer must send: call for no new ones",
    "DEPENDENCY_ARRAY_NARROWED": "{place} calls for fewer properties",
    "DEPENDENCY_ARRAY_REMOVED": "{place} no longer calls for other properties",
    "DEPENDENCY_SCHEMA_ADDED": "{place} calls for a schema that the writer need not follow: leave the dependency out",
    "DEPENDENCY_SCHEMA_REMOVED": "{place} no longer calls for a schema",
}

_OTHERS: Final = {
    "PROPERTIES_ADDED": "{owner} may hold properties that are not listed",
    "PROPERTIES_EXTENDED": "{owner} may hold any property that is not listed",
    "PROPERTIES_NARROWED": "{owner} takes other properties only if they follow a schema, and the writer is free: leave "
    "them free",
    "PROPERTIES_REMOVED": "{owner} takes no other properties, and records may hold some: allow them",
    "ITEMS_ADDED": "{owner} may hold items that are not listed",
    "ITEMS_EXTENDED": "{owner} may hold any item that is not listed",
    "ITEMS_NARROWED": "{owner} takes further items only if they follow a schema, and the writer is free: leave them "
    "free",
    "ITEMS_REMOVED": "{owner} takes no further items, and records may hold some: allow them",
}
"""`additionalProperties`, `unevaluatedItems` and their kin."""

_LIMITS: Final = {
    "_ADDED": "{owner} has the limit {keyword}, and the writer has none: leave it out",
    "_REMOVED": "{owner} no longer has the limit {keyword}",
    "_INCREASED": "{keyword} of {owner} is greater for the reader than for the writer",
    "_DECREASED": "{keyword} of {owner} is less for the reader than for the writer",
}
_KEEP: Final = ": keep the writer's limit"


def plain(kind: str, path: str, *, breaks: bool) -> str:
    """The sentence for one difference; `path` is the registry's."""
    owner, _, keyword = path.rpartition("/")
    others = _ending(kind, _OTHERS) if kind.startswith(("ADDITIONAL_", "UNEVALUATED_")) else ""
    template = _SENTENCES.get(kind, others)
    if template:
        return template.format(place=place(path), owner=place(owner))
    words = _ending(kind, _LIMITS).format(keyword=keyword, owner=place(owner))
    return words + _KEEP if breaks and kind.endswith(("_INCREASED", "_DECREASED")) else words


def _ending(kind: str, sentences: dict[str, str]) -> str:
    return next((words for ending, words in sentences.items() if kind.endswith(ending)), "")


def place(path: str) -> str:
    """A path as people write it: `order.lines[].price`."""
    words, parts = "", path.split("/")[1:]
    while parts:
        part = parts.pop(0)
        if part in {"properties", "required", "dependencies"} and parts:
            words += f".{parts.pop(0)}"
        elif part == "items":
            words += f"[{parts.pop(0)}]" if parts and parts[0].isdecimal() else "[]"
        elif part in _AROUND:
            words += _AROUND[part]
        elif part in {"allOf", "anyOf", "oneOf"} and parts:
            words += f"({part} {parts.pop(0)})"
    return f"`{words.lstrip('.')}`" if words.lstrip(".") else "the schema"


_AROUND: Final = {
    "additionalProperties": ".*",
    "unevaluatedProperties": ".*",
    "additionalItems": "[*]",
    "unevaluatedItems": "[*]",
    "not": "(not)",
}
