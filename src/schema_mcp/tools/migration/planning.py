"""Plan moves between registries and contexts, and say what the target holds."""

from enum import StrEnum

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context
from schema_mcp.services import migration
from schema_mcp.services.kept import keep_plan
from schema_mcp.services.migration import Clash, Manner, Migration
from schema_mcp.toolkit.tool import Effect, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.planning import PlanMade, plan_told
from schema_mcp.tools.deployment.selected import Selected, selection_of


class Move(Selected):
    """What to move, from where to where."""

    source: str
    """Registry to read."""

    target: str
    """Registry to write."""

    target_context: str | None = None
    """Context to move into."""


class PlanMigration(Move):
    """What to plan."""

    keep_ids: bool = True
    """Keep ids and versions."""


class Risk(StrEnum):
    """How much of a migration needs a second look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class MigrationPlan(PlanMade):
    """A plan to move schemas, with what it met on the target."""

    clashes: dict[str, int]
    """What the target holds where versions want to go, and how often."""

    risk: Risk
    """`high`: something is blocked or ids are lost; `medium`: it lands beside what is there, or settings change."""

    subjects: int
    """Subjects in the selection."""

    versions: int
    """Versions in the selection."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def plan_migration(workspace: Workspace, request: PlanMigration) -> MigrationPlan:
    """Plan moving subjects to another registry or context, for apply_plan; writes nothing."""
    manner = Manner(target_context=context_of(request.target_context))
    return told(await made(workspace, request, keep_ids=request.keep_ids, manner=manner), request)


async def made(workspace: Workspace, request: Move, *, keep_ids: bool, manner: Manner) -> Migration:
    """Make a plan, and keep it for whoever applies it."""
    source, target = workspace.registry(request.source), workspace.registry(request.target)
    plan = await migration.plan(source, target, selection_of(request), keep_ids=keep_ids, manner=manner)
    await keep_plan(workspace.journal, plan.plan, workspace.caller.name)
    return plan


def context_of(named: str | None) -> str | None:
    """A context that a caller named, as registries call it."""
    return None if named is None else parse_context(named)


def told(made: Migration, request: PlanMigration) -> MigrationPlan:
    """A plan as a reply carries it."""
    ends = tuple(dict.fromkeys((made.plan.request["source"], made.plan.request["target"])))
    return MigrationPlan(
        **dict(plan_told(made.plan, ends, cursor=request.cursor, limit=request.limit)),
        clashes=counted(made),
        risk=risk_of(made),
        subjects=made.subjects,
        versions=made.versions,
    )


def counted(made: Migration) -> dict[str, int]:
    """How often each clash was met."""
    return {clash.value: count for clash, count in sorted(made.clashes.items())}


def risk_of(made: Migration) -> Risk:
    """How much of a migration needs a second look."""
    if made.plan.blocked or not made.plan.request["keep_ids"]:
        return Risk.HIGH
    changes_settings = any(not step.number for step in made.plan.steps)
    return Risk.MEDIUM if changes_settings or Clash.SAME in made.clashes else Risk.LOW
