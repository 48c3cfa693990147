"""A change as data: ordered steps with reasons, and one digest over all that it rests on.

A plan can be printed, stored, approved and only then carried out. Its digest covers the Git commit, what was observed
in each registry, and every step: when any of them moves, the plan is stale.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.schema import Level, Subject


class Action(StrEnum):
    """What one step does to a registry."""

    LOOSEN = "loosen_level"
    REGISTER = "register"
    DELETE = "delete_version"
    TIGHTEN = "tighten_level"
    MODE = "set_mode"


SCOPES: Mapping[Action, Scope] = {
    Action.LOOSEN: Scope.ADMIN,
    Action.REGISTER: Scope.WRITE,
    Action.DELETE: Scope.ADMIN,
    Action.TIGHTEN: Scope.WRITE,
    Action.MODE: Scope.ADMIN,
}
"""What each action needs; a plan needs the highest of its steps."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change to one registry.

    `origin` says where the content of a registration comes from (`store`, or `registry:{name}:{subject}` for a move)
    and `digest` what it must be; `value` is the level or mode to set, `before` what was there.
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


@dataclass(frozen=True, slots=True)
class Blocked:
    """A change that the plan leaves out, why, and what would let it through."""

    registry: str
    subject: Subject
    reason: str
    hint: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in order.

    `kind` is `deployment` or `migration`; `request` repeats what was asked, so that the plan can be made again and
    compared; `observed` holds a digest of what each registry held.
    """

    kind: str
    request: Mapping[str, Any]
    commit: str
    observed: Mapping[str, str]
    steps: tuple[Step, ...]
    blocked: tuple[Blocked, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def digest(self) -> str:
        """The plan's name: SHA-256 over everything in it."""
        return hashlib.sha256(to_text(self).encode()).hexdigest()

    @property
    def scope(self) -> Scope:
        """The highest scope that any step needs."""
        order = (Scope.READ, Scope.WRITE, Scope.ADMIN)
        return max((SCOPES[step.action] for step in self.steps), key=order.index, default=Scope.READ)


def to_text(plan: Plan) -> str:
    """The plan as canonical JSON, for the journal and the digest."""
    return json.dumps(asdict(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


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
    )


def _step(data: dict[str, Any]) -> Step:
    return Step(**_with_subject(data | {"action": Action(data["action"])}))


def _with_subject(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"subject": Subject(**data["subject"])}


def level_action(before: Level, after: Level) -> Action:
    """Does a change of level give up any promise? Then it is a loosening, and comes before registering, else after."""
    return Action.TIGHTEN if after.promises >= before.promises else Action.LOOSEN


def in_order(steps: Sequence[Step], rank: Mapping[tuple[str, Subject, int], int]) -> tuple[Step, ...]:
    """Steps as they must happen in each registry: referenced versions first; within a subject loosen, register,
    delete, tighten.

    `rank` gives each (registry, subject, version) its place in reference order; subjects follow their first version.
    """
    first: dict[tuple[str, Subject], int] = {}
    for (registry, subject, _), position in rank.items():
        first[registry, subject] = min(position, first.get((registry, subject), position))

    def turn(step: Step) -> tuple[str, int, int, str, int]:
        phase = _PHASES.index(step.action)
        if step.action is Action.REGISTER:
            early = rank.get((step.registry, step.subject, step.number), len(rank))
        elif phase < _PHASES.index(Action.REGISTER):
            early = first.get((step.registry, step.subject), len(rank))
        else:
            early = len(rank) + 1
        return step.registry, early, phase, str(step.subject), step.number

    return tuple(sorted(steps, key=turn))


_PHASES = list(Action)
