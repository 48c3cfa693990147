"""Taking back what a plan did: exactly, in reverse, once, and never what others built on it."""

from typing import Any

import pytest

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, NotFoundError, StalePlanError
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, Subject
from schema_mcp.services import application, migration, rollback
from schema_mcp.services.registration import Stop
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Run, Status
from schema_mcp.stores.schemastore import ContextWish, SetContextWish
from services.world import ANN, BREAKING, ORDERS, V1, V2, V3, World, record

CUSTOMER = Subject("zz-customer")
BILL = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer"}]}'
WHOLE = Subject("")


class CutOffError(Exception):
    """Nothing that the product knows: as if the process ended here."""


async def dump(world: World, name: str) -> dict[str, Any]:
    """All that a registry holds: ids, texts, references, soft-deleted versions, configurations and modes."""
    there = world.registry(name)
    versions = {
        (str(one.subject), one.number): (one.id, one.deleted, one.schema) async for one in there.versions(deleted=True)
    }
    scopes = [WHOLE, *await there.subjects(deleted=True)]
    configs = {str(one): await there.config(one) for one in scopes}
    return {"versions": versions, "config": configs, "mode": {str(one): await there.mode(one) for one in scopes}}


async def deploy(world: World, *registries: str) -> Run:
    run = await world.apply(await world.plan(*registries))
    assert run.status is Status.SUCCEEDED, run.result
    return run


async def rolled_back(world: World, run: Run) -> Run:
    plan = await world.keep(await rollback.plan(world.ground, run.task))
    assert plan.blocked == ()
    done = await world.apply(plan)
    assert done.status is Status.SUCCEEDED, done.result
    return done


def told(plan: Plan) -> list[tuple[str, str, int]]:
    return [(step.action.value, step.subject.name, step.number) for step in plan.steps]


async def test_a_registry_is_exactly_what_it_was(world: World):
    prod = world.registry("prod")
    await world.register(registry="prod")
    await prod.set_config(ORDERS, {"compatibility": "FULL", "normalize": True})
    await prod.set_config(CUSTOMER, {"compatibility": "FORWARD"})
    await prod.set_mode(CUSTOMER, Mode.READWRITE)
    await world.register(record("id:long", name="Customer"), CUSTOMER, stop=Stop.COMMIT)
    await world.register(
        BILL, Subject("bills"), references=[Reference("shop.Customer", CUSTOMER.name, 1)], stop=Stop.COMMIT
    )
    await world.wish(level=Level.NONE)
    await world.register(BREAKING, stop=Stop.COMMIT)
    await world.wish(Subject("bills"), mode=Mode.READONLY)
    before = await dump(world, "prod")

    run = await deploy(world, "prod")
    changed = await dump(world, "prod")
    done = await rolled_back(world, run)

    assert changed["versions"].keys() == before["versions"].keys() | {
        ("bills", 1),
        (CUSTOMER.name, 1),
        (ORDERS.name, 2),
    }
    assert await dump(world, "prod") == before
    assert (done.kind, done.undoes) == ("rollback", run.task)


async def test_everything_goes_in_reverse(world: World):
    await world.register(record("id:long", name="Customer"), CUSTOMER)
    await world.register(BILL, references=[Reference("shop.Customer", CUSTOMER.name, 1)])
    await world.wish(level=Level.FULL)
    run = await deploy(world, "prod")

    plan = await rollback.plan(world.ground, run.task)

    assert told(plan) == [
        ("set_config", ORDERS.name, 0),
        ("purge_version", ORDERS.name, 1),
        ("purge_version", CUSTOMER.name, 1),
    ]
    assert plan.scope == "admin"


async def test_settings_of_a_context_go_back_too(world: World):
    await world.register()
    wish = ContextWish(Level.FULL, None, {"normalize": True, "alias": None})
    await world.store.commit([SetContextWish(".", wish)], "Wish", ANN)
    before = await dump(world, "prod")

    run = await deploy(world, "prod")
    changed = await world.registry("prod").config(WHOLE)
    await rolled_back(world, run)

    assert (changed or {})["normalize"] is True
    assert await dump(world, "prod") == before


