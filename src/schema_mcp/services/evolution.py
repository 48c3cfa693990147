"""How a subject came to be what it is, and how it could become what is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from anyio import to_thread

from schema_mcp.domain import evolution
from schema_mcp.domain.compatibility import Comparison, check
from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError, NotFoundError
from schema_mcp.domain.formats import Change, Finding, Rules
from schema_mcp.domain.history import Chart, chart
from schema_mcp.domain.schema import Level, Schema, Subject
from schema_mcp.services.judgement import Judge, Side

_PATIENCE: Final = 2.0
"""Seconds that looking for a way may take; ordinary schemas take milliseconds."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One version in a history, told from the one before it."""

    whole: Whole
    changes: Sequence[Change] = ()
    warnings: Sequence[Finding] = ()
    breaks: Sequence[Comparison] = ()
    """The comparisons in which it fails: with the version before it, and with older ones."""


@dataclass(frozen=True, slots=True)
class Told:
    """A subject's history as a story."""

    stages: list[Stage]
    chart: Chart
    judge: Judge


@dataclass(frozen=True, slots=True)
class Suggested:
    """The stages on the way to a wanted schema."""

    level: Level
    stages: list[Stage]
    arrives: bool
    remains: Sequence[Change]
    """What still lies between the last stage and the wish."""

    left_behind: Sequence[int]
    """Versions whose data, or whose readers, the last stage no longer fits."""


async def told(side: Side, subject: Subject) -> Told:
    """Every live version with what it changed and broke. Raises `NotFoundError`, `RegistryError`."""
    history = await side.history(subject)
    if not history:
        raise NotFoundError(f"{side.name} has no subject {subject}", hint="list_subjects tells what is there.")
    judge = await side.judge(subject)
    return await to_thread.run_sync(_told, history, judge)


def _told(history: Sequence[Whole], judge: Judge) -> Told:
    drawn = chart(history, judge.rules, group=judge.group)
    stages = [_stage(version, before, drawn) for version, before in zip(history, [None, *history], strict=False)]
    return Told(stages, drawn, judge)


def _stage(version: Whole, before: Whole | None, drawn: Chart) -> Stage:
    broken = [clash.comparison for clash in drawn.clashes if clash.number == version.number]
    return Stage(version, *_difference(before, version), broken)


def _difference(old: Whole | None, new: Whole) -> tuple[Sequence[Change], Sequence[Finding]]:
    if old is None:
        return (), ()
    if old.schema.type is not new.schema.type:
        return [Change("type", "", f"the language changed from {old.schema.type} to {new.schema.type}")], ()
    rules = format_of(new.schema.type)
    try:
        before, after = parse(old), parse(new)
    except InvalidSchemaError as error:
        return [Change("text", "", f"no comparison: {error}")], ()
    return rules.changes(before, after), rules.lint_change(after, before)


async def suggested(side: Side, subject: Subject, wanted: Schema, level: Level | None) -> Suggested:
    """A way from the history to a wanted schema at a level; at the one in force when none is named.

    Raises `InvalidSchemaError` for a bad text, `InvalidRequestError` where the level compares nothing.
    """
    judge = await side.judge(subject)
    level = level or judge.level
    if level is Level.NONE:
        raise InvalidRequestError(
            "Level NONE compares nothing: every schema may follow at once",
            hint="Name the level that the way has to keep.",
        )
    new = await side.whole(wanted, subject)
    history = judge.compared(new, await side.history(subject))
    return await to_thread.run_sync(_suggested, new, history, level, judge.rules)


def _suggested(new: Whole, history: Sequence[Whole], level: Level, rules: Rules) -> Suggested:
    parse(new, new=True)
    end = monotonic() + _PATIENCE
    found = evolution.route(new, history, level, rules, lambda: monotonic() < end)
    before = [*history[-1:], *found.stages]
    pairs = zip(before[1:], before, strict=False) if history else [(one, None) for one in found.stages]
    stages = [Stage(stage, *_difference(earlier, stage)) for stage, earlier in pairs]
    last = before[-1] if before else None
    remains = () if found.arrives else _difference(last, new)[0]
    return Suggested(level, stages, found.arrives, remains, _left_behind(found.stages, history, level, rules))


def _left_behind(stages: Sequence[Whole], history: Sequence[Whole], level: Level, rules: Rules) -> list[int]:
    """The versions that the last stage would break with, were the level transitive."""
    if not stages:
        return []
    transitive = level if level.is_transitive else Level(f"{level}_TRANSITIVE")
    outcome = check(stages[-1], [*history, *stages[:-1]], transitive, rules, exhaustive=True)
    return sorted({comparison.number for comparison in outcome.comparisons if comparison.breaks})
