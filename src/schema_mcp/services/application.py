"""Apply a plan: only one that is kept, allowed and fresh; in the journal, in the background, and to be resumed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import anyio
from anyio.abc import TaskGroup

from schema_mcp.domain.errors import InvalidRequestError, LockHeldError, NotFoundError, SchemaMcpError, StalePlanError
from schema_mcp.domain.plan import Plan
from schema_mcp.registries.guard import approved
from schema_mcp.services import (
    approvals,
    deployment,
    level_change,
    migration,
    openings,
    recovery,
    reference_commit,
    reference_update,
    restoring,
    rollback,
    steps,
)
from schema_mcp.services.ground import Ground, Report, Signature
from schema_mcp.services.kept import keep_plan, kept_plan
from schema_mcp.stores.journal import Journal, Run, Status
from schema_mcp.stores.lanes import Place


async def apply(
    ground: Ground,
    digest: str,
    signed: Signature,
    report: Report,
    background: TaskGroup | None,
    patience: float | None,
) -> Run:
    """Carry out a plan and answer with its task, finished or, after `patience` seconds, still running.

    Raises `StalePlanError` when store or registries moved since it was made, `NotPermittedError` when a step needs a
    higher scope, `ReadOnlyError`, `LockHeldError` while it is being applied already. A run that was cut off goes on
    where it stopped.
    """
    plan = await kept_plan(ground.journal, digest)
    signed.caller.require(plan.scope, "apply_plan, for the steps of this plan,")
    for name in {step.registry for step in plan.steps}:
        registry = ground.fleet.get(name)
        registry.require_writable()
        registry.require(plan.scope, "apply_plan, for the steps of this plan,")
    said = await recovery.settle(ground, signed)
    cut_off = await _interrupted(ground.journal, digest)
    if cut_off is None:
        await _refuse_stale(ground, plan)
    else:
        await ground.store.refresh()
    ground = await restoring.hosting(ground, plan)
    act = await approvals.of_plan(ground, digest, plan, signed.caller)
    signed = await approvals.required(ground, act, signed, resumes=cut_off)
    undoes = plan.request["task"] if plan.kind == rollback.KIND else ""
    if undoes:
        await ground.journal.stop(undoes)  # what is taken back is not gone on with
    place = ground.journal.lanes.place()
    with place.until_begun():
        run = await ground.journal.start(
            kind=plan.kind, plan=digest, owner=signed.caller.name, total=len(plan.steps), resumes=cut_off, undoes=undoes
        )
    work = in_turn(ground.journal, place, run, lambda: _carry_out(ground, plan, run, signed, report, said))
    await within(background, patience, work)
    return await task(ground.journal, run.task)


def in_turn(
    journal: Journal, place: Place, run: Run, work: Callable[[], Awaitable[object]]
) -> Callable[[], Awaitable[None]]:
    """The work of a run, to be begun when there is room for it."""

    async def waiting(waits: bool) -> None:
        await journal.wait(run.task, waiting=waits)

    return lambda: place.work(work, waiting=waiting, goes_on=lambda: journal.goes_on(run.task))


async def apply_now(ground: Ground, plan: Plan, signed: Signature, report: Report) -> steps.Outcome:
    """Carry out the part of a registration that a plan is, to its end; nobody is to apply it again."""
    digest = plan.digest
    await keep_plan(ground.journal, plan, signed.caller.name)
    run = await ground.journal.start(
        kind=recovery.REGISTRATION, plan=digest, owner=signed.caller.name, total=len(plan.steps)
    )
    return await _carry_out(ground, plan, run, signed, report)


async def task(journal: Journal, name: str) -> Run:
    """A task by its id; raises `NotFoundError` where there is none."""
    run = await journal.run(name)
    if run is None:
        raise NotFoundError(f"No task {name[:40]!r}", hint="list_tasks names the recent ones.")
    return run


async def _interrupted(journal: Journal, digest: str) -> str | None:
    """The task of an earlier run of this plan that was cut off, or None."""
    for run in await journal.runs(plan=digest):
        if run.status is Status.RUNNING:
            raise LockHeldError(
                f"The plan is being applied already, as task {run.task}", hint="get_task tells how far it is."
            )
        if run.status is Status.INTERRUPTED:
            return run.task
    return None


async def _refuse_stale(ground: Ground, plan: Plan) -> None:
    """Make the plan again: the same digest means that neither the store nor a registry moved."""
    now = await again(ground, plan)
    if now.digest != plan.digest and not await _only_talk(ground, plan, now):
        before = await ground.journal.runs(plan=plan.digest, limit=1)
        done = f"Task {before[0].task} has carried it out already. " if _is_done(before) else ""
        raise StalePlanError(
            f"The plan is stale: {_moved(plan, now)}", hint=f"{done}Plan again, look at the difference, and apply that."
        )


async def _only_talk(ground: Ground, plan: Plan, now: Plan) -> bool:
    """Did nothing change but that commits came which leave the store as it was, an approval for instance?"""
    return replace(now, commit=plan.commit).digest == plan.digest and await ground.store.is_unchanged(plan.commit)


def _is_done(runs: Sequence[Run]) -> bool:
    return any(run.status is Status.SUCCEEDED and not run.undone_by for run in runs)


async def again(ground: Ground, plan: Plan) -> Plan:
    """The plan that the same request makes now; raises `InvalidRequestError` where only its own tool makes it."""
    if plan.kind not in _AGAIN:
        raise InvalidRequestError(
            f"A plan for a {plan.kind} is carried out by the tool that makes it", hint="Call that tool."
        )
    return await _AGAIN[plan.kind](ground, plan)


async def _moved_again(ground: Ground, plan: Plan) -> Plan:
    source = restoring if restoring.is_restoring(plan.request) else migration
    return await source.again(ground.fleet, plan.request)


_AGAIN: Final[Mapping[str, Callable[[Ground, Plan], Awaitable[Plan]]]] = {
    deployment.KIND: lambda ground, plan: deployment.again(ground.fleet, ground.store, ground.journal, plan),
    level_change.KIND: lambda ground, plan: level_change.again(ground.fleet, ground.store, plan.request),
    migration.KIND: _moved_again,
    reference_update.KIND: lambda ground, plan: reference_update.again(
        ground.fleet, ground.store, ground.ids, plan.request
    ),
    rollback.KIND: lambda ground, plan: rollback.plan(ground, plan.request["task"]),
}


class PlanState(StrEnum):
    """How a plan stands."""

    FRESH = "fresh"
    STALE = "stale"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    APPLIED = "applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a plan stands, why, and the last task that carried it out, if any did."""

    state: PlanState
    why: str = ""
    task: str | None = None


