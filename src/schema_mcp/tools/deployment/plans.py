"""Show plans again, and how they stand."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.services import application, tasks
from schema_mcp.services.application import PlanState, Standing
from schema_mcp.services.together import each
from schema_mcp.stores.journal import KeptPlan, Run, Status
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.planning import PlanMade, plan_told


class GetPlan(Shape):
    """Which plan to show; the recent ones when none is named."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Digest of a plan."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class PlanRow(Shape):
    """A kept plan."""

    plan: str
    """Its digest."""

    created_at: str
    """When it was made (UTC)."""

    created_by: str
    """Who made it."""

    task: str | None = None
    """Task that carried it out last."""

    status: Status | None = None
    """How that task stands."""


class PlanShown(PlanMade):
    """A kept plan, and how it stands."""

    state: PlanState
    """Whether it can be applied (fresh, interrupted), was applied, or is stale."""

    why: str = ""
    """What makes it so."""

    task: str | None = None
    """Task that carried it out last."""


class Plans(Shape):
    """One plan, or the recent ones."""

    plan: PlanShown | None = None
    """The plan that was named."""

    recent: tuple[PlanRow, ...] = ()
    """The newest plans, when none was named."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_plan(workspace: Workspace, request: GetPlan) -> Plans:
    """Show a plan again and whether it is fresh, stale or applied, or list the recent ones."""
    if request.plan is None:
        kept = await _recent(workspace, min(request.limit, 50))
        runs = await each(kept, lambda one: workspace.journal.runs(plan=one.digest, limit=1))
        return Plans(recent=tuple(_kept(one, last) for one, last in zip(kept, runs, strict=True)))
    if found := await workspace.journal.kept(request.plan):
        tasks.require_own(workspace.caller, found.created_by, "Reading a plan")
    made = await application.kept_plan(workspace.journal, request.plan)
    registries: tuple[str, ...] = tuple(sorted(made.observed))
    told = plan_told(made, registries, cursor=request.cursor, limit=request.limit)
    stands = await application.standing(workspace.ground, request.plan, made)
    return Plans(plan=PlanShown(**dict(told) | {"next": _next(stands, told.next)}, **asdict(stands)))


async def _recent(workspace: Workspace, limit: int) -> list[KeptPlan]:
    """The newest plans: the caller's own, or everybody's for an admin."""
    if Scope.ADMIN in workspace.caller.scopes:
        return await workspace.journal.plans(limit=limit)
    return [one for one in await workspace.journal.plans(limit=-1) if one.created_by == workspace.caller.name][:limit]


def _next(stands: Standing, otherwise: str) -> str:
    match stands.state:
        case PlanState.APPLIED:
            return f"It was applied; rollback_change with task: {stands.task} would undo it."
        case PlanState.STALE:
            return "Plan again."
        case PlanState.RUNNING:
            return f"get_task with task: {stands.task} tells how far it is."
        case _:
            return otherwise


def _kept(one: KeptPlan, runs: Sequence[Run]) -> PlanRow:
    last = runs[0] if runs else None
    return PlanRow(
        plan=one.digest,
        created_at=one.created_at,
        created_by=one.created_by,
        task=last.task if last else None,
        status=last.status if last else None,
    )
