"""Move subjects from one registry or context to another, ids, versions and order kept: plan it, as data.

`steps.carry_out` does it, as it does a deployment. What the target holds where each version wants to go, and what would
be lost on the way, is told before anything is written. See decisions/0020.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from schema_mcp.domain.drift import Snapshot
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.plan import Action, Plan, Step, in_order
from schema_mcp.domain.references import Place, in_reference_order
from schema_mcp.domain.schema import Subject
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import migration_proof, migration_settings, snapshots
from schema_mcp.services import selection as selections
from schema_mcp.services.acts import DELETED
from schema_mcp.services.deployment import IMPORT_WARNING
from schema_mcp.services.glances import users_of, versions_at
from schema_mcp.services.migration_clashes import (
    FINE,
    Clash,
    ClashMap,
    Ends,
    canonical_hash,
    clash_map,
    put_unreferenced,
)
from schema_mcp.services.migration_route import Cargo, Route, loaded
from schema_mcp.services.migration_settings import Settings
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each

__all__ = ["KIND", "Clash", "Manner", "Migration", "again", "keeps_ids", "plan", "request_of"]

KIND: Final = "migration"

_SET: Final = "with_settings"
"""The part of a plan's request that names, as [name, context], the subjects which had settings in the source."""

_KEEPING: Final = (Capability.KEEPS_IDS, Capability.MODES)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a migration may go: into another context, under another prefix; with soft-deleted versions, with levels and
    modes; only what is compatible with the target (`proven`); only certain versions, as (name, context, number)."""

    target_context: str | None = None
    target_prefix: str | None = None
    deleted: bool = False
    settings: bool = True
    proven: bool = False
    only: Sequence[Sequence[Any]] = ()


PLAIN: Final = Manner()


@dataclass(frozen=True, slots=True)
class Migration:
    """A plan, with what it met on the target: each version's clash, and how many of each."""

    plan: Plan
    clashes: Mapping[Clash, int]
    map: Sequence[tuple[Place, int, Clash, str]]
    """Each place on the target, the id that goes there, what was met, and its details; in reference order."""

    subjects: int
    versions: int


def keeps_ids(target: GuardedRegistry) -> bool:
    """Can the target keep ids? What a product can do is known once it has answered."""
    return target.capabilities >= {*_KEEPING}


def request_of(source: str, target: str, selection: Selection, manner: Manner) -> dict[str, Any]:
    """What was asked, as a plan repeats it."""
    rows = [list(one) for one in manner.only]
    return {"source": source, "target": target, **selection.as_request(), **asdict(manner), "only": rows}


async def again(fleet: Fleet, request: Mapping[str, Any]) -> Plan:
    """The plan that the same request makes now.

    Of settings, those are looked at again that the plan rests on: what it would not write needs no second look.
    """
    source, target = (fleet.get(request[end]) for end in ("source", "target"))
    manner = Manner(**{name: request[name] for name in asdict(PLAIN) if name in request})
    chosen = selections.from_request(request)
    seen = {Subject(name, context) for name, context in request[_SET]} if _SET in request else None
    return (await plan(source, target, chosen, keep_ids=request["keep_ids"], manner=manner, seen=seen)).plan


async def plan(
    source: GuardedRegistry,
    target: GuardedRegistry,
    selection: Selection,
    *,
    keep_ids: bool = True,
    manner: Manner = PLAIN,
    seen: Collection[Subject] | None = None,
) -> Migration:
    """What has to happen so that the target holds the selected subjects as the source does. Reads only.

    Where `seen` names subjects, as the target calls them, only their settings are carried, beside those of contexts.
    Raises `InvalidRequestError` for a source that is the target or ids that the target cannot keep, `NotFoundError`
    when the source holds nothing of what was asked for.
    """
    route = Route(selection.context, selection.prefix, manner.target_context, manner.target_prefix)
    _refuse_itself(source, target, route, selection)
    cargo, there = await _both(source, target, selection, route)
    _check_ids(target, keep_ids=keep_ids)
    places = _in_order(cargo.here, manner)
    if not places:
        raise NotFoundError(
            f"{source.name} has no subject of that selection", hint="list_subjects tells what is there."
        )
    ends = Ends(source, target, route, cargo, there, keep_ids)
    ends = replace(ends, there=await _spelled_alike(ends))
    clashes = await clash_map(ends, places)
    if manner.proven:
        clashes.put(Clash.INCOMPATIBLE, await migration_proof.breaks(ends, clashes.free()))
        await put_unreferenced(ends, clashes)
    settings = await _settings(ends, selection, clashes, manner, seen)
    steps = [*_version_steps(ends, clashes), *await _deletions(ends, clashes), *settings.steps]
    rank = {(target.name, *place): index for index, place in enumerate(places)}
    warnings = [*_warnings(ends, clashes, steps, manner), *settings.warnings]
    return Migration(
        plan=Plan(
            kind=KIND,
            request={
                **request_of(source.name, target.name, selection, manner),
                "keep_ids": keep_ids,
                _SET: [[one.name, one.context] for one in sorted(settings.wanted) if one.name],
            },
            commit="",
            observed=_observed(ends),
            steps=in_order(steps, rank),
            blocked=(*clashes.blocked(target.name), *settings.blocked),
            warnings=tuple(warnings),
        ),
        clashes=Counter(clashes.found.values()),
        map=[
            (place, ends.wanted(place).id, clash, clashes.why.get(place, "")) for place, clash in clashes.found.items()
        ],
        subjects=len({subject for subject, _ in places}),
        versions=len(places),
    )


