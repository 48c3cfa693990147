"""Registries that can do less are adopted as well, with what they have."""

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.schema import Schema, Subject
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
    assert not any(one.matters for _, one in await drift.detect_in([there], over.store, Selection()))
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
    found = await drift.detect_in([over.registry("far")], over.store, Selection())
    assert not any(one.matters for _, one in found)
