"""Every keyword of JSON Schema with the editions that know it."""

from typing import Final

from schema_mcp.domain.json_schema.drafts import Draft

_ALL: Final = frozenset(Draft)
_FROM_6: Final = frozenset({Draft.SIX, Draft.SEVEN, Draft.MODERN})
_FROM_7: Final = frozenset({Draft.SEVEN, Draft.MODERN})
_UP_TO_7: Final = frozenset({Draft.FOUR, Draft.SIX, Draft.SEVEN})
_MODERN: Final = frozenset({Draft.MODERN})

KEYWORDS: Final[dict[str, frozenset[Draft]]] = {
    **dict.fromkeys(("$schema", "$ref", "title", "description", "default", "definitions", "type", "enum"), _ALL),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "not", "format", "$defs"), _ALL),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), _ALL),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _ALL),
    **dict.fromkeys(("items", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains"), _ALL),
    **dict.fromkeys(("properties", "required", "minProperties", "maxProperties"), _ALL),
    **dict.fromkeys(("patternProperties", "additionalProperties"), _ALL),
    **dict.fromkeys(("additionalItems", "dependencies"), _UP_TO_7),
    "id": frozenset({Draft.FOUR}),
    **dict.fromkeys(("$id", "const", "contains", "propertyNames", "examples"), _FROM_6),
    **dict.fromkeys(("if", "then", "else", "readOnly", "writeOnly", "$comment"), _FROM_7),
    **dict.fromkeys(("contentEncoding", "contentMediaType"), _FROM_7),
    **dict.fromkeys(
        ("$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary", "contentSchema", "deprecated"), _MODERN
    ),
    **dict.fromkeys(("prefixItems", "unevaluatedItems", "unevaluatedProperties"), _MODERN),
    **dict.fromkeys(("dependentRequired", "dependentSchemas"), _MODERN),
}

NOT_COMPARED: Final = (
    *("format", "contentEncoding", "contentMediaType", "contentSchema", "if", "then", "else", "propertyNames"),
    *("contains", "readOnly", "writeOnly", "nullable", "deprecated", "$dynamicRef"),
)
"""What a registry's check passes over, so a change of it is never refused."""