def _refuse_itself(source: GuardedRegistry, target: GuardedRegistry, route: Route, selection: Selection) -> None:
    if source.name != target.name:
        return
    context = selection.context or next(iter({subject.context for subject in selection.subjects}), None)
    moves_context = route.target_context is not None and context not in (None, route.target_context)
    moves_names = bool(route.prefix) and route.target_prefix not in (None, route.prefix)
    if not moves_context and not moves_names:
        raise InvalidRequestError(
            f"{source.name} is both source and target",
            hint="Name two registries; or, within one, a context and another target_context, or a prefix and another "
            "target_prefix.",
        )


async def _both(
    source: GuardedRegistry, target: GuardedRegistry, selection: Selection, route: Route
) -> tuple[Cargo, Snapshot]:
    """What both ends hold, read at the same time."""
    found: dict[str, Any] = {}
    arriving = route.selection(selection)

    async def here() -> None:
        found["cargo"] = await loaded(source, selection, route)

    async def there() -> None:
        found["there"] = await snapshots.of_registry(
            target,
            arriving.wants,
            prefix=arriving.listing,
            context=arriving.listing_context,
            subjects=arriving.subjects,
        )

    readers: list[Callable[[], Awaitable[None]]] = [here, there]
    await each(readers, lambda read: read())
    return found["cargo"], found["there"]


def _check_ids(target: GuardedRegistry, *, keep_ids: bool) -> None:
    problem = asks.refused(target, _KEEPING) if keep_ids else ""
    if problem:
        raise InvalidRequestError(
            problem,
            hint="Call again with keep_ids: false (consumers of old records then need the source), or choose a target "
            "that has the mode IMPORT.",
        )


def _in_order(here: Snapshot, manner: Manner) -> list[Place]:
    sides = (here.versions, here.deleted) if manner.deleted else (here.versions,)
    only = {(Subject(name, context), number) for name, context, number in manner.only}
    places = [
        (subject, number)
        for side in sides
        for subject, many in side.items()
        for number in many
        if not only or (subject, number) in only
    ]
    return in_reference_order(places, lambda place: here.uses.get(place, ()))


async def _spelled_alike(ends: Ends) -> Snapshot:
    """The target's snapshot, with the source's digest where the two differ in nothing but spelling."""
    there = ends.there
    suspects = [
        (subject, number)
        for subject, numbers in ends.cargo.here.versions.items()
        for number, held in numbers.items()
        if (other := there.versions.get(subject, {}).get(number)) and other.digest != held.digest
    ]
    ours = await versions_at(ends.source, [ends.cargo.source_of(place) for place in suspects])
    theirs = await versions_at(ends.target, suspects)
    versions = {subject: dict(numbers) for subject, numbers in there.versions.items()}
    for place in suspects:
        mine, other = ours.get(ends.cargo.source_of(place)), theirs.get(place)
        if mine is None or other is None:
            continue
        digest = await canonical_hash(mine.schema, mine.subject, ends.source, ends.route)
        if digest == await canonical_hash(other.schema, other.subject, ends.target):
            subject, number = place
            versions[subject][number] = replace(versions[subject][number], digest=ends.wanted(place).digest)
    return replace(there, versions=versions)


async def _settings(
    ends: Ends, selection: Selection, clashes: ClashMap, manner: Manner, seen: Collection[Subject] | None
) -> Settings:
    staying = {subject for (subject, _), clash in clashes.found.items() if clash not in FINE}
    subjects = ends.cargo.subjects().items()
    moving = {one: source for one, source in subjects if one not in staying and (seen is None or one in seen)}
    settings = await migration_settings.carried(ends, selection, moving) if manner.settings else Settings()
    if not ends.keep_ids and not manner.proven and Capability.CONFIG in ends.target.capabilities:
        breaking = await migration_proof.breaks(ends, clashes.free())
        settings.steps += await migration_settings.opened(ends, settings, list(breaking))
    if clashes.free():
        settings.warnings += await migration_settings.other_levels(ends, settings.steps)
    return settings


