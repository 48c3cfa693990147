"""Empty a context, a batch of subjects at a time: first shown, then done, referrers before what they use."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from anyio import to_thread

from schema_mcp.domain.errors import (
    ConflictError,
    InvalidRequestError,
    InvalidSchemaError,
    NotFoundError,
    SchemaMcpError,
    StalePlanError,
)
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.references import in_reference_order, used_by
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.registries.guard import approved
from schema_mcp.services import approvals
from schema_mcp.services.deletion import retirement
from schema_mcp.services.ground import Ground, Report, Signature
from schema_mcp.services.importing import refuse_closed
from schema_mcp.services.together import each

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which subjects are to go: those of a context, at most so many; for good, or softly."""

    context: str
    prefix: str
    permanent: bool
    most: int


@dataclass(frozen=True, slots=True)
class Doomed:
    """One subject that would go: its versions with their ids."""

    subject: Subject
    versions: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """A batch, in the order of deletion; its digest is what the second call has to name."""

    registry: str
    chosen: Chosen
    batch: tuple[Doomed, ...]
    subjects: int
    """How many subjects there are to delete, later batches included."""

    users: Mapping[Subject, tuple[Subject, ...]]
    """Subjects of the batch that others reference, and which of those would stay."""

    waves: tuple[tuple[Subject, ...], ...]
    """The batch again: what stands in one wave can go at the same time."""

    @property
    def versions(self) -> int:
        """How many versions the batch has."""
        return sum(len(one.versions) for one in self.batch)

    @property
    def digest(self) -> str:
        told = [self.registry, asdict(self.chosen), [asdict(one) for one in self.batch]]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(slots=True)
class _Found:
    """What one listing tells: the versions that can go, those that cannot yet, and who uses whom."""

    versions: dict[Subject, list[tuple[int, int]]] = field(default_factory=dict[Subject, list[tuple[int, int]]])
    live: set[Subject] = field(default_factory=set[Subject])
    users: dict[Subject, set[Subject]] = field(default_factory=dict[Subject, set[Subject]])


async def preview(registry: Registry, chosen: Chosen) -> Preview:
    """The next batch. Reads only, the whole registry once: another context may reference this one.

    Raises `NotFoundError` where nothing is left, `InvalidRequestError` where live versions stand before a permanent
    deletion or none but that is possible, `ConflictError` where the subjects use each other in a circle.
    """
    soft = Capability.SOFT_DELETE in registry.capabilities
    if not soft and not chosen.permanent:
        raise InvalidRequestError(
            f"{registry.name} knows no soft deletion: what goes there is gone",
            hint="Call again with permanent: true, if that is meant.",
        )
    found = await _found(registry, chosen)
    if not found.versions:
        raise NotFoundError(_nothing(registry.name, chosen), hint="list_contexts tells what each context holds.")
    if soft and chosen.permanent and found.live:
        raise InvalidRequestError(
            f"{len(found.live)} subjects of {shown_context(chosen.context)} have live versions",
            hint="Soft-delete first (permanent: false); a permanent deletion comes second.",
        )
    # Thousands of names are put in order off the event loop.
    return await to_thread.run_sync(_preview, registry.name, chosen, found)


def _preview(registry: str, chosen: Chosen, found: _Found) -> Preview:
    order = _referrers_first(found)[: chosen.most]
    batch = set(order)
    staying = {one: tuple(sorted(found.users.get(one, set[Subject]()) - batch)) for one in order}
    return Preview(
        registry=registry,
        chosen=chosen,
        batch=tuple(Doomed(one, tuple(sorted(found.versions[one]))) for one in order),
        subjects=len(found.versions),
        users={one: users for one, users in staying.items() if users},
        waves=tuple(_waves(order, found.users)),
    )


def _nothing(registry: str, chosen: Chosen) -> str:
    what = "soft-deleted subject" if chosen.permanent else "live subject"
    return f"{registry} has no {what} left in context {shown_context(chosen.context)}"


async def _found(registry: Registry, chosen: Chosen) -> _Found:
    found = _Found()
    async for version in registry.versions(
        deleted=chosen.permanent and Capability.SOFT_DELETE in registry.capabilities
    ):
        subject = version.subject
        for used, _ in used_by(version):
            if used != subject:
                found.users.setdefault(used, set()).add(subject)
        if subject.context == chosen.context and subject.name.startswith(chosen.prefix):
            found.versions.setdefault(subject, []).append((version.number, version.id))
            found.live |= set() if version.deleted else {subject}
    return found


