"""Bring a bundle, or a folder of schema files, into a registry."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context
from schema_mcp.services import application, restoring, unpacking
from schema_mcp.services.kept import keep_plan
from schema_mcp.services.restoring import Restoration, Terms
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.planning import PlanMade, plan_told
from schema_mcp.tools.tasks import TaskState, state_of

_ROWS = 100
_MOST_IGNORED = 20


class ImportSchemas(Shape):
    """What to bring in, and where to; without `plan` only the preview is made."""

    path: str
    """Bundle or folder, in the export folder."""

    registry: str | None = None
    """If not the default."""

    context: str | None = None
    """Context to put it into."""

    keep_ids: bool = True
    """Ids and versions too."""

    settings: bool = True
    """Levels and modes too."""

    deleted: bool = True
    """Soft-deleted versions too."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """The preview's digest."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""


class Imported(Shape):
    """What bringing it in comes to."""

    done: bool
    """Whether it was carried out; a preview writes nothing."""

    registry: str
    """Where to."""

    preview: PlanMade | None = None
    """The plan that does it, its first steps; get_plan shows the others."""

    origin: str | None = None
    """Where and when a bundle was made."""

    sha256: str | None = None
    """One name for all that is in it."""

    subjects: int = 0
    """How many subjects it offers."""

    versions: int = 0
    """How many versions."""

    clashes: dict[str, int] | None = None
    """What the registry holds where versions want to go, and how often."""

    ignored: tuple[str, ...] = ()
    """Files that hold no schema, at most 20."""

    task: TaskState | None = None
    """What came of carrying it out."""

    next: str
    """What comes next."""

    @property
    def exit_code(self) -> int:
        if self.task is not None:
            return self.task.exit_code
        return self.preview.exit_code if self.preview else Status.DONE


@tool(scope=Scope.ADMIN, effect=Effect.REPLACES)
async def import_schemas(workspace: Workspace, request: ImportSchemas) -> Imported:
    """Restore a backup, or take in a folder of schema files; a preview first."""
    if request.plan:
        return await _carried_out(workspace, request, request.plan)
    path = unpacking.inside(request.path, workspace.exports)
    context = parse_context(request.context) if request.context else None
    terms = Terms(request.keep_ids, request.settings, request.deleted, context)
    target = workspace.registry(request.registry)
    made = await restoring.plan(workspace.fleet, path, target.name, terms)
    await keep_plan(workspace.journal, made.plan, workspace.caller.name)
    return _previewed(made, target.name)


async def _carried_out(workspace: Workspace, request: ImportSchemas, plan: str) -> Imported:
    target = workspace.registry(request.registry)
    restoring.refuse_other(await application.kept_plan(workspace.journal, plan), target.name)
    signed = workspace.signature("import_schemas", reason=request.reason, plan=plan)
    patience = workspace.patience if request.wait is None else request.wait
    run = await application.apply(workspace.ground, plan, signed, workspace.report, workspace.background, patience)
    state = state_of(run)
    return Imported(
        done=state.exit_code == Status.DONE,
        registry=target.name,
        task=state,
        next=state.next or "The store does not know what came in: adopt_registry brings it there.",
    )


def _previewed(made: Restoration, target: str) -> Imported:
    offer, moved = made.offer, made.migration
    told = plan_told(made.plan, (target,), cursor=None, limit=_ROWS)
    return Imported(
        done=False,
        registry=target,
        preview=told,
        origin=offer.origin or None,
        sha256=offer.sha256,
        subjects=moved.subjects,
        versions=moved.versions,
        clashes={clash.value: count for clash, count in sorted(moved.clashes.items())},
        ignored=offer.ignored[:_MOST_IGNORED],
        next=f"Call again with plan: {made.plan.digest}" if made.plan.steps else told.next,
    )
