"""Undo a deployment or a migration: a plan that takes back exactly what its run did, in reverse.

The journal has what each step found. Versions that were not there go for good, those that were soft-deleted are so
again, deleted ones come back, settings are what they were. Where somebody built on it since, nothing is undone.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, LockHeldError, NotFoundError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import ROLLBACK, Action, Blocked, Plan, Step
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Subject, Version
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import deployment, level_change, migration, restoring
from schema_mcp.services.acts import DELETED, Scene, is_same
from schema_mcp.services.draft import KEEPING
from schema_mcp.services.glances import Found, numbers_of, users_of, versions_at
from schema_mcp.services.ground import Ground
from schema_mcp.services.kept import kept_plan
from schema_mcp.services.rollback_settings import Past, Settings, settings_back
from schema_mcp.services.steps import KEPT, moved
from schema_mcp.services.together import each
from schema_mcp.stores.journal import Run, Status

KIND = ROLLBACK

_UNDONE = frozenset({deployment.KIND, migration.KIND, level_change.KIND})
_DIGEST = 64
_CHANGED = "Undo or move that first, then ask again: a rollback never takes away what others did."
_STORE_STAYS = (
    "The store keeps what it says, and plan_deployment would bring it back. To keep it out, retire the versions or "
    "change the targets (update_stored_schema), or revert the commit in Git."
)
_IDS_STAY = "Ids that were handed out are not handed out again, and a context that came into being stays listed."


async def run_of(ground: Ground, named: str) -> Run:
    """The run with this task id, or the last one of the plan with this digest."""
    if len(named) == _DIGEST:
        runs = await ground.journal.runs(plan=named, limit=1)
        run = runs[0] if runs else None
    else:
        run = await ground.journal.run(named)
    if run is None:
        raise NotFoundError(f"No task of that name was carried out: {named[:64]!r}", hint="list_tasks names them.")
    return run


async def plan(ground: Ground, named: str) -> Plan:
    """What takes back a run. Reads only.

    Raises `ConflictError` where it was rolled back already, `LockHeldError` while it is being carried out,
    `InvalidRequestError` for a run of another kind; and, where what it wrote was not read back and is spelled otherwise
    there, `NotFoundError` or `StalePlanError` when the file that it came from is gone or another one.
    """
    run = await run_of(ground, named)
    _refuse(run)
    made = await kept_plan(ground.journal, run.plan)
    past = await _past(ground, run, made)
    drafts: list[_Undoing] = []
    for name, several in groupby(sorted(past, key=lambda one: one.step.registry), key=lambda one: one.step.registry):
        drafts.append(await _undoing(ground, made, ground.fleet.get(name), list(several)))
    blocked = tuple(one for draft in drafts for one in draft.blocked)
    steps = () if blocked else tuple(step for draft in drafts for step in draft.steps)
    return Plan(
        kind=KIND,
        request={"task": run.task},
        commit="",
        observed={draft.registry: hashlib.sha256("\n".join(draft.facts).encode()).hexdigest() for draft in drafts},
        steps=steps,
        blocked=blocked,
        warnings=tuple(_warnings(run)) if steps else (),
    )


def _warnings(run: Run) -> Iterator[str]:
    if run.kind == deployment.KIND:
        yield _STORE_STAYS
    yield _IDS_STAY


def _refuse(run: Run) -> None:
    if run.kind not in _UNDONE:
        raise InvalidRequestError(
            f"Task {run.task} is a {run.kind}, nothing that can be rolled back",
            hint="To have a rolled-back change again, plan it again. Single versions: delete_schema_version.",
        )
    if run.undone_by:
        raise ConflictError(
            f"Task {run.task} was rolled back already, by task {run.undone_by}",
            hint="Plan again to have its change again.",
        )
    if run.status is Status.RUNNING:
        raise LockHeldError(f"Task {run.task} is still being carried out", hint="Wait for its end: get_task.")


async def _past(ground: Ground, run: Run, plan: Plan) -> list[Past]:
    """What the run has begun, in its order."""
    made = {step.key: step for step in plan.steps}
    records = [record for record in await ground.journal.steps(run.task) if record.key in made]
    if any(record.image is None for record in records):
        raise ConflictError(
            f"Task {run.task} was carried out by a version that did not note what it found",
            hint="Delete what it registered by hand: delete_schema_version.",
        )
    return [Past(made[record.key], record.image or {}) for record in records]


@dataclass(slots=True)
class _Undoing:
    """One registry's part of a rollback."""

    registry: str
    steps: list[Step] = field(default_factory=list[Step])
    blocked: list[Blocked] = field(default_factory=list[Blocked])
    facts: list[str] = field(default_factory=list[str])


