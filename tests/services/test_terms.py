"""What a deployment may do beyond carrying versions in: number anew, prune, set what a context is meant to have."""

from dataclasses import replace
from typing import Any

import pytest

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.plan import Action, Plan
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, Subject
from schema_mcp.registries.contract import Capability
from schema_mcp.services.draft import Terms
from schema_mcp.services.registration import Stop
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Status
from schema_mcp.stores.schemastore import (
    AddVersion,
    ContextWish,
    RemoveVersion,
    SetContextWish,
    StoredVersion,
)
from services.world import ANN, BREAKING, ORDERS, V1, V2, V3, World, record

WHOLE = Subject("")
ORDERS_ONLY = Selection(prefix="orders")
CUSTOMER = Subject("zz-customer")
BILL = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer"}]}'


def told(plan: Plan) -> list[tuple[str, str, int]]:
    return [(step.action.value, step.subject.name, step.number) for step in plan.steps]


def without_ids(world: World, monkeypatch: pytest.MonkeyPatch, name: str = "prod") -> None:
    """Make a registry one that cannot keep ids."""
    inner: Any = world.registry(name)._inner  # pyright: ignore[reportPrivateUsage]
    able = inner.capabilities - {Capability.KEEPS_IDS, Capability.MODES}
    monkeypatch.setattr(inner, "capabilities", able, raising=False)


# --- ids that are not kept -------------------------------------------------------------------------------------------


