"""Put the settings of scopes back to what a run found before it changed them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schema_mcp.domain.plan import Action, Blocked, Step
from schema_mcp.domain.schema import Json, Mode, Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.services.acts import as_written, field_in, fields_of
from schema_mcp.services.together import each

_EARLY = frozenset({Action.LOOSEN, Action.LOOSEN_CONFIG})
"""What came before the versions, and is put back after they went."""

_CHANGED = "Somebody changed it since: put it back by hand, or leave it as it is."


@dataclass(frozen=True, slots=True)
class Past:
    """A step that was carried out, and what it found."""

    step: Step
    image: Json


@dataclass(slots=True)
class Settings:
    """Steps that put settings back: before versions go, after they went, and what stands in the way."""

    before: list[Step] = field(default_factory=list[Step])
    after: list[Step] = field(default_factory=list[Step])
    blocked: list[Blocked] = field(default_factory=list[Blocked])
    facts: list[str] = field(default_factory=list[str])


async def settings_back(registry: Registry, past: Sequence[Past]) -> Settings:
    """What puts modes and configurations back, newest first; a mode that was opened is closed at the very end."""
    back = Settings()
    modes = [one for one in past if one.step.action is Action.MODE]
    for one, now in zip(modes, await each(modes, lambda one: registry.mode(one.step.subject)), strict=True):
        _mode_back(back, one, now)
    configs: dict[Subject, list[Past]] = {}
    for one in past:
        if one.step.action is not Action.MODE:
            configs.setdefault(one.step.subject, []).append(one)
    scopes = list(configs)
    opened = [step for step in back.after if step.action is Action.MODE]
    back.after.clear()
    for scope, now in zip(scopes, await each(scopes, registry.config), strict=True):
        _config_back(back, registry.name, configs[scope], now)
    back.before.reverse()
    back.after = [*reversed(back.after), *opened]
    return back


def _mode_back(back: Settings, one: Past, now: Mode | None) -> None:
    step, found = one.step, one.image["mode"] or ""
    back.facts.append(f"{step.key} {now}")
    if (now or "") == found:
        return
    if (now or "") != step.value:
        why = f"its mode is {now or 'not its own'} by now, not {step.value} as the run left it"
        back.blocked.append(Blocked(step.registry, step.subject, why, _CHANGED))
        return
    undo = Step(
        step.registry,
        Action.MODE,
        step.subject,
        f"the mode was {found or 'inherited'} before",
        value=found,
        before=step.value,
    )
    (back.after if step.value == Mode.READWRITE else back.before).append(undo)


def _config_back(back: Settings, registry: str, past: Sequence[Past], now: Json | None) -> None:
    """Fields that the run set late go back early, and the other way round."""
    scope, first = past[0].step.subject, past[0].image["config"]
    back.facts.append(f"{registry} {scope} {json.dumps(now, sort_keys=True)}")
    ours = {name for one in past for name in fields_of(one.step) or ()}
    late: dict[str, Any] = {}
    early: dict[str, Any] = {}
    for name in sorted(ours):
        setting = [one for one in past if name in (fields_of(one.step) or ())]
        found, there = field_in(setting[0].image["config"], name), field_in(now, name)
        values = [(fields_of(one.step) or {})[name] for one in setting]
        if there not in (found, *values):  # a run that was cut off may have left any of them
            why = f"{name} of its configuration is {there!r} by now, not {values[-1]!r} as the run left it"
            back.blocked.append(Blocked(registry, scope, why, _CHANGED))
        elif there != found:
            (early if setting[-1].step.action in _EARLY else late)[name] = found
    alone = first is None and as_written(now or {}).keys() <= ours
    steps = [*_steps(registry, scope, Action.CONFIG, late), *_steps(registry, scope, Action.LOOSEN_CONFIG, early)]
    if steps and alone:
        steps[-1] = _step(registry, scope, steps[-1].action, None)
    for step in steps:
        (back.before if step.action is Action.CONFIG else back.after).append(step)


def _steps(registry: str, scope: Subject, action: Action, fields: Mapping[str, Any]) -> Iterator[Step]:
    if fields:
        yield _step(registry, scope, action, fields)


def _step(registry: str, scope: Subject, action: Action, fields: Mapping[str, Any] | None) -> Step:
    value = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    reason = "it had no configuration of its own before" if fields is None else "the configuration was so before"
    return Step(registry, action, scope, reason, value=value)
