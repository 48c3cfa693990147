"""Carry an adoption out as a task: it may take longer than a call waits, and a crash leaves all of it or nothing.

It can be ended up to its commit.
"""

from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup

from schema_mcp.domain.errors import ConflictError, SchemaMcpError
from schema_mcp.registries.contract import Registry
from schema_mcp.services import adoption, application, recovery
from schema_mcp.services.adoption import Adopted
from schema_mcp.services.adoption_wishes import Terms
from schema_mcp.services.ground import Ground, Report, Signature
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Status

KIND = "adoption"


@dataclass(slots=True)
class Running:
    """An adoption that was begun: what came of it, or its task while it goes on."""

    task: str
    adopted: Adopted | None = None
    error: SchemaMcpError | None = None


class _CancelledError(ConflictError):
    """Somebody asked for the end before the commit."""


async def carry_out(
    ground: Ground,
    registry: Registry,
    selection: Selection,
    terms: Terms,
    signed: Signature,
    report: Report,
    background: TaskGroup | None,
    patience: float | None,
) -> Running:
    """Adopt what the preview named in the signature showed; after `patience` seconds it goes on without us.

    Raises `StalePlanError` where the registry or the store moved since, `ConflictError` where something clashes,
    `LockHeldError` while the same adoption is being carried out.
    """
    place = ground.journal.lanes.place()
    with place.until_begun():
        run = await ground.journal.start(kind=KIND, plan=signed.plan, owner=signed.caller.name, total=1)
    running = Running(run.task)
    work = application.in_turn(
        ground.journal, place, run, lambda: _work(ground, registry, selection, terms, signed, report, running)
    )
    await application.within(background, patience, work)
    if running.error is not None:
        raise running.error
    return running


async def _work(
    ground: Ground,
    registry: Registry,
    selection: Selection,
    terms: Terms,
    signed: Signature,
    report: Report,
    running: Running,
) -> None:
    try:
        running.adopted = await _adopted(ground, registry, selection, terms, signed, report, running.task)
    except _CancelledError as error:
        running.error = error
        await ground.journal.finish(running.task, Status.CANCELLED, _result(registry.name, 0, state="stopped"))
    except SchemaMcpError as error:
        running.error = error
        failed = {"failed": KIND, "code": error.code, "error": str(error), "hint": error.hint}
        await ground.journal.finish(running.task, Status.FAILED, _result(registry.name, 0, **failed))
    except BaseException:
        with anyio.CancelScope(shield=True):
            await ground.journal.finish(running.task, Status.INTERRUPTED, {})
        raise
    else:
        notes = [f"commit {running.adopted.commit[:10]}"] if running.adopted.commit else []
        result = _result(registry.name, 1) | {"notes": [*notes, *running.adopted.notes]}
        await ground.journal.finish(running.task, Status.SUCCEEDED, result)


async def _adopted(
    ground: Ground,
    registry: Registry,
    selection: Selection,
    terms: Terms,
    signed: Signature,
    report: Report,
    task: str,
) -> Adopted:
    said = await recovery.settle(ground, signed)
    seen = await adoption.survey(ground, registry, selection, terms, report)
    adoption.refuse_stale(seen, signed.plan)
    if not await ground.journal.goes_on(task):
        raise _CancelledError(f"Task {task} was cancelled", hint="Nothing came in; call again to adopt after all.")
    done = await adoption.commit(ground, seen, signed)
    return Adopted(done.adoption, done.commit, (*said, *done.notes))


def _result(registry: str, done: int, **more: str) -> dict[str, object]:
    return {"registries": [{"registry": registry, "done": done, "total": 1, **more}]}
