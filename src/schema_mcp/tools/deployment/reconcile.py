"""Mend drift, in the direction that one chooses."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.naming import shown_context
from schema_mcp.services import application, deployment, reconciliation
from schema_mcp.services.kept import kept_plan
from schema_mcp.services.reconciliation import Left, Mending, Preview
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.selected import Selected, selection_of
from schema_mcp.tools.tasks import TaskState, state_of


class Direction(StrEnum):
    """Whose word counts."""

    DEPLOY = "deploy"
    ADOPT = "adopt"


class ReconcileDrift(Selected):
    """What to mend; without `plan` only the preview is made."""

    direction: Direction
    """Store to registry, or registry into store."""

    registry: str | None = None
    """If not the default."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Digest; without it a preview."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""


class MendingRow(Shape):
    """One change."""

    subject: str
    """Which subject."""

    context: str
    """Its context."""

    version: int | None = None
    """Which version."""

    change: str
    """What is done."""

    reason: str
    """Why."""


class LeftRow(Shape):
    """Drift that stays."""

    subject: str
    """Which subject."""

    context: str
    """Its context."""

    version: int | None = None
    """Which version."""

    reason: str
    """Why it stays."""

    hint: str
    """What can be done about it."""


class Reconciliation(Shape):
    """What reconciling comes to."""

    done: bool
    """Whether it was carried out; a preview changes nothing."""

    direction: Direction
    """In which direction."""

    registry: str
    """Which registry."""

    plan: str | None = None
    """Digest of the preview: pass it to carry it out."""

    changes: tuple[MendingRow, ...] = ()
    """A page of what is done."""

    total: int = 0
    """How many changes."""

    left: tuple[LeftRow, ...] = ()
    """Drift that this does not mend, at most 8 rows."""

    left_total: int = 0
    """How much drift this does not mend."""

    scope: Scope
    """Scope that carrying it out needs."""

    task: TaskState | None = None
    """What came of deploying."""

    commit: str | None = None
    """Git commit that adopting made, shortened."""

    warnings: tuple[str, ...] = ()
    """What to know first."""

    next: str
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""

    @property
    def exit_code(self) -> int:
        if self.task is not None:
            return self.task.exit_code
        if self.total and not self.done:
            return Status.PENDING
        return Status.BLOCKED if self.left_total else Status.DONE


_MOST_LEFT = 8
_THEN = "detect_drift tells what is left."


@tool(scope=Scope.WRITE, effect=Effect.REPLACES)
async def reconcile_drift(workspace: Workspace, request: ReconcileDrift) -> Reconciliation:
    """Mend drift: deploy the store to a registry, or adopt the registry into the store; a preview first."""
    if request.direction is Direction.DEPLOY:
        return await (_deployed(workspace, request, request.plan) if request.plan else _to_deploy(workspace, request))
    seen = await reconciliation.to_adopt(
        workspace.ground, workspace.registry(request.registry), selection_of(request), workspace.report
    )
    if request.plan is None:
        return _previewed(workspace, request, seen)
    signed = workspace.signature("reconcile_drift", reason=request.reason, plan=request.plan)
    commit = await reconciliation.adopt(workspace.ground, seen, request.plan, signed)
    told = _previewed(workspace, request, seen)
    return told.model_copy(update={"done": True, "commit": commit[:10] or None, "next": _THEN})


async def _to_deploy(workspace: Workspace, request: ReconcileDrift) -> Reconciliation:
    registry = workspace.registry(request.registry)
    seen = await reconciliation.to_deploy(workspace.ground, registry, selection_of(request), workspace.caller.name)
    return _previewed(workspace, request, seen)


async def _deployed(workspace: Workspace, request: ReconcileDrift, plan: str) -> Reconciliation:
    await _refuse_other(workspace, request, plan)
    signed = workspace.signature("reconcile_drift", reason=request.reason, plan=plan)
    patience = workspace.patience if request.wait is None else request.wait
    run = await application.apply(workspace.ground, plan, signed, workspace.report, workspace.background, patience)
    state = state_of(run)
    return Reconciliation(
        done=state.exit_code == Status.DONE,
        direction=request.direction,
        registry=workspace.registry(request.registry).name,
        plan=plan,
        total=run.total,
        scope=(await kept_plan(workspace.journal, plan)).scope,
        task=state,
        next=state.next or _THEN,
    )


async def _refuse_other(workspace: Workspace, request: ReconcileDrift, digest: str) -> None:
    """The plan has to deploy to this very registry, whatever else may be kept."""
    kept, name = await kept_plan(workspace.journal, digest), workspace.registry(request.registry).name
    if kept.kind != deployment.KIND or kept.request["registries"] != [name]:
        raise InvalidRequestError(
            f"That plan is no preview of reconciling {name}",
            hint="Call without `plan`, and pass its digest; other plans are for apply_plan.",
        )


def _previewed(workspace: Workspace, request: ReconcileDrift, seen: Preview) -> Reconciliation:
    rows = [_row(one) for one in seen.changes]
    query = f"reconcile {request.direction} {request.registry} {seen.digest}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return Reconciliation(
        done=False,
        direction=request.direction,
        registry=workspace.registry(request.registry).name,
        plan=seen.digest or None,
        changes=tuple(cut.items),
        total=cut.total,
        left=tuple(_left(one) for one in seen.left[:_MOST_LEFT]),
        left_total=len(seen.left),
        scope=seen.plan.scope if seen.plan else Scope.WRITE,
        warnings=seen.plan.warnings if seen.plan else seen.adoption.notes if seen.adoption else (),
        next=_next(seen),
        cursor=cut.cursor,
    )


def _next(seen: Preview) -> str:
    if seen.digest:
        return f"Call again with plan: {seen.digest}"
    return "Nothing to do." if not seen.left else "Nothing can be done in this direction: see what is left."


def _row(one: Mending) -> MendingRow:
    return MendingRow(**_place(one), change=one.change, reason=one.reason)


def _left(one: Left) -> LeftRow:
    return LeftRow(**_place(one), reason=one.reason, hint=one.hint)


def _place(one: Mending | Left) -> dict[str, Any]:
    subject = one.subject
    return {"subject": subject.name, "context": shown_context(subject.context), "version": one.number or None}
