"""A task as replies carry it."""

from collections.abc import Iterator
from enum import StrEnum

from schema_mcp.services.tasks import Pace, way_on
from schema_mcp.stores.journal import Run, Status
from schema_mcp.toolkit.links import link
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


class TaskBrief(Shape):
    """How a task stands, in a few words."""

    status: Status
    """How it stands."""

    task: str
    """Its id; get_task tells all of it."""

    done: int
    """Steps done."""

    total: int
    """Steps altogether."""

    next: str = ""
    """What comes next."""

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES.get(self.status, 0)


class TaskRow(Shape):
    """One of many tasks."""

    status: Status
    """How it stands."""

    task: str
    """Its id; get_task tells all of it."""

    kind: str
    """What it does."""

    done: int
    """Steps done."""

    total: int
    """Steps altogether."""

    plan: str | None = None
    """Plan it carries out."""

    undone_by: str | None = None
    """Task that has rolled it back."""

    owner: str
    """Who started it."""

    created_at: str
    """When it began (UTC)."""

    updated_at: str
    """When it last moved (UTC)."""

    next: str = ""
    """What comes next."""


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

    stage: str | None = None
    """`waiting` for its turn, or `stopping` because somebody asked for it."""

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
    """What was put in order before it began; what it wrote."""

    next: str = ""
    """What comes next."""

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES.get(self.status, 0)


def state_of(run: Run, pace: Pace | None = None, workspace: Workspace | None = None) -> TaskState:
    """A task as replies carry it; with a workspace, without the registries that its caller may not read."""
    hidden = _hidden(workspace)
    rows = [one for one in run.result.get("registries", ()) if one["registry"] not in hidden]
    left = pace.seconds_left if pace else None
    return TaskState(
        status=run.status,
        task=run.task,
        kind=run.kind,
        done=run.done,
        total=run.total,
        rate=round(pace.rate, 2) if pace else None,
        seconds_left=None if left is None else round(left, 1),
        stage=_stage(run),
        registries=tuple(RegistryState(**one) for one in rows),
        plan=run.plan or None,
        undoes=run.undoes or None,
        undone_by=run.undone_by,
        owner=run.owner,
        created_at=run.created_at,
        updated_at=run.updated_at,
        notes=() if hidden else tuple(_notes(run)),
        next=way_on(run),
    )


def brief_of(run: Run) -> TaskBrief:
    """A task in a few words."""
    return TaskBrief(status=run.status, task=run.task, done=run.done, total=run.total, next=way_on(run))


def row_of(run: Run) -> TaskRow:
    """A task as a list carries it."""
    return TaskRow(
        status=run.status,
        task=run.task,
        kind=run.kind,
        done=run.done,
        total=run.total,
        plan=run.plan or None,
        undone_by=run.undone_by,
        owner=run.owner,
        created_at=run.created_at,
        updated_at=run.updated_at,
        next=way_on(run),
    )


def _notes(run: Run) -> Iterator[str]:
    yield from run.result.get("notes", ())
    if "file" in run.result:
        yield f"{link('export', run.task, 1)} reads the file."


def _stage(run: Run) -> str | None:
    if run.status is not Status.RUNNING:
        return None
    return "stopping" if run.stopping else "waiting" if run.result.get("waiting") else None


def _hidden(workspace: Workspace | None) -> set[str]:
    if workspace is None:
        return set()
    return set(workspace.fleet.whole.connections) - set(workspace.fleet.connections)
