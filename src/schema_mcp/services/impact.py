"""Who is affected by a change: the users of a subject, directly or not, in every registry."""

from collections.abc import Sequence
from dataclasses import dataclass

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services import graph
from schema_mcp.services.judgement import Side
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore


@dataclass(frozen=True, slots=True)
class Affected:
    """One version that uses what changes; `through` is what it references itself, and `is_latest` whether its
    subject has nothing newer."""

    registry: str
    place: Place
    id: int
    depth: int
    through: Place
    is_latest: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """What one registry has of the changed subject, and who uses it there."""

    registry: str
    versions: tuple[int, ...]
    affected: tuple[Affected, ...] = ()
    is_cut: bool = False

    @property
    def subjects(self) -> int:
        """How many other subjects are affected."""
        return len({one.place[0] for one in self.affected})


async def analyze(
    registries: Sequence[Registry], store: SchemaStore, subject: Subject, number: int | None, depth: int
) -> list[Reach]:
    """The reach of a change to a version (or, without a number, to any version) in each registry.

    Raises `RegistryError` for a registry that does not answer, `NotFoundError` where none has the subject.
    """
    found = await each(registries, lambda registry: _reach(registry, store, subject, number, depth))
    if not any(reach.versions for reach in found):
        what = f"version {number} of {subject}" if number else f"subject {subject}"
        names = ", ".join(registry.name for registry in registries)
        raise NotFoundError(f"No registry has {what} (asked: {names})", hint="list_subjects tells what is there.")
    return found


async def _reach(registry: Registry, store: SchemaStore, subject: Subject, number: int | None, depth: int) -> Reach:
    numbers = [one for one in await registry.numbers(subject) if number in (None, one)]
    if not numbers or Capability.REFERENCES not in registry.capabilities:
        return Reach(registry.name, tuple(numbers))
    side = Side(registry.name, store, registry)
    starts = await each(numbers, lambda one: side.version(subject, one))
    walked = await graph.users(side, starts, depth)
    others = sorted({place[0] for place in walked.nodes} - {subject})
    latest = await _latest(registry, others)
    through: dict[Place, Place] = {}
    for edge in walked.edges:
        through.setdefault(edge.user, edge.used)
    return Reach(
        registry.name,
        tuple(numbers),
        tuple(
            Affected(
                registry.name,
                place,
                node.id,
                node.depth,
                through[place],
                is_latest=place[1] == latest.get(place[0], 0),
            )
            for place, node in sorted(walked.nodes.items(), key=lambda one: (one[1].depth, one[0]))
            if node.depth
        ),
        walked.is_cut,
    )


async def _latest(registry: Registry, subjects: Sequence[Subject]) -> dict[Subject, int]:
    """The newest number of each subject; of many, from one listing."""
    if len(subjects) > graph.MANY and Capability.BULK_LISTING in registry.capabilities:
        return {one.subject: one.number async for one in registry.versions(latest_only=True)}
    numbers = await each(subjects, registry.numbers)
    return {subject: max(found, default=0) for subject, found in zip(subjects, numbers, strict=True)}
