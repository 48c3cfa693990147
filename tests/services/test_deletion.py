"""Deleting: first shown with all it would take away, then done, only if nothing moved."""

import pytest

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, NotFoundError, ReadOnlyError, StalePlanError
from schema_mcp.domain.schema import Reference, Schema, Subject
from schema_mcp.services import deletion
from schema_mcp.services.deletion import Preview
from services.world import ORDERS, V1, V2, World, record

BILL = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer"}]}'


async def preview(
    world: World,
    subject: Subject = ORDERS,
    number: int | None = None,
    *,
    registry: str = "dev",
    permanent: bool = False,
) -> Preview:
    return await deletion.preview(world.registry(), world.store, subject, number, permanent=permanent)


async def carry_out(world: World, seen: Preview, digest: str = "") -> str:
    return await deletion.carry_out(world.ground, seen, digest or seen.digest, world.signed)


async def test_a_preview_tells_everything_and_changes_nothing(world: World):
    await world.register()
    await world.register(V2)
    await world.register(V1, Subject("copy"))
    await world.registry().set_config(Subject("other-name"), {"alias": "orders-value"})
    before = await world.traces()
    writes = world.registry().writes

    seen = await preview(world)

    assert world.registry().writes == writes
    assert [(one.number, one.id, one.shared_with) for one in seen.versions] == [(1, 10_001, ("copy",)), (2, 10_002, ())]
    assert seen.stored == (1, 2)
    assert await world.traces() == before


async def test_what_a_product_hides_is_not_destroyed_unseen(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.register()
    await carry_out(world, await preview(world))
    backend = world.registry()

    async def hidden(*_: object, **__: object) -> None:
        """Apicurio's answer about a version of a soft-deleted subject."""

    monkeypatch.setattr(type(backend), "version", hidden)

    with pytest.raises(NotFoundError, match="lists version 1 of orders-value and does not show it") as refused:
        await preview(world, permanent=True)

    assert "Nothing was deleted" in refused.value.hint


async def test_an_alias_that_leads_here_is_told(world: World):
    await world.register()
    await world.register(V1, Subject("also"))
    await world.registry().set_config(Subject("also"), {"alias": "orders-value"})

    assert (await preview(world)).aliases == ("also",)


async def test_a_large_registry_is_not_asked_about_the_aliases_of_each_subject(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("schema_mcp.services.deletion._MOST_ASKED", 1)
    for name in ("orders-value", "one", "two"):
        await world.register(V1, Subject(name))
    assert (await preview(world)).aliases is None
    told = await world.read("delete_subject", {"subject": "orders-value"})
    assert "Aliases" in told.model_dump()["not_looked_at"]


async def test_a_deletion_retires_in_the_store_and_deletes_in_the_registry(world: World):
    await world.register()
    await world.register(V2)

    commit = await carry_out(world, await preview(world, number=1))

    assert commit == world.store.head
    assert [record.deleted for record in world.store.records(ORDERS)] == [True, False]
    assert list(await world.held()) == [2]


async def test_a_subject_the_store_does_not_know_is_deleted_without_a_commit(world: World):
    await world.registry().register(ORDERS, Schema(V1))

    assert await carry_out(world, await preview(world)) == ""
    assert await world.registry().numbers(ORDERS) == []


async def test_a_preview_that_is_out_of_date_is_refused(world: World):
    await world.register()
    seen = await preview(world)
    await world.register(V2)

    with pytest.raises(StalePlanError):
        await carry_out(world, await preview(world), seen.digest)

    assert list(await world.held()) == [1, 2]


async def test_what_others_reference_stays(world: World):
    await world.register(record("id:long", name="Customer"), Subject("customer"))
    await world.register(BILL, references=[Reference("shop.Customer", "customer", 1)])

    seen = await preview(world, Subject("customer"))

    assert seen.referrers == (10_002,)
    with pytest.raises(ConflictError, match="10002"):
        await carry_out(world, seen)
    assert await world.held(subject=Subject("customer")) == {1: 10_001}


async def test_a_purge_stops_before_the_commit_where_something_soft_deleted_still_references_it(world: World):
    customer, bill = Subject("customer"), Subject("bill")
    await world.register(record("id:long", name="Customer"), customer)
    await world.register(BILL, bill, references=[Reference("shop.Customer", "customer", 1)])
    for subject in (bill, customer):
        await carry_out(world, await preview(world, subject))
    head = world.store.head

    seen = await preview(world, customer, permanent=True)

    assert seen.referrers == (10_002,)
    with pytest.raises(ConflictError, match="10002"):
        await carry_out(world, seen)
    assert world.store.head == head


async def test_a_permanent_deletion_comes_second(world: World):
    await world.register()
    with pytest.raises(InvalidRequestError, match="live versions"):
        await preview(world, permanent=True)
    await carry_out(world, await preview(world))

    await carry_out(world, await preview(world, permanent=True))

    assert await world.registry().numbers(ORDERS, deleted=True) == []


async def test_a_number_is_never_given_twice_after_a_permanent_deletion(world: World):
    await world.register()
    for permanent in (False, True):
        await carry_out(world, await preview(world, permanent=permanent))

    assert (await world.register(V2)).number == 2


@pytest.mark.parametrize(
    ("subject", "number", "said"),
    [
        pytest.param(Subject("nobody"), None, "no subject nobody", id="subject"),
        pytest.param(ORDERS, 9, "no version 9", id="version"),
    ],
)
async def test_what_is_not_there_is_told(world: World, subject: Subject, number: int | None, said: str):
    await world.register()

    with pytest.raises(NotFoundError, match=said):
        await preview(world, subject, number)


async def test_a_closed_registry_is_previewed_and_not_touched(world: World):
    seen = Preview("shut", ORDERS, permanent=False, versions=(), aliases=(), stored=())

    with pytest.raises(ReadOnlyError):
        await carry_out(world, seen)
