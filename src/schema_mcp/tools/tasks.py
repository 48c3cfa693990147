"""Tools about long work: how far is it, what came of it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.services import application
from schema_mcp.stores.journal import Run, Status
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace

_EXIT_CODES = {Status.FAILED: 1, Status.INTERRUPTED: 1, Status.CANCELLED: 1, Status.RUNNING: 3}


class Progress(StrEnum):
    """What came of one registry's part."""

    DONE = "done"
    FAILED = "failed"
    NOT_STARTED = "not_started"


class RegistryState(Shape):
    """How far one registry came."""

    registry: str
    """Which registry."""

    state: Progress | None = None
    """Whether it is done, failed, or was not begun because another one failed."""

    done: int
    """Steps done."""

    total: int
    """Steps altogether."""

    failed: str | None = None
    """The step that failed."""

    code: str | None = None
    """Code of the error."""

    error: str | None = None
    """What happened."""

    hint: str | None = None
    """What to do next."""


class TaskState(Shape):
    """The truth about a task at this moment."""

    status: Status
    """How it stands."""

    task: str
    """Its id, for get_task."""

    kind: str
    """What it does."""

    done: int
    """Steps done."""

    total: int
    """Steps altogether."""

    registries: tuple[RegistryState, ...] = ()
    """What came of it, per registry."""

    plan: str | None = None
    """Plan it carries out."""

    undoes: str | None = None
    """Task whose steps it takes back."""

    undone_by: str | None = None
    """Task that has rolled it back."""

    owner: str
    """Who started it."""

    created_at: str
    """When it began (UTC)."""

    updated_at: str
    """When it last moved (UTC)."""

    notes: tuple[str, ...] = ()
    """What was put in order before it began."""

    next: str = ""
    """What comes next."""

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES.get(self.status, 0)


class GetTask(Shape):
    """Which task."""

    task: str
    """Its id."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True, touches_registries=False)
async def get_task(workspace: Workspace, request: GetTask) -> TaskState:
    """Tell how far a task is and what came of it, per registry."""
    return state_of(await application.task(workspace.journal, request.task))


class ListTasks(Shape):
    """How many tasks."""

    limit: Annotated[int, Field(ge=1, le=50)] = 20
    """Most rows."""


class TaskList(Shape):
    """Recent tasks."""

    tasks: tuple[TaskState, ...]
    """Newest first."""


@tool(scope=Scope.READ, effect=Effect.READS, touches_registries=False)
async def list_tasks(workspace: Workspace, request: ListTasks) -> TaskList:
    """List recent tasks: deployments and migrations, newest first."""
    runs = await workspace.journal.runs(limit=request.limit)
    return TaskList(tasks=tuple(state_of(run) for run in runs))


def state_of(run: Run) -> TaskState:
    """A task as replies carry it."""
    registries = tuple(RegistryState(**one) for one in run.result.get("registries", ()))
    return TaskState(
        status=run.status,
        task=run.task,
        kind=run.kind,
        done=run.done,
        total=run.total,
        registries=registries,
        plan=run.plan or None,
        undoes=run.undoes or None,
        undone_by=run.undone_by,
        owner=run.owner,
        created_at=run.created_at,
        updated_at=run.updated_at,
        notes=tuple(run.result.get("notes", ())),
        next="It was rolled back: plan again to have it back." if run.undone_by else _NEXT.get(run.status, ""),
    )


_NEXT = {
    Status.RUNNING: "Call get_task again to see it end.",
    Status.FAILED: "Mend what failed and plan again; what was done stays done, unless rollback_change undoes it.",
    Status.INTERRUPTED: "Apply the same plan again: it goes on where it was cut off.",
}