def _referrers_first(found: _Found) -> list[Subject]:
    uses: dict[Subject, list[tuple[Subject, int]]] = {}
    for used, users in found.users.items():
        for user in users:
            uses.setdefault(user, []).append((used, 0))
    try:
        ordered = in_reference_order([(one, 0) for one in found.versions], lambda place: uses.get(place[0], ()))
    except InvalidSchemaError as error:
        raise ConflictError(
            "Subjects of this context use each other in a circle",
            hint="delete_schema_version takes single versions: the referring ones first.",
        ) from error
    return [subject for subject, _ in reversed(ordered)]


def _waves(order: Sequence[Subject], users: Mapping[Subject, set[Subject]]) -> Iterator[tuple[Subject, ...]]:
    """Subjects by how many must go before them: users stand earlier in the order."""
    turn: dict[Subject, int] = {}
    for subject in order:
        turn[subject] = 1 + max((turn.get(user, -1) for user in users.get(subject, ())), default=-1)
    for wave in range(max(turn.values(), default=-1) + 1):
        yield tuple(subject for subject in order if turn[subject] == wave)


@dataclass(frozen=True, slots=True)
class Cleared:
    """How far a batch came: the subjects that are gone, and why others are not."""

    deleted: int
    failed: tuple[tuple[Subject, SchemaMcpError], ...]
    commit: str


async def carry_out(ground: Ground, seen: Preview, digest: str, signed: Signature, report: Report) -> Cleared:
    """Delete the previewed batch: one commit that retires it in the store, then the registry, wave by wave.

    A wave that is not wholly gone ends it: what it uses would be refused. Raises `StalePlanError` when the batch is
    not the one that was named, `ConflictError` while something that stays references it, `ReadOnlyError` where the
    mode of the context takes no writes: the store would call deleted what the registry keeps.
    """
    registry = ground.fleet.get(seen.registry)
    registry.require_writable()
    if seen.digest != digest:
        raise StalePlanError(
            "What would be deleted is not what the named preview showed",
            hint="Call again without `plan`, look at the preview, and pass its digest.",
        )
    _refuse_used(seen)
    await refuse_closed(registry, Subject("", seen.chosen.context))
    if seen.chosen.permanent:
        what = f"delete {seen.versions} versions of context {shown_context(seen.chosen.context)} for good"
        await ground.store.refresh()
        act = approvals.of_purge(ground.store, registry.name, digest, seen.chosen.context, what)
        signed = await approvals.required(ground, act, signed)
    commit = await _retire(ground, seen, signed)
    deleted, failed = 0, list[tuple[Subject, SchemaMcpError]]()

    async def delete(subject: Subject) -> SchemaMcpError | None:
        nonlocal deleted
        try:
            await registry.delete_subject(subject, permanent=seen.chosen.permanent)
        except SchemaMcpError as error:
            return error
        deleted += 1
        await report(deleted, len(seen.batch), f"{registry.name}: {subject} deleted")
        return None

    for wave in seen.waves:
        with approved(signed.approved):
            errors = await each(wave, delete, at_once=_AT_ONCE)
        failed += [(subject, error) for subject, error in zip(wave, errors, strict=True) if error]
        if failed:
            break
    return Cleared(deleted, tuple(failed), commit)


def _refuse_used(seen: Preview) -> None:
    if seen.users:
        used, users = next(iter(seen.users.items()))
        raise ConflictError(
            f"{len(seen.users)} subjects are referenced from outside, for example {used} by {users[0]}",
            hint="Delete or change the referrers first.",
            details={"referenced": [str(one) for one in list(seen.users)[:100]]},
        )


async def _retire(ground: Ground, seen: Preview, signed: Signature) -> str:
    await ground.store.refresh()
    changes = [
        change
        for one in seen.batch
        for change in retirement(ground.store, one.subject, {number for number, _ in one.versions})
    ]
    if not changes:
        return ""
    message = f"Retire {len(changes)} versions of context {shown_context(seen.chosen.context)}"
    return await ground.store.commit(changes, message, signed.author, signed.trailers)
