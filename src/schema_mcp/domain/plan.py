"""A change as data: ordered steps with reasons, and one digest over all that it rests on.

A plan can be printed, stored, approved and only then carried out. Its digest covers the Git commit, what was observed
in each registry, and every step: when any of them moves, the plan is stale.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, Subject


class Action(StrEnum):
    """What one step does to a registry, in the order in which a subject goes through them."""

    LOOSEN = "loosen_level"
    LOOSEN_CONFIG = "loosen_config"
    REGISTER = "register"
    DELETE = "delete_version"
    PURGE = "purge_version"
    TIGHTEN = "tighten_level"
    CONFIG = "set_config"
    MODE = "set_mode"


SCOPES: Mapping[Action, Scope] = {
    Action.LOOSEN: Scope.ADMIN,
    Action.LOOSEN_CONFIG: Scope.ADMIN,
    Action.REGISTER: Scope.WRITE,
    Action.DELETE: Scope.ADMIN,
    Action.PURGE: Scope.ADMIN,
    Action.TIGHTEN: Scope.WRITE,
    Action.CONFIG: Scope.ADMIN,
    Action.MODE: Scope.ADMIN,
}
"""What each action needs; a plan needs the highest of its steps."""

ROLLBACK: Final = "rollback"
"""The kind of a plan that takes back what others did: whatever its steps are, it needs admin."""


class Strategy(StrEnum):
    """In which order registries take their steps."""

    ALL_AT_ONCE = "all_at_once"
    ROLLING = "rolling"
    CANARY = "canary"


class OnFailure(StrEnum):
    """What becomes of the registries that have not begun when one has failed."""

    CONTINUE = "continue"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a plan goes over its registries: `order` is theirs, and the first of it is the canary."""

    strategy: Strategy = Strategy.ALL_AT_ONCE
    on_failure: OnFailure = OnFailure.CONTINUE
    order: tuple[str, ...] = ()

    def waves(self, registries: Sequence[str]) -> list[list[str]]:
        """The registries that take their steps together, one group after the other."""
        known = {name: place for place, name in enumerate(self.order)}
        names = sorted(registries, key=lambda name: (known.get(name, len(known)), name))
        match self.strategy:
            case Strategy.ALL_AT_ONCE:
                waves = [names]
            case Strategy.ROLLING:
                waves = [[name] for name in names]
            case Strategy.CANARY:
                waves = [names[:1], names[1:]]
        return [wave for wave in waves if wave]


@dataclass(frozen=True, slots=True)
class Step:
    """One change to one registry.

    `origin` says where the content of a registration comes from (`store`, or `registry:{name}:{subject}` for a move)
    and `digest` what it must be; `value` is the level or mode to set, or the fields of a configuration as JSON
    (a field of `null` is taken away, `null` alone takes all of it away), or the references that a moved version has
    at its new place where they are others than before; `before` what was there.
    """

    registry: str
    action: Action
    subject: Subject
    reason: str
    number: int = 0
    id: int = 0
    digest: str = ""
    origin: str = "store"
    value: str = ""
    before: str = ""

    @property
    def key(self) -> str:
        """The step's name in the journal, unique within a plan."""
        return f"{self.registry} {self.action} {self.subject} {self.number}"

    @property
    def source(self) -> tuple[str, str, Subject]:
        """What kind of place the content comes from, of which registry, and its subject there."""
        kind, _, rest = self.origin.partition(":")
        name, _, subject = rest.partition(":")
        return kind, name, parse_subject(subject) if subject else self.subject

    def sent(self, schema: Schema) -> Schema:
        """The schema that a registration sends, for the one that stands where it comes from."""
        if not self.value:
            return schema
        return replace(schema, references=tuple(Reference(*one) for one in json.loads(self.value)))


@dataclass(frozen=True, slots=True)
class Blocked:
    """A change that the plan leaves out, why, and what would let it through."""

    registry: str
    subject: Subject
    reason: str
    hint: str
    number: int = 0


