"""A type in a few words: `array of string`, `integer or null`, `one of "A", "B"`."""

from collections.abc import Callable
from typing import Any, Final

from schema_mcp.domain.json_schema.model import (
    Anything,
    Array,
    Boolean,
    Combined,
    Const,
    Criterion,
    Enum,
    Not,
    Nothing,
    Null,
    Number,
    Object,
    Schema,
    String,
)
from schema_mcp.domain.json_schema.places import followed, parts
from schema_mcp.domain.json_schema.text import write

_MOST_VALUES: Final = 5
_MOST_LEVELS: Final = 4
_LONGEST: Final = 80


def shown(value: Any) -> str:
    """A value as JSON, cut when it is long."""
    text = write(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def type_text(schema: Schema, levels: int = _MOST_LEVELS) -> str:
    schema = followed(schema)
    texts = dict.fromkeys(_part_text(part, levels) for part in parts(schema))
    joint = " or " if _is_type_list(schema) else ", "
    return joint.join(text for text in texts if text)


def _is_type_list(schema: Schema) -> bool:
    return isinstance(schema, Combined) and schema.criterion is Criterion.ANY


def _part_text(part: Schema, levels: int) -> str:
    if levels == 0:
        return "…"
    words = _WORDS.get(type(part))
    return _inner_text(part, levels - 1) if words is None else words(part)


def _inner_text(part: Schema, levels: int) -> str:
    match part:
        case Array():
            return _array_text(part, levels)
        case Combined():
            return _combined_text(part, levels)
        case Not():
            return f"not {type_text(part.inner, levels)}"
        case _:
            return ""


def _number_text(part: Any) -> str:
    return "integer" if part.integer else "number"


def _enum_text(part: Schema) -> str:
    values = [shown(value) for value in part.raw["enum"][: _MOST_VALUES + 1]]
    return f"one of {', '.join([*values[:_MOST_VALUES], *(['…'] if len(values) > _MOST_VALUES else [])])}"


def _const_text(part: Schema) -> str:
    return f"always {shown(part.raw['const'])}"


_WORDS: Final[dict[type[Schema], Callable[[Schema], str]]] = {
    Anything: lambda _: "anything",
    Nothing: lambda _: "nothing",
    String: lambda _: "string",
    Boolean: lambda _: "boolean",
    Null: lambda _: "null",
    Object: lambda part: part.title or "object",
    Number: _number_text,
    Enum: _enum_text,
    Const: _const_text,
}


def _array_text(array: Array, levels: int) -> str:
    if array.items is not None:
        return f"array of {type_text(array.items, levels)}"
    if array.prefix:
        return f"array [{', '.join(type_text(item, levels) for item in array.prefix[:_MOST_VALUES])}]"
    return "array"


def _combined_text(combined: Combined, levels: int) -> str:
    members = dict.fromkeys(type_text(member, levels) for member in combined.members[:_MOST_VALUES])
    text = (" and " if combined.criterion is Criterion.ALL else " or ").join(members)
    return text + (" …" if len(combined.members) > _MOST_VALUES else "")
