"""Plan another compatibility level for an estate."""

from collections import Counter
from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.domain.schema import Level
from schema_mcp.services import level_change
from schema_mcp.services.kept import keep_plan
from schema_mcp.services.level_change import Assessed, Risk
from schema_mcp.services.selection import Selection
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import Break, break_of, subjects_of

_WORST_FIRST = (Risk.STUCK, Risk.OLD_BREAKS, Risk.NONE)


class PlanCompatibilityChange(Shape):
    """Which subjects, and the level that they should have."""

    level: Level
    """The wanted level."""

    registry: str | None = None
    """If not the default."""

    subjects: tuple[str, ...] = ()
    """Only these."""

    prefix: str = ""
    """Only names that begin so."""

    context: str | None = None
    """Only this context."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class AssessedRow(Shape):
    """One subject under the wanted level."""

    subject: str
    """Subject."""

    context: str
    """Its context."""

    in_force: Level
    """Level in force there now."""

    is_own: bool
    """Whether the subject has that level itself, or inherits it."""

    risk: Risk
    """`none`; `old breaks`: only older versions break it among themselves; `stuck`: no next version would pass."""

    breaks: int = 0
    """How many pairs of versions break it."""

    at_version: int | None = None
    """The newer version of the first such pair."""

    first: Break | None = None
    """The first reason."""

    fix: str | None = None
    """The smallest change that would let it live with the level."""

    planned: bool
    """Whether the plan changes it."""


class LevelPlanned(Shape):
    """What the level would mean, and the plan that sets it; nothing has been written."""

    plan: str
    """Its digest; pass it to apply_plan."""

    level: Level
    """The wanted level."""

    registry: str
    """Where."""

    steps: int
    """Subjects whose level the plan changes."""

    blocked: int
    """Subjects that it leaves out: stuck, or governed by the store."""

    risks: dict[str, int]
    """Subjects by risk."""

    subjects: tuple[AssessedRow, ...]
    """A page of subjects, the riskiest first."""

    total: int
    """How many subjects were looked at."""

    scope: Scope
    """Scope that applying it needs."""

    next: str
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""

    @property
    def exit_code(self) -> int:
        return 4 if self.blocked else 3 if self.steps else 0


@tool(scope=Scope.READ, effect=Effect.READS)
async def plan_compatibility_change(workspace: Workspace, request: PlanCompatibilityChange) -> LevelPlanned:
    """Plan another compatibility level for many subjects: which histories break it, where, and the smallest fix."""
    registry = workspace.registry(request.registry)
    made = await level_change.plan(registry, workspace.store, _selection(request), request.level, workspace.report)
    await keep_plan(workspace.journal, made.plan, workspace.caller.name)
    planned = {step.subject for step in made.plan.steps}
    worst = sorted(made.subjects, key=lambda one: (_WORST_FIRST.index(one.risk), one.judged.subject))
    rows = [_row(one, request.level, planned=one.judged.subject in planned) for one in worst]
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=made.plan.digest, size=weight)
    return LevelPlanned(
        plan=made.plan.digest,
        level=request.level,
        registry=registry.name,
        steps=len(made.plan.steps),
        blocked=len(made.plan.blocked),
        risks=dict(Counter(one.risk for one in made.subjects)),
        subjects=tuple(cut.items),
        total=cut.total,
        scope=made.plan.scope,
        next=_next(made.plan.digest, len(made.plan.steps), len(made.plan.blocked)),
        cursor=cut.cursor,
    )


def _selection(request: PlanCompatibilityChange) -> Selection:
    context = parse_context(request.context) if request.context else None
    return Selection(subjects_of(request.subjects, request.context), request.prefix, context)


def _row(one: Assessed, level: Level, *, planned: bool) -> AssessedRow:
    first = one.breaks[0] if one.breaks else None
    return AssessedRow(
        subject=one.judged.subject.name,
        context=shown_context(one.judged.subject.context),
        in_force=one.judged.judge.level,
        is_own=one.own is not None,
        risk=one.risk,
        breaks=len(one.breaks),
        at_version=first.number if first else None,
        first=break_of(first.comparison, first.comparison.breaks[0]) if first else None,
        fix=level_change.fix(one, level) if one.risk is Risk.STUCK else None,
        planned=planned,
    )


def _next(digest: str, steps: int, blocked: int) -> str:
    if steps:
        return f"apply_plan with plan: {digest}; rollback_change takes it back exactly. get_plan shows what is blocked."
    return "Nothing can be done before what is blocked is decided: get_plan shows it." if blocked else "Nothing to do."
