"""When a new schema reads what was written with an old one: the rule for each pair of classes.

`original` is the writer's schema, `update` the reader's. Observed behaviour of Confluent Schema Registry throughout.
"""

from collections.abc import Callable
from typing import Any, Final

from schema_mcp.domain.json_schema.combined import combined_steps, into_combined, out_of_combined
from schema_mcp.domain.json_schema.containers import array_steps, object_steps
from schema_mcp.domain.json_schema.limits import limits_found, multiple_of_change
from schema_mcp.domain.json_schema.model import (
    UNSET,
    Anything,
    Array,
    Boolean,
    Combined,
    Conditional,
    Const,
    Enum,
    Not,
    Nothing,
    Null,
    Number,
    Object,
    Schema,
    String,
)
from schema_mcp.domain.json_schema.steps import Found, Outcome, Probe, Steps
from schema_mcp.domain.schema import Semantics


def leaf_found(original: Schema, update: Schema, path: str, semantics: Semantics) -> list[Found] | None:
    """The whole answer for two schemas without inner ones, or of two classes; None where it takes more steps."""
    kind = type(update)
    if kind is not type(original):
        if isinstance(update, Combined) or isinstance(original, Combined):
            return None
        return _mismatch_found(original, update, path)
    rule = _LEAVES.get(kind)
    if rule is None:
        return None
    return [*_annotations_found(original, update, path), *rule(original, update, path, semantics)]


def pair_steps(original: Schema, update: Schema, path: str) -> Steps:
    """The rule for any other two schemas."""
    settled = False
    if isinstance(update, Combined) and not isinstance(original, Combined):
        settled = yield from into_combined(original, update, path)
    elif isinstance(original, Combined) and not isinstance(update, Combined):
        settled = yield from out_of_combined(original, update, path)
    if settled:
        return
    if type(original) is not type(update):
        yield from _mismatch_found(original, update, path)
        return
    yield from _annotations_found(original, update, path)
    match original, update:
        case Object(), Object():
            yield from object_steps(original, update, path)
        case Array(), Array():
            yield from array_steps(original, update, path)
        case Combined(), Combined():
            yield from combined_steps(original, update, path)
        case Not(), Not():
            yield from _not_steps(original, update, f"{path}/not")
        case _:
            return


def _mismatch_found(original: Schema, update: Schema, path: str) -> list[Found]:
    """Two classes fit where nothing was written, anything is read, or Connect takes both for bytes."""
    fits = isinstance(original, Nothing) or isinstance(update, Anything) or (original.is_bytes and update.is_bytes)
    return [] if fits else [Found("TYPE_CHANGED", path, original, update)]


def _annotations_found(original: Schema, update: Schema, path: str) -> list[Found]:
    same = (
        original.id == update.id,
        original.title == update.title,
        original.description == update.description,
        _same_default(original.default, update.default),
    )
    if all(same):
        return []
    return [Found(kind, path, original, update) for kind, one in zip(_ANNOTATIONS, same, strict=True) if not one]


_ANNOTATIONS: Final = ("ID_CHANGED", "TITLE_CHANGED", "DESCRIPTION_CHANGED", "DEFAULT_CHANGED")


def _same_default(before: Any, after: Any) -> bool:
    """Observed: objects and arrays are never taken for the same, nor are two spellings of one number."""
    if before is after is UNSET:
        return True
    return type(before) is type(after) and not isinstance(before, (dict, list)) and str(before) == str(after)


def _string_found(original: String, update: String, path: str, _: Semantics) -> list[Found]:
    found = limits_found(original, update, path)
    if original.pattern != update.pattern:
        change = "ADDED" if original.pattern is None else "REMOVED" if update.pattern is None else "CHANGED"
        found.append(Found(f"PATTERN_{change}", f"{path}/pattern", original, update))
    return found


def _number_found(original: Number, update: Number, path: str, semantics: Semantics) -> list[Found]:
    found = limits_found(original, update, path)
    change = multiple_of_change(original.multiple_of, update.multiple_of, semantics)
    if change:
        found.append(Found(f"MULTIPLE_OF_{change}", f"{path}/multipleOf", original, update))
    if original.integer is not update.integer:
        found.append(Found("TYPE_EXTENDED" if original.integer else "TYPE_NARROWED", path, original, update))
    return found


def _enum_found(original: Enum, update: Enum, path: str, _: Semantics) -> list[Found]:
    before, after = original.values, update.values
    if before == after:
        return []
    change = "EXTENDED" if before < after else "NARROWED" if before > after else "CHANGED"
    return [Found(f"ENUM_ARRAY_{change}", f"{path}/enum", original, update)]


def _const_found(original: Const, update: Const, path: str, _: Semantics) -> list[Found]:
    same = original.value == update.value
    return [] if same else [Found("ENUM_ARRAY_CHANGED", f"{path}/const", original, update)]


def _nothing_found(_original: Schema, _update: Schema, _path: str, _: Semantics) -> list[Found]:
    return []


def _not_steps(original: Not, update: Not, path: str) -> Steps:
    """What is forbidden is compared the other way round."""
    outcome: Outcome = yield Probe(update.inner, original.inner, path)
    kind = "NOT_TYPE_EXTENDED" if outcome.breaks else "NOT_TYPE_NARROWED"
    yield Found(kind, path, original, update)


_LEAVES: Final[dict[type[Schema], Callable[[Any, Any, str, Semantics], list[Found]]]] = {
    String: _string_found,
    Number: _number_found,
    Enum: _enum_found,
    Const: _const_found,
    Boolean: _nothing_found,
    Null: _nothing_found,
    Anything: _nothing_found,
    Nothing: _nothing_found,
    Conditional: _nothing_found,
}
