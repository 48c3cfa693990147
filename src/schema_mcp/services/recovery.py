"""After a crash: put back what was left open, finish what can be finished, and say so.

Three things can be left by a process that died: a subject in mode IMPORT, a version that a registry numbered and Git
does not have yet, and an id bound to a version that was never committed. The journal names each of them.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from anyio import CancelScope, to_thread

from schema_mcp.domain.engine import canonical
from schema_mcp.domain.errors import LockHeldError, NotFoundError, SchemaMcpError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import Json, Level, Mode, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import agreement, commits
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.services.resolution import in_registry, in_store, whole
from schema_mcp.stores.journal import Run, Status, StepRecord
from schema_mcp.stores.schemastore import StoredVersion

REGISTRATION = "registration"
_IMPORT_MODE = "import_mode"
_STORED = "stored"
NO_MODE = "none of its own"
IMPORTING = "import"
"""The turn of whoever has a subject in mode IMPORT."""

_MOST_SAID = 20

_log = logging.getLogger(__name__)


def mode_key(registry: str, subject: Subject) -> str:
    """The journal's name for a subject that is in IMPORT for us."""
    return f"{registry} {_IMPORT_MODE} {subject}"


@asynccontextmanager
async def registering(ground: Ground, registry: str, stored: StoredVersion, signed: Signature) -> AsyncGenerator[None]:
    """Journal a registration from before its first trace (an id, a version in a registry) to its commit."""
    run = await ground.journal.start(kind=REGISTRATION, owner=signed.caller.name, total=1)
    key = f"{registry} {_STORED} {stored.version.subject}"
    await ground.journal.step(run.task, key, "started", before=_written(stored))
    try:
        yield
    except SchemaMcpError:
        # Whether anything was left behind is looked up now, as it would be after a crash.
        await _settle_registration(ground, run, registry, stored, signed)
        raise
    except BaseException:
        # Cancelled, or a bug: the next call looks it up.
        with CancelScope(shield=True):
            await ground.journal.finish(run.task, Status.INTERRUPTED, {})
        raise
    await ground.journal.step(run.task, key, "done")
    await ground.journal.finish(run.task, Status.SUCCEEDED, {})


async def settle(ground: Ground, signed: Signature) -> list[str]:
    """Put back and finish what crashed runs left, and say what was done; a registry that is away is left for later.

    The ledger is held against the store as well. Costs one small read when nothing is open.
    """
    ground = replace(ground, fleet=ground.fleet.whole)  # a duty of the server's, whoever comes by when it is due
    async with ground.journal.settling:  # a write waits for the settling that began when the server opened
        said = await _settle(ground, signed)
    for sentence in said:
        _log.warning("recovered: %s", sentence)
    return said[:_MOST_SAID]


async def _settle(ground: Ground, signed: Signature) -> list[str]:
    await ground.store.refresh()
    said = await agreement.settle(ground)
    for run in await ground.journal.recovered():
        steps = await ground.journal.steps(run.task)
        if run.kind == REGISTRATION or any(step.to_undo for step in steps):
            said += await _taken_up(ground, run, signed)
    return said


async def _taken_up(ground: Ground, run: Run, signed: Signature) -> list[str]:
    try:
        claimed = await ground.journal.claim(run.task)
        return await _settle_run(ground, claimed, signed)
    except LockHeldError:  # somebody else is doing it
        return []
    except SchemaMcpError as error:
        return [f"task {run.task} is still open: {error}"]


async def _settle_run(ground: Ground, run: Run, signed: Signature) -> list[str]:
    """Settle every step that can be; a registration has an end then, a plan waits for somebody to apply it again."""
    said: list[str] = []
    steps = await ground.journal.steps(run.task)
    open_steps = [step for step in steps if step.to_undo]
    for step in open_steps:
        try:
            said.append(await _settle_step(ground, run, step, signed))
        except SchemaMcpError as error:
            said.append(f"{step.key}: still open, {error}")
        else:
            open_steps = [other for other in open_steps if other is not step]
    over = run.kind == REGISTRATION and not open_steps
    if over and run.plan:
        said.append(
            f"task {run.task}: a registration was cut off while it was deployed; plan_deployment tells the rest"
        )
    await ground.journal.finish(run.task, Status.FAILED if over else Status.INTERRUPTED, {})
    return said


