"""Move subjects from one registry to another, ids, versions and order kept: plan it, as data."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from anyio import to_thread

from schema_mcp.domain.drift import Held, Snapshot
from schema_mcp.domain.engine import canonical
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError, NotFoundError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.plan import Action, Blocked, Plan, Step, in_order
from schema_mcp.domain.references import Place, in_reference_order
from schema_mcp.domain.schema import Subject, Version
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services import snapshots
from schema_mcp.services.deployment import IMPORT_WARNING
from schema_mcp.services.glances import versions_at
from schema_mcp.services.resolution import in_registry, whole
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each


class Clash(StrEnum):
    """What the target holds where a version wants to go."""

    FREE = "free"
    SAME = "same content"
    VERSION_TAKEN = "version holds other content"
    ID_TAKEN = "id belongs to other content"
    SOFT_DELETED = "a soft-deleted version is in the way"
    GAP = "without its id it would get another number"
    BEYOND = "the target's product would refuse it or lose a part of it"
    REFERENCE = "references what is neither moved nor on the target"


@dataclass(frozen=True, slots=True)
class Migration:
    """A plan, with what it met on the target: each version's clash, and how many of each."""

    plan: Plan
    clashes: Mapping[Clash, int]
    subjects: int
    versions: int


async def plan(source: Registry, target: Registry, selection: Selection, *, keep_ids: bool = True) -> Migration:
    """What has to happen so that the target holds the selected subjects as the source does. Reads only.

    Raises `InvalidRequestError` for a source that is the target or ids that the target cannot keep, `NotFoundError`
    when the source holds nothing of what was asked for.
    """
    if source.name == target.name:
        raise InvalidRequestError(f"{source.name} is both source and target", hint="Name two registries.")
    here, there = await each([source, target], lambda registry: _held(registry, selection))
    _check_ids(target, keep_ids=keep_ids)  # what a product can do is known once it has answered
    if not here.versions:
        raise NotFoundError(
            f"{source.name} has no subject of that selection", hint="list_subjects tells what is there."
        )
    places = _in_order(here)
    there = await _spelled_alike(source, target, here, there)
    clashes = await _clashes(target, places, here, there, keep_ids=keep_ids)
    steps = [
        _step(source.name, target.name, place, here, keep_ids=keep_ids)
        for place in places
        if clashes[place] is Clash.FREE
    ]
    rank = {(target.name, *place): index for index, place in enumerate(places)}
    return Migration(
        plan=Plan(
            kind="migration",
            request={"source": source.name, "target": target.name, "keep_ids": keep_ids, **selection.as_request()},
            commit="",
            observed={source.name: snapshots.digest(here), target.name: snapshots.digest(there)},
            steps=in_order(steps, rank),
            blocked=tuple(_blocked(target, clashes, here)),
            warnings=tuple(_warnings(steps, here, there, keep_ids=keep_ids)),
        ),
        clashes=Counter(clashes.values()),
        subjects=len(here.versions),
        versions=len(places),
    )


async def _held(registry: Registry, selection: Selection) -> Snapshot:
    return await snapshots.of_registry(
        registry, selection.wants, prefix=selection.listing, context=selection.listing_context
    )


def _check_ids(target: Registry, *, keep_ids: bool) -> None:
    problem = asks.refused(target, (Capability.KEEPS_IDS, Capability.MODES)) if keep_ids else ""
    if problem:
        raise InvalidRequestError(
            problem,
            hint="Call again with keep_ids: false (consumers of old records then need the source), or choose a target "
            "that has the mode IMPORT.",
        )


def _in_order(here: Snapshot) -> list[Place]:
    places = [(subject, number) for subject, many in here.versions.items() for number in many]
    return in_reference_order(places, lambda place: here.uses.get(place, ()))


async def _spelled_alike(source: Registry, target: Registry, here: Snapshot, there: Snapshot) -> Snapshot:
    """The target's snapshot, with the source's digest where the two differ in nothing but spelling.

    A registry may give texts out that are not canonical.
    """
    suspects = [
        (subject, number)
        for subject, numbers in here.versions.items()
        for number, held in numbers.items()
        if (other := there.versions.get(subject, {}).get(number)) and other.digest != held.digest
    ]
    ours, theirs = await versions_at(source, suspects), await versions_at(target, suspects)
    versions = {subject: dict(numbers) for subject, numbers in there.versions.items()}
    for place in ours.keys() & theirs.keys():
        subject, number = place
        if await _canonical_hash(source, ours[place]) == await _canonical_hash(target, theirs[place]):
            versions[subject][number] = replace(versions[subject][number], digest=here.versions[subject][number].digest)
    return replace(there, versions=versions)


async def _canonical_hash(registry: Registry, version: Version) -> str:
    try:
        complete = await whole(version.schema, version.subject, [in_registry(registry)])
        return schema_hash(await to_thread.run_sync(canonical, complete))
    except InvalidSchemaError:
        return schema_hash(version.schema)