_STANDING: Mapping[Status, PlanState] = {
    Status.RUNNING: PlanState.RUNNING,
    Status.INTERRUPTED: PlanState.INTERRUPTED,
    Status.SUCCEEDED: PlanState.APPLIED,
}


async def standing(ground: Ground, digest: str, plan: Plan) -> Standing:
    """Whether a plan was applied or, where it was not or was undone, whether it can be: it is made again to know."""
    runs = await ground.journal.runs(plan=digest, limit=1)
    task = runs[0].task if runs else None
    if runs and not runs[0].undone_by and runs[0].status in _STANDING:
        return Standing(_STANDING[runs[0].status], task=task)
    try:
        now = await again(ground, plan)
    except SchemaMcpError as error:
        return Standing(PlanState.UNKNOWN, str(error), task)
    if now.digest == plan.digest or await _only_talk(ground, plan, now):
        return Standing(PlanState.FRESH, task=task)
    return Standing(PlanState.STALE, _moved(plan, now), task)


def _moved(plan: Plan, now: Plan) -> str:
    moved = [name for name, digest in plan.observed.items() if now.observed.get(name) != digest]
    if plan.commit != now.commit:
        moved.insert(0, "the store")
    return f"{', '.join(moved) or 'what it rests on'} changed since it was made"


async def _carry_out(
    ground: Ground, plan: Plan, run: Run, signed: Signature, report: Report, notes: Sequence[str] = ()
) -> steps.Outcome:
    try:
        if signed.approval:
            await ground.approvals.note(signed.approval, run.task)
        with approved(signed.approved):
            outcome = await _outcome(ground, plan, run, signed, report)
    except BaseException:
        # Cancelled, or a bug: the journal says so before the error travels on.
        with anyio.CancelScope(shield=True):
            await ground.journal.finish(run.task, Status.INTERRUPTED, {})
        raise
    status = Status.SUCCEEDED if outcome.succeeded else Status.CANCELLED if outcome.stopped else Status.FAILED
    if any(step.to_undo for step in await ground.journal.steps(run.task)):
        status = Status.INTERRUPTED  # a mode could not be put back: `recovery` has to find it
    result = {"registries": [one.told() for one in outcome.registries], "notes": list(notes)}
    await ground.journal.finish(run.task, status, result)
    await openings.raise_alarm(ground)
    return outcome


async def _outcome(ground: Ground, plan: Plan, run: Run, signed: Signature, report: Report) -> steps.Outcome:
    """Versions that a plan makes are committed before its steps; where that fails, no step is done."""
    if plan.kind == reference_update.KIND:
        try:
            plan = await reference_commit.committed(ground, plan, signed)
        except SchemaMcpError as error:
            return steps.failed_before(plan, error)
    return await steps.carry_out(ground, plan, run, report)


async def within(background: TaskGroup | None, patience: float | None, work: Callable[[], Awaitable[object]]) -> None:
    """Do the work, and wait for it as long as patience lasts; without a background, to its end."""
    if background is None:
        await work()
        return
    done = anyio.Event()

    async def to_its_end() -> None:
        try:
            await work()
        finally:
            done.set()

    background.start_soon(to_its_end)
    with anyio.move_on_after(patience):
        await done.wait()
