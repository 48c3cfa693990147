"""Would the target's own rules take what is moved? IMPORT switches its check off, so it is made here, offline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from anyio import to_thread

from schema_mcp.domain import compatibility
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Subject, Version
from schema_mcp.registries.contract import Registry
from schema_mcp.services.glances import versions_at
from schema_mcp.services.judgement import Judge, judge_of
from schema_mcp.services.migration_clashes import Ends
from schema_mcp.services.resolution import in_registry, whole
from schema_mcp.services.together import each


async def breaks(ends: Ends, places: Sequence[Place]) -> dict[Place, str]:
    """Which versions do not follow those before them, by the level that is in force on the target, and why.

    What comes after such a version in its subject is held against it all the same.
    """
    subjects = sorted({subject for subject, _ in places})
    found = await each(
        subjects, lambda subject: _of_subject(ends, subject, [one for one in places if one[0] == subject])
    )
    return {place: why for some in found for place, why in some.items()}


async def _of_subject(ends: Ends, subject: Subject, places: Sequence[Place]) -> Mapping[Place, str]:
    judge = judge_of(ends.target.name, await ends.target.config(subject, inherited=True))
    standing = [(subject, number) for number in ends.there.versions.get(subject, {})]
    old = await versions_at(ends.target, standing)
    new = await versions_at(ends.source, [ends.cargo.source_of(place) for place in places])
    wholes = [
        *[await _whole(one, ends.target) for one in old.values()],
        *[await _whole(one, ends.source) for one in new.values()],
    ]
    numbers = {number for _, number in places}
    said = await to_thread.run_sync(lambda: dict(_said(wholes, numbers, judge)))
    return {(subject, number): why for number, why in said.items()}


async def _whole(version: Version, registry: Registry) -> Whole:
    complete = await whole(version.schema, version.subject, [in_registry(registry)], number=version.number)
    return replace(complete, number=version.number)


def _said(wholes: Sequence[Whole], numbers: set[int], judge: Judge) -> Iterator[tuple[int, str]]:
    for new in wholes:
        if new.number in numbers:
            before = sorted((old for old in wholes if old.number < new.number), key=lambda old: old.number)
            outcome = compatibility.check(new, before, judge.level, judge.rules, group=judge.group)
            if not outcome.compatible:
                comparison, difference = outcome.breaks[0]
                yield new.number, f"by {judge.level}, with version {comparison.number}: {difference.plain}"
