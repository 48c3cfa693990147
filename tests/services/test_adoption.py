"""An existing registry comes into the store as it is: afterwards there is nothing to plan and nothing differs."""

from pathlib import Path
from typing import Any

import pytest

from interfaces.test_recordings import Server, scenarios
from schema_mcp.domain.errors import ConflictError, RegistryError
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.services import adoption, drift, inventory
from schema_mcp.services.adoption import Adopted
from schema_mcp.services.adoption_wishes import Terms
from schema_mcp.services.registration import Stop
from schema_mcp.services.selection import Selection
from services.confluent import dead, reached_over_rest
from services.world import ANN, ORDERS, V1, V2, V3, World, embedded, record, silent, world_at

EU = Subject("orders-value", ".eu")
HOSTILE = [
    Subject(name)
    for name in ("a/b", "..", "CON", "Orders-Value", "ORDERS-VALUE", "context.json", "日本", "x" * 250, "%2F")
]


async def adopt(world: World, selection: Selection | None = None, registry: str = "dev", **terms: Any) -> Adopted:
    return await adoption.adopt(
        world.ground, world.registry(registry), selection or Selection(), world.signed, silent, terms=Terms(**terms)
    )


async def in_step(world: World, registry: str = "dev") -> bool:
    plan = await world.plan(registry)
    (sides,) = await drift.swept([world.registry(registry)], world.store, Selection())
    return not plan.steps and not plan.blocked and not sides.drift


async def lived_in(world: World) -> None:
    """A registry with a history: gaps, soft deletions, references, contexts, contracts, settings, odd names."""
    there = world.registry()
    for text in (V1, V2, V3):
        await there.register(ORDERS, Schema(text))
    await there.delete_version(ORDERS, 2)
    await there.delete_version(ORDERS, 2, permanent=True)
    await there.register(Subject("gone"), Schema(V1))
    await there.register(Subject("gone"), Schema(V2))
    await there.delete_version(Subject("gone"), 1)
    await there.register(Subject("money"), Schema(record("amount:long", name="Money")))
    paid = '{"type":"record","name":"Paid","namespace":"shop","fields":[{"name":"m","type":"shop.Money"}]}'
    await there.register(Subject("paid"), Schema(paid, references=(Reference("shop.Money", "money", 1),)))
    await there.register(
        Subject("json"), Schema('{"type":"object","properties":{"id":{"type":"integer"}}}', SchemaType.JSON)
    )
    await there.register(
        Subject("proto"), Schema('syntax = "proto3";\nmessage A { int32 a = 1; }', SchemaType.PROTOBUF)
    )
    rules = {"domainRules": [{"name": "r", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "true"}]}
    await there.register(Subject("rules"), Schema(V1, metadata={"properties": {"owner": "ann"}}, rule_set=rules))
    await there.register(EU, Schema(V1))
    for odd in HOSTILE:
        await there.register(odd, Schema(V1))
    await there.set_config(ORDERS, {"compatibility": "FULL", "normalize": True})
    await there.set_mode(ORDERS, Mode.READONLY)
    await there.set_config(Subject("", ".eu"), {"compatibility": "NONE", "defaultMetadata": {"properties": {"a": "b"}}})


async def test_what_was_adopted_is_in_step_with_the_registry(either: World):
    await lived_in(either)

    done = await adopt(either)

    assert done.commit
    assert not done.adoption.clashes
    assert await in_step(either)


async def test_numbers_ids_gaps_and_deletions_are_kept(either: World):
    await lived_in(either)
    before = {subject: await either.held(subject=subject) for subject in await either.registry().subjects()}

    await adopt(either)

    store = either.store
    assert {s: {r.number: r.id for r in store.records(s) if not r.deleted} for s in store.subjects()} == before
    assert [(one.number, one.deleted) for one in store.records(ORDERS)] == [(1, False), (3, False)]
    assert [(one.number, one.deleted) for one in store.records(Subject("gone"))] == [(1, True), (2, False)]


async def test_settings_become_wishes_and_what_has_no_place_is_named(either: World):
    await lived_in(either)

    done = await adopt(either)

    wish, eu = either.store.wish(ORDERS), either.store.context_wish(".eu")
    assert (wish.level, wish.mode) == (Level.FULL, Mode.READONLY)
    assert (eu.level, eu.defaults) == (Level.NONE, {"defaultMetadata": {"properties": {"a": "b"}}})
    assert [(one.scope, one.reason.partition(":")[0]) for one in done.adoption.left] == [(ORDERS, "normalize")]


