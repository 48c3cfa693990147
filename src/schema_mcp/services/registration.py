"""Prove it safe, number it, commit it, deploy it: register one schema, in that order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from anyio import to_thread

from schema_mcp.domain.allocation import Allocation, IdSource
from schema_mcp.domain.engine import Whole, canonical
from schema_mcp.domain.errors import ConflictError, InvalidRequestError, RegistryError, SchemaMcpError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.plan import Action
from schema_mcp.domain.schema import Level, Schema, Subject, Version
from schema_mcp.registries import asks
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import application, commits, deployment, id_allocation, recovery
from schema_mcp.services.ground import Ground, Report, Signature
from schema_mcp.services.importing import refuse_closed
from schema_mcp.services.judgement import Judge, judge_of
from schema_mcp.services.meaning import kept_as, meant, refuse_unknown_versions
from schema_mcp.services.proof import prove
from schema_mcp.services.races import insist, racing
from schema_mcp.services.resolution import in_registry, in_store, stored_whole, whole
from schema_mcp.services.selection import Selection
from schema_mcp.stores.schemastore import StoredVersion


class Stop(StrEnum):
    """Where a registration ends early."""

    PROOF = "proof"
    ID = "id"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be registered, and where."""

    registry: str
    subject: Subject
    schema: Schema
    level: Level | None = None
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """How far a registration came: its version and id, the commit that holds it, the registry that has it."""

    number: int
    level: Level
    id: int | None = None
    existing: bool = False
    commit: str = ""
    deployed: bool = False
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Case:
    """All that was read before deciding."""

    registry: GuardedRegistry
    subject: Subject
    new: Whole
    digest: str
    history: Sequence[StoredVersion]
    judge: Judge
    number: int

    @property
    def known(self) -> StoredVersion | None:
        """The version of the subject that already is this content."""
        return kept_as(self.history, self.digest)

    @property
    def level(self) -> Level:
        """The level in force: the store's wish, else the registry's."""
        return self.judge.level


async def register(ground: Ground, wanted: Wanted, signed: Signature, stop: Stop | None, report: Report) -> Registered:
    """Register a schema unless it would break a reader; a schema that is there already is answered, not repeated.

    Raises `IncompatibleError` with a way out, `ConflictError` where the registry holds versions that the store lacks,
    `ReadOnlyError`, `InvalidSchemaError`, `RegistryError`. Nothing is written before the proof.
    """
    _check_stop(ground.ids, stop)
    registry = ground.fleet.get(wanted.registry)
    if stop in (None, Stop.COMMIT):
        registry.require_writable()
    if stop is Stop.PROOF:
        return await _attempt(ground, registry, wanted, signed, stop, report)
    said = await recovery.settle(ground, signed)
    async with ground.journal.turns.of("register", str(wanted.subject)):
        done = await insist(ground, lambda: _attempt(ground, registry, wanted, signed, stop, report))
    return replace(done, notes=(*said, *done.notes))


async def _attempt(
    ground: Ground,
    registry: GuardedRegistry,
    wanted: Wanted,
    signed: Signature,
    stop: Stop | None,
    report: Report,
) -> Registered:
    case = await _read(ground, registry, wanted)
    if case.known is not None:
        return await _again(ground, case, case.known, signed, stop, report)
    await _prove(ground, case, wanted.level)
    if stop is Stop.PROOF:
        return Registered(case.number, case.level)
    if stop is None:
        await _refuse_half_way(ground, case)
    if ground.ids is IdSource.REGISTRY:
        return await _numbered_by_registry(ground, case, wanted, signed)
    return await _numbered_by_ledger(ground, case, wanted, signed, stop, report)


def _check_stop(source: IdSource, stop: Stop | None) -> None:
    if source is IdSource.REGISTRY and stop in (Stop.ID, Stop.COMMIT):
        raise InvalidRequestError(
            f"stop_after: {stop} needs ids of our own, and here the registry hands them out",
            hint="Leave stop_after out, use `proof`, or set `ids: ledger` in registries.yaml.",
        )


async def _read(ground: Ground, registry: GuardedRegistry, wanted: Wanted) -> _Case:
    store, subject = ground.store, wanted.subject
    await store.fetch()
    history = store.history(subject)
    config = await registry.config(subject, inherited=True) or {}
    governed = config if ground.ids is IdSource.REGISTRY else {}
    given = await whole(wanted.schema, subject, [in_store(store), in_registry(registry)])
    new, digest = await to_thread.run_sync(meant, given, history, governed)
    there = await registry.numbers(subject, deleted=True)
    refuse_unknown_versions(registry.name, subject, await registry.numbers(subject) if there else [], history)
    judge = judge_of(registry.name, config)
    wish = store.wish(subject).level or store.context_wish(subject.context).level
    numbers = [0, *there, *(stored.version.number for stored in history)]
    return _Case(registry, subject, new, digest, history, replace(judge, level=wish or judge.level), max(numbers) + 1)


async def _prove(ground: Ground, case: _Case, asked: Level | None) -> None:
    live = [stored.version for stored in case.history if not stored.version.deleted]
    previous = [await stored_whole(version, ground.store) for version in live]
    levels = [case.level] if asked in (None, case.level) else [case.level, asked]
    await to_thread.run_sync(
        lambda: prove(
            case.new, previous, [level for level in levels if level], case.judge.rules, group=case.judge.group
        )
    )


