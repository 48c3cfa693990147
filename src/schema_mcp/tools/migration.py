"""Tools that move schemas between registries."""

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.plan import to_text
from schema_mcp.services import migration
from schema_mcp.toolkit.tool import Effect, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.planning import PlanMade, plan_told
from schema_mcp.tools.deployment.selected import Selected, selection_of


class PlanMigration(Selected):
    """What to move, from where to where."""

    source: str
    """Registry to read from."""

    target: str
    """Registry to write to."""

    keep_ids: bool = True
    """Keep schema ids and version numbers."""


class MigrationPlan(PlanMade):
    """A plan to move schemas, with what it met on the target."""

    clashes: dict[str, int]
    """What the target holds where versions want to go, and how often."""

    subjects: int
    """Subjects in the selection."""

    versions: int
    """Versions in the selection."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def plan_migration(workspace: Workspace, request: PlanMigration) -> MigrationPlan:
    """Plan moving subjects from one registry to another, ids kept, for apply_plan; writes nothing."""
    source, target = workspace.registry(request.source), workspace.registry(request.target)
    made = await migration.plan(source, target, selection_of(request), keep_ids=request.keep_ids)
    await workspace.journal.keep_plan(made.plan.digest, to_text(made.plan), workspace.caller.name)
    told = plan_told(made.plan, (source.name, target.name), cursor=request.cursor, limit=request.limit)
    return MigrationPlan(
        **dict(told),
        clashes={clash.value: count for clash, count in sorted(made.clashes.items())},
        subjects=made.subjects,
        versions=made.versions,
    )
