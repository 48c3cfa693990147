"""Two registries, or two contexts, side by side: read in bulk, kept as digests, so that size does not matter.

Both sides are listed once. Texts that differ are looked at again, to tell spelling from content: a few one by one,
many in a second listing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from anyio import to_thread

from schema_mcp.domain.comparison import Difference, Facets, differences, facets, told_apart
from schema_mcp.domain.comparison import Side as Held
from schema_mcp.domain.drift import Held as HeldVersion
from schema_mcp.domain.drift import Kind
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Schema, Subject, Version
from schema_mcp.registries.contract import Registry
from schema_mcp.services.digests import spelling_digest
from schema_mcp.services.ground import Report
from schema_mcp.services.together import each

_FEW = 6
"""So many differing contents are read one by one; for more, another listing costs less."""

_TOLD_EVERY = 1_000
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class End:
    """One side: a registry, or one context of it."""

    registry: Registry
    context: str | None = None

    def known_as(self, subject: Subject) -> Subject:
        """The subject as both sides call it: without its context, where one context is compared with one."""
        return subject if self.context is None else Subject(subject.name)

    def place(self, known: Subject) -> Subject:
        """The subject as it is called here."""
        return known if self.context is None else Subject(known.name, self.context)


@dataclass(frozen=True, slots=True)
class Size:
    """How much one side holds."""

    subjects: int
    versions: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every difference, sorted, and exact counts, in versions and in whole subjects."""

    differences: Sequence[Difference]
    source: Size
    target: Size

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many versions differ, by kind."""
        counted = Counter[Kind]()
        for one in self.differences:
            counted[one.kind] += one.versions
        return counted

    def subjects(self, kind: Kind) -> int:
        """How many whole subjects are missing, or extra."""
        return sum(one.kind is kind and one.number == 0 for one in self.differences)


@dataclass(slots=True)
class _Progress:
    report: Report
    done: int = field(default=0)

    async def read(self, registry: str) -> None:
        self.done += 1
        if self.done % _TOLD_EVERY == 0:
            await self.report(self.done, None, f"{self.done:,} versions read, now of {registry}")


async def compare(source: End, target: End, prefix: str, report: Report) -> Comparison:
    """Where the live versions of two sides differ. Raises `RegistryError` where a side does not answer."""
    if (source.registry.name, source.context) == (target.registry.name, target.context):
        raise InvalidRequestError("Both sides are the same", hint="Name two registries, or two contexts.")
    progress = _Progress(report)
    here, there = await each([source, target], lambda end: _held(end, prefix, progress))
    found = await to_thread.run_sync(lambda: list(differences(here, there)))
    contents = {(one.subject, one.number) for one in found if one.kind is Kind.CONTENT}
    ours, theirs = await each([source, target], lambda end: _facets(end, prefix, contents, progress))
    exact = await to_thread.run_sync(lambda: [_exact(one, ours, theirs) for one in found])
    return Comparison(exact, _size(here), _size(there))


async def _held(end: End, prefix: str, progress: _Progress) -> Held:
    held: Held = {}
    async for version in end.registry.versions(context=end.context, prefix=prefix):
        digest = schema_hash(version.schema)
        held.setdefault(end.known_as(version.subject), {})[version.number] = HeldVersion(version.id, digest)
        await progress.read(end.registry.name)
    return held


def _size(held: Held) -> Size:
    return Size(len(held), sum(map(len, held.values())))


_Facets: TypeAlias = dict[Place, Facets]


async def _facets(end: End, prefix: str, wanted: AbstractSet[Place], progress: _Progress) -> _Facets:
    """What the contents in question are, on one side."""
    if len(wanted) <= _FEW:
        read = await each(sorted(wanted), lambda place: end.registry.version(end.place(place[0]), place[1]))
        return await to_thread.run_sync(_told, end, [version for version in read if version])
    told: _Facets = {}
    batch: list[Version] = []
    async for version in end.registry.versions(context=end.context, prefix=prefix):
        await progress.read(end.registry.name)
        if (end.known_as(version.subject), version.number) in wanted:
            batch.append(version)
        if len(batch) == _AT_ONCE:
            told |= await to_thread.run_sync(_told, end, batch)
            batch = []
    return told | await to_thread.run_sync(_told, end, batch)


def _told(end: End, versions: Sequence[Version]) -> _Facets:
    return {(end.known_as(one.subject), one.number): _facets_of(one.schema) for one in versions}


def _facets_of(schema: Schema) -> Facets:
    return facets(schema, spelling_digest(schema))


def _exact(one: Difference, ours: _Facets, theirs: _Facets) -> Difference:
    place = (one.subject, one.number)
    here, there = ours.get(place), theirs.get(place)
    # A version that went away between two readings stays what it was called first.
    if one.kind is not Kind.CONTENT or here is None or there is None:
        return one
    return told_apart(one, here, there)
