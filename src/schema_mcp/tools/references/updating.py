"""Take every user of a shared schema to its new version."""

from typing import Annotated, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject
from schema_mcp.services import reference_update
from schema_mcp.services.kept import keep_plan
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.planning import PlanMade, plan_told, registries_of


class PlanReferenceUpdate(Shape):
    """Which shared schema moves on."""

    subject: str
    """The shared subject."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Version everybody is to use."""

    schema_text: str | None = None
    """A new text of the shared schema, registered first."""

    context: str | None = None
    """Context."""

    registries: tuple[str, ...] = ()
    """Exactly these; else all writable ones."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def plan_reference_update(workspace: Workspace, request: PlanReferenceUpdate) -> PlanMade:
    """Plan taking every user of a shared schema to a new version of it, in order, each checked; apply_plan does it."""
    subject = checked_subject(request.subject, request.context)
    number = "latest" if request.schema_text is not None else request.version
    wanted = reference_update.Wanted(subject, number, request.schema_text)
    names = registries_of(workspace, request.registries)
    made = await reference_update.plan(workspace.fleet, workspace.store, workspace.ids, wanted, names)
    await keep_plan(workspace.journal, made, workspace.caller.name)
    return plan_told(made, names, cursor=request.cursor, limit=request.limit)
