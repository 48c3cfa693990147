"""Registering: what is proved, numbered, committed and deployed, and what is refused before anything is written."""

import pytest

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import (
    ConflictError,
    IncompatibleError,
    InvalidRequestError,
    InvalidSchemaError,
    NotFoundError,
    ReadOnlyError,
)
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.services.registration import Stop
from services.world import BREAKING, ORDERS, V1, V2, V3, World, record

PROTO = 'syntax = "proto3";\npackage shop;\nmessage Order {\n  int64 id = 1;\n}\n'
JSON = '{"type":"object","properties":{"id":{"type":"integer"}}}'


async def test_the_first_version_is_numbered_committed_and_deployed(world: World):
    done = await world.register()

    assert (done.number, done.id, done.existing, done.deployed) == (1, 10_001, False, True)
    assert world.store.head == done.commit
    assert world.stored() == {1: 10_001} == await world.held()
    assert await world.held("prod") == {}
    assert await world.modes() == [None]


async def test_a_registry_that_numbers_gives_number_and_id(lone: World):
    done = await lone.register()

    assert (done.number, done.id, done.deployed) == (1, 1, True)
    assert lone.stored() == {1: 1} == await lone.held()
    assert [entry.registry for entry in await lone.ground.ledger.entries()] == ["dev"]


async def test_the_same_schema_again_is_answered_and_not_repeated(either: World):
    world = either
    first = await world.register()
    before = await world.traces()

    again = await world.register("  " + V1 + "\n")

    assert (again.number, again.id, again.existing, again.deployed) == (1, first.id, True, True)
    assert await world.traces() == before


async def test_versions_follow_each_other(either: World):
    world = either

    numbers = [(await world.register(text)).number for text in (V1, V2, V3)]

    assert numbers == [1, 2, 3]
    assert world.stored() == await world.held()
    assert len(set(world.stored().values())) == 3


async def test_a_breaking_schema_is_refused_with_a_way_out_that_passes(either: World):
    world = either
    await world.register()
    before = await world.traces()

    with pytest.raises(IncompatibleError) as refused:
        await world.register(BREAKING)

    assert await world.traces() == before
    mended = next(way for way in refused.value.details["ways_out"] if way["kind"] == "mended")
    assert (await world.register(mended["schema_text"])).number == 2


async def test_a_level_asked_for_is_proved_beside_the_one_in_force(world: World):
    await world.register(BREAKING)

    with pytest.raises(IncompatibleError, match="FULL"):
        await world.register(V1, level=Level.FULL)
    with pytest.raises(IncompatibleError, match="BACKWARD"):
        await world.register(record("id:string"), level=Level.NONE)

    assert (await world.register(V1)).number == 2


async def test_the_wish_of_the_store_is_the_level_in_force(world: World):
    await world.register()
    await world.wish(level=Level.NONE)

    assert (await world.register(BREAKING)).number == 2


async def test_a_group_keeps_versions_of_other_groups_out_of_the_comparison(world: World):
    await world.register()
    await world.registry().set_config(ORDERS, {"compatibilityGroup": "major_version"})

    done = await world.register(BREAKING, metadata={"properties": {"major_version": "2"}})

    assert done.deployed
    assert await world.held() == world.stored()


async def test_a_lenient_registry_takes_what_it_would_take_without_us(lone: World):
    closed = '{"type":"object","properties":{"a":{"type":"string"}}}'
    opened = '{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}'
    await lone.register(closed, kind=SchemaType.JSON)
    with pytest.raises(IncompatibleError):
        await lone.register(opened, kind=SchemaType.JSON)

    await lone.registry().set_config(ORDERS, {"compatibilityPolicy": "LENIENT"})

    assert (await lone.register(opened, kind=SchemaType.JSON)).number == 2


@pytest.mark.parametrize(
    ("kind", "text"),
    [pytest.param(SchemaType.JSON, JSON, id="json"), pytest.param(SchemaType.PROTOBUF, PROTO, id="pb")],
)
async def test_every_language_is_registered(world: World, kind: SchemaType, text: str):
    done = await world.register(text, kind=kind)

    there = await world.registry().version(ORDERS, 1)
    assert there
    assert (there.schema.type, there.id) == (kind, done.id)


async def test_another_language_under_the_same_subject_is_refused(world: World):
    await world.register()

    with pytest.raises(IncompatibleError, match="language"):
        await world.register(JSON, kind=SchemaType.JSON)


async def test_a_reference_to_the_latest_is_pinned(world: World):
    await world.register(record("id:long", name="Customer"), Subject("customer"))
    text = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer"}]}'

    await world.register(text, references=[Reference("shop.Customer", "customer", -1)])

    there = await world.registry().version(ORDERS, 1)
    assert there
    assert there.schema.references == (Reference("shop.Customer", "customer", 1),)


async def test_a_reference_that_nobody_has_is_refused(world: World):
    with pytest.raises(InvalidSchemaError, match="nobody has it"):
        await world.register(V1, references=[Reference("x.Y", "nowhere", 1)])


async def test_a_reference_that_the_registry_lacks_is_refused_before_anything_is_written(world: World):
    await world.register(record("id:long", name="Customer"), Subject("customer"))
    text = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer"}]}'
    before = await world.traces()

    with pytest.raises(ConflictError, match=r"prod.*customer"):
        await world.register(text, registry="prod", references=[Reference("shop.Customer", "customer", 1)])

    assert await world.traces() == before


async def test_a_bad_text_is_refused(world: World):
    with pytest.raises(InvalidSchemaError):
        await world.register('{"type":"recod"}')

    assert world.store.head is None


