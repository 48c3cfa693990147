"""What it takes that a scope has the settings which the store declares: level, the other fields, mode."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from schema_mcp.domain.drift import Wish
from schema_mcp.domain.plan import Action, Blocked, Step, level_action
from schema_mcp.domain.schema import Json, Level, Subject
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services.draft import Draft
from schema_mcp.services.judgement import judge_of

_LOOSENING = frozenset({"compatibilityGroup", "compatibilityPolicy"})
"""Fields whose change decides what is compared with what; set before versions come, as a loosened level is."""

_ALIAS = "alias"


async def settings_steps(draft: Draft, scope: Subject) -> AsyncIterator[Step]:
    """What brings a scope's own settings to what the store declares, as far as the registry's product has them."""
    wish, there = draft.wanted.settings.get(scope), draft.found.settings.get(scope)
    if wish is None or there is None:
        return
    async for step in steps_to(wish, there, draft.registry, scope, whose="the store"):
        yield step


async def steps_to(wish: Wish, there: Wish, registry: Registry, scope: Subject, *, whose: str) -> AsyncIterator[Step]:
    """What brings a scope from the settings that are there to those that somebody wants."""
    can = registry.capabilities
    if wish.level is not None and wish.level != there.level and Capability.CONFIG in can:
        yield await _level_step(registry, scope, wish.level, there.level, whose)
    if Capability.CONFIG_FIELDS in can:
        for step in _field_steps(registry.name, scope, wish.fields, there.fields, whose):
            yield step
    if wish.mode is not None and wish.mode != there.mode and Capability.MODES in can:
        reason = f"{whose} wants mode {wish.mode}, the registry has {there.mode or 'no own mode'}"
        yield Step(registry.name, Action.MODE, scope, reason, value=wish.mode, before=there.mode or "")


async def _level_step(registry: Registry, scope: Subject, wanted: Level, own: Level | None, whose: str) -> Step:
    in_force = own or judge_of(registry.name, await registry.config(scope, inherited=True)).level
    reason = f"{whose} wants {wanted}, the registry has {own or 'no own level'}"
    action = level_action(in_force, wanted)
    return Step(registry.name, action, scope, reason, value=wanted, before=own or "")


def _field_steps(registry: str, scope: Subject, wanted: Json, found: Json, whose: str) -> Iterator[Step]:
    """The fields that differ: those that would be in the way of versions before them, the others after them."""
    differing = {name: value for name, value in wanted.items() if value != found.get(name)}
    early = {name: value for name, value in differing.items() if name in _LOOSENING or (name, value) == (_ALIAS, None)}
    for action, fields in ((Action.LOOSEN_CONFIG, early), (Action.CONFIG, _without(differing, early))):
        if fields:
            reason = f"{whose} wants another {', '.join(sorted(fields))}"
            before = {name: found.get(name) for name in fields}
            yield Step(registry, action, scope, reason, value=_packed(fields), before=_packed(before))


def _without(fields: Mapping[str, Any], others: Mapping[str, Any]) -> Json:
    return {name: value for name, value in fields.items() if name not in others}


def _packed(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def settings_beyond(draft: Draft, scope: Subject) -> Iterator[Blocked]:
    """Declared settings that the registry's product does not have."""
    wish = draft.wanted.settings.get(scope, Wish())
    asked = {Capability.CONFIG: wish.level, Capability.MODES: wish.mode, Capability.CONFIG_FIELDS: wish.fields or None}
    for capability in (capability for capability, wished in asked.items() if wished is not None):
        if why := asks.refused(draft.registry, [capability]):
            yield Blocked(draft.registry.name, scope, why, "Take the wish out of the store, or the subject's target.")
