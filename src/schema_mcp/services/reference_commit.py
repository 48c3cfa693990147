"""Commit the new versions that a reference update makes: all in one commit, or as the registry numbers them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from schema_mcp.domain.allocation import Allocation, IdSource
from schema_mcp.domain.errors import RegistryError, StalePlanError
from schema_mcp.domain.plan import Plan, Step
from schema_mcp.domain.schema import Reference, Subject, Version
from schema_mcp.services import commits, id_allocation, recovery
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.services.reference_update import digest_held
from schema_mcp.stores.schemastore import AddVersion, Change, SchemaStore, StoredVersion


async def committed(ground: Ground, plan: Plan, signed: Signature) -> Plan:
    """The plan with its new versions in the store and their ids in its steps; what is there already stays.

    Where we number, all of them are one commit; where the registry does, it takes each, and each is committed.
    """
    made = [(_made(ground.store, one), str(one["digest"])) for one in plan.request["made"]]
    missing = [(version, digest) for version, digest in made if digest_held(ground.store, version) != digest]
    if ground.ids is IdSource.LEDGER:
        await _commit_numbered(ground, missing, plan, signed)
        return replace(plan, steps=tuple(_with_id(ground.store, step) for step in plan.steps))
    for version, digest in missing:
        await _register(ground, version, digest, plan, signed)
    return plan


def _made(store: SchemaStore, told: Mapping[str, Any]) -> Version:
    """A new version as it will be committed, id aside; raises `StalePlanError` where what it is made from is gone."""
    subject = Subject(*told["subject"])
    before = store.version(subject, told["before"])
    if before is None:
        raise StalePlanError(f"The store no longer has {subject} v{told['before']}", hint="Plan again.")
    references = tuple(Reference(*one) for one in told["references"])
    schema = replace(before.version.schema, text=told["text"], references=references)
    return Version(subject, told["version"], 0, schema)


async def _commit_numbered(
    ground: Ground, missing: Sequence[tuple[Version, str]], plan: Plan, signed: Signature
) -> None:
    if not missing:
        return
    changes: list[Change] = []
    for version, digest in missing:
        floor = await id_allocation.floor(ground.fleet, ground.ids, version.subject.context)
        request = Allocation(version.subject, version.number, digest, version.schema.type, floor=floor)
        allocated = await id_allocation.allocate(ground.ledger, ground.store, request)
        await id_allocation.refuse_taken(ground.fleet, version.subject, allocated.id, digest)
        changes.append(AddVersion(_stored(ground, replace(version, id=allocated.id), digest, signed)))
    await commits.made(ground, changes, _message(plan, len(missing)), signed)


def _message(plan: Plan, count: int) -> str:
    return f"Take the users of {Subject(*plan.request['subject'])} to its new version ({count} versions)"


async def _register(ground: Ground, version: Version, digest: str, plan: Plan, signed: Signature) -> None:
    """Register, read the number and id back, commit; a kill in between is finished at the next start."""
    registry = ground.fleet.get(plan.request["registries"][0])
    stored = _stored(ground, version, digest, signed)
    async with recovery.registering(ground, registry.name, stored, signed):
        done = await registry.register(version.subject, version.schema)
        there = await registry.version(version.subject, done.number)
        if there is None or there.number != version.number:
            raise RegistryError(
                f"{registry.name} did not make it {version.subject} v{version.number}",
                hint="Somebody registered in between, or the content was there before: plan again.",
                details={"registry": registry.name},
            )
        await commits.add_numbered(ground, registry.name, stored, there, signed)


def _stored(ground: Ground, version: Version, digest: str, signed: Signature) -> StoredVersion:
    wish = ground.store.wish(version.subject)
    return StoredVersion(
        version=version,
        level=wish.level,
        targets=tuple(wish.targets or ()),
        created_at=ground.clock().isoformat(timespec="seconds"),
        created_by=signed.caller.name,
        description="",
        tags=(),
        schema_hash=digest,
    )


def _with_id(store: SchemaStore, step: Step) -> Step:
    stored = store.version(step.subject, step.number)
    return replace(step, id=stored.version.id) if stored else step
