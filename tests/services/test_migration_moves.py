"""Moving contexts, prefixes and whole registries: what arrives, under which names, and that it can be taken back."""

from typing import Any

import pytest

from schema_mcp.domain.errors import InvalidRequestError, ReadOnlyError
from schema_mcp.domain.plan import Action
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.services.migration import Clash
from schema_mcp.services.selection import Selection
from services.moves import done, dump, fill, planned, put, taken_back, using
from services.world import BREAKING, ORDERS, V1, V2, V3, World, record

EU, US = ".eu", ".us"
WHOLE = Selection()


async def settle(world: World) -> None:
    """Settings of every kind of scope, and soft-deleted versions, in dev."""
    dev = world.registry("dev")
    await dev.set_config(Subject("orders.000-value"), {"compatibility": "FULL", "normalize": True})
    await dev.set_config(Subject("customer", EU), {"compatibility": "NONE"})
    await dev.set_mode(Subject("orders.001-value", EU), Mode.READONLY)
    await dev.set_config(Subject("", EU), {"compatibility": "FORWARD"})
    await dev.set_mode(Subject("", US), Mode.READONLY)
    await dev.set_config(Subject("", ".__GLOBAL"), {"compatibility": "FULL_TRANSITIVE"})
    await dev.delete_version(Subject("orders.000-value"), 1)


async def test_a_whole_registry_arrives_as_it_is(world: World):
    await fill(world.registry("dev"), 2, 2)
    await settle(world)

    await done(world, (await planned(world, deleted=True)).plan)

    assert await dump(world.registry("prod")) == await dump(world.registry("dev"))
    assert (await planned(world, deleted=True)).clashes == {Clash.SAME: 15}
    assert not (await planned(world, deleted=True)).plan.steps


