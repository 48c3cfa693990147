"""`allOf`, `anyOf`, `oneOf` and `type` arrays: which members of one side answer to which of the other."""

from collections.abc import Generator
from typing import Any, Final

from schema_mcp.domain.json_schema.matching import largest_matching
from schema_mcp.domain.json_schema.model import (
    Array,
    Boolean,
    Combined,
    Const,
    Criterion,
    Enum,
    Null,
    Number,
    Object,
    Schema,
    String,
)
from schema_mcp.domain.json_schema.steps import Effort, Found, Into, Outcome, Probe, Step, Steps

_MEETINGS_PER_COMPARISON: Final = 10
_PLAIN: Final = (Array, Boolean, Const, Enum, Null, Number, Object, String)


def combined_steps(original: Combined, update: Combined, path: str) -> Steps:
    """Both sides are combined."""
    if original.criterion is not update.criterion:
        kind = "COMBINED_TYPE_EXTENDED" if _is_wider(original, update) else "COMBINED_TYPE_CHANGED"
        yield Found(kind, path, original, update)
        if kind == "COMBINED_TYPE_CHANGED":
            return
    before, after = len(original.members), len(update.members)
    if before < after:
        kind = "PRODUCT_TYPE_EXTENDED" if update.criterion is Criterion.ALL else "SUM_TYPE_EXTENDED"
        yield Found(kind, path, original, update)
    elif before > after:
        kind = "PRODUCT_TYPE_NARROWED" if original.criterion is Criterion.ALL else "SUM_TYPE_NARROWED"
        yield Found(kind, path, original, update)
    yield from _member_steps(original, update, path)


def _is_wider(original: Combined, update: Combined) -> bool:
    """May a change of the keyword itself go unnoticed by what was written?"""
    if update.criterion is Criterion.ANY:
        return True
    if len(original.members) == 1:
        return len(update.members) == 1 or update.criterion is Criterion.ONE
    return len(update.members) == 1 and original.criterion is Criterion.ALL


def _member_steps(original: Combined, update: Combined, path: str) -> Steps:
    """Every member of the shorter side needs a partner of its own on the other one."""
    yield Effort(len(original.members) * len(update.members) // _MEETINGS_PER_COMPARISON)
    outcomes: dict[tuple[int, int], Outcome] = {}
    partners: dict[int, list[int]] = {left: [] for left in range(len(original.members))}
    for left, before in enumerate(original.members):
        inner = f"{path}/{original.criterion}/{left}"
        for right, after in enumerate(update.members):
            if are_strangers(before, after):
                continue
            outcome = yield Probe(before, after, inner)
            if not outcome.breaks:
                outcomes[left, right] = outcome
                partners[left].append(right)
    matching = largest_matching(partners)
    for pair in matching.items():
        yield from outcomes[pair].found
    if len(matching) < min(len(original.members), len(update.members)):
        yield Found("COMBINED_TYPE_SUBSCHEMAS_CHANGED", path, original, update)


def are_strangers(before: Schema, after: Schema) -> bool:
    """Surely no fit: two plain types, or two objects that a constant tells apart."""
    if type(before) is not type(after):
        return isinstance(before, _PLAIN) and isinstance(after, _PLAIN) and not (before.is_bytes and after.is_bytes)
    return isinstance(before, Object) and isinstance(after, Object) and _have_other_tags(before, after)


def _have_other_tags(before: Object, after: Object) -> bool:
    for name, tag in before.properties.items():
        other = after.properties.get(name)
        if isinstance(tag, Const) and isinstance(other, Const) and tag.value != other.value:
            return True
    return False


def into_combined(original: Schema, update: Combined, path: str) -> Generator[Step, Any, bool]:
    """A plain schema becomes a combined one. Returns whether that settled it."""
    if len(update.members) == 1:
        yield Into(original, update.members[0], path)
        return True
    if update.criterion is Criterion.ALL:
        return False
    for member in update.members:
        outcome = yield Probe(original, member, path)
        if not outcome.breaks:
            yield from outcome.found
            yield Found("SUM_TYPE_EXTENDED", path, original, update)
            return True
    return False


def out_of_combined(original: Combined, update: Schema, path: str) -> Generator[Step, Any, bool]:
    """A combined schema becomes a plain one. Returns whether that settled it."""
    if len(original.members) == 1:
        yield Into(original.members[0], update, path)
        return True
    if original.criterion is not Criterion.ALL:
        return False
    for member in original.members:
        outcome = yield Probe(member, update, path)
        if not outcome.breaks:
            yield from outcome.found
            yield Found("PRODUCT_TYPE_NARROWED", path, original, update)
            return True
    return False