async def test_a_registry_that_cannot_keep_ids_is_refused_with_the_way_out(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await world.register()
    without_ids(world, monkeypatch)

    plan = await world.plan("prod")

    assert plan.steps == ()
    assert "a given id" in plan.blocked[0].reason
    assert "keep_ids: false" in plan.blocked[0].hint


async def test_it_numbers_by_itself_where_the_plan_says_so_and_is_told(world: World, monkeypatch: pytest.MonkeyPatch):
    for text in (V1, V2):
        await world.register(text)
    without_ids(world, monkeypatch)

    plan = await world.plan("dev", "prod", terms=Terms(keep_ids=False))
    done = await world.apply(plan)

    assert done.status is Status.SUCCEEDED
    assert [(step.registry, step.id) for step in plan.steps] == [("prod", 0), ("prod", 0)]
    assert any("prod hands out ids of its own" in warning for warning in plan.warnings)
    assert await world.held("prod") == {1: 1, 2: 2}
    assert world.stored() == {1: 10_001, 2: 10_002}
    again = await world.plan("dev", "prod")
    assert (again.steps, again.blocked) == ((), ())


async def test_registries_that_can_keep_ids_do_so_all_the_same(world: World):
    await world.register()

    plan = await world.plan("prod", terms=Terms(keep_ids=False))

    assert [step.id for step in plan.steps] == [10_001]


async def test_a_gap_that_would_be_closed_is_blocked(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.wish(level=Level.NONE)
    for text in (V1, V2, V3):
        await world.register(text)
    await world.retire(ORDERS, 2)
    without_ids(world, monkeypatch)

    plan = await world.plan("prod", terms=Terms(keep_ids=False))

    assert Action.REGISTER not in [step.action for step in plan.steps]
    assert "would become version 2" in plan.blocked[0].reason


# --- going back ------------------------------------------------------------------------------------------------------


async def gone_back(world: World) -> None:
    """The store has v1, v2, and v3 with the content of v1."""
    await world.wish(level=Level.NONE)
    for text in (V1, BREAKING):
        await world.register(text, stop=Stop.COMMIT)
    first = world.store.version(ORDERS, 1)
    assert first
    again: StoredVersion = replace(first, version=replace(first.version, number=3))
    await world.store.commit([AddVersion(again)], "Go back by hand", ANN)


async def test_going_back_is_explained_where_the_registry_numbers(world: World, monkeypatch: pytest.MonkeyPatch):
    await gone_back(world)
    without_ids(world, monkeypatch)

    plan = await world.plan("prod", terms=Terms(keep_ids=False))

    [blocked] = [one for one in plan.blocked if one.number == 3]
    assert "its content is that of version 1" in blocked.reason
    assert "metadata" in blocked.hint
    assert Action.REGISTER not in [step.action for step in plan.steps]


async def test_what_the_trap_says_is_what_the_registry_does(world: World):
    prod = world.registry("prod")
    await prod.set_config(ORDERS, {"compatibility": "NONE"})
    for text in (V1, BREAKING):
        await prod.register(ORDERS, Schema(text))

    answer = await prod.register(ORDERS, Schema(V1))

    assert answer.number == 1
    assert await prod.numbers(ORDERS) == [1, 2]


async def test_going_back_works_where_ids_are_kept_with_a_warning(world: World):
    await gone_back(world)

    plan = await world.plan("prod")
    done = await world.apply(plan)

    assert done.status is Status.SUCCEEDED
    assert any("v3 goes back to the content of v1" in warning for warning in plan.warnings)
    assert await world.held("prod") == {1: 10_001, 2: 10_002, 3: 10_001}
    assert (await world.plan("prod")).steps == ()


# --- pruning ---------------------------------------------------------------------------------------------------------


async def test_nothing_is_pruned_unless_asked_for(world: World):
    await world.register()
    await world.wish(targets=("prod",))

    assert (await world.plan("dev")).steps == ()


async def test_what_went_beyond_its_targets_is_deleted_softly_by_an_admin(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.wish(targets=("prod",))

    plan = await world.plan("dev", selection=ORDERS_ONLY, terms=Terms(prune=10))
    await world.apply(plan)

    assert told(plan) == [("delete_version", "orders-value", 2), ("delete_version", "orders-value", 1)]
    assert all("the store keeps it" in step.reason for step in plan.steps)
    assert plan.scope is Scope.ADMIN
    assert await world.held("dev") == {}
    assert await world.registry("dev").numbers(ORDERS, deleted=True) == [1, 2]
    assert (await world.plan("dev", selection=ORDERS_ONLY, terms=Terms(prune=10))).steps == ()


async def test_what_the_history_of_the_store_once_held_is_ours(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.store.commit([RemoveVersion(ORDERS, 2)], "Remove by hand", ANN)

    plan = await world.plan("dev", selection=ORDERS_ONLY, terms=Terms(prune=10))

    assert told(plan) == [("delete_version", "orders-value", 2)]
    assert "the store held it at commit" in plan.steps[0].reason


async def test_what_nobody_knows_stays_and_is_told(world: World):
    await world.register()
    await world.registry("dev").register(Subject("orders-theirs"), Schema(record("theirs:long")))
    await world.registry("dev").register(ORDERS, Schema(V2))

    plan = await world.plan("dev", selection=ORDERS_ONLY, terms=Terms(prune=10))

    assert plan.steps == ()
    assert {one.subject.name for one in plan.blocked} == {"orders-theirs", "orders-value"}
    assert all("nothing says that it was deployed" in one.reason for one in plan.blocked)


async def test_other_content_under_a_number_that_was_ours_is_not_ours(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.store.commit([RemoveVersion(ORDERS, 2)], "Remove by hand", ANN)
    dev = world.registry("dev")
    await dev.delete_version(ORDERS, 2)
    await dev.delete_version(ORDERS, 2, permanent=True)
    await dev.register(ORDERS, Schema(V3))

    plan = await world.plan("dev", selection=ORDERS_ONLY, terms=Terms(prune=10))

    assert plan.steps == ()
    assert "nothing says" in plan.blocked[0].reason


async def test_more_than_the_limit_is_blocked_with_the_count(world: World):
    for text in (V1, V2, V3):
        await world.register(text)
    await world.wish(targets=("prod",))

    plan = await world.plan("dev", selection=ORDERS_ONLY, terms=Terms(prune=2))

    assert plan.steps == ()
    assert "3 versions would be deleted, more than the 2" in plan.blocked[0].reason


async def test_what_is_referenced_from_elsewhere_stays(world: World):
    await world.register(record("id:long", name="Customer"), CUSTOMER)
    await world.register(BILL, references=[Reference("shop.Customer", CUSTOMER.name, 1)])
    await world.wish(CUSTOMER, targets=("prod",))

    plan = await world.plan("dev", selection=Selection(prefix="zz"), terms=Terms(prune=10))

    assert plan.steps == ()
    assert "something that stays references it" in plan.blocked[0].reason


async def test_what_references_each_other_goes_together_users_first(world: World):
    await world.register(record("id:long", name="Customer"), Subject("orders-customer"))
    await world.register(BILL, references=[Reference("shop.Customer", "orders-customer", 1)])
    for subject in (ORDERS, Subject("orders-customer")):
        await world.wish(subject, targets=("prod",))

    plan = await world.plan("dev", selection=ORDERS_ONLY, terms=Terms(prune=10))
    done = await world.apply(plan)

    assert told(plan) == [("delete_version", "orders-value", 1), ("delete_version", "orders-customer", 1)]
    assert done.status is Status.SUCCEEDED


async def test_pruning_needs_a_prefix(world: World):
    with pytest.raises(InvalidRequestError, match="prefix"):
        await world.plan("dev", terms=Terms(prune=10))


async def test_what_is_outside_the_prefix_is_not_touched(world: World):
    for subject in (ORDERS, Subject("bills-value")):
        await world.register(V1, subject)
        await world.wish(subject, targets=("prod",))

    plan = await world.plan("dev", selection=ORDERS_ONLY, terms=Terms(prune=10))

    assert told(plan) == [("delete_version", "orders-value", 1)]


# --- contexts --------------------------------------------------------------------------------------------------------


async def wish_of_context(world: World, **wish: Any) -> None:
    await world.store.commit([SetContextWish(".", ContextWish(**wish))], "Wish", ANN)


async def test_a_contexts_wish_is_deployed_with_all_its_fields(world: World):
    await world.register()
    await wish_of_context(world, level=Level.FULL, defaults={"normalize": True, "compatibilityGroup": "major"})

    plan = await world.plan("prod")
    done = await world.apply(plan)

    assert [(step.action, step.subject.name) for step in plan.steps] == [
        (Action.LOOSEN_CONFIG, ""),
        (Action.REGISTER, "orders-value"),
        (Action.TIGHTEN, ""),
        (Action.CONFIG, ""),
    ]
    assert done.status is Status.SUCCEEDED, done.result
    config = await world.registry("prod").config(WHOLE) or {}
    assert (config["compatibilityLevel"], config["normalize"], config["compatibilityGroup"]) == ("FULL", True, "major")
    assert (await world.plan("prod")).steps == ()


async def test_a_contexts_level_is_loosened_before_its_versions(world: World):
    await world.registry("prod").set_config(WHOLE, {"compatibility": "FULL_TRANSITIVE"})
    await world.register(V1, Subject("a"))
    await wish_of_context(world, level=Level.NONE)

    plan = await world.plan("prod")

    assert [step.action for step in plan.steps] == [Action.LOOSEN, Action.REGISTER]


async def test_a_selection_of_subjects_leaves_contexts_alone(world: World):
    await world.register()
    await wish_of_context(world, level=Level.FULL)

    assert told(await world.plan("prod", selection=ORDERS_ONLY)) == [("register", "orders-value", 1)]


async def test_an_alias_is_set_after_the_versions_and_taken_away_before_them(world: World):
    await world.register()
    await wish_of_context(world, defaults={"alias": None, "normalize": None})
    await world.registry("prod").set_config(WHOLE, {"alias": "elsewhere"})

    plan = await world.plan("prod")

    assert [step.action for step in plan.steps] == [Action.LOOSEN_CONFIG, Action.REGISTER]


async def test_a_scope_that_the_store_wants_open_is_opened_first(world: World):
    await world.register()
    await world.wish(mode=Mode.READWRITE)
    await world.registry("prod").set_mode(ORDERS, Mode.READONLY)

    plan = await world.plan("prod")
    done = await world.apply(plan)

    assert [step.action for step in plan.steps] == [Action.MODE, Action.REGISTER]
    assert done.status is Status.SUCCEEDED
    assert await world.registry("prod").mode(ORDERS) is Mode.READWRITE


# --- how plans stand -------------------------------------------------------------------------------------------------


async def test_a_plan_says_how_it_stands(world: World):
    await world.register()
    plan = await world.plan("prod")

    async def state() -> tuple[str, str | None]:
        shown: Any = await world.read("get_plan", {"plan": plan.digest})
        return shown.plan.state, shown.plan.task

    fresh = await state()
    await world.registry("prod").register(Subject("other"), Schema(V1))
    stale = await state()
    await world.registry("prod").delete_subject(Subject("other"))
    done = await world.apply(plan)
    applied = await state()
    recent: Any = await world.read("get_plan", {})

    assert (fresh, stale, applied) == (("fresh", None), ("stale", None), ("applied", done.task))
    assert [(one.plan, one.task, one.status) for one in recent.recent if one.task == done.task] == [
        (plan.digest, done.task, Status.SUCCEEDED)
    ]
