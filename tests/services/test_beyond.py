"""What a registry's product cannot keep is refused by plans and registrations, in its own words, before any write."""

import httpx2
import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import Level, Mode, Schema, Subject
from schema_mcp.registries.contract import Capability, Connection, Registry
from schema_mcp.registries.dialects import APICURIO, AXONOPS, KARAPACE, REDPANDA, Dialect
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.registries.plugins import backend
from schema_mcp.services import deployment, migration, restoration
from schema_mcp.services.selection import Selection
from services.world import ORDERS, V1, V2, World

NUMBERS_ITSELF = [APICURIO, KARAPACE]
DROPS_METADATA = [APICURIO, AXONOPS, KARAPACE, REDPANDA]
OWNER = {"properties": {"owner": "payments"}}


def product(dialect: Dialect) -> tuple[GuardedRegistry, FakeConfluent]:
    """A running product of that dialect, empty."""
    fake = FakeConfluent(lacks=frozenset(dialect.lacks))
    connection = Connection("real", backend=dialect.backend, urls=("http://sr.example.com",))
    opened: Registry = backend(dialect.backend)(connection, httpx2.ASGITransport(fake))  # type: ignore[call-arg]
    return GuardedRegistry(opened), fake


async def planned(world: World, dialect: Dialect) -> Plan:
    """The plan that brings the store to a product."""
    target, _ = product(dialect)
    fleet = Fleet([Connection("real", backend=dialect.backend)], default="real", opener=lambda _: target)
    return await deployment.plan(fleet, world.store, ["real"], Selection())


def ids(dialect: Dialect) -> str:
    return dialect.backend


@pytest.mark.parametrize("dialect", NUMBERS_ITSELF, ids=ids)
async def test_a_migration_that_keeps_ids_is_refused_with_the_products_words(world: World, dialect: Dialect):
    await world.register()
    target, fake = product(dialect)

    with pytest.raises(InvalidRequestError) as refused:
        await migration.plan(world.registry(), target, Selection())

    assert dialect.lacks[Capability.KEEPS_IDS] in str(refused.value)
    assert "keep_ids: false" in refused.value.hint
    assert all(method == "GET" for method, _ in fake.requests)


@pytest.mark.parametrize("dialect", NUMBERS_ITSELF, ids=ids)
async def test_a_migration_without_ids_is_planned(world: World, dialect: Dialect):
    await world.register(V1)
    await world.register(V2)
    target, _ = product(dialect)

    made = await migration.plan(world.registry(), target, Selection(), keep_ids=False)

    assert [step.number for step in made.plan.steps] == [1, 2]
    assert made.plan.blocked == ()


@pytest.mark.parametrize(
    ("dialect", "keep_ids"),
    [(one, False) for one in DROPS_METADATA] + [(one, True) for one in DROPS_METADATA if one not in NUMBERS_ITSELF],
    ids=lambda value: getattr(value, "backend", "ids-kept" if value is True else "new-ids"),
)
async def test_a_migration_blocks_what_would_lose_a_part_of_it(world: World, dialect: Dialect, keep_ids: bool):
    await world.register(V1, Subject("plain"))
    await world.register(V1, Subject("owned"), metadata=OWNER)
    target, _ = product(dialect)

    made = await migration.plan(world.registry(), target, Selection(), keep_ids=keep_ids)

    assert [step.subject.name for step in made.plan.steps] == ["plain"]
    assert [(one.subject.name, dialect.lacks[Capability.METADATA] in one.reason) for one in made.plan.blocked] == [
        ("owned", True)
    ]


async def test_a_migration_into_contexts_that_a_product_lacks_is_blocked(world: World):
    await world.register(V1, Subject("orders", ".eu"))
    target, _ = product(KARAPACE)

    made = await migration.plan(world.registry(), target, Selection(), keep_ids=False)

    assert made.plan.steps == ()
    assert "contexts" in made.plan.blocked[0].reason


@pytest.mark.parametrize("dialect", NUMBERS_ITSELF, ids=ids)
async def test_a_deployment_blocks_every_version_whose_id_would_be_lost(world: World, dialect: Dialect):
    await world.register(V1)
    await world.register(V2)

    plan = await planned(world, dialect)

    assert plan.steps == ()
    assert [one.number for one in plan.blocked] == [1, 2]
    assert dialect.lacks[Capability.KEEPS_IDS] in plan.blocked[0].reason


async def test_a_deployment_blocks_metadata_that_would_be_lost_and_carries_the_rest(world: World):
    await world.register(V1, Subject("plain"))
    await world.register(V1, Subject("owned"), metadata=OWNER)

    plan = await planned(world, AXONOPS)

    assert [step.subject.name for step in plan.steps] == ["plain"]
    assert [one.subject.name for one in plan.blocked] == ["owned"]


async def test_a_version_that_lives_again_is_blocked_where_a_product_does_not_take_it_back(world: World):
    await world.register(V1)
    await world.register(V2)
    target, fake = product(AXONOPS)
    fleet = Fleet([Connection("real", backend=AXONOPS.backend)], default="real", opener=lambda _: target)
    await target.set_mode(ORDERS, Mode.IMPORT, force=True)
    for one in world.store.history(ORDERS):
        version = one.version
        await target.register(ORDERS, version.schema, schema_id=version.id, number=version.number)
    await target.delete_version(ORDERS, 2)
    fake.requests.clear()

    plan = await deployment.plan(fleet, world.store, ["real"], Selection())
    shown = await restoration.preview(target, world.store, ORDERS, 2)

    assert ([one.number for one in plan.blocked], plan.steps) == ([2], ())
    assert "it answers 500" in plan.blocked[0].reason
    assert "takes no soft-deleted version back" in shown.blocked[0].reason
    assert all(method == "GET" for method, _ in fake.requests)


async def test_a_declared_mode_is_blocked_where_a_product_has_none(world: World):
    await world.register()
    await world.wish(level=Level.FULL, mode=Mode.READONLY)

    plan = await planned(world, KARAPACE)

    assert any("modes" in one.reason and "405" in one.reason for one in plan.blocked)


async def test_a_schema_whose_id_would_be_lost_is_not_even_registered_under_a_new_one():
    target, fake = product(APICURIO)

    with pytest.raises(InvalidRequestError, match="ignores both"):
        await target.register(ORDERS, Schema(V1), schema_id=7, number=1)

    assert fake.requests == []
