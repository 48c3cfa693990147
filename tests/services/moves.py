"""What tests about moving schemas share: an estate to move, and all that a registry holds."""

from typing import Any

from schema_mcp.domain.naming import GLOBAL_CONTEXT
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.contract import Registry
from schema_mcp.services import migration, rollback
from schema_mcp.services.migration import Manner, Migration
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Run, Status
from services.world import World, record

CONTEXTS = (".", ".eu", ".us")


async def dump(registry: Registry) -> dict[str, Any]:
    """All that a registry holds: ids, texts, references, soft-deleted versions, configurations and modes."""
    versions = {
        (str(one.subject), one.number): (one.id, one.deleted, one.schema)
        async for one in registry.versions(deleted=True)
    }
    subjects = await registry.subjects(deleted=True)
    scopes = [*(Subject("", one) for one in (*CONTEXTS, GLOBAL_CONTEXT)), *subjects]
    configs = {str(one): await registry.config(one) for one in scopes}
    return {"versions": versions, "config": configs, "mode": {str(one): await registry.mode(one) for one in scopes}}


async def fill(registry: Registry, subjects: int, versions: int, contexts: tuple[str, ...] = CONTEXTS) -> int:
    """An estate: in each context shared types, and subjects with a history, each version of which uses one of them.

    Gives the number of versions.
    """
    count = 0
    for context in contexts:
        customer = Subject("customer", context)
        await registry.register(customer, Schema(record("id:long", name="Customer")))
        count += 1
        for number in range(subjects):
            subject = Subject(f"orders.{number:03}-value", context)
            for version in range(versions):
                await registry.register(subject, using(f"Order{number}", version))
                count += 1
    return count


def using(name: str, version: int = 0) -> Schema:
    """A record with a customer, and as many notes as its version says."""
    notes = "".join(f',{{"name":"note{one}","type":"string","default":""}}' for one in range(version))
    text = f'{{"type":"record","name":"{name}","namespace":"shop","fields":[{{"name":"of","type":"Customer"}}{notes}]}}'
    return Schema(text, SchemaType.AVRO, (Reference("shop.Customer", "customer", 1),))


async def put(registry: Registry, subject: Subject, text: str, schema_id: int, number: int = 1) -> None:
    """A version under a certain id."""
    await registry.set_mode(subject, Mode.IMPORT, force=True)
    await registry.register(subject, Schema(text), schema_id=schema_id, number=number)
    await registry.delete_mode(subject)


async def planned(
    world: World, selection: Selection | None = None, *, keep_ids: bool = True, **manner: Any
) -> Migration:
    """A migration from dev to prod, unless `source` and `target` say otherwise."""
    source, target = (world.registry(manner.pop(end, name)) for end, name in (("source", "dev"), ("target", "prod")))
    made = await migration.plan(source, target, selection or Selection(), keep_ids=keep_ids, manner=Manner(**manner))
    await world.keep(made.plan)
    return made


async def done(world: World, plan: Plan) -> Run:
    """Apply a plan, which must succeed."""
    run = await world.apply(plan)
    assert run.status is Status.SUCCEEDED, run.result
    return run


async def taken_back(world: World, run: Run) -> None:
    """Roll a migration back, which must succeed."""
    plan = await rollback.plan(world.ground, run.task)
    assert plan.blocked == ()
    await done(world, await world.keep(plan))