async def test_a_context_is_a_space_of_its_own(world: World):
    there = Subject("orders-value", ".eu")
    await world.register()
    done = await world.register(BREAKING, there)

    assert (done.number, done.id) == (1, 10_002)
    assert await world.held(subject=there) == {1: 10_002}


async def test_the_same_content_has_one_id_in_every_subject_and_context(world: World):
    places = [ORDERS, Subject("copy"), Subject("copy", ".eu")]

    assert {(await world.register(V1, place)).id for place in places} == {10_001}


async def test_metadata_left_out_is_taken_from_the_latest_version(either: World):
    world = either
    owner = {"properties": {"owner": "ann"}}
    await world.register(V1, metadata=owner)

    assert (await world.register(V1)).existing
    await world.register(V2)

    there = await world.registry().version(ORDERS, 2)
    assert there
    assert there.schema.metadata == owner


async def test_other_metadata_makes_another_version(world: World):
    await world.register(V1, metadata={"properties": {"owner": "ann"}})
    done = await world.register(V1, metadata={"properties": {"owner": "bob"}})

    assert (done.number, done.id) == (2, 10_002)


async def test_defaults_and_overrides_of_the_registry_become_part_of_the_schema(lone: World):
    await lone.registry().set_config(ORDERS, {"overrideMetadata": {"properties": {"team": "shop"}}})

    done = await lone.register()

    kept = lone.store.version(ORDERS, 1)
    assert done.deployed
    assert kept
    assert kept.version.schema.metadata == {"properties": {"team": "shop"}}
    assert (await lone.register()).existing


async def test_a_registry_that_normalises_is_sent_what_it_will_keep(lone: World):
    await lone.registry().set_config(ORDERS, {"normalize": True})
    text = '{"type":"object","title":"t","properties":{"id":{"type":"integer"}}}'

    assert (await lone.register(text, kind=SchemaType.JSON)).deployed
    assert (await lone.register(text, kind=SchemaType.JSON)).existing


@pytest.mark.parametrize(
    ("stop", "commits", "known"),
    [
        pytest.param(Stop.PROOF, False, False, id="proof"),
        pytest.param(Stop.ID, True, True, id="id"),
        pytest.param(Stop.COMMIT, True, True, id="commit"),
    ],
)
async def test_it_stops_where_it_is_told(world: World, stop: Stop, commits: bool, known: bool):
    done = await world.register(stop=stop)

    assert (world.store.head is not None) == commits
    assert bool(await world.ground.ledger.entries()) == known
    assert bool(world.stored()) == (stop is Stop.COMMIT)
    assert await world.held() == {}
    assert not done.deployed
    assert (await world.register()).deployed
    assert world.stored() == {1: 10_001} == await world.held()


@pytest.mark.parametrize("stop", [Stop.ID, Stop.COMMIT])
async def test_stages_of_our_own_numbers_are_refused_where_the_registry_numbers(lone: World, stop: Stop):
    with pytest.raises(InvalidRequestError, match="ids of our own"):
        await lone.register(stop=stop)


async def test_versions_that_the_store_lacks_are_never_written_over(either: World):
    world = either
    await world.registry().register(ORDERS, Schema(V1))
    before = await world.traces()

    with pytest.raises(ConflictError) as refused:
        await world.register(V2)

    assert "adopt_registry" in refused.value.hint
    assert await world.traces() == before


async def test_a_closed_registry_is_refused_before_anything_is_written(world: World):
    with pytest.raises(ReadOnlyError, match="shut"):
        await world.register(registry="shut")

    assert await world.ground.ledger.entries() == []
    assert world.store.head is None


async def test_proving_against_a_closed_registry_is_allowed(world: World):
    assert (await world.register(registry="shut", stop=Stop.PROOF)).number == 1


@pytest.mark.parametrize("mode", [Mode.READONLY, Mode.READONLY_OVERRIDE])
async def test_a_mode_that_closes_the_registry_is_no_way_around(world: World, mode: Mode):
    await world.registry().set_mode(Subject(""), mode)

    with pytest.raises(ReadOnlyError):
        await world.register()

    assert world.stored() == {}
    assert await world.registry().mode(Subject(""), inherited=True) is mode


async def test_an_unknown_registry_is_told_with_the_known_ones(world: World):
    with pytest.raises(NotFoundError) as refused:
        await world.register(registry="prd")

    assert "dev, prod, shut" in refused.value.hint
    assert "'prod'" in refused.value.hint


async def test_a_registry_that_the_subject_is_not_meant_for_is_refused(world: World):
    await world.register()
    await world.wish(targets=("prod",))

    with pytest.raises(ConflictError, match="prod"):
        await world.register(V2)

    assert world.stored() == {1: 10_001}


async def test_a_writer_s_registration_changes_no_level_and_deletes_nothing(world: World):
    await world.register()
    await world.register(V2)
    await world.wish(level=Level.NONE)
    await world.retire(ORDERS, 1)

    await world.register(V3, scope=Scope.WRITE)

    assert list(await world.held()) == [1, 2, 3]
    assert await world.registry().config(ORDERS) is None


async def test_what_another_registry_misses_is_left_to_a_plan(world: World):
    await world.register()

    await world.register(V2, registry="prod")

    assert await world.held("prod") == world.stored()
    assert list(await world.held("dev")) == [1]


async def test_going_back_to_an_older_schema_is_explained(either: World):
    for text in (V1, V2):
        await either.register(text)

    back = await either.register(V1)
    same = await either.register(V2)

    assert (back.number, back.existing) == (1, True)
    assert any("version 2 stays the latest" in note for note in back.notes)
    assert same.notes == ()
