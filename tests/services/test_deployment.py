"""Plans that bring registries to the store, and what carrying them out keeps, refuses and repairs."""

from dataclasses import replace

import pytest

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import (
    IncompatibleError,
    NotFoundError,
    NotPermittedError,
    ReadOnlyError,
    StalePlanError,
)
from schema_mcp.domain.plan import Action, Plan
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, Subject
from schema_mcp.services import application
from schema_mcp.services.registration import Stop
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Status
from services.world import BREAKING, ORDERS, V1, V2, V3, World, record, silent

CUSTOMER = Subject("zz-customer")
BILL = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer"}]}'


def told(plan: Plan) -> list[tuple[str, str, int]]:
    return [(step.action.value, step.subject.name, step.number) for step in plan.steps]


async def test_nothing_to_do_is_a_plan_without_steps(world: World):
    plan = await world.plan("dev", "prod")

    assert (plan.steps, plan.blocked, plan.scope) == ((), (), Scope.READ)


async def test_missing_versions_are_planned_per_registry_and_applied_with_their_ids(world: World):
    for text in (V1, V2):
        await world.register(text)

    plan = await world.plan("dev", "prod")
    done = await world.apply(plan)

    assert told(plan) == [("register", "orders-value", 1), ("register", "orders-value", 2)]
    assert {step.registry for step in plan.steps} == {"prod"}
    assert (done.status, done.done, done.total) == (Status.SUCCEEDED, 2, 2)
    assert await world.held("prod") == world.stored()
    assert await world.modes() == [None, None]
    assert (await world.plan("dev", "prod")).steps == ()


async def test_what_is_referenced_comes_first(world: World):
    await world.register(record("id:long", name="Customer"), CUSTOMER)
    await world.register(BILL, references=[Reference("shop.Customer", CUSTOMER.name, 1)])

    plan = await world.plan("prod")

    assert told(plan) == [("register", CUSTOMER.name, 1), ("register", "orders-value", 1)]
    assert (await world.apply(plan)).status is Status.SUCCEEDED
    assert await world.registry("prod").referrers(CUSTOMER, 1) == [10_002]


async def test_a_level_is_loosened_before_and_tightened_after_the_versions(world: World):
    await world.register(registry="prod")
    await world.wish(level=Level.NONE)
    await world.register(BREAKING, stop=Stop.COMMIT)
    loose = await world.plan("prod")
    assert [step.action for step in loose.steps] == [Action.LOOSEN, Action.REGISTER]
    await world.apply(loose)

    await world.wish(level=Level.FULL_TRANSITIVE)
    tight = await world.plan("prod")

    assert [step.action for step in tight.steps] == [Action.TIGHTEN]
    await world.apply(tight)
    assert (await world.registry("prod").config(ORDERS) or {})["compatibilityLevel"] == "FULL_TRANSITIVE"
    assert (await world.plan("prod")).steps == ()


async def test_a_loosening_needs_an_admin_and_a_registration_a_writer(world: World):
    await world.register()
    plain = await world.plan("prod")
    await world.wish(level=Level.NONE)
    loosening = await world.plan("prod")

    assert (plain.scope, loosening.scope) == (Scope.WRITE, Scope.ADMIN)
    with pytest.raises(NotPermittedError, match="admin"):
        await world.apply(loosening, Scope.WRITE)
    assert await world.held("prod") == {}


async def test_what_is_loosened_is_the_level_in_force_not_only_an_own_one(world: World):
    await world.registry("prod").set_config(Subject(""), {"compatibility": "FULL_TRANSITIVE"})
    await world.register(registry="prod")
    await world.wish(level=Level.BACKWARD)

    plan = await world.plan("prod")

    assert [step.action for step in plan.steps] == [Action.LOOSEN]
    assert plan.scope is Scope.ADMIN


