"""A registry in numbers."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.services import statistics
from schema_mcp.services.statistics import LEVELS_ASKED, Statistics
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class GetStatistics(Shape):
    """What to count."""

    registry: str | None = None
    """If not the default."""

    context: str | None = None
    """Only this context."""

    prefix: str = ""
    """Only names that begin so."""

    levels_asked: Annotated[int, Field(ge=0, le=100_000)] = LEVELS_ASKED
    """Most subjects asked for their level."""


class CountedRow(Shape):
    """A subject or version, and a number."""

    subject: str
    """Subject, with its context where that is not the default one."""

    version: int | None = None
    """Version."""

    count: int
    """How many, or how large."""


class StatisticsFound(Shape):
    """A registry in exact numbers; live versions unless said otherwise."""

    registry: str
    """Registry."""

    subjects: int
    """Live subjects."""

    versions: int
    """Live versions."""

    schemas: int
    """Different schemas: ids per context."""

    soft_deleted: int
    """Soft-deleted versions."""

    characters: int
    """Length of all texts together."""

    types: dict[str, int]
    """Versions per language."""

    contexts: dict[str, int]
    """Subjects per context, the 50 with the most."""

    contexts_total: int
    """Contexts with a live subject."""

    levels: dict[str, int]
    """Subjects per level of their own."""

    levels_unasked: int
    """Subjects whose level was not looked at."""

    with_references: int
    """Versions that use others."""

    with_metadata: int
    """Versions with metadata."""

    with_rules: int
    """Versions with data-contract rules."""

    most_versions: tuple[CountedRow, ...]
    """Subjects with the most versions."""

    largest: tuple[CountedRow, ...]
    """Longest texts, in characters."""

    most_referenced: tuple[CountedRow, ...]
    """Versions that the most versions use."""


_MOST_CONTEXTS = 50


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_statistics(workspace: Workspace, request: GetStatistics) -> StatisticsFound:
    """Count what a registry holds: subjects, versions, languages, levels, largest and most used."""
    registry = workspace.registry(request.registry)
    context = parse_context(request.context) if request.context else None
    found = await statistics.of(registry, context=context, prefix=request.prefix, report=workspace.report)
    levels = await statistics.levels(registry, list(found.versions), request.levels_asked)
    return StatisticsFound(
        registry=registry.name,
        subjects=len(found.versions),
        versions=found.versions.total(),
        schemas=len(found.ids),
        soft_deleted=found.soft_deleted,
        characters=found.characters,
        types={kind.value: count for kind, count in sorted(found.types.items())},
        contexts={shown_context(one)[:100]: count for one, count in found.contexts.most_common(_MOST_CONTEXTS)},
        contexts_total=len(found.contexts),
        levels=dict(sorted(levels.counts.items())),
        levels_unasked=levels.unasked,
        with_references=found.with_references,
        with_metadata=found.with_metadata,
        with_rules=found.with_rules,
        **_rankings(found),
    )


def _rankings(found: Statistics) -> dict[str, tuple[CountedRow, ...]]:
    return {
        "most_versions": tuple(
            CountedRow(subject=str(subject)[:200], count=count)
            for subject, count in statistics.most_versions(found.versions)
        ),
        "largest": tuple(
            CountedRow(subject=str(subject)[:200], version=number, count=size)
            for size, subject, number in found.largest
        ),
        "most_referenced": tuple(
            CountedRow(subject=str(subject)[:200], version=number, count=count)
            for (subject, number), count in statistics.top(found.references)
        ),
    }