async def _settle_step(ground: Ground, run: Run, step: StepRecord, signed: Signature) -> str:
    registry, _, rest = step.key.partition(" ")
    what, _, subject = rest.partition(" ")
    if what == _IMPORT_MODE:
        return await _restore(ground, run, step, registry, parse_subject(subject))
    said = await _finish(ground, registry, _read(step.to_undo or {}), signed)
    await ground.journal.step(run.task, step.key, "done")
    return said


async def _restore(ground: Ground, run: Run, step: StepRecord, registry: str, subject: Subject) -> str:
    before = str((step.before or {})["mode"])
    async with ground.journal.turns.of(IMPORTING, mode_key(registry, subject)) as turn:
        await restore_mode(ground.fleet.get(registry), subject, read_mode(before))
        await turn.note("")
    await ground.journal.step(run.task, step.key, "done")
    return f"{registry}: the mode of {subject} was left in IMPORT and is {before} again"


def read_mode(said: str) -> Mode | None:
    """A mode as it was written down."""
    return None if said == NO_MODE else Mode(said)


async def restore_mode(registry: GuardedRegistry, subject: Subject, own: Mode | None) -> None:
    """Give a subject the mode of its own that it had, or none."""
    if own is not None:
        await registry.set_mode(subject, own, force=True)
        return
    try:
        await registry.delete_mode(subject)
    except NotFoundError:
        # The registry took the mode away itself, as it does when the last version of a subject is purged.
        return


async def _settle_registration(
    ground: Ground, run: Run, registry: str, stored: StoredVersion, signed: Signature
) -> None:
    status = Status.FAILED
    try:
        await _finish(ground, registry, stored, signed)
    except SchemaMcpError:
        status = Status.INTERRUPTED
    await ground.journal.finish(run.task, status, {})


async def _finish(ground: Ground, registry: str, stored: StoredVersion, signed: Signature) -> str:
    """Commit what a registry has taken, or let go of an id that was never committed."""
    await ground.store.refresh()
    subject, number = stored.version.subject, stored.version.number
    if any(record.schema_hash == stored.schema_hash for record in ground.store.records(subject)):
        return f"{subject}: the version is committed"
    there = None if stored.version.id else await _taken(ground, registry, stored)
    if there is None:
        await ground.ledger.forget(subject, number, stored.schema_hash)
        return f"{subject} v{number}: nothing was registered; the number is free again"
    commit = await commits.add_numbered(ground, registry, stored, there, signed)
    return f"{subject} v{there.number} (id {there.id}) was in {registry} only; committed as {commit[:10]}"


async def _taken(ground: Ground, registry: str, stored: StoredVersion) -> Version | None:
    """The version of the registry that already is this content."""
    there = ground.fleet.get(registry)
    found = await there.version(stored.version.subject, "latest")
    if found is None:
        return None
    one = await whole(found.schema, found.subject, [in_store(ground.store), in_registry(there)])
    digest = await to_thread.run_sync(lambda: schema_hash(canonical(one)))
    return found if digest == stored.schema_hash else None


def _written(stored: StoredVersion) -> Json:
    version, schema = stored.version, stored.version.schema
    return {
        "subject": str(version.subject),
        "number": version.number,
        "id": version.id,
        "text": schema.text,
        "type": schema.type,
        "references": [[one.name, one.subject, one.version] for one in schema.references],
        "metadata": schema.metadata,
        "rule_set": schema.rule_set,
        "level": stored.level,
        "targets": list(stored.targets),
        "created_at": stored.created_at,
        "created_by": stored.created_by,
        "description": stored.description,
        "tags": list(stored.tags),
        "schema_hash": stored.schema_hash,
    }


def _read(data: dict[str, Any]) -> StoredVersion:
    references = tuple(Reference(*one) for one in data["references"])
    schema = Schema(data["text"], SchemaType(data["type"]), references, data["metadata"], data["rule_set"])
    version = Version(parse_subject(data["subject"]), data["number"], data["id"], schema)
    return StoredVersion(
        version=replace(version, schema=schema),
        level=Level(data["level"]) if data["level"] else None,
        targets=tuple(data["targets"]),
        created_at=data["created_at"],
        created_by=data["created_by"],
        description=data["description"],
        tags=tuple(data["tags"]),
        schema_hash=data["schema_hash"],
    )
