"""When a new schema reads what was written with an old one: the rule for each pair of classes.

`original` is the writer's schema, `update` the reader's. Observed behaviour of Confluent Schema Registry throughout.
"""

from collections.abc import Iterator
from typing import Any

from schema_mcp.domain.json_schema.combined import combined_steps, into_combined, out_of_combined
from schema_mcp.domain.json_schema.containers import array_steps, object_steps
from schema_mcp.domain.json_schema.limits import limit_steps, multiple_of_change
from schema_mcp.domain.json_schema.model import (
    Anything,
    Array,
    Combined,
    Const,
    Enum,
    Not,
    Nothing,
    Number,
    Object,
    Schema,
    String,
)
from schema_mcp.domain.json_schema.steps import Found, Outcome, Probe, Steps
from schema_mcp.domain.schema import Semantics


def pair_steps(original: Schema, update: Schema, path: str, semantics: Semantics) -> Steps:
    """The rule for any two schemas, references followed."""
    settled = False
    if isinstance(update, Combined) and not isinstance(original, Combined):
        settled = yield from into_combined(original, update, path)
    elif isinstance(original, Combined) and not isinstance(update, Combined):
        settled = yield from out_of_combined(original, update, path)
    if settled:
        return
    if type(original) is not type(update):
        if not _is_fine(original, update):
            yield Found("TYPE_CHANGED", path, original, update)
        return
    yield from _annotation_steps(original, update, path)
    yield from _steps(original, update, path, semantics)


def _is_fine(original: Schema, update: Schema) -> bool:
    """Two classes that nevertheless fit: nothing was written, anything is read, or Connect takes both for bytes."""
    return isinstance(original, Nothing) or isinstance(update, Anything) or (original.is_bytes and update.is_bytes)


def _annotation_steps(original: Schema, update: Schema, path: str) -> Iterator[Found]:
    for kind, before, after in (
        ("ID_CHANGED", original.id, update.id),
        ("TITLE_CHANGED", original.title, update.title),
        ("DESCRIPTION_CHANGED", original.description, update.description),
    ):
        if before != after:
            yield Found(kind, path, original, update)
    if not _same_default(original.default, update.default):
        yield Found("DEFAULT_CHANGED", path, original, update)


def _same_default(before: Any, after: Any) -> bool:
    """Observed: objects and arrays are never taken for the same, nor are two spellings of one number."""
    return type(before) is type(after) and not isinstance(before, (dict, list)) and str(before) == str(after)


def _steps(original: Any, update: Any, path: str, semantics: Semantics) -> Steps:
    match update:
        case String():
            yield from limit_steps(original, update, path)
            yield from _pattern_steps(original, update, path)
        case Number():
            yield from limit_steps(original, update, path)
            yield from _number_steps(original, update, path, semantics)
        case Object():
            yield from object_steps(original, update, path)
        case Array():
            yield from array_steps(original, update, path)
        case Combined():
            yield from combined_steps(original, update, path)
        case Enum():
            yield from _enum_steps(original, update, path)
        case Const():
            if original.value != update.value:
                yield Found("ENUM_ARRAY_CHANGED", f"{path}/const", original, update)
        case Not():
            yield from _not_steps(original, update, f"{path}/not")
        case _:
            return


def _pattern_steps(original: String, update: String, path: str) -> Iterator[Found]:
    if original.pattern != update.pattern:
        change = "ADDED" if original.pattern is None else "REMOVED" if update.pattern is None else "CHANGED"
        yield Found(f"PATTERN_{change}", f"{path}/pattern", original, update)


def _number_steps(original: Number, update: Number, path: str, semantics: Semantics) -> Iterator[Found]:
    change = multiple_of_change(original.multiple_of, update.multiple_of, semantics)
    if change:
        yield Found(f"MULTIPLE_OF_{change}", f"{path}/multipleOf", original, update)
    if original.integer is not update.integer:
        yield Found("TYPE_EXTENDED" if original.integer else "TYPE_NARROWED", path, original, update)


def _enum_steps(original: Enum, update: Enum, path: str) -> Iterator[Found]:
    if original.values == update.values:
        return
    change = (
        "EXTENDED" if original.values < update.values else "NARROWED" if original.values > update.values else "CHANGED"
    )
    yield Found(f"ENUM_ARRAY_{change}", f"{path}/enum", original, update)


def _not_steps(original: Not, update: Not, path: str) -> Steps:
    """What is forbidden is compared the other way round."""
    if original.inner is None or update.inner is None:
        return
    outcome: Outcome = yield Probe(update.inner, original.inner, path)
    kind = "NOT_TYPE_EXTENDED" if outcome.breaks else "NOT_TYPE_NARROWED"
    yield Found(kind, path, original, update)
