"""Take back what a plan did."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.plan import Plan
from schema_mcp.services import application, rollback
from schema_mcp.services.kept import keep_plan, kept_plan
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.planning import PlanMade, plan_told
from schema_mcp.tools.tasks import TaskState, state_of


class RollbackChange(Shape):
    """Which change to take back."""

    task: str
    """Task that made it, or the digest of its plan."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Digest; without it a preview."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class RolledBack(Shape):
    """What a rollback would do, or how far it is."""

    preview: PlanMade | None = None
    """What would be taken back; nothing has been written."""

    task: TaskState | None = None
    """How far the rollback is."""

    @property
    def exit_code(self) -> int:
        if self.task is not None:
            return self.task.exit_code
        return self.preview.exit_code if self.preview else 0


@tool(scope=Scope.ADMIN, effect=Effect.DESTROYS)
async def rollback_change(workspace: Workspace, request: RollbackChange) -> RolledBack:
    """Take back a deployment, a migration or a change of levels exactly; a preview first."""
    signed = workspace.signature("rollback_change", reason=request.reason, plan=request.plan or "")
    if request.plan is None:
        return RolledBack(preview=await _previewed(workspace, request))
    await _refuse_other(workspace, request.task, request.plan)
    patience = workspace.patience if request.wait is None else request.wait
    task = await application.apply(
        workspace.ground, request.plan, signed, workspace.report, workspace.background, patience
    )
    return RolledBack(task=state_of(task))


async def _previewed(workspace: Workspace, request: RollbackChange) -> PlanMade:
    made = await rollback.plan(workspace.ground, request.task)
    if made.steps:
        await keep_plan(workspace.journal, made, workspace.caller.name)
    told = plan_told(made, tuple(made.observed), cursor=request.cursor, limit=request.limit)
    return told.model_copy(update={"next": _next(made, request.task), "plan": made.digest if made.steps else ""})


def _next(made: Plan, task: str) -> str:
    if made.steps:
        return f"rollback_change with task: {task}, plan: {made.digest}"
    if made.blocked:
        return "Nothing is taken back before what was built on it is: see `blocked`."
    return "Nothing is left to take back."


async def _refuse_other(workspace: Workspace, task: str, digest: str) -> None:
    """The plan has to be the preview of this very task, whatever else may be kept."""
    kept = await kept_plan(workspace.journal, digest)
    run = await rollback.run_of(workspace.ground, task)
    if kept.kind != rollback.KIND or kept.request["task"] != run.task:
        raise InvalidRequestError(
            "That plan is no preview of rolling this task back",
            hint="Call without `plan`, and pass its digest.",
        )
