"""Prove it, number it, commit it: a new version in the store, no registry touched."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from anyio import to_thread

from schema_mcp.domain.allocation import Allocation, IdSource
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import InvalidRequestError, RegistryError
from schema_mcp.domain.schema import Level, Schema, Subject, Version
from schema_mcp.services import commits, id_allocation, recovery
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.services.meaning import kept_as, meant, refuse_unknown_versions
from schema_mcp.services.proof import prove
from schema_mcp.services.races import insist, racing
from schema_mcp.services.resolution import in_store, stored_whole, whole
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import Change, SetWish, StoredVersion
from schema_mcp.stores.view import View

_STORE = "store"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be stored, and what is wished for its subject; None leaves a wish as it is."""

    subject: Subject
    schema: Schema
    level: Level | None = None
    """Proved beside the level in force."""

    description: str = ""
    tags: tuple[str, ...] = ()
    owner: str | None = None
    targets: tuple[str, ...] | None = None
    branch: str | None = None
    """A branch for review; the store itself then stays as it is."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store has now: a version, under which id, and the commit; without an id it was only proved."""

    number: int
    level: Level
    id: int | None = None
    existing: bool = False
    commit: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """All that was read before deciding."""

    view: View
    new: Whole
    digest: str
    history: Sequence[StoredVersion]
    level: Level
    number: int
    notes: tuple[str, ...]


async def store(ground: Ground, wanted: Wanted, signed: Signature, *, dry_run: bool = False) -> Stored:
    """Store a schema unless it would break a reader; a schema that is there already is answered, not repeated.

    Raises `IncompatibleError` with a way out, `ConflictError` where a registry holds versions that the store lacks,
    `InvalidSchemaError`, `InvalidRequestError` where the registry hands out ids.
    """
    if dry_run:
        return await _attempt(ground, wanted, signed, dry_run=True)
    said = await recovery.settle(ground, signed)
    async with ground.journal.turns.of("register", str(wanted.subject)):
        done = await insist(ground, lambda: _attempt(ground, wanted, signed, dry_run=False))
    return replace(done, notes=(*said, *done.notes))


async def _attempt(ground: Ground, wanted: Wanted, signed: Signature, *, dry_run: bool) -> Stored:
    case = await _read(ground, wanted)
    known = kept_as(case.history, case.digest)
    if known is not None:
        return await _again(ground, case, known, wanted, signed, dry_run=dry_run)
    await _prove(case, wanted.level)
    if dry_run:
        return Stored(case.number, case.level, notes=case.notes)
    _refuse_without_ids(ground.ids)
    return await _numbered(ground, case, wanted, signed)


async def _read(ground: Ground, wanted: Wanted) -> _Case:
    subject = wanted.subject
    await ground.store.fetch()
    view = await ground.store.proposal(wanted.branch) if wanted.branch else ground.store
    history = view.history(subject)
    given = await whole(wanted.schema, subject, [in_store(view)])
    new, digest = await to_thread.run_sync(lambda: meant(given, history, {}))
    there, notes = await _numbers_there(ground, wanted, view, history)
    level = view.wish(subject).level or view.context_wish(subject.context).level or Level.BACKWARD
    number = max([0, *there, *(stored.version.number for stored in history)]) + 1
    return _Case(view, new, digest, history, level, number, notes)


async def _numbers_there(
    ground: Ground, wanted: Wanted, view: View, history: Sequence[StoredVersion]
) -> tuple[list[int], tuple[str, ...]]:
    """The numbers that registries have used, with notes about those that are silent; a live one we lack is refused."""
    targets = wanted.targets if wanted.targets is not None else view.wish(wanted.subject).targets
    names = [
        name for name in ground.fleet.names if (name in ground.fleet.writable if targets is None else name in targets)
    ]
    silent: list[str] = []

    async def ask(name: str) -> list[int]:
        registry = ground.fleet.get(name)
        try:
            every = await registry.numbers(wanted.subject, deleted=True)
            live = await registry.numbers(wanted.subject) if every else []
        except RegistryError:
            silent.append(name)
            return []
        refuse_unknown_versions(name, wanted.subject, live, history)
        return every

    found = await each(names, ask)
    notes = tuple(f"{name} did not answer: what it holds was not looked at." for name in sorted(silent))
    return [number for numbers in found for number in numbers], notes


