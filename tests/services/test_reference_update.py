"""A shared schema moves on, and all its users with it: planned, checked, one commit, deployed."""

import json

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError, StalePlanError
from schema_mcp.domain.schema import Level, Reference, Schema, Subject
from schema_mcp.services import reference_commit, reference_update
from schema_mcp.services.digests import stored_digest
from schema_mcp.stores.journal import Status
from schema_mcp.stores.schemastore import AddVersion, StoredVersion
from services.asking import ask
from services.confluent import reached_over_rest
from services.world import ANN, World

MONEY_2 = json.dumps({"type": "record", "name": "Money", "namespace": "shop", "fields": [
    {"name": "currency", "type": "string", "default": "EUR"}]})  # fmt: skip
BREAKING = json.dumps({"type": "record", "name": "Money", "namespace": "shop", "fields": [
    {"name": "currency", "type": "string"}]})  # fmt: skip


def avro(name, *uses):
    fields = [{"name": one.lower(), "type": f"shop.{one}"} for one in uses]
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": fields})


def to(*names):
    return [Reference(f"shop.{name}", name.lower(), 1) for name in names]


async def diamond(world: World, *registries: str) -> None:
    """Order uses Customer and Item, both use Money; Lonely uses nothing."""
    await world.register(avro("Money"), Subject("money"))
    for name in ("Customer", "Item"):
        await world.register(avro(name, "Money"), Subject(name.lower()), references=to("Money"))
    await world.register(avro("Order", "Customer", "Item"), Subject("order"), references=to("Customer", "Item"))
    await world.register(avro("Lonely"), Subject("lonely"))
    if registries:
        await world.apply(await world.plan(*registries))


async def planned(world: World, **arguments):
    return await ask(world, "plan_reference_update", **{"subject": "money", **arguments})


def steps(made):
    return [(row.registry, row.subject, row.version) for row in made.steps]


async def used(world: World, subject: str, registry: str = "dev") -> dict[str, int]:
    version = await world.registry(registry).version(Subject(subject))
    assert version
    return {one.subject: one.version for one in version.schema.references}


async def test_all_users_move_on_in_order_in_one_commit(world: World):
    await diamond(world, "prod")
    before = len(await world.store.log())

    made = await planned(world, schema_text=MONEY_2)
    done = await ask(world, "apply_plan", plan=made.plan)

    assert [row.subject for row in made.steps if row.registry == "dev"] == ["money", "customer", "item", "order"]
    assert (made.total, made.blocked_total) == (8, 0)
    assert (done.status, done.done) == (Status.SUCCEEDED, 8)
    assert len(await world.store.log()) == before + 1
    for registry in ("dev", "prod"):
        assert await used(world, "customer", registry) == {"money": 2}
        assert await used(world, "order", registry) == {"customer": 2, "item": 2}
        assert await world.held(registry, Subject("order")) == world.stored(Subject("order"))
    assert world.stored(Subject("lonely")).keys() == {1}
    assert set(await world.modes()) == {None}


async def test_where_the_registry_numbers_its_ids_are_taken(lone: World):
    await diamond(lone)

    made = await planned(lone, schema_text=MONEY_2)
    done = await ask(lone, "apply_plan", plan=made.plan)

    assert done.status is Status.SUCCEEDED
    assert await used(lone, "order") == {"customer": 2, "item": 2}
    for subject in ("money", "customer", "item", "order"):
        assert lone.stored(Subject(subject)) == await lone.held(subject=Subject(subject))


async def test_a_version_that_is_there_is_moved_to(either: World):
    world = either
    await diamond(world)
    await world.register(MONEY_2, Subject("money"))

    made = await planned(world, registries=["dev"])

    assert steps(made) == [("dev", "customer", 2), ("dev", "item", 2), ("dev", "order", 2)]
    assert {row.reason for row in made.steps[:2]} == {"it moves on to money v2"}


async def test_who_is_there_already_is_left_alone(world: World):
    await diamond(world)

    made = await planned(world)

    assert (made.total, made.exit_code, made.next) == (0, 0, "Nothing to do.")


async def test_planning_writes_nothing(either: World):
    await diamond(either)
    before = await either.traces()

    await planned(either, schema_text=MONEY_2, registries=["dev"])

    assert await either.traces() == before


async def test_what_would_break_is_blocked_with_all_that_would_use_it(world: World):
    await diamond(world)

    made = await planned(world, schema_text=BREAKING, registries=["dev"])

    assert made.total == 0
    blocked = {row.subject: row.reason for row in made.blocked}
    assert "not BACKWARD compatible" in blocked["money"]
    assert "money v2, which is blocked" in blocked["customer"]
    assert "customer v2, which is blocked" in blocked["order"]
    assert made.exit_code == 4


async def test_each_subject_is_held_to_its_own_level(world: World):
    await diamond(world)
    await world.wish(Subject("money"), level=Level.NONE)
    await world.wish(Subject("item"), level=Level.NONE)

    made = await planned(world, schema_text=BREAKING, registries=["dev"])

    assert steps(made) == [("dev", "money", 2), ("dev", "item", 2)]
    assert {row.subject for row in made.blocked} == {"customer", "order"}


