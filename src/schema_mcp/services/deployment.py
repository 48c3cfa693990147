"""Bring registries to what the store says: plan it, as data.

`steps.carry_out` does it. Sources of the order: references first; inside a subject loosen, register, tighten.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter

from anyio import to_thread

from schema_mcp.domain import compatibility
from schema_mcp.domain.drift import Drift, Held, Kind, Snapshot, Wish
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import Action, Blocked, Plan, Step, in_order, level_action
from schema_mcp.domain.references import Place, in_reference_order, used_by
from schema_mcp.domain.schema import Subject
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.registries.fleet import Fleet
from schema_mcp.services import snapshots
from schema_mcp.services.drift import disagreements
from schema_mcp.services.judgement import Judge, judge_of
from schema_mcp.services.resolution import stored_whole
from schema_mcp.services.selection import Selection
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore

IMPORT_WARNING = (
    "While versions are carried in with their ids, their subjects are in mode IMPORT: other producers are refused "
    "there, and the registry's own check is off. The mode is restored afterwards, also after a crash."
)


@dataclass(slots=True)
class _Draft:
    """One registry's part of a plan while it is being made; the highest ids are asked for once."""

    registry: Registry
    store: SchemaStore
    wanted: Snapshot
    found: Snapshot
    steps: list[Step] = field(default_factory=list[Step])
    blocked: list[Blocked] = field(default_factory=list[Blocked])
    highest: dict[str, int] = field(default_factory=dict[str, int])

    async def highest_id(self, context: str) -> int:
        if context not in self.highest:
            self.highest[context] = await self.registry.highest_id(context=context)
        return self.highest[context]


async def plan(fleet: Fleet, store: SchemaStore, registries: Sequence[str], selection: Selection) -> Plan:
    """What has to happen so that each registry holds what the store wants there.

    Reads only. Raises `RegistryError` when a registry does not answer: an unreachable registry is never "in sync".
    """
    await store.fetch()
    names = sorted(set(registries))
    made = await each(names, lambda name: _draft(fleet.get(name), store, selection))
    drafts = dict(zip(names, made, strict=True))
    return Plan(
        kind="deployment",
        request={"registries": names, **selection.as_request()},
        commit=store.head or "",
        observed={name: snapshots.digest(drafts[name].found) for name in names},
        steps=_ordered(store, [step for name in names for step in drafts[name].steps]),
        blocked=tuple(blocked for name in names for blocked in drafts[name].blocked),
        warnings=_warnings(drafts),
    )


async def _draft(registry: Registry, store: SchemaStore, selection: Selection) -> _Draft:
    wanted = snapshots.of_store(store, registry.name, selection.wants)
    found = await snapshots.of_registry(
        registry,
        selection.wants,
        settings_of=wanted.settings,
        prefix=selection.listing,
        context=selection.listing_context,
    )
    draft = _Draft(registry, store, wanted, found)
    drift = await disagreements(wanted, found, registry, store)
    for subject, several in groupby(drift, key=attrgetter("subject")):
        await _plan_subject(draft, subject, list(several))
    return draft


async def _plan_subject(draft: _Draft, subject: Subject, drift: Sequence[Drift]) -> None:
    registry = draft.registry.name
    missing = {one.number: draft.wanted.versions[subject][one.number] for one in drift if one.kind is Kind.MISSING}
    refusals = [*_in_the_way(registry, drift), *await _cannot_register(draft, subject, missing)]
    draft.blocked += [*refusals, *_settings_beyond(draft.registry, subject, draft.wanted)]
    if missing and refusals:
        return
    draft.steps += [_register(registry, subject, number, held) for number, held in missing.items()]
    draft.steps += _retired(registry, draft.store, subject, draft.found)
    draft.steps += [step async for step in _settings_steps(draft, subject)]


def _register(registry: str, subject: Subject, number: int, held: Held) -> Step:
    reason = f"the registry lacks version {number}"
    return Step(registry, Action.REGISTER, subject, reason, number=number, id=held.id, digest=held.digest)


def _retired(registry: str, store: SchemaStore, subject: Subject, found: Snapshot) -> Iterator[Step]:
    """Versions that the store marks as deleted and the registry still has."""
    live = found.versions.get(subject, {})
    for record in store.records(subject):
        if record.deleted and record.number in live:
            digest = live[record.number].digest
            yield Step(
                registry, Action.DELETE, subject, "the store has retired it", number=record.number, digest=digest
            )


async def _settings_steps(draft: _Draft, subject: Subject) -> AsyncIterator[Step]:
    registry = draft.registry
    wish, there = draft.wanted.settings.get(subject), draft.found.settings.get(subject)
    if wish is None or there is None:
        return
    if wish.level is not None and wish.level != there.level and Capability.CONFIG in registry.capabilities:
        in_force = there.level or judge_of(registry.name, await registry.config(subject, inherited=True)).level
        reason = f"the store wants {wish.level}, the registry has {there.level or 'no own level'}"
        action = level_action(in_force, wish.level)
        yield Step(registry.name, action, subject, reason, value=wish.level, before=there.level or "")
    if wish.mode is not None and wish.mode != there.mode and Capability.MODES in registry.capabilities:
        reason = f"the store wants mode {wish.mode}, the registry has {there.mode or 'no own mode'}"
        yield Step(registry.name, Action.MODE, subject, reason, value=wish.mode, before=there.mode or "")


