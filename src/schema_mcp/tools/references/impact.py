"""Who is affected when a shared schema changes."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.services import impact
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.references.places import shown

_MOST_NAMED = 50


class AnalyzeImpact(Shape):
    """What is going to change."""

    subject: str
    """Subject."""

    version: Annotated[int, Field(ge=1)] | None = None
    """Its version; any of them when left out."""

    context: str | None = None
    """Context."""

    registries: tuple[str, ...] = ()
    """All when left out."""

    depth: Annotated[int, Field(ge=1, le=100)] = 10
    """Most references away."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class AffectedRow(Shape):
    """A version that uses what changes."""

    registry: str
    """Where."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    version: int
    """Version."""

    id: int
    """Schema id."""

    depth: int
    """How many references away."""

    through: str
    """What it references itself."""

    latest: bool
    """Whether its subject has nothing newer."""


class ReachRow(Shape):
    """One registry's share."""

    registry: str
    """Which registry."""

    versions: tuple[int, ...]
    """Versions of the subject it has, the newest 50."""

    subjects: int
    """Other subjects affected there."""

    affected: int
    """Versions affected there."""

    complete: bool
    """Whether nothing lies beyond the depth."""


class Impact(Shape):
    """Who is affected by a change."""

    registries: tuple[ReachRow, ...]
    """What was asked, each with its counts."""

    affected: tuple[AffectedRow, ...]
    """Nearest first: a page."""

    total: int
    """How many rows there are."""

    next: str
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def analyze_impact(workspace: Workspace, request: AnalyzeImpact) -> Impact:
    """Show who is affected by a change of a shared schema: its users, direct or not, in every registry."""
    subject = checked_subject(request.subject, request.context)
    names = dict.fromkeys(request.registries or workspace.fleet.names)
    registries = [workspace.registry(name) for name in names]
    found = await impact.analyze(registries, workspace.store, subject, request.version, request.depth)
    rows = [_affected(one) for reach in found for one in reach.affected]
    query = f"impact {request.model_dump_json(exclude={'cursor', 'limit'})}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return Impact(
        registries=tuple(_reach(one) for one in found),
        affected=tuple(cut.items),
        total=cut.total,
        next="plan_reference_update takes the users to a new version." if rows else "Nothing references it.",
        cursor=cut.cursor,
    )


def _reach(reach: impact.Reach) -> ReachRow:
    return ReachRow(
        registry=reach.registry,
        versions=reach.versions[-_MOST_NAMED:],
        subjects=reach.subjects,
        affected=len(reach.affected),
        complete=not reach.is_cut,
    )


def _affected(one: impact.Affected) -> AffectedRow:
    subject, number = one.place
    return AffectedRow(
        registry=one.registry,
        subject=subject.name,
        context=shown_context(subject.context),
        version=number,
        id=one.id,
        depth=one.depth,
        through=shown(one.through),
        latest=one.is_latest,
    )