async def test_a_deletion_is_taken_back_with_the_same_number_and_id(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.retire(ORDERS, 1)
    before = await dump(world, "dev")
    run = await deploy(world, "dev")
    assert list(await world.held("dev")) == [2]

    await rolled_back(world, run)

    assert await dump(world, "dev") == before


async def test_bringing_back_alone_needs_admin_too(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.retire(ORDERS, 1)
    plan = await rollback.plan(world.ground, (await deploy(world, "dev")).task)

    assert (told(plan), plan.scope) == ([("register", ORDERS.name, 1)], "admin")


async def test_what_was_soft_deleted_is_soft_deleted_again(world: World):
    for text in (V1, V2):
        await world.register(text)
    await world.registry("dev").delete_version(ORDERS, 1)
    before = await dump(world, "dev")
    run = await deploy(world, "dev")
    assert await world.held("dev") == world.stored()

    await rolled_back(world, run)

    assert await dump(world, "dev") == before


@pytest.mark.parametrize("keep_ids", [True, False], ids=["ids kept", "ids of its own"])
async def test_a_migration_is_taken_back(world: World, keep_ids: bool):
    for text in (V1, V2):
        await world.register(text)
    before = await dump(world, "prod")
    made = await migration.plan(world.registry("dev"), world.registry("prod"), Selection(), keep_ids=keep_ids)
    run = await world.apply(await world.keep(made.plan))
    assert len(await world.held("prod")) == 2

    await rolled_back(world, run)

    assert await dump(world, "prod") == before


async def newer(world: World) -> None:
    await world.registry("prod").register(ORDERS, Schema(V3))


async def referenced(world: World) -> None:
    text = '{"type":"record","name":"Basket","fields":[{"name":"of","type":"shop.Order"}]}'
    await world.registry("prod").register(
        Subject("baskets"), Schema(text, references=(Reference("shop.Order", ORDERS.name, 1),))
    )


async def level(world: World) -> None:
    await world.registry("prod").set_config(ORDERS, {"compatibility": "NONE"})


async def replaced(world: World) -> None:
    prod = world.registry("prod")
    await prod.set_mode(ORDERS, Mode.IMPORT, force=True)
    await prod.register(ORDERS, Schema(record("theirs:long")), schema_id=777, number=1)
    await prod.delete_mode(ORDERS)


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        pytest.param(newer, "newer versions came since: 3", id="a newer version"),
        pytest.param(referenced, "referenced by what came since: baskets v1", id="a reference"),
        pytest.param(level, "is 'NONE' by now", id="another level"),
        pytest.param(replaced, "other content by now", id="other content"),
    ],
)
async def test_what_others_built_on_it_stops_the_whole_rollback(world: World, since: Any, reason: str):
    for text in (V1, V2):
        await world.register(text)
    await world.wish(level=Level.FULL)
    run = await deploy(world, "prod")
    await since(world)
    before = await dump(world, "prod")

    plan = await rollback.plan(world.ground, run.task)

    assert plan.steps == ()
    assert any(reason in one.reason for one in plan.blocked), plan.blocked
    assert all(one.hint for one in plan.blocked)
    assert await dump(world, "prod") == before


async def test_what_comes_between_preview_and_rollback_makes_it_stale(world: World):
    await world.register()
    run = await deploy(world, "prod")
    plan = await world.keep(await rollback.plan(world.ground, run.task))
    await newer_of(world, V2)

    with pytest.raises(StalePlanError):
        await world.apply(plan)

    assert list(await world.held("prod")) == [1, 2]


async def newer_of(world: World, text: str) -> None:
    await world.registry("prod").register(ORDERS, Schema(text))


async def test_a_run_is_taken_back_once(world: World):
    await world.register()
    run = await deploy(world, "prod")
    done = await rolled_back(world, run)

    seen = await application.task(world.ground.journal, run.task)
    assert seen.undone_by == done.task
    with pytest.raises(ConflictError, match=done.task):
        await rollback.plan(world.ground, run.task)
    with pytest.raises(InvalidRequestError, match="is a rollback"):
        await rollback.plan(world.ground, done.task)


async def test_it_can_be_deployed_again_afterwards(world: World):
    await world.register()
    before = await rolled_back(world, await deploy(world, "prod"))

    again = await deploy(world, "prod")

    assert again.task != before.task
    assert await world.held("prod") == world.stored()
    await rolled_back(world, again)


