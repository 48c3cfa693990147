"""How a subject evolved, and how it could go on."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Annotated, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.compatibility import Comparison
from schema_mcp.domain.formats import Change, Finding
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.domain.schema import Level, SchemaType
from schema_mcp.services import evolution
from schema_mcp.services.evolution import Stage, Suggested, Told
from schema_mcp.services.judgement import Side
from schema_mcp.toolkit.paging import page, part
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import Break, SchemaReference, break_of, schema_of

_MOST = 20
_STAGE_CHARACTERS = 6_000

_ROLLOUT = {
    (True, False): "Move consumers to a stage before producers write it.",
    (False, True): "Let producers write a stage before consumers rely on it.",
    (True, True): "Producers and consumers may move to a stage in any order.",
}


class Looked(Shape):
    """Whose history is meant."""

    subject: str
    """Subject."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    context: str | None = None
    """Context."""


class AnalyzeEvolution(Looked):
    """Whose history to tell."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class VersionRow(Shape):
    """One version, told from the one before it."""

    version: int
    """Version."""

    changes: tuple[str, ...] = ()
    """What changed, in words: at most 20."""

    changes_total: int = 0
    """How many changes there are."""

    breaks: tuple[Break, ...] = ()
    """Where it does not fit an earlier version: the first reason of each, at most 20."""

    warnings: tuple[str, ...] = ()
    """What the check passes in silence and a consumer may trip over."""

    problem: str | None = None
    """Why it could not be judged."""


class EvolutionTold(Shape):
    """A subject's history as changes and breaks."""

    subject: str
    """Subject."""

    context: str
    """Its context."""

    in_force: Level
    """Level in force there."""

    keeps: tuple[Level, ...]
    """Levels that the whole history keeps, strictest first."""

    versions: tuple[VersionRow, ...]
    """A page of versions, oldest first."""

    total: int
    """How many versions there are."""

    source: str
    """Where they were read."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def analyze_evolution(workspace: Workspace, request: AnalyzeEvolution) -> EvolutionTold:
    """Tell a subject's history: what each version changed, what it broke, and which levels the whole keeps."""
    subject = checked_subject(request.subject, request.context)
    side = _side(workspace, request)
    story = await evolution.told(side, subject)
    rows = [_version(stage, story) for stage in story.stages]
    query = f"evolution {side.name} {subject}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return EvolutionTold(
        subject=subject.name,
        context=shown_context(subject.context),
        in_force=story.judge.level,
        keeps=story.chart.kept,
        versions=tuple(cut.items),
        total=cut.total,
        source=side.name,
        cursor=cut.cursor,
    )


def _version(stage: Stage, story: Told) -> VersionRow:
    return VersionRow(
        version=stage.whole.number,
        changes=_words(stage.changes),
        changes_total=len(stage.changes),
        breaks=tuple(_breaks(stage.breaks)),
        warnings=_warnings(stage.warnings),
        problem=story.chart.unreadable.get(stage.whole.number, "")[:500] or None,
    )


def _breaks(comparisons: Sequence[Comparison]) -> Iterator[Break]:
    for comparison in comparisons[:_MOST]:
        yield break_of(comparison, comparison.breaks[0])


def _words(changes: Sequence[Change]) -> tuple[str, ...]:
    return tuple(change.text[:300] for change in changes[:_MOST])


def _warnings(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(finding.message[:300] for finding in findings[:_MOST])


def _side(workspace: Workspace, request: Looked) -> Side:
    registry = workspace.registry(request.registry) if request.source == "registry" else None
    return Side(registry.name if registry else "the store", workspace.store, registry)


class SuggestEvolution(Looked):
    """What the subject should become."""

    schema_text: str
    """The wanted schema."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    level: Level | None = None
    """If not the one in force."""

    step: Annotated[int, Field(ge=1)] | None = None
    """This step's text whole, by parts."""

    cursor: str | None = None
    """Last part's."""


class EvolutionStep(Shape):
    """One version to register on the way."""

    step: int
    """Its place on the way, from 1."""

    changes: tuple[str, ...]
    """What it changes, in words: at most 20."""

    warnings: tuple[str, ...] = ()
    """What the check passes in silence and a consumer may trip over."""

    schema_text: str | None = None
    """The text to register; ask for the `step` where it is left out."""


class EvolutionSuggested(Shape):
    """Safe steps from here to the wanted schema."""

    reached: bool
    """Whether the last step is the wanted schema."""

    level: Level
    """The level that every step keeps."""

    steps: tuple[EvolutionStep, ...]
    """Versions to register, in this order; each was checked against all before it."""

    remains: tuple[str, ...] = ()
    """What no step at this level can do: at most 20 changes."""

    left_behind: tuple[int, ...] = ()
    """Versions that the last step no longer fits: let their data and readers go first."""

    rollout: str
    """In which order producers and consumers move."""

    next: str
    """What comes next."""

    cursor: str | None = None
    """Pass it with `step` to get the next part of its text."""

    @property
    def exit_code(self) -> int:
        return 0 if self.reached else 4


@tool(scope=Scope.READ, effect=Effect.READS)
async def suggest_evolution(workspace: Workspace, request: SuggestEvolution) -> EvolutionSuggested:
    """Find safe steps from a subject's history to a wanted schema, each checked at the level in force."""
    subject = checked_subject(request.subject, request.context)
    wanted = schema_of(request.schema_text, request.schema_type, request.references)
    found = await evolution.suggested(_side(workspace, request), subject, wanted, request.level)
    steps, cursor = _whole_step(request, found) if request.step else (_steps(found), None)
    return EvolutionSuggested(
        reached=found.arrives,
        level=found.level,
        steps=steps,
        remains=_words(found.remains),
        left_behind=tuple(found.left_behind[:100]),
        rollout=_ROLLOUT[found.level.backward, found.level.forward],
        next=_next(found),
        cursor=cursor,
    )


def _steps(found: Suggested) -> tuple[EvolutionStep, ...]:
    """All steps, with as many of their texts as fit."""
    sizes = accumulate(len(stage.whole.schema.text) for stage in found.stages)
    return tuple(
        _step(number, stage, stage.whole.schema.text if size <= _STAGE_CHARACTERS else None)
        for number, (stage, size) in enumerate(zip(found.stages, sizes, strict=True), start=1)
    )


def _whole_step(request: SuggestEvolution, found: Suggested) -> tuple[tuple[EvolutionStep, ...], str | None]:
    number = min(request.step or 1, len(found.stages))
    if not number:
        return (), None
    stage = found.stages[number - 1]
    text = part(stage.whole.schema.text, cursor=request.cursor, query=f"step {number} {stage.whole.schema.text}")
    return (_step(number, stage, text.text),), text.cursor


def _step(number: int, stage: Stage, text: str | None) -> EvolutionStep:
    return EvolutionStep(
        step=number, changes=_words(stage.changes[:5]), warnings=_warnings(stage.warnings[:5]), schema_text=text
    )


def _next(found: Suggested) -> str:
    if not found.stages:
        return "No step keeps this level: use a new subject, or a compatibility group (check_compatibility shows it)."
    if not found.arrives:
        return "The last step is as near as this level lets you come; the rest needs a new subject or group."
    if len(found.stages) == 1:
        return "register_schema takes it as it is."
    return "register_schema step by step; go on when everybody has moved to the step before."
