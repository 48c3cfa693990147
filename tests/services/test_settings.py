"""Levels and modes: with where they come from, committed first where the store knows the scope."""

import pytest

from schema_mcp.domain.errors import InvalidRequestError, ReadOnlyError, SchemaMcpError
from schema_mcp.domain.schema import Level, Mode, Schema, Subject
from schema_mcp.services import settings
from services.world import ORDERS, V1, World

EU = Subject("", ".eu")


async def test_each_setting_says_where_it_comes_from(world: World):
    subject = Subject("orders-value", ".eu")
    dev = world.registry()
    await dev.register(subject, Schema(V1))
    await dev.set_config(EU, {"compatibility": "FULL"})
    await dev.set_config(subject, {"normalize": True})
    await dev.set_mode(EU, Mode.READONLY)

    found = await settings.read(dev, subject)

    assert found.in_force["normalize"].origin == "subject :.eu:orders-value"
    assert found.own_mode is None
    assert (found.mode.value, found.mode.origin) == (Mode.READONLY, "context eu")


async def test_a_change_is_committed_first_where_the_store_knows_the_subject(world: World):
    await world.register()

    done = await settings.change_config(world.ground, "dev", ORDERS, {"level": "FULL"}, world.signed)

    assert done.commit == world.store.head
    assert world.store.wish(ORDERS).level is Level.FULL
    assert (done.before, done.after["compatibilityLevel"]) == ({}, "FULL")


async def test_a_scope_the_store_does_not_know_is_changed_in_the_registry_only(world: World):
    done = await settings.change_config(world.ground, "dev", ORDERS, {"level": "FULL"}, world.signed)

    assert done.commit == ""
    assert world.store.head is None
    assert (await world.registry().config(ORDERS) or {})["compatibilityLevel"] == "FULL"


async def test_a_context_the_store_knows_gets_its_wish(world: World):
    await world.register(V1, Subject("orders-value", ".eu"))

    done = await settings.change_mode(world.ground, "dev", EU, Mode.READONLY, world.signed, force=False)

    assert done.commit
    assert world.store.context_wish(".eu").mode is Mode.READONLY


async def test_import_is_never_a_wish(world: World):
    await world.register()
    head = world.store.head

    await settings.change_mode(world.ground, "dev", ORDERS, Mode.IMPORT, world.signed, force=True)

    assert world.store.head == head
    assert await world.registry().mode(ORDERS) is Mode.IMPORT


async def test_what_is_taken_away_is_inherited_again(world: World):
    await world.register()
    await settings.change_config(world.ground, "dev", ORDERS, {"level": "FULL"}, world.signed)
    await settings.change_mode(world.ground, "dev", ORDERS, Mode.READONLY, world.signed, force=False)
    seen = await settings.removal(world.registry(), ORDERS)
    with pytest.raises(ReadOnlyError):
        await settings.drop_config(world.ground, seen, seen.digest, world.signed)
    assert world.store.wish(ORDERS).level is Level.FULL

    await settings.change_mode(world.ground, "dev", ORDERS, None, world.signed, force=False)
    await settings.drop_config(world.ground, seen, seen.digest, world.signed)

    wish = world.store.wish(ORDERS)
    assert (wish.level, wish.mode) == (None, None)
    assert await world.registry().config(ORDERS) is None
    assert await world.registry().mode(ORDERS) is None


async def test_nothing_to_change_is_refused(world: World):
    with pytest.raises(InvalidRequestError, match="nothing to change"):
        await settings.change_config(world.ground, "dev", ORDERS, {}, world.signed)


async def test_a_registry_that_refuses_after_the_commit_is_told_as_that(world: World):
    await world.register()

    with pytest.raises(SchemaMcpError) as refused:
        await settings.change_config(
            world.ground, "dev", ORDERS, {"level": "FULL", "default_rule_set": {"domainRules": "?"}}, world.signed
        )

    assert "The store has it" in refused.value.hint
    assert "dev is as it was" in refused.value.hint


async def test_a_closed_registry_is_left_alone_and_nothing_committed(world: World):
    await world.register()
    head = world.store.head

    with pytest.raises(ReadOnlyError):
        await settings.change_config(world.ground, "shut", ORDERS, {"level": "NONE"}, world.signed)

    assert world.store.head == head
    assert world.registry("shut").writes == 0


@pytest.mark.parametrize(
    ("before", "fields", "loosens"),
    [
        pytest.param("BACKWARD", {"level": "FULL"}, False, id="stricter"),
        pytest.param("BACKWARD", {"level": "BACKWARD_TRANSITIVE"}, False, id="further back"),
        pytest.param("BACKWARD_TRANSITIVE", {"level": "FULL"}, True, id="wider, but less far"),
        pytest.param("BACKWARD", {"level": "FORWARD"}, True, id="sideways"),
        pytest.param("FULL", {"level": "NONE"}, True, id="none"),
        pytest.param("FULL", {"normalize": True}, False, id="no matter of compatibility"),
        pytest.param("FULL", {"policy": "LENIENT"}, True, id="lenient"),
        pytest.param("FULL", {"compatibility_group": "major"}, True, id="group"),
        pytest.param("FULL", {"alias": "other"}, True, id="alias"),
        pytest.param(None, {"level": "NONE"}, True, id="none below the default"),
    ],
)
def test_what_lets_through_what_is_refused_now_loosens(before: str | None, fields: dict[str, object], loosens: bool):
    config = {"compatibilityLevel": before} if before else None

    assert settings.loosens(config, fields) is loosens
