"""Carry plans out."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.services import application
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.tasks import TaskState, state_of


class ApplyPlan(Shape):
    """Which plan to carry out."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The plan's digest."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""


@tool(scope=Scope.WRITE, effect=Effect.REPLACES, core=True)
async def apply_plan(workspace: Workspace, request: ApplyPlan) -> TaskState:
    """Carry out a plan: journalled, read back, reported per registry; a stale one is refused."""
    signed = workspace.signature("apply_plan", reason=request.reason, plan=request.plan)
    task = await application.apply(
        workspace.ground, request.plan, signed, workspace.report, workspace.background, _patience(workspace, request)
    )
    return state_of(task)


def _patience(workspace: Workspace, request: ApplyPlan) -> float | None:
    return workspace.patience if request.wait is None else request.wait
