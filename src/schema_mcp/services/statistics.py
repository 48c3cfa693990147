"""What a registry holds, in numbers: counted from one bulk listing, keeping names and counts and no text."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from schema_mcp.domain.references import Place, used_by
from schema_mcp.domain.schema import SchemaType, Subject, Version
from schema_mcp.registries.contract import Capability, Registry, level_of
from schema_mcp.services.ground import Report
from schema_mcp.services.together import each

LEVELS_ASKED = 1_000
"""Subjects asked for their own level unless the caller wants more: registries list no levels."""

INHERITED = "inherited"
_TOLD_EVERY = 1_000
_TOP = 10


@dataclass(frozen=True, slots=True)
class Levels:
    """Own levels of subjects, and of how many subjects nobody asked."""

    counts: Counter[str]
    unasked: int


@dataclass(slots=True)
class Statistics:
    """Counts of versions; a version is live unless it is said to be soft-deleted."""

    types: Counter[SchemaType] = field(default_factory=Counter[SchemaType])
    versions: Counter[Subject] = field(default_factory=Counter[Subject])
    references: Counter[Place] = field(default_factory=Counter[Place])
    """How many versions use each place."""

    soft_deleted: int = 0
    characters: int = 0
    with_references: int = 0
    with_metadata: int = 0
    with_rules: int = 0
    ids: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    largest: list[tuple[int, Subject, int]] = field(default_factory=list[tuple[int, Subject, int]])
    """Characters, subject and number of the largest texts, largest first."""

    def count(self, version: Version) -> None:
        """Take one version in."""
        if version.deleted:
            self.soft_deleted += 1
            return
        schema = version.schema
        self.types[schema.type] += 1
        self.versions[version.subject] += 1
        self.references.update(set(used_by(version)))
        self.characters += len(schema.text)
        self.with_references += bool(schema.references)
        self.with_metadata += schema.metadata is not None
        self.with_rules += schema.rule_set is not None
        self.ids.add((version.subject.context, version.id))
        size = (len(schema.text), version.subject, version.number)
        keep = heapq.heappush if len(self.largest) < _TOP else heapq.heappushpop
        keep(self.largest, size)

    @property
    def contexts(self) -> Counter[str]:
        """Subjects per context."""
        return Counter(subject.context for subject in self.versions)


async def of(registry: Registry, *, context: str | None, prefix: str, report: Report) -> Statistics:
    """Count everything a registry holds, or the part that was asked for."""
    counted, read = Statistics(), 0
    deleted = Capability.SOFT_DELETE in registry.capabilities
    async for version in registry.versions(context=context, prefix=prefix, deleted=deleted):
        counted.count(version)
        read += 1
        if read % _TOLD_EVERY == 0:
            await report(read, None, f"{read:,} versions of {registry.name} read")
    counted.largest.sort(key=lambda one: (-one[0], str(one[1]), one[2]))
    return counted


async def levels(registry: Registry, subjects: Sequence[Subject], most: int) -> Levels:
    """How many subjects have which level of their own; asks at most so many."""
    asked = sorted(subjects, key=str)[:most] if Capability.CONFIG in registry.capabilities else []
    configs = await each(asked, registry.config)
    return Levels(Counter(level_of(config) or INHERITED for config in configs), len(subjects) - len(asked))


def top(counts: Counter[Place]) -> list[tuple[Place, int]]:
    """The most used places, most first, in a stable order."""
    return sorted(counts.items(), key=lambda one: (-one[1], str(one[0][0]), one[0][1]))[:_TOP]


def most_versions(counts: Counter[Subject]) -> list[tuple[Subject, int]]:
    """The subjects with the most versions, most first, in a stable order."""
    return sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))[:_TOP]
