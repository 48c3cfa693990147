"""Registries that can do less are adopted as well, with what they have."""

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.schema import Level, Mode, Schema, Subject
from schema_mcp.registries.contract import Capability
from schema_mcp.services import adoption, drift
from schema_mcp.services.selection import Selection
from services.confluent import reached_over_rest
from services.world import ORDERS, V1, V2, World, silent


@pytest.mark.parametrize(
    ("lacks", "old", "cap"),
    [
        pytest.param(frozenset(), False, 1_000, id="all of Confluent"),
        pytest.param(frozenset(), True, 2, id="7.x in small pages"),
        pytest.param({Capability.CONTEXTS}, False, 1_000, id="no contexts"),
        pytest.param({Capability.MODES}, False, 1_000, id="no modes"),
        pytest.param({Capability.CONFIG, Capability.MODES}, False, 1_000, id="no settings"),
        pytest.param({Capability.SOFT_DELETE}, False, 1_000, id="no soft deletion"),
        pytest.param({Capability.BULK_LISTING, Capability.PREFIX}, False, 1_000, id="no bulk listing"),
    ],
)
async def test_a_registry_over_rest_is_in_step_afterwards(
    world: World, lacks: frozenset[Capability], old: bool, cap: int
):
    over = reached_over_rest(world, {"far": FakeConfluent(lacks=frozenset(lacks), old=old, cap=cap)})
    there = over.registry("far")
    for number in range(3):
        for text in (V1, V2):
            await there.register(Subject(f"s{number}"), Schema(text))
    await there.register(ORDERS, Schema(V1))

    done = await adoption.adopt(over.ground, there, Selection(), over.signed, silent)

    assert len(done.adoption.added) == 7
    assert [sides.in_sync for sides in await drift.swept([there], over.store, Selection())] == [True]
    plan = await over.plan("far")
    assert (plan.steps, plan.blocked) == ((), ())


async def test_a_registry_that_gives_texts_out_as_they_were_written_is_adopted_in_the_stores_spelling(world: World):
    fake = FakeConfluent()
    over = reached_over_rest(world, {"far": fake})
    await over.registry("far").register(ORDERS, Schema(V1))
    spelled = V1.replace('"name"', '\n "name"')
    next(iter(fake.subjects.values()))[1].body["schema"] = spelled

    await adoption.adopt(over.ground, over.registry("far"), Selection(), over.signed, silent)

    stored = over.store.version(ORDERS, 1)
    assert stored is not None
    assert stored.version.schema.text != spelled
    assert [sides.in_sync for sides in await drift.swept([over.registry("far")], over.store, Selection())] == [True]


@pytest.mark.parametrize(
    ("lacks", "level"),
    [
        pytest.param(frozenset(), None, id="it has none of its own"),
        pytest.param({Capability.CONFIG}, Level.FULL, id="it knows no levels"),
    ],
)
async def test_the_registrys_word_counts_only_where_it_can_speak(
    world: World, lacks: frozenset[Capability], level: Level | None
):
    over = reached_over_rest(world, {"far": FakeConfluent(lacks=frozenset(lacks))})
    there = over.registry("far")
    await there.register(ORDERS, Schema(V1))
    await adoption.adopt(over.ground, there, Selection(), over.signed, silent)
    await over.wish(level=Level.FULL)

    await adoption.adopt(over.ground, there, Selection(), over.signed, silent, overwrite=True)

    assert over.store.wish(ORDERS).level is level


async def test_a_subject_in_import_is_named_and_its_wish_stays(world: World):
    there = world.registry()
    await there.register(ORDERS, Schema(V1))
    await adoption.adopt(world.ground, there, Selection(), world.signed, silent)
    await world.wish(mode=Mode.READONLY)
    await there.set_mode(ORDERS, Mode.IMPORT, force=True)

    done = await adoption.adopt(world.ground, there, Selection(), world.signed, silent, overwrite=True)

    assert world.store.wish(ORDERS).mode is Mode.READONLY
    assert any("IMPORT" in one.reason for one in done.adoption.left)
