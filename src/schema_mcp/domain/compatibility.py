"""Levels over a history: what a registry would answer, with its own messages and in plain words.

Sources: registry semantics 2.0 (levels), 1.6 (groups), 1.9 (messages), and recorded conversations.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.formats import Difference, Rules
from schema_mcp.domain.schema import Json, Level, Schema, SchemaType

DIFFERENT_TYPE = "DIFFERENT_SCHEMA_TYPE"
_LONGEST_OLD_SCHEMA = 10 * 1024


@dataclass(frozen=True, slots=True)
class Comparison:
    """The new schema against one earlier version, in one direction.

    `number` is the earlier version, `index` its place in the history (0 = oldest), `reads` whether the new schema
    was the reader (BACKWARD) or the earlier one (FORWARD).
    """

    number: int
    index: int
    reads: bool
    differences: tuple[Difference, ...]

    @property
    def breaks(self) -> tuple[Difference, ...]:
        return tuple(difference for difference in self.differences if difference.breaks)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, every comparison made, and the registry's messages (empty when compatible)."""

    compatible: bool
    comparisons: tuple[Comparison, ...] = ()
    messages: tuple[str, ...] = field(default=())

    @property
    def breaks(self) -> list[tuple[Comparison, Difference]]:
        return [(comparison, difference) for comparison in self.comparisons for difference in comparison.breaks]


def check(
    new: Whole,
    previous: Sequence[Whole],
    level: Level,
    rules: Rules | None = None,
    *,
    group: str | None = None,
    exhaustive: bool = False,
    validate_fields: bool = False,
) -> Outcome:
    """Would a registry at this level take `new` after `previous` (oldest first)?

    With a `group` (a metadata property) only versions with the same value are compared. A registry stops at the
    first version that fails; `exhaustive` goes through all of them. Raises `InvalidSchemaError` for a bad text.
    """
    comparisons: list[Comparison] = []
    for index, old in _compared(new, previous, level, group):
        found = list(_both_ways(new, old, index, level, rules or Rules()))
        comparisons += found
        if any(comparison.breaks for comparison in found) and not exhaustive:
            break
    failing = _first_failing(comparisons)
    if not failing:
        return Outcome(compatible=True, comparisons=tuple(comparisons))
    old = previous[failing[0].index]
    messages = _messages(failing, old, level, validate_fields=validate_fields)
    return Outcome(compatible=False, comparisons=tuple(comparisons), messages=tuple(messages))


def in_group(one: Schema, other: Schema, group: str) -> bool:
    """Do two schemas have the same value (or none) of the group's metadata property?"""
    return _property(one, group) == _property(other, group)


def _property(schema: Schema, name: str) -> str | None:
    properties: Json = (schema.metadata or {}).get("properties") or {}
    return properties.get(name)


def _compared(new: Whole, previous: Sequence[Whole], level: Level, group: str | None) -> Iterator[tuple[int, Whole]]:
    """The versions the level looks at, newest first, each with its place in the history."""
    if level is Level.NONE:
        return
    for index in range(len(previous) - 1, -1, -1):
        if group is None or in_group(new.schema, previous[index].schema, group):
            yield index, previous[index]
            if not level.is_transitive:
                return


def _both_ways(new: Whole, old: Whole, index: int, level: Level, rules: Rules) -> Iterator[Comparison]:
    # Under FULL a registry asks first whether the old schema reads the new one.
    if level.forward:
        yield Comparison(old.number, index, reads=False, differences=_differences(old, new, rules))
    if level.backward:
        yield Comparison(old.number, index, reads=True, differences=_differences(new, old, rules))


def _differences(reader: Whole, writer: Whole, rules: Rules) -> tuple[Difference, ...]:
    if reader.schema.type is not writer.schema.type:
        return (_different_type(reader.schema.type, writer.schema.type),)
    rules_of = format_of(reader.schema.type)
    return tuple(rules_of.differences(parse(reader), parse(writer), rules))


def _different_type(reader: SchemaType, writer: SchemaType) -> Difference:
    return Difference(
        kind=DIFFERENT_TYPE,
        path="",
        breaks=True,
        description="Incompatible because of different schema type",
        plain=f"one side is {reader}, the other {writer}: a subject keeps to one language; use another subject",
    )


def _first_failing(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with the newest version that fails, both directions."""
    index = next((comparison.index for comparison in comparisons if comparison.breaks), None)
    return [comparison for comparison in comparisons if comparison.index == index and comparison.breaks]


def _messages(failing: Sequence[Comparison], old: Whole, level: Level, *, validate_fields: bool) -> Iterator[str]:
    for comparison in failing:
        # The registry reports a type change once, whatever the directions.
        for difference in comparison.breaks:
            if difference.kind == DIFFERENT_TYPE:
                yield difference.description
                yield _settings(level, validate_fields=validate_fields)
                return
            yield _message(difference, old.schema.type, reads=comparison.reads)
    if failing[-1].reads or not level.backward:
        yield f"{{oldSchemaVersion: {old.number}}}"
        yield f"{{oldSchema: '{_capped(parse(old).canonical)}'}}"
    yield _settings(level, validate_fields=validate_fields)


def _settings(level: Level, *, validate_fields: bool) -> str:
    return f"{{validateFields: '{str(validate_fields).lower()}', compatibility: '{level}'}}"


def _message(difference: Difference, kind: SchemaType, *, reads: bool) -> str:
    """One difference as the registry prints it, its closing quotes included."""
    description = difference.description if reads else _swapped(difference.description)
    match kind:
        case SchemaType.AVRO:
            return f"{{errorType:'{difference.kind}', description:'{description}', additionalInfo:'{difference.info}'}}"
        case SchemaType.JSON:
            return f'{{errorType:"{difference.kind}", description:"{description}\'}}'
        case SchemaType.PROTOBUF:
            return f'{{errorType:"{difference.kind}", description:"{description}"}}'


def _swapped(description: str) -> str:
    """The sentence with the two schemas in each other's place; quoted names and paths stay."""
    return _SIDES.sub(lambda found: {"new": "old", "old": "new"}.get(found[0], found[0]), description)


_SIDES = re.compile(r"'[^']*'|\bnew\b|\bold\b")


def _capped(text: str) -> str:
    return text if len(text) <= _LONGEST_OLD_SCHEMA else text[:_LONGEST_OLD_SCHEMA] + "..."