@dataclass(frozen=True)
class Plan:
    """What to do, in order.

    `kind` is `deployment` or `migration`; `request` repeats what was asked, so that the plan can be made again and
    compared; `observed` holds a digest of what each registry held; `rollout` says in which order registries go.
    """

    kind: str
    request: Mapping[str, Any]
    commit: str
    observed: Mapping[str, str]
    steps: tuple[Step, ...]
    blocked: tuple[Blocked, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    rollout: Rollout = Rollout()

    @cached_property
    def digest(self) -> str:
        """The plan's name: SHA-256 over everything in it."""
        return hashlib.sha256(to_text(self).encode()).hexdigest()

    @property
    def scope(self) -> Scope:
        """The highest scope that any step needs; a rollback's is admin, whichever tool carries it out."""
        if self.kind == ROLLBACK and self.steps:
            return Scope.ADMIN
        order = (Scope.READ, Scope.WRITE, Scope.ADMIN)
        return max((SCOPES[step.action] for step in self.steps), key=order.index, default=Scope.READ)


def to_text(plan: Plan) -> str:
    """The plan as canonical JSON, for the journal and the digest."""
    return json.dumps(_told(plan), default=_told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _told(one: Any) -> dict[str, Any]:
    return {each.name: getattr(one, each.name) for each in fields(one)}


def from_text(text: str) -> Plan:
    """Read a plan back from `to_text`."""
    data: dict[str, Any] = json.loads(text)
    steps = tuple(_step(step) for step in data["steps"])
    blocked = tuple(Blocked(**_with_subject(one)) for one in data["blocked"])
    return Plan(
        kind=data["kind"],
        request=data["request"],
        commit=data["commit"],
        observed=data["observed"],
        steps=steps,
        blocked=blocked,
        warnings=tuple(data["warnings"]),
        rollout=_rollout(data.get("rollout", {})),
    )


def _rollout(data: Mapping[str, Any]) -> Rollout:
    if not data:  # a plan kept by a version that knew one way only
        return Rollout()
    return Rollout(Strategy(data["strategy"]), OnFailure(data["on_failure"]), tuple(data["order"]))


def _step(data: dict[str, Any]) -> Step:
    return Step(**_with_subject(data | {"action": Action(data["action"])}))


def _with_subject(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"subject": Subject(**data["subject"])}


def level_action(before: Level, after: Level) -> Action:
    """Does a change of level give up any promise? Then it is a loosening, and comes before registering, else after."""
    return Action.TIGHTEN if after.promises >= before.promises else Action.LOOSEN


def in_order(steps: Sequence[Step], rank: Mapping[tuple[str, Subject, int], int]) -> tuple[Step, ...]:
    """Steps as they must happen in each registry: what opens a closed scope; referenced versions first; within a
    subject loosen, register, delete, tighten; what references before what it references where both go; modes last.

    `rank` gives each (registry, subject, version) its place in reference order; subjects follow their first version,
    and what is wanted of a whole context stands around all of them.
    """
    first: dict[tuple[str, Subject], int] = {}
    for (registry, subject, _), position in rank.items():
        first[registry, subject] = min(position, first.get((registry, subject), position))

    def turn(step: Step) -> tuple[str, int, int, int, str, int]:
        phase, place = _PHASES.index(step.action), rank.get((step.registry, step.subject, step.number), len(rank))
        back = 0
        if step.action is Action.MODE and step.value == Mode.READWRITE:
            early = -2
        elif step.action is Action.REGISTER:
            early = place
        elif step.action in (Action.LOOSEN, Action.LOOSEN_CONFIG):
            early = first.get((step.registry, step.subject), len(rank)) if step.subject.name else -1
        else:
            early, back = len(rank) + 1, -place if step.action is Action.DELETE else 0
        return step.registry, early, phase, back, str(step.subject), step.number

    return tuple(sorted(steps, key=turn))


_PHASES = list(Action)
