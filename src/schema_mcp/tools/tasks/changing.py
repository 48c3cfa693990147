"""Go on with a task, or give it up."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.services import tasks
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.tasks.state import TaskBrief, brief_of


class ResumeTask(Shape):
    """Which task to go on with."""

    task: str
    """Its id."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""


@tool(scope=Scope.WRITE, effect=Effect.REPLACES)
async def resume_task(workspace: Workspace, request: ResumeTask) -> TaskBrief:
    """Go on with an interrupted task, nothing done twice; somebody else's task needs admin."""
    signed = workspace.signature("resume_task", reason=request.reason)
    patience = workspace.patience if request.wait is None else request.wait
    run = await tasks.resume(workspace.ground, request.task, signed, workspace.report, workspace.background, patience)
    return brief_of(run)


class CancelTask(Shape):
    """Which task to end."""

    task: str
    """Its id."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""


@tool(scope=Scope.WRITE, effect=Effect.REPLACES)
async def cancel_task(workspace: Workspace, request: CancelTask) -> TaskBrief:
    """End a task between two steps, modes given back; somebody else's task needs admin."""
    signed = workspace.signature("cancel_task", reason=request.reason)
    patience = workspace.patience if request.wait is None else request.wait
    run = await tasks.cancel(workspace.ground, request.task, signed, patience)
    return brief_of(run)