def _version_steps(ends: Ends, clashes: ClashMap) -> Iterator[Step]:
    for place in clashes.free():
        yield _step(ends, place)
        if ends.is_deleted(place):
            yield _deletion(ends, place)


async def _deletions(ends: Ends, clashes: ClashMap) -> list[Step]:
    """What the target holds live and the source soft-deleted, as a failed run leaves it; unless it is used there."""
    places = [
        place
        for place, clash in clashes.found.items()
        if clash is Clash.SAME and ends.is_deleted(place) and place[1] in ends.there.versions.get(place[0], {})
    ]
    users = await each(places, lambda place: users_of(ends.target, place))
    return [_deletion(ends, place) for place, used in zip(places, users, strict=True) if not used]


def _deletion(ends: Ends, place: Place) -> Step:
    subject, number = place
    reason = f"it is soft-deleted in {ends.source.name}"
    return Step(ends.target.name, Action.DELETE, subject, reason, number=number, digest=ends.wanted(place).digest)


def _step(ends: Ends, place: Place) -> Step:
    subject, number = place
    held, came_from = ends.wanted(place), ends.cargo.came_from[place]
    kind = DELETED if ends.is_deleted(place) else "registry"
    where = f":{came_from.context}:{came_from.name}" if came_from != subject else ""
    return Step(
        ends.target.name,
        Action.REGISTER,
        subject,
        reason=_reason(ends, number, came_from, is_elsewhere=bool(where)),
        number=number,
        id=held.id if ends.keep_ids else 0,
        digest=held.digest,
        origin=f"{kind}:{ends.source.name}:{where}" if where else f"{kind}:{ends.source.name}",
        value=ends.cargo.packed_references(place),
    )


def _reason(ends: Ends, number: int, came_from: Subject, *, is_elsewhere: bool) -> str:
    whose = f"{came_from} of {ends.source.name}" if is_elsewhere else ends.source.name
    return f"{ends.target.name} lacks version {number} of {whose}"


def _observed(ends: Ends) -> dict[str, str]:
    """A name for what each registry held; within one registry, for both sides together."""
    here, there = snapshots.digest(ends.cargo.here), snapshots.digest(ends.there)
    if ends.source.name == ends.target.name:
        return {ends.source.name: f"{here} {there}"}
    return {ends.source.name: here, ends.target.name: there}


def _warnings(ends: Ends, clashes: ClashMap, steps: Sequence[Step], manner: Manner) -> Iterator[str]:
    if ends.target.closed_by:
        yield f"{ends.target.name} takes no writes: {ends.target.closed_by}. This plan cannot be applied from here."
    moving = [step for step in steps if step.action is Action.REGISTER]
    here, there = ends.cargo.here, ends.there
    if not manner.deleted and here.deleted:
        count = sum(len(versions) for versions in here.deleted.values())
        yield f"{count} soft-deleted versions of the source are not moved; deleted: true takes them along."
    if not moving:
        return
    if ends.keep_ids:
        yield IMPORT_WARNING
        yield from _purging(there)
    else:
        yield "Ids are not kept: records written with the source's ids cannot be read through the target."
    if not manner.proven and any(step.subject in there.versions for step in moving):
        yield "Some subjects exist on the target already: what is moved beside their versions is not proved compatible."
    if any(step.value for step in moving):
        yield "References are rewritten to where what they name goes; texts stay as they are."
    if not manner.settings:
        yield "Settings (levels, modes) of the source are not moved."
    yield from _left_behind(clashes)
    contexts = sorted({shown_context(step.subject.context) for step in moving})
    yield f"Contexts touched: {', '.join(contexts)}. Lost on the way: when versions were registered, and their guids."


def _purging(there: Snapshot) -> Iterator[str]:
    count = sum(len(versions) for versions in there.deleted.values())
    if count:
        yield (
            f"The target has {count} soft-deleted versions here. Mode IMPORT set on a whole context would purge them; "
            "it is set subject by subject, in the way that purges nothing, so they stay."
        )


def _left_behind(clashes: ClashMap) -> Iterator[str]:
    """Who is moved in part: readers of what stays behind find nothing on the target."""
    moved = {subject for (subject, _), clash in clashes.found.items() if clash is Clash.FREE}
    parts = sorted({subject for (subject, _), clash in clashes.found.items() if clash not in FINE} & moved)
    if parts:
        named = ", ".join(str(subject) for subject in parts[:5])
        yield f"{len(parts)} subjects are moved in part, the rest of them is blocked: {named}."