async def test_a_failed_run_is_taken_back_as_far_as_it_came(world: World):
    await world.register(stop=Stop.COMMIT)
    await world.registry("prod").set_mode(WHOLE, Mode.READONLY)
    before = [await dump(world, name) for name in ("dev", "prod")]
    run = await world.apply(await world.plan("dev", "prod"))
    assert run.status is Status.FAILED
    assert await world.held("dev")

    await rolled_back(world, run)

    assert [await dump(world, name) for name in ("dev", "prod")] == before


async def test_a_cut_off_run_is_taken_back_and_cannot_go_on(world: World, monkeypatch: pytest.MonkeyPatch):
    for name in ("a", "b"):
        await world.register(V1, Subject(name), stop=Stop.COMMIT)
    before = await dump(world, "prod")
    plan = await world.plan("prod")
    with monkeypatch.context() as patched:
        patched.setattr(world.registry("prod"), "register", cut_off_after(world.registry("prod").register, 1))
        with pytest.raises(ExceptionGroup):
            await world.apply(plan)
    [run] = await world.ground.journal.runs(plan=plan.digest)
    assert run.status is Status.INTERRUPTED

    await rolled_back(world, run)

    assert await dump(world, "prod") == before
    assert (await application.task(world.ground.journal, run.task)).status is Status.CANCELLED


def cut_off_after(register: Any, turns: int) -> Any:
    calls = iter(range(turns))

    async def call(*args: Any, **kwargs: Any) -> Any:
        answer = await register(*args, **kwargs)
        if next(calls, None) is None:
            raise CutOffError
        return answer

    return call


@pytest.mark.parametrize("at", range(1, 9))
async def test_a_rollback_that_was_cut_off_goes_on(world: World, monkeypatch: pytest.MonkeyPatch, at: int):
    await world.registry("prod").set_config(ORDERS, {"compatibility": "FULL"})
    await world.registry("prod").set_mode(ORDERS, Mode.READWRITE)
    before = await dump(world, "prod")
    configured = await world.registry("prod").config(ORDERS)
    for text in (V1, V2):
        await world.register(text)
    run = await deploy(world, "prod")
    plan = await world.keep(await rollback.plan(world.ground, run.task))
    prod = world.registry("prod")
    with monkeypatch.context() as patched:
        turns = iter(range(at - 1))
        for name in ("delete_version", "delete_subject", "set_config", "set_mode"):
            patched.setattr(prod, name, dying(getattr(prod, name), turns))
        try:
            await world.apply(plan)
        except ExceptionGroup:
            pass
        else:
            assert at > 5  # two writes for each version, and its configuration and mode

    [done] = await world.ground.journal.runs(plan=plan.digest)
    if done.status is Status.INTERRUPTED:
        done = await world.apply(plan)

    assert done.status is Status.SUCCEEDED
    assert await dump(world, "prod") == before
    assert await prod.config(ORDERS) == configured
    assert await prod.mode(ORDERS) is Mode.READWRITE


def dying(write: Any, turns: Any) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        answer = await write(*args, **kwargs)
        if next(turns, None) is None:
            raise CutOffError
        return answer

    return call


async def test_an_unknown_task_is_told(world: World):
    with pytest.raises(NotFoundError, match="nowhere"):
        await rollback.plan(world.ground, "nowhere")


async def test_the_tool_shows_first_and_takes_back_when_told_which_preview(world: World):
    await world.register()
    run = await deploy(world, "prod")

    shown: Any = await world.read("rollback_change", {"task": run.plan})
    done: Any = await world.read("rollback_change", {"task": run.task, "plan": shown.preview.plan})
    told_of: Any = await world.read("get_task", {"task": run.task})

    assert (shown.preview.total, shown.exit_code) == (1, 3)
    assert any("targets" in warning for warning in shown.preview.warnings)
    assert (done.task.status, done.task.undoes, done.exit_code) == (Status.SUCCEEDED, run.task, 0)
    assert told_of.undone_by == done.task.task
    assert await world.held("prod") == {}


async def test_the_tool_takes_no_other_plan(world: World):
    await world.register()
    plan = await world.plan("prod")
    run = await world.apply(plan)
    await world.register(V2, stop=Stop.COMMIT)
    other = await world.plan("prod")

    with pytest.raises(InvalidRequestError, match="no preview"):
        await world.read("rollback_change", {"task": run.task, "plan": other.digest})