async def _prove(case: _Case, asked: Level | None) -> None:
    live = [stored.version for stored in case.history if not stored.version.deleted]
    previous = [await stored_whole(version, case.view) for version in live]
    levels = dict.fromkeys([case.level, asked or case.level])
    await to_thread.run_sync(lambda: prove(case.new, previous, levels))


def _refuse_without_ids(source: IdSource) -> None:
    if source is IdSource.REGISTRY:
        raise InvalidRequestError(
            "Here the registry hands out ids, and a version in the store carries its id: it cannot be stored before "
            "it is registered",
            hint="register_schema registers it and commits it with the id it got; or set `ids: ledger` in "
            "registries.yaml. With dry_run: true it is proved only.",
        )


async def _numbered(ground: Ground, case: _Case, wanted: Wanted, signed: Signature) -> Stored:
    subject = wanted.subject
    floor = await id_allocation.floor(ground.fleet, ground.ids, subject.context)
    request = Allocation(subject, case.number, case.digest, case.new.schema.type, floor=floor)
    async with recovery.registering(ground, _STORE, _stored(ground, case, wanted, signed, commits.OURS), signed):
        with racing():
            allocated = await id_allocation.allocate(ground.ledger, ground.store, request)
        await id_allocation.refuse_taken(ground.fleet, subject, allocated.id, case.digest)
        if wanted.branch:
            # A mark on a branch covers nothing: somebody else would number from the one in the store.
            await id_allocation.publish(ground, allocated.id, signed)
        stored = _stored(ground, case, wanted, signed, allocated.id)
        with racing():
            commit = await commits.add(ground, stored, signed, also=_wish(case.view, wanted), branch=wanted.branch)
        if wanted.branch:
            # A proposal keeps its id for ever, and its number only if nobody is merged before it.
            await ground.ledger.forget(subject, case.number, case.digest)
    return Stored(case.number, case.level, allocated.id, commit=commit, notes=case.notes)


async def _again(
    ground: Ground, case: _Case, known: StoredVersion, wanted: Wanted, signed: Signature, *, dry_run: bool
) -> Stored:
    """The version that is there already; a wish that came along is written down nevertheless."""
    version = known.version
    done = Stored(version.number, case.level, version.id, existing=True, commit=case.view.head or "", notes=case.notes)
    wishes = _wish(case.view, wanted)
    if dry_run or not wishes:
        return done
    message = f"Change what is wished for {wanted.subject}"
    return replace(done, commit=await commits.made(ground, wishes, message, signed, branch=wanted.branch))


def _wish(view: View, wanted: Wanted) -> list[Change]:
    before = view.wish(wanted.subject)
    owner = before.owner if wanted.owner is None else wanted.owner
    targets = before.targets if wanted.targets is None else wanted.targets
    after = replace(before, owner=owner, targets=targets)
    return [SetWish(wanted.subject, after)] if after != before else []


def _stored(ground: Ground, case: _Case, wanted: Wanted, signed: Signature, schema_id: int) -> StoredVersion:
    targets = wanted.targets if wanted.targets is not None else case.view.wish(wanted.subject).targets
    return StoredVersion(
        version=Version(wanted.subject, case.number, schema_id, case.new.schema),
        level=case.level,
        targets=tuple(targets or ()),
        created_at=ground.clock().isoformat(timespec="seconds"),
        created_by=signed.caller.name,
        description=wanted.description,
        tags=wanted.tags,
        schema_hash=case.digest,
    )