async def test_targets_say_where_a_subject_goes(world: World):
    await diamond(world, "prod")
    await world.wish(Subject("order"), targets=("dev",))

    made = await planned(world, schema_text=MONEY_2)

    assert [row.registry for row in made.steps if row.subject == "order"] == ["dev"]
    assert [row.registry for row in made.steps if row.subject == "item"] == ["dev", "prod"]


async def test_a_user_is_blocked_where_what_it_uses_does_not_go(world: World):
    await diamond(world)
    await world.wish(Subject("item"), targets=("prod",))

    made = await planned(world, schema_text=MONEY_2, registries=["dev"])

    assert [(row.subject, row.hint) for row in made.blocked] == [("order", "Add dev to its targets.")]
    assert steps(made) == [("dev", "money", 2), ("dev", "customer", 2)]


@pytest.mark.parametrize("mover", ["store", "registry"])
async def test_a_plan_is_stale_when_something_moved(world: World, mover: str):
    await diamond(world)
    made = await planned(world, schema_text=MONEY_2, registries=["dev"])

    if mover == "store":
        await world.wish(Subject("item"), level=Level.FULL)
    else:
        await world.registry().delete_version(Subject("order"), 1)

    with pytest.raises(StalePlanError):
        await ask(world, "apply_plan", plan=made.plan)


async def test_a_run_that_was_cut_off_goes_on(world: World, monkeypatch: pytest.MonkeyPatch):
    await diamond(world)
    made = await planned(world, schema_text=MONEY_2, registries=["dev"])
    commit = reference_commit.committed

    async def killed(*arguments):
        await commit(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(reference_commit, "committed", killed)
    with pytest.raises(BaseException):  # noqa: B017, PT011 - the process dies
        await ask(world, "apply_plan", plan=made.plan)
    monkeypatch.undo()

    done = await ask(world, "apply_plan", plan=made.plan)

    assert done.status is Status.SUCCEEDED
    assert await used(world, "order") == {"customer": 2, "item": 2}
    assert world.stored(Subject("order")).keys() == {1, 2}


async def test_an_id_that_is_taken_fails_the_task_before_any_step(world: World, monkeypatch: pytest.MonkeyPatch):
    from schema_mcp.domain.errors import ConflictError
    from schema_mcp.services import id_allocation

    await diamond(world)
    made = await planned(world, schema_text=MONEY_2, registries=["dev"])
    head = world.store.head

    async def taken(*_):
        raise ConflictError("taken", hint="choose")

    monkeypatch.setattr(id_allocation, "refuse_taken", taken)
    done = await ask(world, "apply_plan", plan=made.plan)

    assert done.status is Status.FAILED
    assert [(row.registry, row.done, row.code, row.hint) for row in done.registries] == [
        ("dev", 0, "conflict", "choose")
    ]
    assert world.store.head == head


async def test_a_subject_that_the_store_lacks_is_refused(world: World):
    with pytest.raises(NotFoundError, match="store has no version"):
        await planned(world, subject="nobody")


async def test_where_the_registry_numbers_one_registry_is_named(lone: World):
    await diamond(lone)

    with pytest.raises(InvalidRequestError, match="begin in one"):
        await reference_update.plan(
            lone.workspace.fleet,
            lone.store,
            lone.ground.ids,
            reference_update.Wanted(Subject("money")),
            ["dev", "other"],
        )


async def test_a_text_that_says_the_same_changes_nothing(world: World):
    await diamond(world)

    made = await planned(world, schema_text=f"  {avro('Money')}  ")

    assert made.total == 0


async def test_many_users_are_read_in_bulk_but_for_the_settings_of_each(world: World):
    fake = FakeConfluent()
    away = reached_over_rest(world, {"there": fake})
    there, names = away.registry("there"), [f"User{number}" for number in range(40)]
    added = [(Subject("money"), Schema(avro("Money")))]
    added += [(Subject(name.lower()), Schema(avro(name, "Money"), references=tuple(to("Money")))) for name in names]
    made = [await there.register(subject, schema) for subject, schema in added]
    records = [StoredVersion(one, None, (), "", "Ann", "", (), stored_digest(one.schema)) for one in made]
    await world.store.commit([AddVersion(one) for one in records], "Fill", ANN)
    fake.requests.clear()

    plan = await reference_update.plan(
        away.workspace.fleet,
        away.store,
        IdSource.REGISTRY,
        reference_update.Wanted(Subject("money"), text=MONEY_2),
        ["there"],
    )

    others = [path for _, path in fake.requests if not path.startswith("/config/")]
    assert (len(plan.steps), len(fake.requests) - len(others), len(others) < 5) == (41, 41, True)


async def test_a_version_that_only_the_registry_has_is_found_in_bulk_too(world: World):
    await diamond(world)
    await world.registry().set_config(Subject("item"), {"compatibility": "NONE"})
    await world.registry().register(Subject("item"), Schema(avro("Other")))
    await world.registry().delete_version(Subject("item"), 2)

    made = await planned(world, schema_text=MONEY_2)

    assert [row.subject for row in made.blocked] == ["item", "order"]
    assert "versions that the store lacks: [2]" in made.blocked[0].reason
