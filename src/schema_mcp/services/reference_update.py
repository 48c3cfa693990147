"""Take all users of a shared schema to a new version of it: planned in order, each checked, committed as one.

Only the latest version of each subject is taken along. The plan carries the new references; texts stay what they are,
but for the shared schema's own, which a caller may give.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from anyio import to_thread

from schema_mcp.domain import compatibility
from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.drift import Snapshot
from schema_mcp.domain.engine import Whole, canonical
from schema_mcp.domain.errors import (
    InvalidRequestError,
    InvalidSchemaError,
    NotFoundError,
)
from schema_mcp.domain.graph import Edge, Graph, Node
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.plan import Action, Blocked, Plan, Step, in_order
from schema_mcp.domain.schema import Level, Reference, Schema, Subject, Version
from schema_mcp.registries.contract import Capability
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import snapshots
from schema_mcp.services.deployment import IMPORT_WARNING
from schema_mcp.services.judgement import Judge, judge_of
from schema_mcp.services.resolution import Finder, in_store, stored_whole, whole
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore

KIND: Final = "reference_update"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which version of the shared schema everybody is to use; with a text, a new one that is made of it."""

    subject: Subject
    number: int | Literal["latest"] = "latest"
    text: str | None = None


@dataclass(frozen=True, slots=True)
class _Bump:
    """One new version, made from the version `before`."""

    version: Version
    before: int
    whole: Whole
    digest: str

    @property
    def subject(self) -> Subject:
        return self.version.subject

    @property
    def uses(self) -> set[tuple[Subject, int]]:
        used = self.version.schema.references
        return {(resolve(one.subject, self.subject), one.version) for one in used}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one registry holds of the subjects that move on, and by what it judges each; nothing without references."""

    registry: GuardedRegistry
    held: Snapshot
    judges: Mapping[Subject, Judge]

    def numbers(self, subject: Subject) -> set[int]:
        """The numbers it has given away there, soft-deleted ones too."""
        return {*self.held.versions.get(subject, ()), *self.held.deleted.get(subject, ())}


async def plan(fleet: Fleet, store: SchemaStore, ids: IdSource, wanted: Wanted, registries: Sequence[str]) -> Plan:
    """The new versions that it takes, in order, on each registry that they are meant for. Reads only.

    Raises `NotFoundError` where the store lacks the version, `InvalidSchemaError` for a circle of subjects,
    `RegistryError`. What is not compatible is blocked, and with it all that would use it.
    """
    _refuse_several(ids, registries)
    await store.refresh()
    bumps = await _bumps(store, wanted)
    names = sorted(set(registries))
    subjects = {bump.subject for bump in bumps}
    seen = await each(names, lambda name: _seen(fleet.get(name), subjects))
    blocked = [one for side in seen for one in await _blocked(side, store, bumps)]
    warnings = (IMPORT_WARNING,) if ids is IdSource.LEDGER else ()
    # Ten thousand users take a while to write down: off the event loop.
    return await to_thread.run_sync(_assembled, store, wanted, bumps, seen, blocked, warnings)


def _assembled(
    store: SchemaStore,
    wanted: Wanted,
    bumps: Sequence[_Bump],
    seen: Sequence[_Seen],
    blocked: Sequence[Blocked],
    warnings: tuple[str, ...],
) -> Plan:
    names = [side.registry.name for side in seen]
    through = _through(bumps, {one.subject for one in blocked})
    rank = {(name, bump.subject, bump.version.number): index for index, bump in enumerate(bumps) for name in names}
    steps = [_step(store, name, bump) for bump in through for name in _targets(store, bump.subject, names)]
    return Plan(
        kind=KIND,
        request={
            "subject": [wanted.subject.name, wanted.subject.context],
            "version": wanted.number,
            "text": wanted.text,
            "registries": names,
            "made": [_told(bump) for bump in through],
        },
        commit=store.head or "",
        observed={side.registry.name: snapshots.digest(side.held) for side in seen},
        steps=in_order(steps, rank),
        blocked=tuple(blocked),
        warnings=warnings if steps else (),
    )


async def again(fleet: Fleet, store: SchemaStore, ids: IdSource, request: Mapping[str, Any]) -> Plan:
    """The plan that the same request makes now."""
    wanted = Wanted(Subject(*request["subject"]), request["version"], request["text"])
    return await plan(fleet, store, ids, wanted, request["registries"])


def _refuse_several(ids: IdSource, registries: Sequence[str]) -> None:
    if ids is IdSource.REGISTRY and len(set(registries)) != 1:
        raise InvalidRequestError(
            "Here the registry hands out ids, so new versions begin in one registry",
            hint="Name one in `registries`; promotion or migration takes them further.",
        )


async def _bumps(store: SchemaStore, wanted: Wanted) -> list[_Bump]:
    """The new versions, each after those that it uses."""
    latest = await to_thread.run_sync(_latest, store)
    shared = latest.get(wanted.subject)
    if shared is None or store.version(wanted.subject, wanted.number) is None:
        raise NotFoundError(
            f"The store has no version {wanted.number} of {wanted.subject}",
            hint="The store governs: register the new version, or bring the registry in with adopt_registry.",
        )
    numbers = {wanted.subject: shared.number if wanted.number == "latest" else wanted.number}
    made: dict[tuple[Subject, int], Version] = {}
    bumps: list[_Bump] = []
    for subject in await to_thread.run_sync(_affected, latest, wanted.subject):
        text = wanted.text if subject == wanted.subject else None
        schema = _bumped(latest[subject], numbers, text)
        if schema == latest[subject].schema:
            continue
        number = max(record.number for record in store.records(subject)) + 1
        version = Version(subject, number, 0, schema)
        complete = await whole(schema, subject, [_drafted(made), in_store(store)])
        canon = await to_thread.run_sync(lambda one=complete: canonical(one, new=True))
        bump = _Bump(version, latest[subject].number, complete, schema_hash(canon))
        if bump.digest == digest_held(store, latest[subject]):
            continue  # a text that says the same
        bumps.append(bump)
        made[subject, number], numbers[subject] = version, number
    return bumps


def _latest(store: SchemaStore) -> dict[Subject, Version]:
    found = {subject: store.version(subject, "latest") for subject in store.subjects()}
    return {subject: stored.version for subject, stored in found.items() if stored}


def _affected(latest: Mapping[Subject, Version], shared: Subject) -> list[Subject]:
    """The shared subject and all whose latest version uses it, directly or not, in the order to register them."""
    users: dict[Subject, set[Subject]] = {}
    for subject, version in latest.items():
        for reference in version.schema.references:
            users.setdefault(resolve(reference.subject, subject), set()).add(subject)
    met, waiting = {shared}, [shared]
    while waiting:
        new = users.get(waiting.pop(), set()) - met
        met |= new
        waiting += new
    edges = [Edge((user, 0), (used, 0)) for used in met for user in users.get(used, ()) if user in met]
    graph = Graph({(subject, 0): Node((subject, 0), 0) for subject in met}, tuple(edges))
    if graph.circles:
        way = " -> ".join(str(subject) for subject, _ in graph.circles[0])
        raise InvalidSchemaError(
            f"Subjects use each other in a circle: {way}", hint="Register the new versions one by one."
        )
    return [subject for subject, _ in graph.order]


def _bumped(version: Version, numbers: Mapping[Subject, int], text: str | None) -> Schema:
    def moved(one: Reference) -> Reference:
        number = numbers.get(resolve(one.subject, version.subject), 0)
        return replace(one, version=number) if one.version < number else one

    schema = version.schema
    return replace(schema, text=text or schema.text, references=tuple(moved(one) for one in schema.references))


def _drafted(made: Mapping[tuple[Subject, int], Version]) -> Finder:
    async def find(subject: Subject, number: int) -> Version | None:
        return made.get((subject, number))

    return find


def _through(bumps: Sequence[_Bump], blocked: set[Subject]) -> list[_Bump]:
    """What is made: all but what some registry refuses, and what would use that."""
    stopped: set[tuple[Subject, int]] = set()
    through: list[_Bump] = []
    for bump in bumps:
        if bump.subject in blocked or bump.uses & stopped:
            stopped.add((bump.subject, bump.version.number))
        else:
            through.append(bump)
    return through


async def _seen(registry: GuardedRegistry, subjects: Collection[Subject]) -> _Seen:
    """Reads a registry at one moment, in as few requests as it can; a user more or less is one of them."""
    held = await snapshots.of_registry(registry, subjects.__contains__, subjects=subjects)
    names = list(subjects) if Capability.REFERENCES in registry.capabilities else []
    configs = await each(names, lambda one: registry.config(one, inherited=True))
    judges = {one: judge_of(registry.name, config) for one, config in zip(names, configs, strict=True)}
    return _Seen(registry, held, judges)


async def _blocked(side: _Seen, store: SchemaStore, bumps: Sequence[_Bump]) -> list[Blocked]:
    """What this registry would not take, and all that would use it."""
    name = side.registry.name
    found: dict[tuple[Subject, int], Blocked] = {}
    elsewhere: set[tuple[Subject, int]] = set()
    for bump in bumps:
        if not snapshots.is_meant_for(store, bump.subject, name):
            elsewhere.add((bump.subject, bump.version.number))
            continue
        beneath = [found[one] for one in sorted(bump.uses) if one in found]
        if beneath:
            why = (f"it would use {beneath[0].subject} v{beneath[0].number}, which is blocked", "Mend that first.")
        elif away := bump.uses & elsewhere:
            subject = min(away)[0]
            why = (f"the store does not send {subject} here, which it uses", f"Add {name} to its targets.")
        else:
            why = await _refusal(side, store, bump)
        if why:
            place = (bump.subject, bump.version.number)
            found[place] = Blocked(name, bump.subject, *why, bump.version.number)
    return list(found.values())


async def _refusal(side: _Seen, store: SchemaStore, bump: _Bump) -> tuple[str, str] | None:
    subject = bump.subject
    if subject not in side.judges:
        return "the registry has no references", "Leave it out of `registries`, or bundle the schema."
    stored = {record.number for record in store.records(subject)}
    unknown = sorted(side.numbers(subject) - stored)
    if unknown:
        return f"the registry holds versions that the store lacks: {unknown[:10]}", "Bring them in with adopt_registry."
    judge = side.judges[subject]
    level: Level = store.wish(subject).level or store.context_wish(subject.context).level or judge.level
    live = [one.version for one in store.history(subject) if not one.version.deleted]
    previous = [await stored_whole(one, store) for one in live]
    outcome = await to_thread.run_sync(
        lambda: compatibility.check(bump.whole, previous, level, judge.rules, group=judge.group)
    )
    if outcome.compatible:
        return None
    return f"not {level} compatible: {outcome.breaks[0][1].plain}", "Mend the shared schema, or lower the level."


def _targets(store: SchemaStore, subject: Subject, names: Sequence[str]) -> list[str]:
    return [name for name in names if snapshots.is_meant_for(store, subject, name)]


def _step(store: SchemaStore, registry: str, bump: _Bump) -> Step:
    used = ", ".join(f"{one.subject} v{one.version}" for one in _moved(store, bump))
    reason = f"it moves on to {used}" if used else "the shared schema's new text"
    number = bump.version.number
    return Step(registry, Action.REGISTER, bump.subject, reason, number=number, digest=bump.digest)


def _moved(store: SchemaStore, bump: _Bump) -> list[Reference]:
    stored = store.version(bump.subject, bump.before)
    before = stored.version.schema.references if stored else ()
    return [one for one in bump.version.schema.references if one not in before]


def _told(bump: _Bump) -> dict[str, Any]:
    """A new version as the plan keeps it: where its text is from, and what it references."""
    version = bump.version
    return {
        "subject": [version.subject.name, version.subject.context],
        "version": version.number,
        "before": bump.before,
        "digest": bump.digest,
        "references": [[one.name, one.subject, one.version] for one in version.schema.references],
        "text": version.schema.text,
    }


def digest_held(store: SchemaStore, version: Version) -> str:
    """The digest of what the store has in a version's place; empty where there is nothing."""
    stored = store.version(version.subject, version.number)
    return stored.schema_hash if stored else ""