async def _clashes(
    target: Registry, places: Sequence[Place], here: Snapshot, there: Snapshot, *, keep_ids: bool
) -> dict[Place, Clash]:
    """What the target holds where each version wants to go; what uses something that cannot go stays, too."""
    found = {place: _clash(place, here, there, keep_ids=keep_ids) for place in places}
    free = [place for place in places if found[place] is Clash.FREE]
    found |= {place: Clash.BEYOND for place in free if asks.refused(target, _asked(place, here))}
    free = [place for place in free if found[place] is Clash.FREE]
    if keep_ids:
        taken = await _taken_ids(target, free, here)
        found |= dict.fromkeys(taken, Clash.ID_TAKEN)
    else:
        found |= dict.fromkeys(_gaps(free, there), Clash.GAP)
    standing = {place for place in places if found[place] in (Clash.FREE, Clash.SAME)}
    for place in places:  # in reference order: whatever one uses was decided before
        for used in here.uses.get(place, ()):
            if found[place] is Clash.FREE and used not in standing and not await _is_there(target, used, there):
                found[place] = Clash.REFERENCE
                standing.discard(place)
    return found


def _clash(place: Place, here: Snapshot, there: Snapshot, *, keep_ids: bool) -> Clash:
    subject, number = place
    wanted = here.versions[subject][number]
    live, deleted = there.versions.get(subject, {}).get(number), there.deleted.get(subject, {}).get(number)
    if live is not None:
        return Clash.SAME if _is_same(wanted, live, keep_ids=keep_ids) else Clash.VERSION_TAKEN
    if deleted is not None and not _is_same(wanted, deleted, keep_ids=keep_ids):
        return Clash.SOFT_DELETED
    return Clash.FREE


def _asked(place: Place, here: Snapshot) -> Iterator[Capability]:
    """What a version asks of the registry it goes to."""
    yield from asks.of_name(place[0])
    if place in here.uses:
        yield Capability.REFERENCES
    if place in here.metadata:
        yield Capability.METADATA
    if place in here.rules:
        yield Capability.RULES


async def _taken_ids(target: Registry, places: Sequence[Place], here: Snapshot) -> list[Place]:
    """Places whose id stands for other content on the target; ids above the highest there need no question."""
    contexts = sorted({subject.context for subject, _ in places})
    highest = dict(zip(contexts, await each(contexts, lambda one: target.highest_id(context=one)), strict=True))

    async def is_taken(place: Place) -> bool:
        subject, number = place
        wanted = here.versions[subject][number]
        if wanted.id > highest[subject.context]:
            return False
        bound = await target.schema(wanted.id, context=subject.context)
        return bound is not None and schema_hash(bound) != wanted.digest

    return [place for place, taken in zip(places, await each(places, is_taken), strict=True) if taken]


def _gaps(places: Sequence[Place], there: Snapshot) -> Iterator[Place]:
    """Places that a registry, which numbers in a row, would not give their number."""
    last: dict[Subject, int] = {}
    for subject, number in sorted(places):
        known = [*there.versions.get(subject, {}), *there.deleted.get(subject, {}), 0]
        expected = last.get(subject, max(known)) + 1
        if number == expected:
            last[subject] = number
        else:
            yield subject, number


async def _is_there(target: Registry, place: Place, there: Snapshot) -> bool:
    subject, number = place
    return number in there.versions.get(subject, {}) or await target.version(subject, number) is not None


def _is_same(wanted: Held, found: Held, *, keep_ids: bool) -> bool:
    return wanted.digest == found.digest and (not keep_ids or wanted.id == found.id)


def _step(source: str, target: str, place: Place, here: Snapshot, *, keep_ids: bool) -> Step:
    subject, number = place
    held = here.versions[subject][number]
    return Step(
        target,
        Action.REGISTER,
        subject,
        reason=f"{target} lacks version {number} of {source}",
        number=number,
        id=held.id if keep_ids else 0,
        digest=held.digest,
        origin=f"registry:{source}",
    )


_WAYS_OUT: Mapping[Clash, str] = {
    Clash.VERSION_TAKEN: "Move the subject into another context, or delete it on the target first.",
    Clash.ID_TAKEN: "Ids never move: use another context on the target, or keep_ids: false.",
    Clash.SOFT_DELETED: "Delete that version permanently on the target first.",
    Clash.GAP: "Keep ids, with which numbers are kept, too; without them a registry numbers in a row.",
    Clash.BEYOND: "Choose a target that can; the page about capabilities tells which.",
    Clash.REFERENCE: "Move what it references as well.",
}


def _blocked(target: Registry, clashes: Mapping[Place, Clash], here: Snapshot) -> Iterator[Blocked]:
    for place, clash in clashes.items():
        if clash in _WAYS_OUT:
            beyond = asks.refused(target, _asked(place, here)) if clash is Clash.BEYOND else ""
            yield Blocked(target.name, place[0], beyond or clash.value, _WAYS_OUT[clash], place[1])


def _warnings(steps: Sequence[Step], here: Snapshot, there: Snapshot, *, keep_ids: bool) -> Iterator[str]:
    if steps and keep_ids:
        yield IMPORT_WARNING
    if any(step.subject in there.versions for step in steps):
        yield "Some subjects exist on the target already: what is moved beside their versions is not proved compatible."
    if steps and not keep_ids:
        yield "Ids are not kept: records written with the source's ids cannot be read through the target."
    if here.deleted:
        count = sum(len(versions) for versions in here.deleted.values())
        yield f"{count} soft-deleted versions of the source are not moved."
    if steps:
        contexts = sorted({shown_context(step.subject.context) for step in steps})
        yield f"Settings (levels, modes) of the source are not moved. Contexts touched: {', '.join(contexts)}."
