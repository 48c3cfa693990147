"""Deleted versions come back as they were, or not at all."""

import json
from typing import Any

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    ReadOnlyError,
    SchemaMcpError,
    StalePlanError,
)
from schema_mcp.domain.schema import Mode, Reference, Schema, Subject
from schema_mcp.registries.contract import Capability
from services.asking import ask
from services.confluent import answering, dead, reached_over_rest
from services.world import ORDERS, V1, V2, V3, World

CUSTOMER = '{"type":"record","name":"Customer","namespace":"shop","fields":[]}'
USER = '{"type":"record","name":"Use","namespace":"shop","fields":[{"name":"c","type":"shop.Customer"}]}'


async def three_versions(world: World) -> dict[int, int]:
    for text in (V1, V2, V3):
        await world.register(text)
    return await world.held()


async def delete(world: World, *, permanent: bool = False, subject: str = "orders-value", **more: Any) -> None:
    tool = "delete_schema_version" if "version" in more else "delete_subject"
    for forever in (False, True) if permanent else (False,):
        seen = await ask(world, tool, subject=subject, permanent=forever, **more)
        await ask(world, tool, subject=subject, permanent=forever, plan=seen.plan, **more)


async def restore(world: World, subject: str = "orders-value", **more: Any) -> Any:
    seen = await ask(world, "restore_subject", subject=subject, **more)
    return await ask(world, "restore_subject", subject=subject, plan=seen.plan, **more)


@pytest.mark.parametrize("permanent", [False, True], ids=["soft-deleted", "purged"])
async def test_a_deleted_subject_comes_back_with_its_numbers_and_ids(either: World, permanent: bool):
    world = either
    before = await three_versions(world)
    await delete(world, permanent=permanent)
    assert await world.held() == {}

    done = await restore(world)

    assert (done.done, done.total, done.blocked_total) == (True, 3, 0)
    assert await world.held() == before
    assert [stored.version.deleted for stored in world.store.history(ORDERS)] == [False, False, False]
    assert await world.modes("dev") == [None]
    there = await world.registry().version(ORDERS, 2)
    assert there
    assert json.loads(there.schema.text) == json.loads(V2)


async def test_what_only_the_registry_knows_comes_back_from_its_soft_deletion(world: World):
    dev = world.registry()
    first = await dev.register(ORDERS, Schema(V1))
    await dev.delete_subject(ORDERS)

    done = await restore(world)

    assert await world.held() == {1: first.id}
    assert done.commit is None
    assert "soft-deleted" in done.versions[0].why


async def test_one_version_comes_back_between_live_ones(world: World):
    before = await three_versions(world)
    await delete(world, version=1)
    await delete(world, version=2)

    await restore(world, version=2)

    assert await world.held() == {number: before[number] for number in (2, 3)}
    assert (await ask(world, "restore_subject", subject="orders-value")).total == 1


async def test_the_store_says_so_first_in_one_commit(world: World):
    await three_versions(world)
    await delete(world)
    before = len(await world.store.log())

    done = await restore(world, reason="deleted by mistake")

    (newest, *rest) = await world.store.log()
    assert len(rest) == before
    assert newest.message.startswith("Restore orders-value v1, v2, v3\n")
    assert "Reason: deleted by mistake" in newest.message
    assert newest.id.startswith(done.commit)


async def test_a_preview_writes_nothing(world: World):
    await three_versions(world)
    await delete(world)
    before = await world.traces()

    seen = await ask(world, "restore_subject", subject="orders-value")

    assert await world.traces() == before
    assert (seen.done, [row.version for row in seen.versions]) == (False, [1, 2, 3])


async def test_a_preview_that_is_no_longer_true_is_refused(world: World):
    await three_versions(world)
    await delete(world)
    seen = await ask(world, "restore_subject", subject="orders-value")
    await world.registry().register(ORDERS, Schema('"string"'))

    with pytest.raises(StalePlanError):
        await ask(world, "restore_subject", subject="orders-value", plan=seen.plan)


async def test_an_id_that_went_to_other_content_blocks(world: World):
    await world.register(V1)
    schema_id = (await world.held())[1]
    await delete(world, permanent=True)
    other = Subject("other")
    await world.registry().set_mode(other, Mode.IMPORT)
    await world.registry().register(other, Schema('"string"'), schema_id=schema_id, number=1)

    seen = await ask(world, "restore_subject", subject="orders-value")
    with pytest.raises(ConflictError, match="id belongs to other content"):
        await ask(world, "restore_subject", subject="orders-value", plan=seen.plan)

    assert seen.exit_code == 4
    assert await world.held() == {}


async def test_a_reference_that_is_gone_blocks_until_it_is_back(world: World):
    await world.register(CUSTOMER, Subject("customer"))
    await world.register(USER, Subject("use"), references=[Reference("shop.Customer", "customer", 1)])
    for subject in ("use", "customer"):
        await delete(world, subject=subject)

    seen = await ask(world, "restore_subject", subject="use")
    await restore(world, "customer")
    await restore(world, "use")

    assert (seen.total, seen.blocked_total) == (0, 1)
    assert "Restore the referenced subject" in seen.blocked[0].hint
    assert await world.held(subject=Subject("use"))


async def test_a_registry_that_the_subject_is_not_meant_for_blocks(world: World):
    await world.register(V1)
    await delete(world, permanent=True)
    await world.wish(targets=("prod",))

    assert (await ask(world, "restore_subject", subject="orders-value")).blocked_total == 1


async def test_live_and_unknown_subjects_have_nothing_to_restore(world: World):
    await world.register(V1)

    for subject in ("orders-value", "nobody"):
        with pytest.raises(NotFoundError, match="could be restored"):
            await ask(world, "restore_subject", subject=subject)


async def test_closed_registries_and_modes_are_no_way_around(world: World):
    await world.register(V1)
    await delete(world)
    seen = await ask(world, "restore_subject", subject="orders-value")
    await world.registry().set_mode(ORDERS, Mode.READONLY)

    with pytest.raises(ReadOnlyError):
        await ask(world, "restore_subject", subject="orders-value", plan=seen.plan)
    with pytest.raises(SchemaMcpError):
        await ask(world, "restore_subject", subject="orders-value", registry="shut", plan=seen.plan)

    assert await world.registry().mode(ORDERS) is Mode.READONLY
    assert await world.held() == {}


async def test_a_registry_that_cannot_keep_ids_is_refused_with_what_to_do_instead(world: World):
    over = reached_over_rest(world, {"west": FakeConfluent(lacks=frozenset({Capability.KEEPS_IDS}))})

    with pytest.raises(InvalidRequestError) as refused:
        await ask(over, "restore_subject", subject="orders-value")

    assert "register_schema" in refused.value.hint


@pytest.mark.parametrize("old", [False, True], ids=["8.x", "7.x"])
async def test_it_works_over_rest(world: World, old: bool):
    fake = FakeConfluent(old=old)
    over = reached_over_rest(world, {"west": fake})
    for text in (V1, V2):
        await over.registry("west").register(ORDERS, Schema(text))
    before = await over.held("west")
    await over.registry("west").delete_subject(ORDERS)

    await restore(over)

    assert await over.held("west") == before
    assert ("mode", "orders-value") not in fake.settings


@pytest.mark.parametrize("broken", [answering(500), answering(401), answering(200, "no"), dead()])
async def test_a_registry_that_does_not_answer_is_an_error(world: World, broken: Any):
    over = reached_over_rest(world, {"west": broken})

    with pytest.raises(SchemaMcpError) as refused:
        await ask(over, "restore_subject", subject="orders-value")

    assert not isinstance(refused.value, NotFoundError)
