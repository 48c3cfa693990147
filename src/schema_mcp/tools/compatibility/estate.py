"""Compatibility over an estate: which histories keep which level."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.history import Clash
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.domain.schema import Level, SchemaType
from schema_mcp.services import estate, export
from schema_mcp.services.estate import Judged
from schema_mcp.services.judgement import Side
from schema_mcp.services.selection import Selection
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import Break, break_of, subjects_of

_MOST_PREFIXES = 20
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CheckCompatibilityBulk(Shape):
    """Which histories to judge; all of the registry when nothing is named."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    subjects: tuple[str, ...] = ()
    """Only these."""

    prefix: str = ""
    """Only names that begin so."""

    context: str | None = None
    """Only this context."""

    level: Level | None = None
    """If not the one in force at each."""

    breaking_only: bool = True
    """Only histories that break it."""

    to_file: Literal["csv", "json"] | None = None
    """Every row, into the export folder."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class HistoryRow(Shape):
    """One subject's history."""

    subject: str
    """Subject."""

    context: str
    """Its context."""

    schema_type: SchemaType
    """Language of its latest version."""

    versions: int
    """Live versions."""

    in_force: Level
    """Level in force there."""

    keeps: bool
    """Whether the history keeps the level asked for."""

    strictest: Level | None = None
    """The strictest level it keeps; none where it could not be judged."""

    breaks: int = 0
    """How many pairs of versions break it."""

    at_version: int | None = None
    """The newer version of the first such pair."""

    first: Break | None = None
    """The first reason."""

    problem: str | None = None
    """Why it could not be judged."""


class PrefixRow(Shape):
    """Subjects whose names begin alike."""

    prefix: str
    """How their names begin."""

    subjects: int
    """How many there are."""

    breaking: int
    """How many of them do not keep the level."""


class EstateJudged(Shape):
    """Which histories keep the level."""

    compatible: bool
    """Whether all of them do."""

    level: Level | None = None
    """The level asked for; none where each was held to its own."""

    subjects: int
    """Histories judged."""

    versions: int
    """Versions in them."""

    keeping: int
    """Histories that keep the level."""

    in_force: dict[str, int]
    """Subjects by the level in force."""

    would_keep: dict[str, int]
    """Subjects whose whole history keeps a level, by level."""

    prefixes: tuple[PrefixRow, ...]
    """By the beginning of names, the most broken first: at most 20."""

    histories: tuple[HistoryRow, ...]
    """A page of histories, by name."""

    total: int
    """How many rows there are."""

    file: str | None = None
    """The file with all rows."""

    source: str
    """Where they were read."""

    next: str = ""
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""

    @property
    def exit_code(self) -> int:
        return 0 if self.compatible else 4


@tool(scope=Scope.READ, effect=Effect.READS)
async def check_compatibility_bulk(workspace: Workspace, request: CheckCompatibilityBulk) -> EstateJudged:
    """Check the histories of many subjects offline: which keep a level, which break it, where first; as CSV or JSON."""
    registry = workspace.registry(request.registry) if request.source == "registry" else None
    side = Side(registry.name if registry else "the store", workspace.store, registry)
    judged = await estate.judge_all(side, _selection(request), workspace.report)
    rows = [_row(one, request.level) for one in judged if not (request.breaking_only and one.keeps(request.level))]
    file = await _written(workspace, request.to_file, side.name, rows) if request.to_file else None
    query = f"estate {request.model_dump_json(exclude={'cursor', 'limit', 'to_file'})}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    seen = estate.overview(judged, request.level)
    return EstateJudged(
        compatible=seen.keeping == seen.subjects,
        level=request.level,
        subjects=seen.subjects,
        versions=seen.versions,
        keeping=seen.keeping,
        in_force=_by_level(seen.in_force),
        would_keep=_by_level(seen.kept),
        prefixes=tuple(_prefixes(seen)),
        histories=tuple(cut.items),
        total=cut.total,
        file=file,
        source=side.name,
        next="analyze_evolution tells one history version by version." if rows else "",
        cursor=cut.cursor,
    )


def _selection(request: CheckCompatibilityBulk) -> Selection:
    context = parse_context(request.context) if request.context else None
    return Selection(subjects_of(request.subjects, request.context), request.prefix, context)


def _by_level(counts: Any) -> dict[str, int]:
    return {level: counts[level] for level in Level if counts.get(level)}


def _prefixes(seen: estate.Overview) -> Iterator[PrefixRow]:
    worst_first = sorted(seen.prefixes.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    for prefix, (subjects, breaking) in worst_first[:_MOST_PREFIXES]:
        yield PrefixRow(prefix=prefix, subjects=subjects, breaking=breaking)


def _row(one: Judged, level: Level | None) -> HistoryRow:
    breaks = one.breaks(level)
    return HistoryRow(
        subject=one.subject.name,
        context=shown_context(one.subject.context),
        schema_type=one.type,
        versions=one.chart.versions,
        in_force=one.judge.level,
        keeps=one.keeps(level),
        strictest=None if _problem(one) else one.chart.kept[0],
        breaks=len(breaks),
        at_version=breaks[0].number if breaks else None,
        first=first_of(breaks[0]) if breaks else None,
        problem=_problem(one),
    )


def first_of(clash: Clash) -> Break:
    """The first reason of a clash."""
    return break_of(clash.comparison, clash.comparison.breaks[0])


def _problem(one: Judged) -> str | None:
    told = [one.problem] if one.problem else []
    told += [f"version {number} is no valid schema: {why}" for number, why in one.chart.unreadable.items()]
    return "; ".join(told)[:500] or None


async def _written(workspace: Workspace, form: Literal["csv", "json"], side: str, rows: Sequence[HistoryRow]) -> str:
    text = _csv(rows) if form == "csv" else json.dumps([_flat(row) for row in rows], indent=2) + "\n"
    name = f"compatibility-{side.removeprefix('the ')}-{workspace.clock():%Y%m%dT%H%M%SZ}.{form}"
    done = await export.into_folder(export.exported(name, text), workspace.exports)
    return str(done.path)


def _csv(rows: Sequence[HistoryRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    columns = [name for name in HistoryRow.model_fields if name != "first"] + ["path", "reason"]
    writer.writerow(columns)
    for row in rows:
        flat = _flat(row)
        writer.writerow([_cell(flat.get(column)) for column in columns])
    return out.getvalue()


def _flat(row: HistoryRow) -> dict[str, Any]:
    told = row.model_dump(mode="json", exclude={"first"})
    return told | {"path": row.first.path if row.first else None, "reason": row.first.message if row.first else None}


def _cell(value: Any) -> Any:
    """What a spreadsheet would take for a formula is marked as text: names come from registries."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