async def _undoing(ground: Ground, made: Plan, registry: GuardedRegistry, past: Sequence[Past]) -> _Undoing:
    others = [one for one in past if one.step.action not in (Action.REGISTER, Action.DELETE)]
    of_versions = _of_versions(past)
    back: Settings = await settings_back(registry, others)
    places = [_place(one.step) for one in of_versions]
    there = await versions_at(registry, places, deleted=Capability.SOFT_DELETE in registry.capabilities)
    undo = _Undoing(registry.name, facts=back.facts)
    undo.blocked += back.blocked
    undo.blocked += await _built_on(registry, [one for one in of_versions if _is_ours(one)], there)
    unknown = _unknown(of_versions, there)
    ground = await restoring.hosting(ground, made) if unknown else ground
    scene = Scene(ground, registry, there, await moved(ground, unknown))
    undo.steps += back.before
    for one in reversed(of_versions):
        now = there.get(_place(one.step))
        undo.facts.append(f"{one.step.key} {now.id if now else 0} {now.deleted if now else ''}")
        match await _undone(scene, one, now):
            case Step() as step:
                undo.steps.append(step)
            case Blocked() as blocked:
                undo.blocked.append(blocked)
            case None:
                pass
    undo.steps += back.after
    return undo


def _of_versions(past: Sequence[Past]) -> list[Past]:
    """What became of versions; deleting one that the run itself had put there is no change of its own."""
    ours = {_place(one.step) for one in past if one.step.action is Action.REGISTER and _is_ours(one)}
    return [
        one
        for one in past
        if one.step.action is Action.REGISTER or (one.step.action is Action.DELETE and _place(one.step) not in ours)
    ]


def _place(step: Step) -> Place:
    return step.subject, step.number


def _is_ours(one: Past) -> bool:
    """Did the run put a version there, where none or a soft-deleted one was?"""
    return one.step.action is Action.REGISTER and one.image["stands"] != "live"


def _unknown(past: Sequence[Past], there: Found) -> list[Step]:
    """Registrations whose text has to be looked up where it came from, to know it again."""
    return [
        one.step
        for one in past
        if _is_ours(one) and (now := there.get(_place(one.step))) is not None and not _is_known(one, now)
    ]


def _is_known(one: Past, now: Version) -> bool:
    """Is it what was sent, or what the registry was seen to make of it?"""
    return schema_hash(now.schema) in (one.step.digest, one.image.get(KEPT))


async def _undone(scene: Scene, one: Past, now: Version | None) -> Step | Blocked | None:
    if one.step.action is Action.DELETE:
        return _brought_back(scene.registry, one, now)
    if now is None or not _is_ours(one):
        return None  # nothing came of it, or it is gone already
    step = one.step
    if step.id not in (0, now.id) or not (_is_known(one, now) or await is_same(scene, step, now.schema)):
        return Blocked(step.registry, step.subject, "it holds other content by now", _CHANGED, step.number)
    digest = schema_hash(now.schema)
    if one.image["stands"] == "nothing":
        reason = f"version {step.number} was not there before"
        return Step(step.registry, Action.PURGE, step.subject, reason, step.number, now.id, digest)
    if now.deleted:
        return None
    reason = f"version {step.number} was soft-deleted before"
    return Step(step.registry, Action.DELETE, step.subject, reason, step.number, now.id, digest)


def _brought_back(registry: GuardedRegistry, one: Past, now: Version | None) -> Step | Blocked | None:
    step = one.step
    if one.image["stands"] != "live" or (now is not None and not now.deleted):
        return None
    if now is None:
        hint = "Bring it back from the store: restore_subject."
        return Blocked(step.registry, step.subject, "it was deleted for good since", hint, step.number)
    if why := asks.refused(registry, [*sorted(KEEPING), Capability.REVIVAL]):
        hint = "Register it again as a new version."
        return Blocked(step.registry, step.subject, why, hint, step.number)
    reason = f"version {step.number} was live before"
    return Step(
        step.registry,
        Action.REGISTER,
        step.subject,
        reason,
        step.number,
        now.id,
        schema_hash(now.schema),
        f"{DELETED}:{step.registry}",
    )


async def _built_on(registry: GuardedRegistry, past: Sequence[Past], there: Found) -> list[Blocked]:
    """What came since on top of what the run registered: newer versions, and references to it."""
    ours = {_place(one.step) for one in past}
    standing = [place for place in ours if place in there]
    users = await each(sorted(standing), lambda place: users_of(registry, place))
    found = [*_referenced(registry.name, dict(zip(sorted(standing), users, strict=True)), ours)]
    before: dict[Subject, int] = {}
    for one in past:
        highest = one.image["highest"]
        before[one.step.subject] = min(highest, before.get(one.step.subject, highest))
    subjects = sorted({subject for subject, _ in standing})
    numbers = await each(subjects, lambda subject: numbers_of(registry, subject))
    for subject, known in zip(subjects, numbers, strict=True):
        newer = [number for number in known if number > before[subject] and (subject, number) not in ours]
        if newer:
            why = f"newer versions came since: {', '.join(map(str, newer[:20]))}"
            found.append(Blocked(registry.name, subject, why, _CHANGED, newer[0]))
    return found


def _referenced(registry: str, users: Mapping[Place, set[Place]], ours: set[Place]) -> Iterator[Blocked]:
    for (subject, number), several in users.items():
        if outside := sorted(several - ours):
            named = ", ".join(f"{user} v{version}" for user, version in outside[:10])
            yield Blocked(registry, subject, f"it is referenced by what came since: {named}", _CHANGED, number)