async def test_a_long_reading_says_how_far_it_is(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inventory, "_BATCH", 2)
    monkeypatch.setattr(inventory, "_TOLD_EVERY", 2)
    monkeypatch.setattr(inventory, "_SCOPES_TOLD_EVERY", 2)
    for number in range(5):
        await world.registry().register(Subject(f"s-{number}"), Schema(record("id:long", name=f"R{number}")))
    said: list[str] = []

    async def report(done: float, total: float | None, message: str) -> None:
        said.append(message)

    await adoption.survey(world.ground, world.registry(), Selection(), Terms(), report)

    assert [one for one in said if "versions" in one] == ["2 versions of dev read", "4 versions of dev read"]
    assert [one for one in said if "settings" in one] == [
        "settings of 2 of 6 scopes read", "settings of 4 of 6 scopes read", "settings of 6 of 6 scopes read"
    ]  # fmt: skip


async def test_a_second_adoption_makes_no_commit(either: World):
    await lived_in(either)
    first = await adopt(either)

    again = await adopt(either)

    assert (again.commit, either.store.head) == ("", first.commit)
    assert again.adoption.same == len(first.adoption.added)


async def test_new_ids_lie_above_what_was_adopted(world: World):
    there = world.registry()
    await there.set_mode(ORDERS, Mode.IMPORT)
    await there.register(ORDERS, Schema(V1), schema_id=54_321, number=7)
    await there.delete_mode(ORDERS)

    await adopt(world)
    done = await world.register(V2)

    assert world.store.high_water() >= 54_321
    assert (done.number, done.id) == (8, done.id)
    assert done.id is not None
    assert done.id > 54_321


async def test_a_part_of_a_registry_can_be_adopted(world: World):
    await lived_in(world)

    await adopt(world, Selection(prefix="mon"))
    await adopt(world, Selection(context=".eu"))

    assert world.store.subjects() == [Subject("money"), EU]
    assert world.store.context_wish(".eu").level is Level.NONE
    assert world.store.context_wish(".").level is None


async def clashing(world: World) -> None:
    """Dev holds other content under orders v1 than the store, and money as the store has it."""
    for subject in (ORDERS, Subject("money")):
        await world.registry().register(subject, Schema(V1))
    await adopt(world, Selection(subjects=(Subject("money"),)))
    await world.registry("prod").register(Subject("padding"), Schema(V3))
    await world.registry("prod").register(ORDERS, Schema(V2))
    await adopt(world, Selection(subjects=(ORDERS,)), registry="prod")


async def test_other_content_is_a_clash_and_nothing_is_written(world: World):
    await clashing(world)
    await world.registry().register(Subject("fresh"), Schema(V1))
    head = world.store.head

    with pytest.raises(ConflictError) as caught:
        await adopt(world)

    assert caught.value.details["clashes"][0]["subject"] == "orders-value"
    assert "skip_clashes" in caught.value.hint
    assert world.store.head == head


async def test_clashing_subjects_can_be_left_out(world: World):
    await clashing(world)
    await world.registry().register(Subject("fresh"), Schema(V1))

    done = await adopt(world, skip_clashes=True)

    assert [stored.version.subject for stored in done.adoption.added] == [Subject("fresh")]
    assert {clash.subject for clash in done.adoption.clashes} == {ORDERS}


async def test_an_id_that_stands_for_other_content_is_a_clash_with_its_holder(world: World):
    await world.registry().register(ORDERS, Schema(V1))
    await world.registry("prod").register(Subject("other"), Schema(V2))
    await adopt(world)

    with pytest.raises(ConflictError, match=r"other v1 .*id 1 stands for other content in the store, orders-value v1"):
        await adopt(world, registry="prod")


async def test_an_id_that_our_ledger_handed_out_is_a_clash(world: World):
    allocated = await world.register(V1, stop=Stop.ID)
    assert allocated.id is not None
    there = world.registry("prod")
    other = Subject("other")
    await there.set_mode(other, Mode.IMPORT)
    await there.register(other, Schema(V2), schema_id=allocated.id, number=1)
    await there.delete_mode(other)

    with pytest.raises(ConflictError, match="our ledger"):
        await adopt(world, registry="prod")


async def test_where_we_number_the_ids_of_two_contexts_must_not_meet(world: World):
    await world.registry().register(ORDERS, Schema(V1))
    await world.registry().register(EU, Schema(V2))

    with pytest.raises(ConflictError, match="of the same registry"):
        await adopt(world)


async def test_where_the_registry_numbers_each_context_has_its_own_ids(lone: World):
    await lone.registry().register(ORDERS, Schema(V1))
    await lone.registry().register(EU, Schema(V2))

    await adopt(lone)

    assert (lone.stored(ORDERS), lone.stored(EU)) == ({1: 1}, {1: 1})


async def test_what_uses_something_left_out_is_left_out_as_well(world: World):
    await lived_in(world)

    done = await adopt(world, Selection(subjects=(Subject("paid"),)), skip_clashes=True)

    assert (done.commit, [clash.subject for clash in done.adoption.clashes]) == ("", [Subject("paid")])
    assert "money v1" in done.adoption.clashes[0].reason