async def test_a_retired_version_is_deleted_where_it_still_stands(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.retire(ORDERS, 1)

    plan = await world.plan("dev")

    assert told(plan) == [("delete_version", "orders-value", 1)]
    assert plan.scope is Scope.ADMIN
    await world.apply(plan)
    assert list(await world.held()) == [2]
    assert (await world.plan("dev")).steps == ()


async def test_a_wanted_mode_is_set_last(world: World):
    await world.register()
    await world.wish(mode=Mode.READONLY)

    plan = await world.plan("prod")

    assert [step.action for step in plan.steps] == [Action.REGISTER, Action.MODE]
    await world.apply(plan)
    assert await world.registry("prod").mode(ORDERS) is Mode.READONLY


@pytest.mark.parametrize(
    ("there", "schema_id", "reason"),
    [
        pytest.param(record("other:long"), 10_001, "other content", id="other content"),
        pytest.param(V1, 777, "another id", id="another id"),
    ],
)
async def test_what_stands_in_the_way_blocks_the_subject_and_nothing_is_replaced(
    world: World, there: str, schema_id: int, reason: str
):
    await world.register()
    await world.register(V2)
    prod = world.registry("prod")
    await prod.set_mode(ORDERS, Mode.IMPORT)
    await prod.register(ORDERS, Schema(there), schema_id=schema_id, number=1)
    await prod.delete_mode(ORDERS)

    plan = await world.plan("prod")

    assert plan.steps == ()
    assert any(reason in one.reason for one in plan.blocked)
    assert all(one.hint for one in plan.blocked)


async def test_an_id_that_stands_for_other_content_blocks(world: World):
    await world.register()
    prod, other = world.registry("prod"), Subject("other")
    await prod.set_mode(other, Mode.IMPORT)
    await prod.register(other, Schema(BREAKING), schema_id=10_001, number=1)
    await prod.delete_mode(other)

    plan = await world.plan("prod")

    assert plan.steps == ()
    assert "id 10001 belongs to other content" in plan.blocked[0].reason


async def test_a_soft_deleted_version_with_other_content_blocks(world: World):
    await world.register()
    prod = world.registry("prod")
    await prod.register(ORDERS, Schema(record("other:long")))
    await prod.delete_version(ORDERS, 1)

    plan = await world.plan("prod")

    assert plan.steps == ()
    assert "soft-deleted" in plan.blocked[0].reason


async def test_a_soft_deleted_version_of_the_same_content_comes_back(world: World):
    await world.register()
    await world.registry().delete_version(ORDERS, 1)

    await world.apply(await world.plan("dev"))

    assert await world.held() == {1: 10_001}


async def test_what_would_break_readers_there_blocks(world: World):
    await world.register()
    await world.wish(level=Level.NONE)
    await world.register(BREAKING, stop=Stop.COMMIT)
    await world.wish(level=Level.BACKWARD)

    plan = await world.plan("dev")

    assert Action.REGISTER not in [step.action for step in plan.steps]
    assert "not BACKWARD compatible" in plan.blocked[0].reason


async def test_targets_say_where_a_subject_goes(world: World):
    await world.wish(targets=("prod",))
    await world.register(stop=Stop.COMMIT)

    assert (await world.plan("dev")).steps == ()
    assert told(await world.plan("prod")) == [("register", "orders-value", 1)]


async def test_a_selection_narrows_a_plan(world: World):
    for name in ("orders-value", "bills-value", "bills-key"):
        await world.register(V1, Subject(name))
    await world.register(V1, Subject("bills-key", ".eu"))

    async def names(selection: Selection) -> list[str]:
        return [str(step.subject) for step in (await world.plan("prod", selection=selection)).steps]

    assert await names(Selection(prefix="bills")) == ["bills-key", ":.eu:bills-key", "bills-value"]
    assert await names(Selection(prefix="bills", context=".")) == ["bills-key", "bills-value"]
    assert await names(Selection((Subject("bills-key", ".eu"),))) == [":.eu:bills-key"]


@pytest.mark.parametrize("moved", ["store", "registry"])
async def test_a_stale_plan_is_refused_and_says_what_moved(world: World, moved: str):
    await world.register()
    plan = await world.plan("prod")
    if moved == "store":
        await world.register(V2)
    else:
        await world.registry("prod").register(ORDERS, Schema(V3))

    with pytest.raises(StalePlanError, match="the store" if moved == "store" else "prod"):
        await world.apply(plan)

    assert 10_001 not in (await world.held("prod")).values()


async def test_an_applied_plan_is_stale(world: World):
    await world.register()
    plan = await world.plan("prod")
    done = await world.apply(plan)

    with pytest.raises(StalePlanError) as refused:
        await world.apply(plan)
    assert f"Task {done.task} has carried it out already." in refused.value.hint


async def test_an_unknown_plan_is_told(world: World):
    plan = Plan("deployment", {}, "", {}, ())

    with pytest.raises(NotFoundError, match="No plan"):
        await world.apply(plan)


async def test_a_plan_for_a_closed_registry_is_made_and_not_applied(world: World):
    await world.register()
    plan = await world.plan("shut")

    assert len(plan.steps) == 1
    with pytest.raises(ReadOnlyError, match="shut"):
        await world.apply(plan)
    assert world.registry("shut").writes == 0


async def test_a_registry_that_fails_stops_only_itself_and_the_report_says_so(world: World):
    await world.register(stop=Stop.COMMIT)
    await world.registry("prod").set_mode(Subject(""), Mode.READONLY)
    plan = await world.plan("dev", "prod")

    done = await world.apply(plan)

    assert done.status is Status.FAILED
    told = {one["registry"]: one for one in done.result["registries"]}
    assert (told["dev"]["done"], told["prod"]["done"], told["prod"]["code"]) == (1, 0, "read_only")
    assert await world.held("dev") == {1: 10_001}
    assert await world.held("prod") == {}


async def test_versions_that_came_in_between_are_never_written_over(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.register(stop=Stop.COMMIT)
    plan = await world.plan("prod")
    prod, journal = world.registry("prod"), world.ground.journal
    plain = journal.step

    async def somebody_is_faster(task: str, key: str, state: str, **more: object) -> None:
        if "import_mode" in key and state == "started":
            await prod.register(ORDERS, Schema(record("theirs:long")))
        await plain(task, key, state, **more)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(journal, "step", somebody_is_faster)
    done = await world.apply(plan)

    there = await prod.version(ORDERS, 1)
    assert done.status is Status.FAILED
    assert there
    assert "theirs" in there.schema.text
    assert await world.modes() == [None]


async def test_the_mode_a_subject_had_is_given_back(world: World):
    await world.register(registry="prod")
    await world.registry("prod").set_mode(ORDERS, Mode.READWRITE)
    await world.register(V2, stop=Stop.COMMIT)

    await world.apply(await world.plan("prod"))

    assert await world.registry("prod").mode(ORDERS) is Mode.READWRITE


async def test_a_mode_that_could_not_be_given_back_is_mended_later(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.register(stop=Stop.COMMIT)
    plan = await world.plan("prod")
    prod = world.registry("prod")

    async def away(scope: Subject) -> None:
        from schema_mcp.domain.errors import RegistryError

        raise RegistryError("prod does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(prod, "delete_mode", away)
        done = await world.apply(plan)
    assert done.status is Status.INTERRUPTED
    assert await prod.mode(ORDERS) is Mode.IMPORT

    again = await world.register(V1, Subject("another"))

    assert await prod.mode(ORDERS) is None
    assert any("was left in IMPORT" in note for note in again.notes)


async def test_a_cut_off_run_goes_on_where_it_stopped(world: World):
    for name in ("a", "b", "c"):
        await world.register(V1, Subject(name), stop=Stop.COMMIT)
    plan = await world.plan("prod")
    run = await world.ground.journal.start(kind=plan.kind, plan=plan.digest, owner="Ann", total=3)
    first = plan.steps[0]
    await application.apply_now(world.ground, replace(plan, steps=(first,)), world.signed, silent)
    await world.ground.journal.step(run.task, first.key, "started")
    await world.ground.journal.step(run.task, first.key, "done")
    await world.ground.journal.finish(run.task, Status.INTERRUPTED, {})
    before = world.registry("prod").writes

    done = await world.apply(plan)

    assert (done.task, done.status, done.done) == (run.task, Status.SUCCEEDED, 3)
    assert world.registry("prod").writes - before == 2 * 3  # two versions, each with IMPORT on and off
    assert [len(await world.held("prod", Subject(name))) for name in ("a", "b", "c")] == [1, 1, 1]


async def test_a_refused_registration_leaves_no_open_run(world: World):
    await world.register()
    with pytest.raises(IncompatibleError):
        await world.register(BREAKING)

    assert await world.ground.journal.recovered() == []