def _settings_beyond(registry: Registry, subject: Subject, wanted: Snapshot) -> Iterator[Blocked]:
    """Declared settings that the registry's product does not have."""
    wish = wanted.settings.get(subject, Wish())
    asked = {Capability.CONFIG: wish.level, Capability.MODES: wish.mode}
    for capability in (capability for capability, wished in asked.items() if wished is not None):
        if why := asks.refused(registry, [capability]):
            yield Blocked(registry.name, subject, why, "Take the wish out of the store, or the subject's target.")


_IN_THE_WAY: Mapping[Kind, str] = {
    Kind.CONTENT: "the registry holds other content under this version",
    Kind.METADATA: "the registry holds other metadata or rules under this version",
    Kind.IDENTITY: "the registry holds this version under another id",
}


def _in_the_way(registry: str, drift: Sequence[Drift]) -> Iterator[Blocked]:
    for one in drift:
        if one.kind in _IN_THE_WAY:
            yield Blocked(
                registry,
                one.subject,
                f"{_IN_THE_WAY[one.kind]}: {one.detail}",
                "A version is never replaced: adopt the registry's content into the store, or delete it there.",
                one.number,
            )
        elif one.taken_for:
            yield Blocked(
                registry,
                one.subject,
                one.detail,
                "It cannot be told from the earlier version there: change what data depends on, or retire it.",
                one.number,
            )


async def _cannot_register(draft: _Draft, subject: Subject, missing: Mapping[int, Held]) -> list[Blocked]:
    """Why missing versions cannot go there as they are: capabilities, occupied numbers and ids, compatibility."""
    if not missing:
        return []
    beyond = [*_beyond(draft, subject, missing)]
    if beyond:
        return beyond
    occupied = [one async for one in _occupied(draft, subject, missing)]
    return occupied or await _incompatible(draft, subject, missing)


def _beyond(draft: _Draft, subject: Subject, missing: Mapping[int, Held]) -> Iterator[Blocked]:
    """Versions that the registry's product would refuse, or keep without a part of them."""
    for number, held in missing.items():
        stored = draft.store.version(subject, number)
        asked = asks.of_schema(subject, stored.version.schema, schema_id=held.id) if stored else ()
        if why := asks.refused(draft.registry, asked):
            yield Blocked(draft.registry.name, subject, why, "Deploy it to a registry that can.", number)


async def _occupied(draft: _Draft, subject: Subject, missing: Mapping[int, Held]) -> AsyncIterator[Blocked]:
    name = draft.registry.name
    tombs = draft.found.deleted.get(subject, {})
    highest = await draft.highest_id(subject.context)
    for number, held in missing.items():
        if number in tombs and tombs[number].digest != held.digest:
            why = f"a soft-deleted version {number} with other content is in the way"
            yield Blocked(name, subject, why, "Delete it permanently first.", number)
        elif held.id <= highest and not await _is_free(draft.registry, subject, held):
            why = f"id {held.id} belongs to other content in {name}"
            yield Blocked(name, subject, why, "Ids never move: register the schema under a new id.", number)


async def _is_free(registry: Registry, subject: Subject, held: Held) -> bool:
    """Is the id unused there, or bound to this very content?"""
    there = await registry.schema(held.id, context=subject.context)
    return there is None or schema_hash(there) == held.digest


async def _incompatible(draft: _Draft, subject: Subject, missing: Mapping[int, Held]) -> list[Blocked]:
    """IMPORT switches the registry's own check off, so it is made here, against what the registry already has."""
    if not draft.found.versions.get(subject):
        return []
    registry, store = draft.registry, draft.store
    judge = judge_of(registry.name, await registry.config(subject, inherited=True))
    judge = replace(judge, level=store.wish(subject).level or judge.level)
    wholes = [await stored_whole(one.version, store) for one in store.history(subject) if not one.version.deleted]
    found = await to_thread.run_sync(_first_break, wholes, missing, judge)
    if found is None:
        return []
    why, hint = f"not {judge.level} compatible: {found[1]}", "Lower the subject's level, or mend the version."
    return [Blocked(registry.name, subject, why, hint, found[0])]


def _first_break(wholes: Sequence[Whole], missing: Collection[int], judge: Judge) -> tuple[int, str] | None:
    """The first missing version that does not follow those before it, and why."""
    for new in wholes:
        before = [old for old in wholes if old.number < new.number]
        if new.number in missing:
            outcome = compatibility.check(new, before, judge.level, judge.rules, group=judge.group)
            if not outcome.compatible:
                return new.number, outcome.breaks[0][1].plain
    return None


def _ordered(store: SchemaStore, steps: Sequence[Step]) -> tuple[Step, ...]:
    places = {(step.subject, step.number) for step in steps if step.action is Action.REGISTER}

    def uses(place: Place) -> list[Place]:
        stored = store.version(*place)
        return used_by(stored.version) if stored else []

    order = {place: index for index, place in enumerate(in_reference_order(places, uses))}
    rank = {
        (step.registry, step.subject, step.number): order[step.subject, step.number]
        for step in steps
        if step.action is Action.REGISTER
    }
    return in_order(steps, rank)


def _warnings(drafts: Mapping[str, _Draft]) -> tuple[str, ...]:
    if not any(step.action is Action.REGISTER for draft in drafts.values() for step in draft.steps):
        return ()
    return (IMPORT_WARNING,)
