"""Plan what brings registries to what the store says, and show plans again."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.plan import Action, Blocked, Plan, Step, to_text
from schema_mcp.services import application, deployment
from schema_mcp.stores.journal import KeptPlan
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.selected import Selected, selection_of


class PlanDeployment(Selected):
    """What to deploy, and where to."""

    registries: tuple[str, ...] = ()
    """Exactly these; every writable one when left out."""


class StepRow(Shape):
    """One step."""

    registry: str
    """Where."""

    action: Action
    """What."""

    subject: str
    """Which subject."""

    context: str
    """Its context."""

    version: int | None = None
    """Which version."""

    id: int | None = None
    """Id it keeps."""

    value: str | None = None
    """Level or mode to set."""

    reason: str
    """Why."""


class BlockedRow(Shape):
    """A change that is left out."""

    registry: str
    """Where."""

    subject: str
    """Which subject."""

    context: str
    """Its context."""

    version: int | None = None
    """Which version."""

    reason: str
    """Why it cannot be done."""

    hint: str
    """What would let it through."""


class PlanMade(Shape):
    """A plan: nothing has been written."""

    plan: str
    """Its digest; pass it to apply_plan."""

    steps: tuple[StepRow, ...]
    """What will be done, in order: a page of it."""

    total: int
    """How many steps there are."""

    blocked: tuple[BlockedRow, ...] = ()
    """What cannot be done, at most 20 rows."""

    blocked_total: int = 0
    """How many changes are blocked."""

    registries: tuple[str, ...]
    """The registries it is about."""

    commit: str | None = None
    """Git commit it rests on, shortened."""

    scope: Scope
    """Scope that applying it needs."""

    warnings: tuple[str, ...] = ()
    """What to know before applying it."""

    next: str
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page of steps."""

    @property
    def exit_code(self) -> int:
        return 4 if self.blocked_total else 3 if self.total else 0


_MOST_BLOCKED = 20


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def plan_deployment(workspace: Workspace, request: PlanDeployment) -> PlanMade:
    """Plan what brings registries to what the store in Git says; writes nothing, apply_plan carries it out."""
    registries = registries_of(workspace, request.registries)
    made = await deployment.plan(workspace.fleet, workspace.store, registries, selection_of(request))
    await workspace.journal.keep_plan(made.digest, to_text(made), workspace.caller.name)
    return plan_told(made, registries, cursor=request.cursor, limit=request.limit)


def registries_of(workspace: Workspace, named: tuple[str, ...]) -> tuple[str, ...]:
    """The registries that were named, or every writable one."""
    names = named or tuple(workspace.fleet.writable)
    if not names:
        raise NotFoundError("No registry can be written to", hint="Name registries to see what differs there.")
    return tuple(workspace.fleet.connection(name).name for name in dict.fromkeys(names))


def plan_told(made: Plan, registries: tuple[str, ...], *, cursor: str | None, limit: int) -> PlanMade:
    """A plan as a reply carries it, a page of its steps."""
    rows = [_row(step) for step in made.steps]
    cut = page(rows, cursor=cursor, limit=limit, query=made.digest, size=weight)
    return PlanMade(
        plan=made.digest,
        steps=tuple(cut.items),
        total=cut.total,
        blocked=tuple(_blocked(one) for one in made.blocked[:_MOST_BLOCKED]),
        blocked_total=len(made.blocked),
        registries=registries,
        commit=made.commit[:10] or None,
        scope=made.scope,
        warnings=made.warnings,
        next=_next(made),
        cursor=cut.cursor,
    )


def _next(made: Plan) -> str:
    if made.steps:
        return f"apply_plan with plan: {made.digest}"
    return "Nothing to do." if not made.blocked else "Nothing can be done before what is blocked is decided."


def _row(step: Step) -> StepRow:
    return StepRow(
        registry=step.registry,
        action=step.action,
        subject=step.subject.name,
        context=shown_context(step.subject.context),
        version=step.number or None,
        id=step.id or None,
        value=step.value or None,
        reason=step.reason,
    )


def _blocked(one: Blocked) -> BlockedRow:
    return BlockedRow(
        registry=one.registry,
        subject=one.subject.name,
        context=shown_context(one.subject.context),
        version=one.number or None,
        reason=one.reason,
        hint=one.hint,
    )


class GetPlan(Shape):
    """Which plan to show; the recent ones when none is named."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Digest of a plan."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """At most so many rows."""

    cursor: str | None = None
    """Where the last page ended."""


class PlanRow(Shape):
    """A kept plan."""

    plan: str
    """Its digest."""

    created_at: str
    """When it was made (UTC)."""

    created_by: str
    """Who made it."""


class Plans(Shape):
    """One plan, or the recent ones."""

    plan: PlanMade | None = None
    """The plan that was named."""

    recent: tuple[PlanRow, ...] = ()
    """The newest plans, when none was named."""


@tool(scope=Scope.READ, effect=Effect.READS, touches_registries=False)
async def get_plan(workspace: Workspace, request: GetPlan) -> Plans:
    """Show a plan again, or list the recent ones."""
    if request.plan is None:
        kept = await workspace.journal.plans(limit=min(request.limit, 50))
        return Plans(recent=tuple(_kept(one) for one in kept))
    made = await application.kept_plan(workspace.journal, request.plan)
    registries: tuple[str, ...] = tuple(sorted(made.observed))
    return Plans(plan=plan_told(made, registries, cursor=request.cursor, limit=request.limit))


def _kept(one: KeptPlan) -> PlanRow:
    return PlanRow(plan=one.digest, created_at=one.created_at, created_by=one.created_by)
