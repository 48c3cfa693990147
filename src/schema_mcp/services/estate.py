"""The histories of many subjects at once, and the levels that they keep: read in bulk, judged off the event loop."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from anyio import to_thread

from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.history import Chart, Clash, chart
from schema_mcp.domain.schema import Level, SchemaType, Subject, Version
from schema_mcp.services.ground import Report
from schema_mcp.services.judgement import Judge, Side
from schema_mcp.services.resolution import Finder, whole
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each

_AT_ONCE: Final = 25
"""Subjects that one thread judges before it tells how far it came."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject's history: its chart, and what is in force for it."""

    subject: Subject
    type: SchemaType
    judge: Judge
    chart: Chart
    problem: str = ""
    """Why the history could not be judged, where a reference is missing or runs in a circle."""

    def breaks(self, level: Level | None) -> list[Clash]:
        """What stands in the way of a level; of the one in force when none is named."""
        return self.chart.breaks(level or self.judge.level)

    def keeps(self, level: Level | None) -> bool:
        """Would every version have been taken at that level? Never true of what could not be judged."""
        return not (self.problem or self.chart.unreadable or self.breaks(level))


@dataclass(frozen=True, slots=True)
class Overview:
    """An estate in numbers."""

    subjects: int
    versions: int
    keeping: int
    in_force: Mapping[Level, int]
    kept: Mapping[Level, int]
    """How many subjects keep each level over their whole history."""

    prefixes: Mapping[str, tuple[int, int]]
    """Subjects by the beginning of their names: how many, and how many of them do not keep the level."""


async def judge_all(side: Side, selection: Selection, report: Report) -> list[Judged]:
    """Every selected subject's history, judged; by subject.

    Asks for one bulk listing, and for each subject's configuration. Raises `RegistryError`.
    """
    histories = await _histories(side, selection)
    subjects = sorted(histories)
    judged: list[Judged] = []
    for start in range(0, len(subjects), _AT_ONCE):
        some = [await _read(side, histories, subject) for subject in subjects[start : start + _AT_ONCE]]
        judges = await each([one.subject for one in some], side.judge)
        judged += await to_thread.run_sync(_judged, some, judges)
        await report(len(judged), len(subjects), f"{len(judged):,} of {len(subjects):,} subjects")
    return judged


async def latest(side: Side, selection: Selection) -> dict[Subject, Whole]:
    """The latest version of every selected subject; those whose references cannot be found are left out."""
    histories = await _histories(side, selection)
    found: dict[Subject, Whole] = {}
    for subject in sorted(histories):
        read = await _read(side, histories, subject, above=max(histories[subject]) - 1)
        if not read.problem:
            found[subject] = read.versions[-1]
    return found


def overview(judged: Sequence[Judged], level: Level | None) -> Overview:
    """Count what was judged."""
    prefixes: dict[str, tuple[int, int]] = {}
    for one in judged:
        beginning = beginning_of(one.subject)
        subjects, breaking = prefixes.get(beginning, (0, 0))
        prefixes[beginning] = (subjects + 1, breaking + (not one.keeps(level)))
    return Overview(
        subjects=len(judged),
        versions=sum(one.chart.versions for one in judged),
        keeping=sum(one.keeps(level) for one in judged),
        in_force=Counter(one.judge.level for one in judged),
        kept=Counter(kept for one in judged if one.keeps(Level.NONE) for kept in one.chart.kept),
        prefixes=prefixes,
    )


def beginning_of(subject: Subject) -> str:
    """What comes before the first separator of a name: `orders` of `orders-value` and of `orders.paid`."""
    return re.split(r"[-._/]", subject.name, maxsplit=1)[0] or subject.name


@dataclass(frozen=True, slots=True)
class _History:
    subject: Subject
    versions: Sequence[Whole]
    problem: str = ""


Listed: TypeAlias = Mapping[Subject, Mapping[int, Version]]
"""Live versions by subject and number, as one listing gave them."""


async def _histories(side: Side, selection: Selection) -> Listed:
    found: dict[Subject, dict[int, Version]] = {}
    if side.registry is None:
        await side.store.refresh()
        for subject in side.store.subjects():
            if selection.wants(subject):
                live = [stored.version for stored in side.store.history(subject) if not stored.version.deleted]
                found[subject] = {version.number: version for version in live}
    else:
        listing = side.registry.versions(context=selection.listing_context, prefix=selection.listing)
        async for version in listing:
            if selection.wants(version.subject):
                found.setdefault(version.subject, {})[version.number] = version
    return {subject: versions for subject, versions in found.items() if versions}


async def _read(side: Side, histories: Listed, subject: Subject, *, above: int = 0) -> _History:
    """A history with its references; what was listed is not asked for again."""
    finders = [_in_listing(histories), *side.finders]
    versions: list[Whole] = []
    try:
        for number, version in sorted(item for item in histories[subject].items() if item[0] > above):
            versions.append(await whole(version.schema, subject, finders, number=number))
    except InvalidSchemaError as error:
        return _History(subject, versions, str(error))
    return _History(subject, versions)


def _in_listing(histories: Listed) -> Finder:
    async def find(subject: Subject, number: int) -> Version | None:
        versions = histories.get(subject, {})
        return versions.get(number if number > 0 else max(versions, default=0))

    return find


def _judged(histories: Sequence[_History], judges: Sequence[Judge]) -> list[Judged]:
    return list(map(_one, histories, judges))


def _one(history: _History, judge: Judge) -> Judged:
    schemas = [version.schema for version in history.versions]
    drawn = chart(history.versions, judge.rules, group=judge.group)
    return Judged(history.subject, schemas[-1].type if schemas else SchemaType.AVRO, judge, drawn, history.problem)