async def test_a_bad_file_in_the_way_is_a_clash(world: World):
    await world.registry().register(ORDERS, Schema(V1))
    bad = {"SCHEMASTORE/default/orders-value/v1/metadata.json": b"{"}
    world.store.repository.commit(bad, "By hand", ANN, world.store.head)

    with pytest.raises(ConflictError, match="cannot be read"):
        await adopt(world)


async def test_what_the_store_says_otherwise_stays_unless_the_registrys_word_is_to_count(world: World):
    there = world.registry()
    for text in (V1, V2):
        await there.register(ORDERS, Schema(text))
    await adopt(world)
    await world.wish(level=Level.FULL, targets=("prod",))
    await there.delete_version(ORDERS, 1)
    await there.set_config(ORDERS, {"compatibility": "NONE"})

    kept = await adopt(world)
    stays = [one.reason for one in kept.adoption.left]
    assert (kept.commit, len(stays)) == ("", 3)
    assert world.store.wish(ORDERS).level is Level.FULL

    taken = await adopt(world, overwrite=True)
    assert taken.commit
    assert world.store.wish(ORDERS).level is Level.NONE
    assert world.store.wish(ORDERS).targets == ("prod", "dev")
    assert [record.deleted for record in world.store.records(ORDERS)] == [True, False]
    assert await in_step(world)


async def test_with_the_registrys_word_a_version_that_it_lost_is_retired(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.registry().delete_version(ORDERS, 2)
    await world.registry().delete_version(ORDERS, 2, permanent=True)

    await adopt(world, overwrite=True)

    assert [record.deleted for record in world.store.records(ORDERS)] == [False, True]
    assert await in_step(world)


async def test_new_subjects_get_the_targets_that_were_named(world: World):
    await world.registry().register(ORDERS, Schema(V1))

    await adopt(world, targets=("dev",))

    assert world.store.wish(ORDERS).targets == ("dev",)
    assert not (await world.plan("prod")).steps


async def test_settings_can_stay_where_they_are(world: World):
    await lived_in(world)

    await adopt(world, settings=False)

    assert world.store.wishes() == {}
    assert await in_step(world)


async def test_a_registry_that_takes_no_writes_can_be_adopted(tmp_path: Path):
    async with world_at(tmp_path, embedded("dev", "prod")) as open_one:
        await open_one.registry("prod").register(ORDERS, Schema(V1))
    async with world_at(tmp_path, embedded("dev", "prod", prod="readonly: true")) as world:
        await adopt(world, registry="prod")

        assert world.stored() == {1: 1}
        assert world.registry("prod").writes == 0


async def test_a_registry_that_lists_other_subjects_each_time_is_an_error(world: World):
    await world.registry().register(ORDERS, Schema(V1))
    fickle = _Fickle(world.registry())

    with pytest.raises(RegistryError, match="does not list the same subjects twice"):
        await adoption.adopt(world.ground, fickle, Selection(), world.signed, silent)

    assert world.stored() == {}


class _Fickle:
    """A registry where somebody registers while it is read."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def subjects(self, **how: Any) -> list[Subject]:
        return [*await self._inner.subjects(**how), Subject("newcomer")]


async def test_a_registry_that_is_away_is_an_error(world: World):
    away = reached_over_rest(world, {"far": dead()})

    with pytest.raises(RegistryError):
        await adopt(away, registry="far")

    assert world.stored() == {}


HISTORIES = ("05_references", "13_deletes", "19_import", "21_contexts", "23_names", "28_rulesets")
"""What people did to a real registry: odd references, deletions, imports, contexts, hostile names, rules."""


@pytest.mark.parametrize(("rows", "deviations"), [one for one in scenarios() if str(one.id).startswith(HISTORIES)])
async def test_a_registry_with_a_recorded_past_is_in_step_afterwards(rows: Any, deviations: Any, tmp_path: Path):
    server = Server(tmp_path / "dev.sqlite", rows[0].get("server_settings") or {})
    for row in rows:
        await server.send(row)
    server.core.close()

    async with world_at(tmp_path, embedded("dev")) as world:
        await adopt(world)

        assert await in_step(world)


async def test_after_adoption_a_registry_that_numbers_goes_on_numbering(lone: World):
    await lived_in(lone)
    await adopt(lone)
    taken = {record.id for subject in lone.store.subjects() for record in lone.store.records(subject)}

    done = await lone.register(record("amount:long", "currency:string=", name="Money"), Subject("money"))

    assert (done.number, done.deployed) == (2, True)
    assert done.id not in taken
    assert await in_step(lone)


async def test_the_ledger_knows_what_was_adopted_at_once(either: World):
    await lived_in(either)

    await adopt(either)

    known = {(one.subject, one.number): one.id for one in await either.ground.ledger.entries()}
    stored = {(one.subject, one.number): one.id for s in either.store.subjects() for one in either.store.records(s)}
    assert known == stored
