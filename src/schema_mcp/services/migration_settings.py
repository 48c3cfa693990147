"""Levels, modes and the other settings of what is moved: carried over around its versions, or told as left behind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from schema_mcp.domain.drift import Wish
from schema_mcp.domain.naming import GLOBAL_CONTEXT, shown_context
from schema_mcp.domain.plan import Action, Blocked, Step
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Level, Mode, Subject
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services.judgement import judge_of
from schema_mcp.services.migration_clashes import Ends
from schema_mcp.services.selection import Selection
from schema_mcp.services.snapshots import settings_at
from schema_mcp.services.together import each
from schema_mcp.services.wishes import steps_to

_NONE = '{"compatibility":null}'


@dataclass(slots=True)
class Settings:
    """Steps that carry settings over, what of them stays behind, and what each scope had on the target."""

    steps: list[Step] = field(default_factory=list[Step])
    blocked: list[Blocked] = field(default_factory=list[Blocked])
    warnings: list[str] = field(default_factory=list[str])
    wanted: dict[Subject, Wish] = field(default_factory=dict[Subject, Wish])
    there: dict[Subject, Wish] = field(default_factory=dict[Subject, Wish])


async def carried(ends: Ends, selection: Selection, moving: Mapping[Subject, Subject]) -> Settings:
    """What gives subjects, and contexts that are moved as a whole, the settings they have in the source.

    `moving` has the source of each subject whose settings go along. A context or registry in which others live is left
    alone.
    """
    found = Settings()
    pairs = [*((source, subject) for subject, source in moving.items()), *_contexts(ends, selection)]
    wishes = await each(pairs, lambda pair: settings_at(ends.source, pair[0]))
    for (_, scope), wish in zip(pairs, wishes, strict=True):
        if wish != Wish():
            found.wanted[scope] = _settled(found, scope, wish)
    scopes = list(found.wanted)
    found.there = dict(zip(scopes, await each(scopes, lambda one: settings_at(ends.target, one)), strict=True))
    for scope in scopes:
        await _carry(ends, found, scope)
    return found


def _contexts(ends: Ends, selection: Selection) -> Iterator[tuple[Subject, Subject]]:
    """The scopes that are moved as a whole."""
    if selection.subjects or selection.prefix:
        return
    contexts = sorted({subject.context for subject in ends.cargo.came_from.values()})
    both_have_contexts = Capability.CONTEXTS in ends.source.capabilities & ends.target.capabilities
    is_everything = selection.context is None and ends.route.target_context is None
    if is_everything and both_have_contexts and ends.source.name != ends.target.name:
        yield Subject("", GLOBAL_CONTEXT), Subject("", GLOBAL_CONTEXT)
    if ends.route.target_context is None or len(contexts) == 1:
        yield from ((Subject("", one), Subject("", ends.route.target_context or one)) for one in contexts)


def _settled(found: Settings, scope: Subject, wish: Wish) -> Wish:
    """What of a wish is carried over: no passing mode, and nothing that would open what is closed on the target."""
    if not scope.name and wish.mode is Mode.READWRITE:
        return replace(wish, mode=None)
    if wish.mode is not Mode.IMPORT:
        return wish
    found.warnings.append(f"{_named(scope)} is in mode IMPORT in the source; that mode is not carried over.")
    return replace(wish, mode=None)


async def _carry(ends: Ends, found: Settings, scope: Subject) -> None:
    wish, there, target = found.wanted[scope], found.there[scope], ends.target
    asked = {Capability.CONFIG: wish.level, Capability.MODES: wish.mode, Capability.CONFIG_FIELDS: wish.fields or None}
    for capability in (one for one, wished in asked.items() if wished is not None):
        if why := asks.refused(target, [capability]):
            found.blocked.append(Blocked(target.name, scope, why, "Choose a target that can, or go without it."))
    steps = [step async for step in steps_to(wish, there, target, scope, whose=ends.source.name)]
    if steps and not scope.name and (others := _others(ends, scope)):
        what = ", ".join(dict.fromkeys(step.action.value for step in steps))
        why = f"its settings differ ({what}), and {others} subjects there are no part of this migration"
        found.blocked.append(
            Blocked(target.name, scope, why, "Set it with update_config or update_mode, if it is meant for them, too.")
        )
    else:
        found.steps += steps


def _others(ends: Ends, scope: Subject) -> int:
    """Subjects of the target that live under a scope and are not moved there."""
    moved = {subject for subject, _ in ends.cargo.came_from}
    return sum(
        subject not in moved and (scope.context in (GLOBAL_CONTEXT, subject.context)) for subject in ends.there.versions
    )


async def other_levels(ends: Ends, steps: Sequence[Step]) -> list[str]:
    """What is in force in contexts, where subjects without settings of their own would live by other rules."""
    if not {Capability.CONFIG} <= ends.source.capabilities & ends.target.capabilities:
        return []
    set_there = {step.subject for step in steps if not step.subject.name}
    pairs = sorted({(source.context, subject.context) for (subject, _), source in ends.cargo.came_from.items()})
    said: list[str] = []
    for ours, theirs in pairs:
        if {Subject("", theirs), Subject("", GLOBAL_CONTEXT)} & set_there:
            continue
        here, there = await each(
            [(ends.source, ours), (ends.target, theirs)], lambda end: _level_in_force(end[0], Subject("", end[1]))
        )
        if here != there:
            said.append(
                f"Subjects without a level of their own live by {here} in {shown_context(ours)} of {ends.source.name}, "
                f"and by {there} in {shown_context(theirs)} of {ends.target.name}."
            )
    return said


async def _level_in_force(registry: Registry, scope: Subject) -> Level:
    return judge_of(registry.name, await registry.config(scope, inherited=True)).level


async def opened(ends: Ends, settings: Settings, breaking: Sequence[Place]) -> list[Step]:
    """Where a history would be refused by the target's level while it is registered anew: open it, and close it again.

    The steps of `settings` are rearranged: what gave way to the opening is gone from them.
    """
    subjects = sorted({subject for subject, _ in breaking})
    opening: list[Step] = []
    for subject in subjects:
        there = settings.there.get(subject) or await settings_at(ends.target, subject)
        wanted = settings.wanted.get(subject, Wish()).level or there.level
        ours = [step for step in settings.steps if step.subject == subject]
        kept = [step for step in ours if step.action is not Action.LOOSEN and step.action is not Action.TIGHTEN]
        settings.steps = [step for step in settings.steps if step not in ours] + kept
        name = ends.target.name
        opening.append(Step(name, Action.LOOSEN, subject, "its history breaks the level", value=Level.NONE))
        if wanted is not None:
            opening.append(Step(name, Action.TIGHTEN, subject, "the level it is to have", value=wanted))
        else:
            settings.steps = [
                step for step in settings.steps if (step.subject, step.action) != (subject, Action.CONFIG)
            ]
            opening.append(_inherits_again(name, subject, there, kept))
    return opening


def _inherits_again(registry: str, subject: Subject, there: Wish, kept: Sequence[Step]) -> Step:
    """Let go of the level that was set for the while, and of nothing else."""
    config = next((step.value for step in kept if step.action is Action.CONFIG), "")
    value = f"{_NONE[:-1]},{config[1:]}" if config else _NONE if there.fields else "null"
    return Step(registry, Action.CONFIG, subject, "it is to inherit its level again", value=value)


def _named(scope: Subject) -> str:
    if scope.name:
        return str(scope)
    return "the whole registry" if scope.context == GLOBAL_CONTEXT else f"context {shown_context(scope.context)}"
