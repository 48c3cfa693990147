"""Promote a subject from one stage to the next."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject
from schema_mcp.services import promotion
from schema_mcp.services.kept import keep_plan
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.selected import Selected
from schema_mcp.tools.migration.moving import Moved, applied, shown


class PromoteSchema(Shape):
    """What to promote, from which stage to which."""

    subject: str
    """Subject to promote."""

    context: str | None = None
    """Its context."""

    source: str
    """Registry to read."""

    target: str
    """Registry to write."""

    version: Annotated[int, Field(ge=1)] | None = None
    """Up to this version."""

    dry_run: bool = False
    """Only a preview."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""


@tool(scope=Scope.WRITE, effect=Effect.ADDS)
async def promote_schema(workspace: Workspace, request: PromoteSchema) -> Moved:
    """Promote a subject, with what it references, once the target's own level allows it."""
    source, target = workspace.registry(request.source), workspace.registry(request.target)
    subject = checked_subject(request.subject, request.context)
    made = await promotion.plan(source, target, subject, request.version)
    await keep_plan(workspace.journal, made.plan, workspace.caller.name)
    note = promotion.beyond_targets(workspace.store, subject, target.name)
    notes = (note,) if note else ()
    if request.dry_run or made.plan.blocked or not made.plan.steps:
        return shown(made, Selected(), "promote_schema without dry_run", notes)
    return await applied(workspace, "promote_schema", made.plan.digest, request.reason, request.wait, notes)
