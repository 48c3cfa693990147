"""Long work that was begun: how fast it goes, going on with what was cut off, and giving up what nobody wants."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import anyio
from anyio.abc import TaskGroup

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import ConflictError
from schema_mcp.services import application, recovery
from schema_mcp.services.adopting import KIND as ADOPTION
from schema_mcp.services.export_task import KIND as EXPORT
from schema_mcp.services.ground import Ground, Report, Signature
from schema_mcp.services.recovery import REGISTRATION
from schema_mcp.stores.journal import Journal, Run, Status

_LOOKS_BACK: Final = timedelta(seconds=60)
_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """Steps per second of late, and the seconds that the rest takes at that rate; None where nothing moves."""

    rate: float
    seconds_left: float | None


async def pace(journal: Journal, run: Run, now: datetime) -> Pace | None:
    """How fast a run goes, from what the journal notes of the last minute; None for one that is not going on."""
    if run.status is not Status.RUNNING:
        return None
    done, first = await journal.pace(run.task, now - _LOOKS_BACK)
    if not done and not (await journal.pace(run.task, datetime.fromisoformat(run.created_at)))[0]:
        done, first = run.done, run.created_at  # work without steps notes only how far it is
    if not done or first is None:
        return Pace(0, None)
    took = max((now - datetime.fromisoformat(first)).total_seconds(), 0.001)
    rate = done / took
    return Pace(rate, (run.total - run.done) / rate)


async def resume(
    ground: Ground, name: str, signed: Signature, report: Report, background: TaskGroup | None, patience: float | None
) -> Run:
    """Go on with a task that was cut off, where it stopped.

    Raises `NotPermittedError` for somebody else's task without the scope admin, `ConflictError` for one that cannot be
    gone on with, `LockHeldError` while it is being carried out, and whatever applying its plan raises.
    """
    run = await application.task(ground.journal, name)
    require_own(signed.caller, run.owner, "resume_task")
    if run.status is not Status.INTERRUPTED or run.kind in _NOT_GONE_ON_WITH:
        raise ConflictError(f"Task {run.task} cannot be gone on with: {_state(run)}", hint=way_on(run))
    return await application.apply(ground, run.plan, replace(signed, plan=run.plan), report, background, patience)


async def cancel(ground: Ground, name: str, signed: Signature, patience: float | None) -> Run:
    """End a task between two of its steps, and wait `patience` seconds for it to be so.

    What it has done stays done and was read back; a subject in mode IMPORT has its own mode again. Raises
    `NotPermittedError` for somebody else's task without the scope admin, `ConflictError` for one that is not to be
    ended.
    """
    run = await application.task(ground.journal, name)
    require_own(signed.caller, run.owner, "cancel_task")
    if run.kind == REGISTRATION:
        raise ConflictError(
            f"Task {run.task} is a registration, which is over in a moment or finished by recovery",
            hint="get_task tells how it ended; delete_schema_version takes a version away.",
        )
    if run.status is Status.INTERRUPTED:
        await recovery.settle(ground, signed)  # gives back what it left open
    run = await ground.journal.stop(run.task)
    with anyio.move_on_after(patience):
        while run.status is Status.RUNNING:
            await anyio.sleep(_LOOK_SECONDS)
            run = await application.task(ground.journal, run.task)
    return run


def require_own(caller: Caller, owner: str, deed: str) -> None:
    """Raise `NotPermittedError` unless what the deed is done to is the caller's own, or he is an admin."""
    if owner != caller.name:
        caller.require(Scope.ADMIN, f"{deed} that is somebody else's")


_NOT_GONE_ON_WITH: Final = frozenset({ADOPTION, EXPORT, REGISTRATION})


def _state(run: Run) -> str:
    return f"its kind is {run.kind}" if run.status is Status.INTERRUPTED else f"it is {run.status}"


def way_on(run: Run) -> str:
    """What to do about a task as it stands; empty where there is nothing to do."""
    if run.undone_by:
        return "It was rolled back: plan again to have it back."
    if run.status is Status.RUNNING and run.stopping:
        return "It ends after the step it is at; get_task tells when."
    if run.status is Status.RUNNING and run.result.get("waiting"):
        return "It waits for its turn; get_task tells when it has it."
    return _OTHER_WAYS_ON.get((run.kind, run.status)) or _WAYS_ON.get(run.status, "")


_WAYS_ON: Final = {
    Status.RUNNING: "Call get_task again to see it end, or cancel_task to end it.",
    Status.FAILED: "Mend what failed and plan again; what was done stays done, unless rollback_change undoes it.",
    Status.CANCELLED: "What was done stays done: rollback_change undoes it, planning again does the rest.",
    Status.INTERRUPTED: "It was cut off and can go on: resume_task goes on where it stopped, cancel_task gives it up.",
}
_OTHER_WAYS_ON: Final = {
    (ADOPTION, Status.INTERRUPTED): (
        "It was cut off before its commit, so nothing came in: call adopt_registry again with the same plan."
    ),
    (REGISTRATION, Status.INTERRUPTED): (
        "It was cut off; the next write, or start of the server, finishes it or takes it back."
    ),
    (EXPORT, Status.INTERRUPTED): "It was cut off and wrote no file: call export_schemas again.",
    (EXPORT, Status.FAILED): "No file was written: mend what failed and call export_schemas again.",
    (EXPORT, Status.CANCELLED): "No file was written: call export_schemas again to have it after all.",
}
