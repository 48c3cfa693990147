"""How far tasks are, and what came of them."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.services import application, tasks
from schema_mcp.stores.journal import Status
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.tasks.state import TaskRow, TaskState, row_of, state_of


class GetTask(Shape):
    """Which task."""

    task: str
    """Its id."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True, touches_registries=False)
async def get_task(workspace: Workspace, request: GetTask) -> TaskState:
    """Tell how far a task is and what came of it, per registry."""
    run = await application.task(workspace.journal, request.task)
    tasks.require_own(workspace.caller, run.owner, "Reading a task")
    return state_of(run, await tasks.pace(workspace.journal, run, workspace.clock()), workspace)


class ListTasks(Shape):
    """Which tasks."""

    status: Status | None = None
    """Only these."""

    limit: Annotated[int, Field(ge=1, le=50)] = 20
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class TaskList(Shape):
    """Recent tasks."""

    tasks: tuple[TaskRow, ...]
    """A page, newest first."""

    total: int
    """How many are kept."""

    counts: dict[Status, int]
    """How many of each status."""

    cursor: str | None = None
    """Pass it to get the next page."""

    next: str = ""
    """What comes next."""


@tool(scope=Scope.READ, effect=Effect.READS, touches_registries=False)
async def list_tasks(workspace: Workspace, request: ListTasks) -> TaskList:
    """List recent tasks, newest first: what runs, what ended how, and what was interrupted and can be resumed."""
    everybody = Scope.ADMIN in workspace.caller.scopes
    every = await workspace.journal.runs(limit=-1, owner=None if everybody else workspace.caller.name)
    chosen = [run for run in every if request.status in (None, run.status)]
    counts = {status: sum(run.status is status for run in every) for status in Status}
    rows = [row_of(run) for run in chosen]
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=f"tasks {request.status}", size=weight)
    return TaskList(
        tasks=tuple(cut.items),
        total=cut.total,
        counts={status: count for status, count in counts.items() if count},
        cursor=cut.cursor,
        next="resume_task goes on with what was interrupted." if counts[Status.INTERRUPTED] else "",
    )
