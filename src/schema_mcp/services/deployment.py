"""Bring registries to what the store says: plan it, as data.

`steps.carry_out` does it. Sources of the order: references first; inside a subject loosen, register, tighten.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Final

from anyio import to_thread
from anyio.lowlevel import checkpoint

from schema_mcp.domain.drift import Drift, Held, Kind
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.plan import Action, Plan, Step, in_order
from schema_mcp.domain.references import Place, in_reference_order, used_by
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.registries.fleet import Fleet
from schema_mcp.services import selection as selections
from schema_mcp.services import snapshots
from schema_mcp.services.draft import Draft, Terms, terms_of
from schema_mcp.services.drift import between
from schema_mcp.services.obstacles import cannot_register, first_holders, in_the_way, taken_for_others
from schema_mcp.services.pruning import prune
from schema_mcp.services.selection import Selection
from schema_mcp.services.strategy import AT_ONCE
from schema_mcp.services.together import each
from schema_mcp.services.wishes import settings_beyond, settings_steps
from schema_mcp.stores.journal import Journal
from schema_mcp.stores.schemastore import SchemaStore

IMPORT_WARNING = (
    "While versions are carried in with their ids, their subjects are in mode IMPORT: other producers are refused "
    "there, and the registry's own check is off. The mode is restored afterwards, also after a crash."
)

KIND: Final = "deployment"

DEFAULTS = Terms()

_AT_A_STRETCH = 100


async def plan(
    fleet: Fleet,
    store: SchemaStore,
    registries: Sequence[str],
    selection: Selection,
    terms: Terms = DEFAULTS,
    journal: Journal | None = None,
) -> Plan:
    """What has to happen so that each registry holds what the store wants there.

    Reads only; pruning asks the journal what we created. Raises `RegistryError` when a registry does not answer: an
    unreachable registry is never "in sync"; `InvalidRequestError` where pruning has no prefix.
    """
    if terms.prune and not selection.prefix:
        raise InvalidRequestError("Pruning needs a prefix", hint="Name the subjects that it may touch by `prefix`.")
    await store.fetch()
    names = sorted(set(registries))
    pruned_by = journal if terms.prune else None
    made = await each(names, lambda name: _draft(fleet.get(name), store, selection, terms, pruned_by), at_once=AT_ONCE)
    drafts = dict(zip(names, made, strict=True))
    observed = [await to_thread.run_sync(snapshots.digest, draft.found) for draft in made]
    ordered = [await to_thread.run_sync(_ordered, draft) for draft in made]
    whole = Plan(
        kind=KIND,
        request={"registries": names, **selection.as_request(), **terms.as_request()},
        commit=store.head or "",
        observed=dict(zip(names, observed, strict=True)),
        steps=tuple(chain.from_iterable(ordered)),
        blocked=tuple(blocked for name in names for blocked in drafts[name].blocked),
        warnings=tuple(_warnings(drafts)),
        rollout=terms.rollout,
    )
    await to_thread.run_sync(lambda: whole.digest)  # ten thousand steps take a while: off the event loop, and once
    return whole


async def again(fleet: Fleet, store: SchemaStore, journal: Journal, made: Plan) -> Plan:
    """The plan that the same request makes now."""
    chosen = selections.from_request(made.request)
    return await plan(fleet, store, made.request["registries"], chosen, terms_of(made), journal)


async def _draft(
    registry: Registry, store: SchemaStore, selection: Selection, terms: Terms, journal: Journal | None
) -> Draft:
    sides = await between(registry, store, selection)
    draft = Draft(registry, store, sides.wanted, sides.found, terms)
    for index, (subject, several) in enumerate(groupby(sides.drift, key=attrgetter("subject"))):
        if index % _AT_A_STRETCH == 0:
            await checkpoint()  # other calls go on meanwhile: a registry in this process keeps nobody waiting
        await _plan_subject(draft, subject, list(several))
    if journal is not None:
        await prune(draft, sides.drift, journal)
    return draft


async def _plan_subject(draft: Draft, subject: Subject, drift: Sequence[Drift]) -> None:
    registry = draft.registry.name
    missing = {one.number: draft.wanted.versions[subject][one.number] for one in drift if one.kind is Kind.MISSING}
    refusals = [*in_the_way(draft, drift), *taken_for_others(registry, drift)]
    refusals += await cannot_register(draft, subject, missing)
    draft.blocked += [*refusals, *settings_beyond(draft, subject)]
    if missing and refusals:
        return
    draft.steps += [_register(draft, subject, number, held) for number, held in missing.items()]
    draft.steps += _retired(registry, draft.store, subject, draft)
    draft.steps += [step async for step in settings_steps(draft, subject)]
    draft.warnings += _going_back(draft, subject, missing)


def _register(draft: Draft, subject: Subject, number: int, held: Held) -> Step:
    reason = f"the registry lacks version {number}"
    kept = 0 if draft.numbers_itself else held.id
    return Step(draft.registry.name, Action.REGISTER, subject, reason, number=number, id=kept, digest=held.digest)


def _retired(registry: str, store: SchemaStore, subject: Subject, draft: Draft) -> Iterator[Step]:
    """Versions that the store marks as deleted and the registry still has."""
    live = draft.found.versions.get(subject, {})
    for record in store.records(subject):
        if record.deleted and record.number in live:
            digest = live[record.number].digest
            yield Step(
                registry, Action.DELETE, subject, "the store has retired it", number=record.number, digest=digest
            )


def _ordered(draft: Draft) -> tuple[Step, ...]:
    registry, going = draft.registry.name, (Action.REGISTER, Action.DELETE)
    places = {(step.subject, step.number) for step in draft.steps if step.action in going}

    def uses(place: Place) -> Sequence[Place]:
        there = draft.found.uses.get(place)
        stored = None if there else draft.store.version(*place)
        return there or (used_by(stored.version) if stored else ())

    rank = {(registry, *place): index for index, place in enumerate(in_reference_order(places, uses))}
    return in_order(draft.steps, rank)


def _going_back(draft: Draft, subject: Subject, missing: Mapping[int, Held]) -> Iterator[str]:
    """Versions of an older content: possible where ids are kept, and a surprise to whoever registers the plain text."""
    holders = first_holders(draft, subject) if missing else {}
    for number, held in sorted(missing.items()):
        first = holders[held.digest]
        if first != number:
            yield (
                f"{subject} v{number} goes back to the content of v{first} (id {held.id}): whoever registers that text "
                f"without its id is answered with version {first}."
            )
    for number, tomb in sorted(draft.found.deleted.get(subject, {}).items()):
        again = [one for one, held in sorted(missing.items()) if held.digest == tomb.digest and one != number]
        if again:
            yield (
                f"{draft.registry.name}: the soft-deleted version {number} of {subject} is gone for good once its "
                f"content is there again as v{again[0]}."
            )


def _warnings(drafts: Mapping[str, Draft]) -> Iterator[str]:
    steps = [step for draft in drafts.values() for step in draft.steps if step.action is Action.REGISTER]
    if any(step.id for step in steps):
        yield IMPORT_WARNING
    for name in sorted({step.registry for step in steps if not step.id}):
        yield f"{name} hands out ids of its own: records written with the store's ids cannot be read through it."
    yield from dict.fromkeys(warning for draft in drafts.values() for warning in draft.warnings)
