"""Move subjects from one registry to another, ids, versions and order kept: plan it, as data."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schema_mcp.domain.drift import Held, Snapshot
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.plan import Action, Blocked, Plan, Step, in_order
from schema_mcp.domain.references import Place, in_reference_order
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services import snapshots
from schema_mcp.services.deployment import IMPORT_WARNING
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each


class Clash(StrEnum):
    """What the target holds where a version wants to go."""

    FREE = "free"
    SAME = "same content"
    VERSION_TAKEN = "version holds other content"
    ID_TAKEN = "id belongs to other content"
    SOFT_DELETED = "a soft-deleted version is in the way"


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
    _check_ends(source, target, keep_ids=keep_ids)
    here, there = await each([source, target], lambda registry: _held(registry, selection))
    if not here.versions:
        raise NotFoundError(
            f"{source.name} has no subject of that selection", hint="list_subjects tells what is there."
        )
    places = _in_order(here)
    met = await each(places, lambda place: _clash(target, place, here, there, keep_ids=keep_ids))
    clashes = dict(zip(places, met, strict=True))
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
            blocked=tuple(_blocked(target.name, clashes)),
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


def _check_ends(source: Registry, target: Registry, *, keep_ids: bool) -> None:
    if source.name == target.name:
        raise InvalidRequestError(f"{source.name} is both source and target", hint="Name two registries.")
    if keep_ids and not {Capability.KEEPS_IDS, Capability.MODES} <= target.capabilities:
        raise InvalidRequestError(
            f"{target.name} cannot keep given ids",
            hint="Call again with keep_ids: false (consumers of old records then need the source), or choose a target "
            "that has the mode IMPORT.",
        )


def _in_order(here: Snapshot) -> list[Place]:
    places = [(subject, number) for subject, many in here.versions.items() for number in many]
    return in_reference_order(places, lambda place: here.uses.get(place, ()))


async def _clash(target: Registry, place: Place, here: Snapshot, there: Snapshot, *, keep_ids: bool) -> Clash:
    subject, number = place
    wanted = here.versions[subject][number]
    live, deleted = there.versions.get(subject, {}).get(number), there.deleted.get(subject, {}).get(number)
    if live is not None:
        return Clash.SAME if _is_same(wanted, live, keep_ids=keep_ids) else Clash.VERSION_TAKEN
    if deleted is not None and not _is_same(wanted, deleted, keep_ids=keep_ids):
        return Clash.SOFT_DELETED
    if keep_ids:
        bound = await target.schema(wanted.id, context=subject.context)
        if bound is not None and schema_hash(bound) != wanted.digest:
            return Clash.ID_TAKEN
    return Clash.FREE


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
}


def _blocked(target: str, clashes: Mapping[Place, Clash]) -> Iterator[Blocked]:
    for (subject, number), clash in clashes.items():
        if clash in _WAYS_OUT:
            yield Blocked(target, subject, clash.value, _WAYS_OUT[clash], number)


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