async def _refuse_half_way(ground: Ground, case: _Case) -> None:
    """Refuse what could be committed and then not be deployed, as far as that can be known before."""
    registry, subject = case.registry, case.subject
    targets = ground.store.wish(subject).targets
    if targets is not None and registry.name not in targets:
        raise ConflictError(
            f"The store sends {subject} to {', '.join(targets) or 'no registry'}, not to {registry.name}",
            hint=f"Register it there, or add {registry.name} to the subject's targets in the store first.",
        )
    ours = commits.OURS if ground.ids is IdSource.LEDGER else None
    if problem := asks.refused(registry, asks.of_schema(subject, case.new.schema, schema_id=ours)):
        raise InvalidRequestError(problem, hint="Nothing was committed. Register it where it can be kept whole.")
    await refuse_closed(registry, subject)
    for reference in case.new.schema.references:
        used = resolve(reference.subject, subject)
        if await registry.version(used, reference.version) is None:
            raise ConflictError(
                f"{registry.name} lacks {used} version {reference.version}, which the schema references",
                hint="Deploy that first: plan_deployment with its subject.",
                details={"registry": registry.name},
            )


async def _numbered_by_ledger(
    ground: Ground, case: _Case, wanted: Wanted, signed: Signature, stop: Stop | None, report: Report
) -> Registered:
    floor = await id_allocation.floor(ground.fleet, ground.ids, case.subject.context)
    request = Allocation(case.subject, case.number, case.digest, case.new.schema.type, floor=floor)
    if stop is Stop.ID:
        allocated = await id_allocation.allocate(ground.ledger, ground.store, request)
        await id_allocation.publish(ground, allocated.id, signed)
        return Registered(case.number, case.level, allocated.id, existing=allocated.existing)
    async with recovery.registering(
        ground, case.registry.name, _stored(ground, case, wanted, signed, commits.OURS), signed
    ):
        with racing():
            allocated = await id_allocation.allocate(ground.ledger, ground.store, request)
        await id_allocation.refuse_taken(ground.fleet, case.subject, allocated.id, case.digest)
        with racing():
            commit = await commits.add(ground, _stored(ground, case, wanted, signed, allocated.id), signed)
    done = Registered(case.number, case.level, allocated.id, commit=commit)
    return done if stop is Stop.COMMIT else await _deployed(ground, case, done, signed, report)


async def _numbered_by_registry(ground: Ground, case: _Case, wanted: Wanted, signed: Signature) -> Registered:
    """Register, read the id back, commit; a kill in between is finished at the next start."""
    stored = _stored(ground, case, wanted, signed, 0)
    async with recovery.registering(ground, case.registry.name, stored, signed):
        await ground.journal.turns.still_mine()
        version = await case.registry.register(case.subject, case.new.schema)
        there = await case.registry.version(case.subject, version.number)
        if there is None or await _digest(case, there) != case.digest:
            raise RegistryError(
                f"{case.registry.name} did not keep what it was sent",
                hint="Look at the subject there; nothing was committed.",
                details={"registry": case.registry.name},
            )
        commit = await commits.add_numbered(ground, case.registry.name, stored, there, signed)
    return Registered(there.number, case.level, there.id, commit=commit, deployed=True)


async def _digest(case: _Case, there: Version) -> str:
    kept = replace(case.new, schema=there.schema)
    return await to_thread.run_sync(lambda: schema_hash(canonical(kept)))


def _stored(ground: Ground, case: _Case, wanted: Wanted, signed: Signature, schema_id: int) -> StoredVersion:
    return StoredVersion(
        version=Version(case.subject, case.number, schema_id, case.new.schema),
        level=case.level,
        targets=tuple(ground.store.wish(case.subject).targets or ()),
        created_at=ground.clock().isoformat(timespec="seconds"),
        created_by=signed.caller.name,
        description=wanted.description,
        tags=wanted.tags,
        schema_hash=case.digest,
    )


async def _again(
    ground: Ground, case: _Case, known: StoredVersion, signed: Signature, stop: Stop | None, report: Report
) -> Registered:
    version = known.version
    notes = tuple(_gone_back(ground, version))
    done = Registered(
        version.number, case.level, version.id, existing=True, commit=ground.store.head or "", notes=notes
    )
    there = await case.registry.version(case.subject, version.number)
    if there is not None and there.id == version.id:
        return replace(done, deployed=True)
    return done if stop is not None else await _deployed(ground, case, done, signed, report)


def _gone_back(ground: Ground, version: Version) -> Iterator[str]:
    """An older schema again is no new version: whoever wants to go back has to know."""
    latest = ground.store.version(version.subject, "latest")
    if latest is not None and latest.version.number > version.number:
        yield (
            f"This is the content of version {version.number}, and version {latest.version.number} stays the latest. "
            "To go back, give it something of its own (docs, a property, metadata) and register that."
        )


async def _deployed(ground: Ground, case: _Case, done: Registered, signed: Signature, report: Report) -> Registered:
    """Carry the committed version to the one registry that was named; a failure there leaves the commit standing."""
    selection = Selection((case.subject,))
    made = await deployment.plan(ground.fleet, ground.store, [case.registry.name], selection)
    # Levels and deletions are the matter of a plan that somebody looked at, and may need another scope.
    plan = replace(made, steps=tuple(step for step in made.steps if step.action is Action.REGISTER))
    try:
        outcome = await application.apply_now(ground, plan, signed, report)
        outcome.raise_failure()
    except SchemaMcpError as error:
        error.details |= {"version": done.number, "id": done.id, "commit": done.commit}
        error.hint = f"It is committed as v{done.number} (id {done.id}) and not deployed: {error.hint}".rstrip(": ")
        raise
    if plan.blocked:
        first = plan.blocked[0]
        raise ConflictError(
            f"Committed as v{done.number}, and not deployed to {case.registry.name}: {first.reason}", hint=first.hint
        )
    return replace(done, deployed=True)
