"""Look at many versions of a registry with few requests: one by one where they are few, else in one listing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import Subject, Version
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services.together import each

Found: TypeAlias = dict[Place, Version]
"""What a registry holds at certain places; what it does not hold is missing."""

_FEW = 20


@dataclass(frozen=True, slots=True)
class Glance:
    """What stands at some places of a registry, soft-deleted versions too, and which numbers their subjects have."""

    versions: Found
    numbers: Mapping[Subject, Collection[int]]

    def is_new(self, subject: Subject) -> bool:
        return not self.numbers.get(subject)


async def glance(registry: Registry, places: Collection[Place]) -> Glance:
    """What stands where something is to be written."""
    deleted = Capability.SOFT_DELETE in registry.capabilities
    if len(places) > _FEW:
        return await _listed(registry, places, deleted=deleted)
    subjects = sorted({subject for subject, _ in places})
    numbers = dict(zip(subjects, await each(subjects, lambda one: numbers_of(registry, one)), strict=True))
    there = [(subject, number) for subject, number in places if number in numbers[subject]]
    return Glance(await versions_at(registry, there, deleted=deleted), numbers)


async def numbers_of(registry: Registry, subject: Subject) -> list[int]:
    """The numbers a subject has, soft-deleted ones too."""
    return await registry.numbers(subject, deleted=Capability.SOFT_DELETE in registry.capabilities)


async def versions_at(registry: Registry, places: Collection[Place], *, deleted: bool = False) -> Found:
    """The versions at these places."""
    if len(places) > _FEW:
        return (await _listed(registry, places, deleted=deleted)).versions
    asked = list(places)
    answers = await each(asked, lambda place: registry.version(*place, deleted=deleted))
    return {place: version for place, version in zip(asked, answers, strict=True) if version}


async def users_of(registry: Registry, place: Place) -> set[Place]:
    """What live versions reference this one; a soft-deleted version, which nothing live can use, has none."""
    try:
        ids = await registry.referrers(*place)
    except NotFoundError:
        return set()
    holders = await each(ids, lambda one: registry.holders(one, context=place[0].context))
    return {holder for some in holders for holder in some}


async def _listed(registry: Registry, places: Collection[Place], *, deleted: bool) -> Glance:
    wanted, subjects = set(places), {subject for subject, _ in places}
    contexts = {subject.context for subject in subjects}
    versions: Found = {}
    numbers: dict[Subject, set[int]] = {subject: set() for subject in subjects}
    async for version in registry.versions(
        context=contexts.pop() if len(contexts) == 1 else None,
        prefix=_shared([subject.name for subject in subjects]),
        deleted=deleted,
    ):
        if version.subject in numbers:
            numbers[version.subject].add(version.number)
        if (version.subject, version.number) in wanted:
            versions[version.subject, version.number] = version
    return Glance(versions, numbers)


def _shared(names: Collection[str]) -> str:
    """What all names begin with."""
    pairs = zip(min(names), max(names), strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
