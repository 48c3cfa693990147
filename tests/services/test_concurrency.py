"""Callers at the same subject at the same time, and callers who leave in the middle."""

import anyio
import pytest

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Level, Mode, Subject
from schema_mcp.services.registration import Registered, Stop
from schema_mcp.stores.journal import Status
from services.world import ORDERS, V1, V2, World, record


async def test_the_same_schema_from_many_callers_is_one_version(either: World):
    done = await at_once(either, [V1] * 12)

    assert {(one.number, one.id, one.deployed) for one in done} == {(1, done[0].id, True)}
    assert sorted(one.existing for one in done) == [False] + [True] * 11
    assert either.stored() == await either.held() == {1: done[0].id}


async def test_other_schemas_from_many_callers_are_versions_one_after_the_other(either: World):
    done = await at_once(either, [record("id:long", f"f{n}:string=") for n in range(12)])

    assert sorted(one.number for one in done) == list(range(1, 13))
    assert len({one.id for one in done}) == 12
    assert await either.held() == either.stored() == {one.number: one.id for one in done}
    assert await either.modes() == [None] * len(await either.modes())


async def at_once(world: World, texts: list[str]) -> list[Registered]:
    done: list[Registered] = []

    async def one(text: str) -> None:
        done.append(await world.register(text))

    async with anyio.create_task_group() as callers:
        for text in texts:
            callers.start_soon(one, text)
    return done


async def test_plans_and_registrations_at_one_subject_leave_the_mode_it_had(world: World):
    await world.register(stop=Stop.COMMIT)
    plans = [await world.plan("dev"), await world.plan("prod")]
    outcomes: list[Status | str] = []

    async def apply(number: int) -> None:
        try:
            outcomes.append((await world.apply(plans[number])).status)
        except SchemaMcpError as error:
            outcomes.append(error.code)

    async def register(text: str) -> None:
        await world.register(text)

    async with anyio.create_task_group() as callers:
        callers.start_soon(apply, 0)
        callers.start_soon(apply, 1)
        callers.start_soon(register, V1)
        callers.start_soon(register, V2)

    assert await world.modes() == [None, None]
    assert await world.held() == world.stored()
    assert set(outcomes) <= {Status.SUCCEEDED, "stale_plan"}


@pytest.mark.parametrize("after", range(1, 40, 2))
async def test_a_caller_who_leaves_takes_nothing_with_him(either: World, after: int):
    """The call is cancelled at its n-th step in the journal, or in the registry."""
    await either.register()
    left = anyio.Event()
    steps = 0
    with anyio.CancelScope() as call:

        def count(method):
            async def counted(*args, **kwargs):
                nonlocal steps
                steps += 1
                if steps == after:
                    call.cancel()
                    left.set()
                return await method(*args, **kwargs)

            return counted

        dev, journal = either.registry(), either.ground.journal
        things = [(dev, name) for name in ("register", "set_mode", "delete_mode", "version", "numbers")]
        plain = [(thing, name, getattr(thing, name)) for thing, name in [*things, (journal, "step")]]
        for thing, name, method in plain:
            setattr(thing, name, count(method))
        try:
            await either.register(V2)
        finally:
            for thing, name, method in plain:
                setattr(thing, name, method)

    done = await either.register(V2)

    assert done.deployed
    assert either.stored() == await either.held()
    assert list(either.stored()) == [1, 2]
    assert Mode.IMPORT not in await either.modes()
    assert [run for run in await either.ground.journal.recovered() if run.kind == "registration"] == []


async def test_a_number_that_somebody_else_took_is_not_let_go_of(world: World):
    """Two contents want version 1 of a subject; the one that comes second must not free the first one's claim."""
    from schema_mcp.domain.allocation import Allocation

    await world.register(V1, Subject("other"))
    await world.ground.ledger.allocate(Allocation(ORDERS, 1, "f" * 64, "AVRO"))

    with pytest.raises(SchemaMcpError, match="is known with content"):
        await world.register(V2)

    known = {entry.subject: entry.schema_hash for entry in await world.ground.ledger.entries()}
    assert known[ORDERS] == "f" * 64
    assert world.store.wish(ORDERS).level is not Level.NONE
