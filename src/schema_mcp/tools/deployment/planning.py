"""Plan what brings registries to what the store says, and show plans again."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.plan import Action, Blocked, OnFailure, Plan, Rollout, Step, Strategy
from schema_mcp.services import deployment
from schema_mcp.services.draft import Terms
from schema_mcp.services.kept import keep_plan
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.selected import Selected, selection_of


class PlanDeployment(Selected):
    """What to deploy, and where to."""

    registries: tuple[str, ...] = ()
    """Exactly these, in order; else all writable ones."""

    strategy: Strategy = Strategy.ALL_AT_ONCE
    """`canary`: the first registry, then the rest."""

    on_failure: OnFailure | None = None
    """What others do then; rolling and canary stop."""

    keep_ids: bool = True
    """False: registries unable to keep ids number anew."""

    prune: Annotated[int, Field(ge=0)] = 0
    """Delete so many extra versions at most; needs prefix."""


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

    strategy: Strategy = Strategy.ALL_AT_ONCE
    """How registries follow each other."""

    on_failure: OnFailure = OnFailure.CONTINUE
    """Whether those that have not begun go on when one fails."""

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
    """Plan what brings registries to what the store in Git says, for apply_plan; writes nothing."""
    registries = registries_of(workspace, request.registries)
    made = await deployment.plan(
        workspace.fleet,
        workspace.store,
        registries,
        selection_of(request),
        _terms(request, registries),
        workspace.journal,
    )
    await keep_plan(workspace.journal, made, workspace.caller.name)
    return plan_told(made, registries, cursor=request.cursor, limit=request.limit)


def _terms(request: PlanDeployment, registries: tuple[str, ...]) -> Terms:
    on_failure = request.on_failure
    if on_failure is None:
        on_failure = OnFailure.CONTINUE if request.strategy is Strategy.ALL_AT_ONCE else OnFailure.STOP
    order = () if request.strategy is Strategy.ALL_AT_ONCE else registries
    return Terms(Rollout(request.strategy, on_failure, order), request.keep_ids, request.prune)


def registries_of(workspace: Workspace, named: tuple[str, ...]) -> tuple[str, ...]:
    """The registries that were named, or every writable one."""
    names = named or tuple(workspace.fleet.writable)
    if not names:
        raise NotFoundError("No registry can be written to", hint="Name registries to see what differs there.")
    return tuple(workspace.fleet.connection(name).name for name in dict.fromkeys(names))


def plan_told(made: Plan, registries: tuple[str, ...], *, cursor: str | None, limit: int) -> PlanMade:
    """A plan as a reply carries it, a page of its steps."""
    cut = page(made.steps, cursor=cursor, limit=limit, query=made.digest, size=lambda step: weight(_row(step)))
    return PlanMade(
        plan=made.digest,
        steps=tuple(map(_row, cut.items)),
        total=cut.total,
        blocked=tuple(_blocked(one) for one in made.blocked[:_MOST_BLOCKED]),
        blocked_total=len(made.blocked),
        registries=registries,
        commit=made.commit[:10] or None,
        scope=made.scope,
        warnings=made.warnings,
        strategy=made.rollout.strategy,
        on_failure=made.rollout.on_failure,
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
