"""Export many schemas as a task: it may take longer than a call waits, and what it wrote can be fetched later.

It can be ended while it reads; then no file is written. See decisions/0022.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import ConflictError, NotFoundError, SchemaMcpError
from schema_mcp.domain.schema import Json
from schema_mcp.services import application, exporting, holdings
from schema_mcp.services.export import Exported, into_folder
from schema_mcp.services.exporting import Form
from schema_mcp.services.ground import Ground, Report
from schema_mcp.services.holdings import Extent, Holding
from schema_mcp.services.judgement import Side
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Run, Status

KIND: Final = "export"

PART: Final = 1024 * 1024
"""Bytes of a file that are read at a time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to export, and where: what is longer than `longest` characters goes into a file of the folder, as does
    everything with `to_file`."""

    side: Side
    selection: Selection
    extent: Extent
    form: Form
    folder: Path
    longest: int
    to_file: bool = False


@dataclass(slots=True)
class Running:
    """An export that was begun: what came of it, or its task while it goes on."""

    task: str
    holding: Holding | None = None
    done: Exported | None = None
    error: SchemaMcpError | None = None
    left_alone: bool = False
    """Nobody waits for the text any more, so it goes into a file."""


class _CancelledError(ConflictError):
    """Somebody asked for the end."""


async def carry_out(
    ground: Ground, order: Order, caller: Caller, report: Report, background: TaskGroup | None, patience: float | None
) -> Running:
    """Export; after `patience` seconds it goes on without us, into a file.

    Raises `NotFoundError` where nothing is selected, `InvalidRequestError` for a form that does not fit,
    `RegistryError`, `LockHeldError` where too much is going on already.
    """
    place = ground.journal.lanes.place()
    with place.until_begun():
        run = await ground.journal.start(kind=KIND, owner=caller.name)
    running = Running(run.task)
    work = application.in_turn(ground.journal, place, run, lambda: _work(ground, order, report, running))
    await application.within(background, patience, work)
    running.left_alone = True
    if running.error is not None:
        raise running.error
    return running


async def _work(ground: Ground, order: Order, report: Report, running: Running) -> None:
    journal, task = ground.journal, running.task
    try:
        done = await _exported(ground, order, report, running)
    except _CancelledError as error:
        running.error = error
        await journal.finish(task, Status.CANCELLED, _result(order, 0, {"state": "stopped"}))
    except SchemaMcpError as error:
        running.error = error
        failed = {"failed": KIND, "code": error.code, "error": str(error), "hint": error.hint}
        await journal.finish(task, Status.FAILED, _result(order, 0, failed))
    except BaseException:
        with anyio.CancelScope(shield=True):
            await journal.finish(task, Status.INTERRUPTED, {})
        raise
    else:
        await journal.finish(task, Status.SUCCEEDED, _result(order, 1, {}) | _told(done))


async def _exported(ground: Ground, order: Order, report: Report, running: Running) -> Exported:
    stages = _stages(ground, report, running, 3 if order.extent.settings else 2)
    holding = await holdings.versions(order.side, order.selection, order.extent, next(stages))
    if order.extent.settings:
        holding = await holdings.with_settings(holding, order.selection, next(stages))
    writing = next(stages)
    done = await exporting.export(holding, order.form, ground.clock(), writing)
    await writing(1, 1, f"{len(holding.versions):,} versions written")
    if order.to_file or running.left_alone or not done.text or len(done.text) > order.longest:
        done = await into_folder(done, order.folder)
    running.holding, running.done = holding, done
    return done


def _stages(ground: Ground, report: Report, running: Running, count: int) -> Iterator[Report]:
    """What each stage reports to: percents of the whole, of which all stages are equal parts. Each says, too, when
    somebody asked for the end."""
    for before in range(count):

        async def told(done: float, total: float | None, message: str, before: int = before) -> None:
            percent = 100 * (before + min(1, done / (total or done))) / count
            await report(percent, 100, message)
            if not await ground.journal.progress(running.task, int(percent), 100):
                raise _CancelledError(f"Task {running.task} was cancelled", hint="No file was written.")

        yield told


def _told(done: Exported) -> Json:
    """What the journal keeps of a file, so that it can be found again and known to be the same."""
    if done.path is None:
        return {}
    file = {"name": done.name, "bytes": len(done.data), "sha256": done.digest}
    return {"file": file, "notes": [f"{done.path}: {len(done.data):,} bytes, SHA-256 {done.digest}"]}


def _result(order: Order, done: int, more: Json) -> Json:
    return {"registries": [{"registry": order.side.name, "done": done, "total": 1, **more}]}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that an export wrote: its bytes, and what to know of the whole."""

    data: bytes
    name: str
    parts: int
    size: int
    digest: str


async def part_of(run: Run, folder: Path, number: int) -> Part:
    """A part, from 1, of the file that a run wrote.

    Raises `NotFoundError` where it wrote none, where there is no such part, or where another file has its name by now.
    """
    file = run.result.get("file")
    if file is None:
        raise NotFoundError(f"Task {run.task} has written no file", hint="get_task tells what came of it.")
    data = await to_thread.run_sync(_read, folder / file["name"])
    if data is None or hashlib.sha256(data).hexdigest() != file["sha256"]:
        raise NotFoundError(
            f"{file['name']} is gone, or another export has its name by now", hint="Call export_schemas again."
        )
    parts = max(1, -(-len(data) // PART))
    if not 1 <= number <= parts:
        raise NotFoundError(f"{file['name']} has no part {number}", hint=f"Its parts are 1 to {parts}.")
    return Part(data[(number - 1) * PART : number * PART], file["name"], parts, len(data), file["sha256"])


def _read(path: Path) -> bytes | None:
    """The file, unless it is gone or a link: what stands elsewhere is nobody's export."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return None
