"""Registries and contexts side by side."""

from functools import partial
from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.comparison import Difference
from schema_mcp.domain.drift import Kind
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.services import comparison
from schema_mcp.services.comparison import Comparison, End, Size
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace


class CompareRegistries(Shape):
    """Which two sides."""

    source: str
    """Registry to compare with."""

    target: str
    """Registry to compare."""

    context: str | None = None
    """Only this context."""

    target_context: str | None = None
    """The target's context, where it is called otherwise."""

    prefix: str = ""
    """Only names that begin so."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class DifferenceRow(Shape):
    """One difference."""

    subject: str
    """Which subject."""

    context: str | None = None
    """Its context, where several are compared."""

    version: int | None = None
    """Which version; none where the whole subject is missing or extra."""

    versions: int | None = None
    """How many versions a whole subject has."""

    kind: Kind
    """What kind; missing and extra speak of the target."""

    detail: str
    """What the two sides have."""


class SideSize(Shape):
    """How much one side holds."""

    name: str
    """Registry, and context where one was named."""

    subjects: int
    """Live subjects."""

    versions: int
    """Live versions."""


class RegistriesCompared(Shape):
    """Where two sides differ."""

    same: bool
    """Whether nothing differs, spelling aside."""

    differences: tuple[DifferenceRow, ...]
    """A page of differences; cosmetic ones come last."""

    total: int
    """How many rows there are."""

    counts: dict[str, int]
    """How many versions differ, by kind."""

    missing_subjects: int
    """Whole subjects that the target lacks."""

    extra_subjects: int
    """Whole subjects that the source lacks."""

    source: SideSize
    """What the source holds."""

    target: SideSize
    """What the target holds."""

    not_looked_at: str
    """What this answer does not speak of."""

    next: str = ""
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""

    @property
    def exit_code(self) -> int:
        return Status.DONE if self.same else Status.PENDING


_NOT_LOOKED_AT = "Levels, modes and other settings, and soft-deleted versions."


@tool(scope=Scope.READ, effect=Effect.READS)
async def compare_registries(workspace: Workspace, request: CompareRegistries) -> RegistriesCompared:
    """Compare two registries, or two contexts: what is missing on one side, and which contents or ids differ."""
    source, target = _ends(workspace, request)
    found = await comparison.compare(source, target, request.prefix, workspace.report)
    row = partial(_row, named=source.context is None)
    query = f"compare {source.registry.name} {source.context} {target.registry.name} {target.context} {request.prefix}"
    cut = page(
        sorted(found.differences, key=_cosmetic_last),
        cursor=request.cursor,
        limit=request.limit,
        query=query,
        size=lambda one: weight(row(one)),
    )
    counts = {kind.value: count for kind, count in sorted(found.counts.items())}
    return RegistriesCompared(
        same=not counts.keys() - {Kind.COSMETIC},
        differences=tuple(map(row, cut.items)),
        total=cut.total,
        counts=counts,
        missing_subjects=found.subjects(Kind.MISSING),
        extra_subjects=found.subjects(Kind.EXTRA),
        source=_size(source, found.source),
        target=_size(target, found.target),
        not_looked_at=_NOT_LOOKED_AT,
        next=_next(found, source, target),
        cursor=cut.cursor,
    )


def _ends(workspace: Workspace, request: CompareRegistries) -> tuple[End, End]:
    if request.context is None and request.target_context is not None:
        raise InvalidRequestError("target_context says half", hint="Name the source's context, too: `context`.")
    here = parse_context(request.context) if request.context else None
    there = parse_context(request.target_context) if request.target_context else here
    return End(workspace.registry(request.source), here), End(workspace.registry(request.target), there)


def _cosmetic_last(one: Difference) -> bool:
    return one.kind is Kind.COSMETIC


def _row(one: Difference, *, named: bool) -> DifferenceRow:
    return DifferenceRow(
        subject=one.subject.name,
        context=shown_context(one.subject.context) if named else None,
        version=one.number or None,
        versions=None if one.number else one.versions,
        kind=one.kind,
        detail=one.detail,
    )


def _size(end: End, size: Size) -> SideSize:
    where = "" if end.context is None else f", context {shown_context(end.context)}"
    return SideSize(name=f"{end.registry.name}{where}", subjects=size.subjects, versions=size.versions)


def _next(found: Comparison, source: End, target: End) -> str:
    if found.counts.get(Kind.MISSING) and source.registry.name != target.registry.name:
        return (
            f"plan_migration with source: {source.registry.name}, target: {target.registry.name} moves what is missing."
        )
    return ""
