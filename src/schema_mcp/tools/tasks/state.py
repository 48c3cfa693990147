"""A task as replies carry it."""

from enum import StrEnum

from schema_mcp.services.tasks import Pace, way_on
from schema_mcp.stores.journal import Run, Status
from schema_mcp.toolkit.tool import Shape
from schema_mcp.toolkit.workspace import Workspace

_EXIT_CODES = {Status.FAILED: 1, Status.INTERRUPTED: 1, Status.CANCELLED: 1, Status.RUNNING: 3}


class Progress(StrEnum):
    """What came of one registry's part."""

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    NOT_STARTED = "not_started"


class RegistryState(Shape):
    """How far one registry came."""

    registry: str
    """Which registry."""

    state: Progress | None = None
    """Whether it is done, failed, was stopped, or was not begun because another one failed."""

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

    rate: float | None = None
    """Steps per second in the last minute, while it runs."""

    seconds_left: float | None = None
    """What the rest takes at that rate."""

    waiting: bool = False
    """Whether it waits for its turn."""

    stopping: bool = False
    """Whether somebody asked it to end."""

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


def state_of(run: Run, pace: Pace | None = None, workspace: Workspace | None = None) -> TaskState:
    """A task as replies carry it; with a workspace, without the registries that its caller may not read."""
    hidden = _hidden(workspace)
    rows = [one for one in run.result.get("registries", ()) if one["registry"] not in hidden]
    going = run.status is Status.RUNNING
    left = pace.seconds_left if pace else None
    return TaskState(
        status=run.status,
        task=run.task,
        kind=run.kind,
        done=run.done,
        total=run.total,
        rate=round(pace.rate, 2) if pace else None,
        seconds_left=None if left is None else round(left, 1),
        waiting=going and bool(run.result.get("waiting")),
        stopping=going and run.stopping,
        registries=tuple(RegistryState(**one) for one in rows),
        plan=run.plan or None,
        undoes=run.undoes or None,
        undone_by=run.undone_by,
        owner=run.owner,
        created_at=run.created_at,
        updated_at=run.updated_at,
        notes=() if hidden else tuple(run.result.get("notes", ())),
        next=way_on(run),
    )


def _hidden(workspace: Workspace | None) -> set[str]:
    if workspace is None:
        return set()
    return set(workspace.fleet.whole.connections) - set(workspace.fleet.connections)
