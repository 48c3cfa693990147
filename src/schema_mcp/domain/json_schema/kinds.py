"""The kinds of difference: which of them break a reader, and the registry's sentence for each.

The list and its two policies are those of Confluent Schema Registry; the sentences are its own words, the reader being
"new" and the writer "old".
"""

from typing import Final

from schema_mcp.domain.schema import Policy

_UPPER: Final = (
    "MAX_LENGTH",
    "MAXIMUM",
    "EXCLUSIVE_MAXIMUM",
    "MAX_PROPERTIES",
    "MAX_ITEMS",
    "MAX_CONTAINS",
)
_LOWER: Final = tuple(name.replace("MAX", "MIN") for name in _UPPER)
_OTHERS: Final = ("ADDITIONAL_PROPERTIES", "UNEVALUATED_PROPERTIES", "ADDITIONAL_ITEMS", "UNEVALUATED_ITEMS")

_STRICT: Final = frozenset(
    {
        "ID_CHANGED",
        "TITLE_CHANGED",
        "DESCRIPTION_CHANGED",
        "DEFAULT_CHANGED",
        "SCHEMA_REMOVED",
        "TYPE_EXTENDED",
        "PATTERN_REMOVED",
        "MULTIPLE_OF_REDUCED",
        "MULTIPLE_OF_REMOVED",
        "REQUIRED_ATTRIBUTE_REMOVED",
        "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED",
        "DEPENDENCY_ARRAY_NARROWED",
        "DEPENDENCY_ARRAY_REMOVED",
        "DEPENDENCY_SCHEMA_REMOVED",
        "UNIQUE_ITEMS_REMOVED",
        "ENUM_ARRAY_EXTENDED",
        "COMBINED_TYPE_EXTENDED",
        "PRODUCT_TYPE_NARROWED",
        "SUM_TYPE_EXTENDED",
        "NOT_TYPE_NARROWED",
        "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL",
        "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL",
        "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL",
        "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL",
        "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL",
        "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        *(f"{limit}_{change}" for limit in _UPPER for change in ("INCREASED", "REMOVED")),
        *(f"{limit}_{change}" for limit in _LOWER for change in ("DECREASED", "REMOVED")),
        *(f"{others}_{change}" for others in _OTHERS for change in ("ADDED", "EXTENDED")),
    }
)

_LENIENT: Final = _STRICT | {
    "ADDITIONAL_PROPERTIES_NARROWED",
    "ADDITIONAL_PROPERTIES_REMOVED",
    "UNEVALUATED_PROPERTIES_NARROWED",
    "UNEVALUATED_PROPERTIES_REMOVED",
    "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
    "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
    "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
}

COMPATIBLE: Final = {Policy.STRICT: _STRICT, Policy.LENIENT: _LENIENT}
"""What a reader can live with; every other kind breaks it."""

_TYPE: Final = "A type at path '{}' is different between the new schema and the old schema"
_VALUE: Final = "The value at path '{}' is different between the new and old schema"

_WHOLE: Final = {
    "SCHEMA_ADDED": "The new schema has a schema at path '{}' which is missing in the old schema",
    "SCHEMA_REMOVED": "The new schema is missing a schema present at path '{}' in the old schema",
    "TYPE_CHANGED": _TYPE,
    "TYPE_EXTENDED": _TYPE,
    "TYPE_NARROWED": _TYPE,
    "ENUM_ARRAY_CHANGED": _TYPE,
    "COMBINED_TYPE_CHANGED": _TYPE,
    "COMBINED_TYPE_EXTENDED": _TYPE,
    "COMBINED_TYPE_SUBSCHEMAS_CHANGED": _TYPE,
    "DEPENDENCY_ARRAY_CHANGED": _TYPE,
    "ID_CHANGED": _VALUE,
    "TITLE_CHANGED": _VALUE,
    "DESCRIPTION_CHANGED": _VALUE,
    "DEFAULT_CHANGED": _VALUE,
    "PATTERN_CHANGED": _VALUE,
    "MULTIPLE_OF_CHANGED": _VALUE,
}
"""Sentences of single kinds."""

_OPEN: Final = "The new schema has an open content model and "
_SUFFIX: Final = "_BY_PARTIALLY_OPEN_CONTENT_MODEL"

_ENDINGS: Final = {
    "_TO_OPEN_CONTENT_MODEL": _OPEN + "has a property or item at path '{}' which is missing in the old schema",
    "_FROM_OPEN_CONTENT_MODEL": _OPEN + "is missing a property or item present at path '{}' in the old schema",
    "_TO_UNOPEN_CONTENT_MODEL": "The old schema does not have an open content model and is missing a property or item "
    "present at path '{}' in the new schema",
    "_TO_CLOSED_CONTENT_MODEL": "The old schema has a closed content model and is missing a property or item present "
    "at path '{}' in the new schema",
    "_FROM_CLOSED_CONTENT_MODEL": "The new has a closed content model and is missing a property or item present at "
    "path '{}' in the old schema",
    "_ADDED_NOT_COVERED" + _SUFFIX: "The new schema has a property or item at path '{}' which is missing in the old "
    "schema and is not covered by its partially open content model",
    "_ADDED_IS_COVERED" + _SUFFIX: "The new schema has a property or item at path '{}' which is missing in the old "
    "schema and is covered by its partially open content model",
    "_REMOVED_NOT_COVERED" + _SUFFIX: "A property or item is missing in the new schema but present at path '{}' in the "
    "old schema and is not covered by its partially open content model",
    "_REMOVED_IS_COVERED" + _SUFFIX: "A property or item is missing in the new schema but present at path '{}' in the "
    "old schema and is covered by its partially open content model",
    "_ADDED": "The keyword at path '{}' in the new schema is not present in the old schema",
    "_REMOVED": "The keyword at path '{}' in the old schema is not present in the new schema",
    "_INCREASED": "The value at path '{}' in the new schema is more than its value in the old schema",
    "_EXPANDED": "The value at path '{}' in the new schema is more than its value in the old schema",
    "_DECREASED": "The value at path '{}' in the new schema is less than its value in the old schema",
    "_REDUCED": "The value at path '{}' in the new schema is less than its value in the old schema",
    "_EXTENDED": "An array or combined type at path '{}' has more elements in the new schema than the old schema",
    "_NARROWED": "An array or combined type at path '{}' has fewer elements in the new schema than the old schema",
}
"""Sentences by how the kind ends; the first that fits."""


def sentence(kind: str, path: str) -> str:
    """How the registry says it."""
    template = _WHOLE.get(kind)
    if template is None:
        template = next(words for ending, words in _ENDINGS.items() if kind.endswith(ending))
    return template.replace("{}", path)
