"""Take an estate to another compatibility level: which histories allow it, at what risk, and the plan that does it.

A registry does not look at a history when a level is set: only the next registration is held against it. Where the
latest version already breaks the level, nothing like it could be registered any more, so that subject is blocked.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from anyio import to_thread

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.history import Clash
from schema_mcp.domain.plan import Blocked, Plan, Step, level_action
from schema_mcp.domain.remedies import GROUP
from schema_mcp.domain.schema import Level
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability, level_of
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import estate, selection
from schema_mcp.services.estate import Judged
from schema_mcp.services.ground import Report, silent
from schema_mcp.services.judgement import Side
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore

KIND: Final = "level_change"


class Risk(StrEnum):
    """What a level would mean for a subject's next version."""

    NONE = "none"
    OLD_BREAKS = "old breaks"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Assessed:
    """One subject under the wanted level."""

    judged: Judged
    own: Level | None
    """The subject's own level, None where it inherits one."""

    risk: Risk
    breaks: Sequence[Clash]
    """The pairs of versions that break the level, the latest version's first."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """The plan, and what was found under it."""

    plan: Plan
    subjects: list[Assessed]


async def plan(
    registry: GuardedRegistry, store: SchemaStore, chosen: Selection, level: Level, report: Report
) -> LevelChange:
    """What sets the level at every selected subject that can live with it. Reads only.

    Raises `NotFoundError` where nothing is selected, `RegistryError`.
    """
    await store.refresh()
    judged = await estate.judge_all(Side(registry.name, store, registry), chosen, report)
    if not judged:
        raise NotFoundError(f"{registry.name} has no subject of that selection", hint="list_subjects names them.")
    owns = [level_of(config) for config in await each([one.subject for one in judged], registry.config)]
    # Ten thousand histories take a while: off the event loop.
    found = await to_thread.run_sync(lambda: [_assessed(*one, level) for one in zip(judged, owns, strict=True)])
    made = await to_thread.run_sync(_planned, registry, store, chosen, level, found)
    return LevelChange(made, found)


def _planned(
    registry: GuardedRegistry, store: SchemaStore, chosen: Selection, level: Level, found: Sequence[Assessed]
) -> Plan:
    steps, blocked = _decided(registry, store, found, level)
    return Plan(
        kind=KIND,
        request={"registry": registry.name, "level": level, **chosen.as_request()},
        commit=store.head or "",
        observed={registry.name: _digest(found)},
        steps=tuple(steps),
        blocked=tuple(blocked),
    )


async def again(fleet: Fleet, store: SchemaStore, request: Mapping[str, Any]) -> Plan:
    """The plan that the same request makes now."""
    registry, chosen = fleet.get(request["registry"]), selection.from_request(request)
    return (await plan(registry, store, chosen, Level(request["level"]), silent)).plan


def _assessed(judged: Judged, own: str | None, level: Level) -> Assessed:
    breaks = sorted(judged.breaks(level), key=lambda clash: (-clash.number, -clash.comparison.number))
    return Assessed(judged, Level(own) if own in set(Level) else None, _risk(judged, breaks, level), breaks)


def _risk(judged: Judged, breaks: Sequence[Clash], level: Level) -> Risk:
    if judged.problem or judged.chart.unreadable:
        return Risk.STUCK
    if not breaks:
        return Risk.NONE
    # The next version is held against the latest only, unless the level looks at all of them.
    is_stuck = level.is_transitive and breaks[0].number == judged.chart.latest
    return Risk.STUCK if is_stuck else Risk.OLD_BREAKS


def _decided(
    registry: GuardedRegistry, store: SchemaStore, found: Sequence[Assessed], level: Level
) -> tuple[list[Step], list[Blocked]]:
    steps: list[Step] = []
    blocked: list[Blocked] = []
    beyond = asks.refused(registry, [Capability.CONFIG])
    for one in found:
        if one.own is level:
            continue
        match beyond or _against(store, one, level):
            case None:
                steps.append(_step(registry.name, one, level))
            case str() as why:
                blocked.append(Blocked(registry.name, one.judged.subject, why, "Deploy to a registry that can."))
            case (why, hint):
                blocked.append(Blocked(registry.name, one.judged.subject, why, hint))
    return steps, blocked


def _against(store: SchemaStore, one: Assessed, level: Level) -> tuple[str, str] | None:
    """Why this subject's level stays, and what to do about it."""
    declared = store.wish(one.judged.subject).level
    if declared not in (None, level):
        hint = "The store governs: say it there (update_stored_schema with level), then plan_deployment."
        return f"the store declares level {declared}", hint
    if one.risk is Risk.STUCK:
        return _why(one, level), fix(one, level)
    return None


def _why(one: Assessed, level: Level) -> str:
    if not one.breaks:
        unreadable = next(iter(one.judged.chart.unreadable.values()), "")
        return f"its history cannot be judged: {one.judged.problem or unreadable}"
    first = one.breaks[0]
    versions = f"versions {first.comparison.number} and {first.number}"
    return f"{versions} break {level}: {first.comparison.breaks[0].plain}"


def fix(one: Assessed, level: Level) -> str:
    """The smallest change that would let the subject live with the level."""
    if not one.breaks:
        return "Mend or delete the version that is no schema."
    kept = one.judged.chart.kept[0]
    latest = one.breaks[0].number
    olds = sorted({clash.comparison.number for clash in one.breaks if clash.number == latest})
    named = ", ".join(map(str, olds[:10]))
    return (
        f"Its history keeps {kept}. For {level}: begin a compatibility group ({GROUP}) with the next version, or, once "
        f"no data and no reader of them is left, delete version{'s' if len(olds) > 1 else ''} {named}."
    )


def _step(registry: str, one: Assessed, level: Level) -> Step:
    before = one.judged.judge.level
    reason = f"{before} is in force" if one.own else f"it inherits {before}"
    if one.risk is Risk.OLD_BREAKS:
        reason += "; older versions break the new level among themselves, the latest fits all"
    return Step(registry, level_action(before, level), one.judged.subject, reason, value=level, before=one.own or "")


def _digest(found: Sequence[Assessed]) -> str:
    """One name for what the plan rests on: every history's size and breaks, and the levels there."""
    sha = hashlib.sha256()
    for one in found:
        breaks = [(clash.number, clash.comparison.number) for clash in one.breaks]
        chart = one.judged.chart
        facts = (str(one.judged.subject), chart.versions, chart.latest, one.judged.judge.level, one.own, breaks)
        sha.update(repr(facts).encode("utf-8", "surrogatepass"))
    return sha.hexdigest()