async def test_a_migration_into_what_is_there_is_taken_back_exactly(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    await fill(dev, 2, 2)
    await settle(world)
    await put(prod, Subject("orders.000-value"), record("id:long", name="Gone"), 77, number=9)
    await prod.delete_version(Subject("orders.000-value"), 9)
    await put(prod, Subject("stays"), V1, 500)
    await prod.set_config(Subject("customer", EU), {"compatibility": "BACKWARD", "normalize": True})
    await prod.set_mode(Subject("customer"), Mode.READWRITE)
    before = await dump(prod)

    run = await done(world, (await planned(world, deleted=True)).plan)
    changed = await dump(prod)
    await taken_back(world, run)

    assert changed["versions"].keys() > before["versions"].keys()
    assert changed["config"]["orders.000-value"] == {"compatibilityLevel": "FULL", "normalize": True}
    assert await dump(prod) == before


async def test_settings_can_stay_and_are_told_of(world: World):
    await fill(world.registry("dev"), 1, 1, (".",))
    await world.registry("dev").set_config(Subject("customer"), {"compatibility": "FULL"})

    without = await planned(world, settings=False)
    with_them = await planned(world)

    assert {step.action for step in without.plan.steps} == {Action.REGISTER}
    assert any("not moved" in one for one in without.plan.warnings)
    assert [step.action for step in with_them.plan.steps] == [Action.REGISTER, Action.REGISTER, Action.TIGHTEN]


async def test_a_level_is_loosened_before_and_tightened_after(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    for subject, level in ((ORDERS, "NONE"), (Subject("strict"), "FULL")):
        await dev.register(subject, Schema(record("id:long", name=level)))
        await dev.set_config(subject, {"compatibility": level})
    await prod.set_config(Subject(""), {"compatibility": "BACKWARD"})

    made = await planned(world, Selection((ORDERS, Subject("strict"))))

    assert [(step.action, step.subject.name) for step in made.plan.steps] == [
        (Action.LOOSEN, ORDERS.name),
        (Action.REGISTER, ORDERS.name),
        (Action.REGISTER, "strict"),
        (Action.TIGHTEN, "strict"),
    ]


async def test_settings_of_a_context_in_which_others_live_are_left_alone(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    await dev.register(Subject("mine", EU), Schema(V1))
    await dev.set_config(Subject("", EU), {"compatibility": "NONE"})
    await put(prod, Subject("theirs", EU), V2, 900)

    made = await planned(world, Selection(context=EU))

    assert [one.reason for one in made.plan.blocked] == [
        "its settings differ (loosen_level), and 1 subjects there are no part of this migration"
    ]
    assert [step.action for step in made.plan.steps] == [Action.REGISTER]
    assert any("live by NONE in eu of dev, and by BACKWARD in eu of prod" in one for one in made.plan.warnings)


@pytest.mark.parametrize("target", ["prod", "dev"], ids=["another registry", "the same registry"])
async def test_a_context_becomes_another(world: World, target: str):
    await fill(world.registry("dev"), 2, 2, (EU,))
    there = world.registry(target)

    made = await planned(world, Selection(context=EU), target=target, target_context=US)
    await done(world, made.plan)

    for name in ("customer", "orders.000-value", "orders.001-value"):
        assert await world.held(target, Subject(name, US)) == await world.held("dev", Subject(name, EU)) != {}
    version = await there.version(Subject("orders.000-value", US), 2)
    assert version is not None
    assert version.schema == Schema(version.schema.text, SchemaType.AVRO, (Reference("shop.Customer", "customer", 1),))
    assert await there.referrers(Subject("customer", US), 1)


async def test_a_prefix_becomes_another_and_references_follow(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    await dev.register(Subject("shop.customer"), Schema(record("id:long", name="Customer")))
    used = (Reference("shop.Customer", "shop.customer", 1),)
    await dev.register(Subject("shop.orders"), Schema(using("Order").text, SchemaType.AVRO, used))
    before = await dump(prod)

    made = await planned(world, Selection(prefix="shop."), target_prefix="sales.")
    run = await done(world, made.plan)

    moved = await prod.version(Subject("sales.orders"), 1)
    assert moved is not None
    assert moved.schema.references == (Reference("shop.Customer", "sales.customer", 1),)
    assert (moved.id, moved.schema.text) == (2, (await dev.version(Subject("shop.orders"), 1)).schema.text)  # type: ignore[union-attr]
    assert any("rewritten" in one for one in made.plan.warnings)
    assert (await planned(world, Selection(prefix="shop."), target_prefix="sales.")).clashes == {Clash.SAME: 2}
    await taken_back(world, run)
    assert await dump(prod) == before


async def test_a_reference_into_another_context_is_named_in_full(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    customer = Subject("customer")
    for registry in (dev, prod):
        await put(registry, customer, record("id:long", name="Customer"), 1)
    used = (Reference("shop.Customer", ":.:customer", 1),)
    await dev.register(Subject("first", EU), Schema(V1))
    await dev.register(Subject("orders", EU), Schema(using("Order").text, SchemaType.AVRO, used))

    made = await planned(world, Selection((Subject("orders", EU),), context=EU), target_context=".")
    await done(world, made.plan)

    moved = await prod.version(Subject("orders"), 1)
    assert moved is not None
    assert moved.schema.references == used


async def test_a_reference_that_would_mean_something_else_is_not_followed(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    await fill(dev, 1, 1, (".",))
    await put(prod, Subject("customer"), record("name:string", name="Customer"), 40)

    made = await planned(world, Selection((Subject("orders.000-value"),)))

    assert made.clashes == {Clash.REFERENCE: 1}
    assert "customer v1" in made.plan.blocked[0].reason


async def test_soft_deleted_versions_are_counted_or_moved(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    for text in (V1, V2, V3):
        await dev.register(ORDERS, Schema(text))
    await dev.delete_version(ORDERS, 2)
    before = await dump(prod)

    without = await planned(world)
    run = await done(world, (await planned(world, deleted=True)).plan)

    assert without.versions == 2
    assert any("1 soft-deleted versions" in one for one in without.plan.warnings)
    assert await dump(prod) == await dump(dev)
    await taken_back(world, run)
    assert await dump(prod) == before


async def test_what_is_soft_deleted_in_the_source_is_not_deleted_where_it_is_used(world: World):
    dev, prod = world.registry("dev"), world.registry("prod")
    customer = record("id:long", name="Customer")
    for registry in (dev, prod):
        await put(registry, Subject("customer"), customer, 1)
    await dev.delete_version(Subject("customer"), 1)

    unused = await planned(world, deleted=True)
    await prod.register(Subject("orders"), using("Order"))

    assert [step.action for step in unused.plan.steps] == [Action.DELETE]
    assert (await planned(world, deleted=True)).plan.steps == ()


async def gone(world: World, registry: str, subject: Subject, number: int) -> None:
    await world.registry(registry).delete_version(subject, number)


async def test_an_id_of_something_soft_deleted_is_told(world: World):
    await world.registry("dev").register(ORDERS, Schema(V1))
    await put(world.registry("prod"), Subject("old"), BREAKING, 1)
    await gone(world, "prod", Subject("old"), 1)

    made = await planned(world)

    assert made.clashes == {Clash.ID_SOFT_DELETED: 1}
    assert "permanently" in made.plan.blocked[0].hint


async def test_a_tombstone_that_would_vanish_is_told(world: World):
    await world.registry("dev").register(ORDERS, Schema(V1))
    await put(world.registry("prod"), ORDERS, V1, 1, number=2)
    await gone(world, "prod", ORDERS, 2)

    made = await planned(world)

    assert made.clashes == {Clash.VANISHES: 1}


@pytest.mark.parametrize(
    ("theirs", "staying"),
    [pytest.param("b", "b", id="one id, two contents"), pytest.param("a", "a", id="one place, two contents")],
)
async def test_contexts_that_disagree_do_not_meet(world: World, theirs: str, staying: str):
    dev = world.registry("dev")
    await dev.register(Subject("a", EU), Schema(V1))
    await dev.register(Subject(theirs, US), Schema(BREAKING))

    made = await planned(world, target_context=".")

    assert made.clashes[Clash.MEETING] == 1
    assert [one.subject.name for one in made.plan.blocked] == [staying]


@pytest.mark.parametrize("scope", [Subject(""), Subject("", EU), ORDERS], ids=["registry", "context", "subject"])
async def test_a_target_in_the_wrong_mode_is_told_before_anything_is_written(world: World, scope: Subject):
    subject = Subject(ORDERS.name, scope.context)
    dev, prod = world.registry("dev"), world.registry("prod")
    for text in (V1, V2):
        await dev.register(subject, Schema(text))
    await put(prod, subject, V1, 1)
    await prod.set_mode(scope, Mode.READONLY)

    made = await planned(world, Selection((subject,)))

    assert made.clashes == {Clash.SAME: 1, Clash.CLOSED: 1}
    assert made.plan.steps == ()
    assert "READONLY" in made.plan.blocked[0].reason


async def test_without_ids_nothing_inherits_metadata(world: World):
    dev = world.registry("dev")
    await put(dev, ORDERS, V2, 8, number=2)
    await dev.set_mode(ORDERS, Mode.IMPORT, force=True)
    await dev.register(ORDERS, Schema(V1, metadata={"properties": {"owner": "a"}}), schema_id=7, number=1)
    await dev.delete_mode(ORDERS)

    assert (await planned(world, keep_ids=False)).clashes == {Clash.FREE: 1, Clash.INHERITS: 1}
    assert (await planned(world)).clashes == {Clash.FREE: 2}


async def test_without_ids_a_known_content_makes_no_new_version(world: World):
    dev = world.registry("dev")
    for number, (text, schema_id) in enumerate([(V1, 1), (V2, 2), (V1, 1)], start=1):
        await put(dev, ORDERS, text, schema_id, number=number)

    assert (await planned(world, keep_ids=False)).clashes == {Clash.FREE: 2, Clash.REPEATED: 1}
    await done(world, (await planned(world)).plan)
    assert await world.held("prod") == {1: 1, 2: 2, 3: 1}


async def test_without_ids_a_version_that_is_used_does_not_overtake_those_before_it(world: World):
    dev = world.registry("dev")
    for text in (record("id:long", name="Customer"), record("id:long", "name:string=", name="Customer")):
        await dev.register(Subject("zz"), Schema(text))
    used = (Reference("shop.Customer", "zz", 2),)
    await dev.register(Subject("bills"), Schema(using("Bill").text, SchemaType.AVRO, used))

    await done(world, (await planned(world, keep_ids=False)).plan)

    assert await dump(world.registry("prod")) == await dump(dev) | {"versions": await renumbered(world)}


async def renumbered(world: World) -> dict[Any, Any]:
    """What dev holds, under the ids that prod gave."""
    ids = {key: one[0] for key, one in (await dump(world.registry("prod")))["versions"].items()}
    versions = (await dump(world.registry("dev")))["versions"]
    return {key: (ids[key], deleted, schema) for key, (_, deleted, schema) in versions.items()}


@pytest.mark.parametrize("own", [None, "FULL"], ids=["inherits", "own level"])
async def test_without_ids_a_history_that_breaks_the_level_is_let_in_and_the_level_stands_again(
    world: World, own: str | None
):
    dev, prod = world.registry("dev"), world.registry("prod")
    await dev.set_config(ORDERS, {"compatibility": "NONE"})
    for text in (V1, BREAKING):
        await dev.register(ORDERS, Schema(text))
    if own:
        await dev.set_config(ORDERS, {"compatibility": own})
    else:
        await dev.delete_config(ORDERS)
    before = await dump(prod)

    run = await done(world, (await planned(world, keep_ids=False)).plan)

    assert len(await world.held("prod")) == 2
    assert await prod.config(ORDERS) == ({"compatibilityLevel": own} if own else None)
    await taken_back(world, run)
    assert await dump(prod) == before


async def test_a_plan_sends_no_write(world: World):
    await fill(world.registry("dev"), 2, 2)
    await settle(world)
    before = await world.traces()

    await planned(world, deleted=True)
    await planned(world, keep_ids=False)

    assert await world.traces() == before


async def test_a_registry_is_moved_into_itself_only_elsewhere(world: World):
    await fill(world.registry("dev"), 1, 1, (EU,))

    ways: list[tuple[Selection, dict[str, Any]]] = [
        (WHOLE, {}),
        (Selection(context=EU), {"target_context": EU}),
        (Selection(prefix="o"), {"target_prefix": "o"}),
        (WHOLE, {"target_context": EU}),
    ]
    for selection, manner in ways:
        with pytest.raises(InvalidRequestError, match="both source and target"):
            await planned(world, selection, target="dev", **manner)


# --- through the tools -----------------------------------------------------------------------------------------------


async def tool(world: World, name: str, **arguments: Any) -> dict[str, Any]:
    return (await world.read(name, arguments)).model_dump()


async def test_the_preview_maps_every_version_and_its_plan_moves_them(world: World):
    await fill(world.registry("dev"), 1, 2, (".",))
    await put(world.registry("prod"), Subject("customer"), record("id:long", name="Customer"), 1)
    await put(world.registry("prod"), Subject("orders.000-value"), BREAKING, 90, number=2)
    ends = {"source": "dev", "target": "prod"}

    shown = await tool(world, "migrate_schemas", **ends)
    moved = await tool(world, "migrate_schemas", **ends, plan=shown["plan"])

    assert [(one["subject"], one["version"], one["id"], one["found"]) for one in shown["rows"]] == [
        ("orders.000-value", 2, None, "version holds other content"),
        ("orders.000-value", 1, 2, "free"),
        ("customer", 1, 1, "same content"),
    ]
    assert (shown["risk"], shown["blocked"], shown["total"]) == ("high", 1, 1)
    assert "target_context" in shown["rows"][0]["detail"]
    assert (moved["status"], moved["done"]) == ("succeeded", 1)
    assert moved["task"] in moved["next"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"source": "prod", "target": "dev"}, id="another pair"),
        pytest.param({"prefix": "x"}, id="another selection"),
        pytest.param({"target_context": "eu"}, id="another context"),
        pytest.param({"keep_ids": False}, id="without ids"),
        pytest.param({"deleted": True}, id="with deleted versions"),
    ],
)
async def test_a_plan_made_for_something_else_is_refused(world: World, other: dict[str, Any]):
    await fill(world.registry("dev"), 1, 1, (".",))
    ends = {"source": "dev", "target": "prod"}
    shown = await tool(world, "migrate_schemas", **ends)

    with pytest.raises(InvalidRequestError, match="no preview of this call"):
        await tool(world, "migrate_schemas", **(ends | other), plan=shown["plan"])
    assert world.registry("prod").writes == 0


async def test_a_closed_target_is_refused_at_once(world: World):
    await fill(world.registry("dev"), 1, 1, (".",))

    with pytest.raises(ReadOnlyError):
        await tool(world, "migrate_schemas", source="dev", target="shut")
    planned = await tool(world, "plan_migration", source="dev", target="shut")
    assert any("takes no writes" in one for one in planned["warnings"])
    with pytest.raises(ReadOnlyError):
        await tool(world, "apply_plan", plan=planned["plan"])
