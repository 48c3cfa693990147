"""The store's tools, as a user meets them: store, propose, change, list, adopt."""

import subprocess
from typing import Any

import anyio
import pytest

from schema_mcp.domain.errors import (
    ConflictError,
    IncompatibleError,
    InvalidRequestError,
    NotFoundError,
    StalePlanError,
    StoreError,
)
from schema_mcp.domain.schema import Schema, Subject
from services.asking import ask
from services.world import BREAKING, ORDERS, V1, V2, V3, World, record


def git(world: World, *arguments: str) -> str:
    place = world.store.repository.path
    done = subprocess.run(["git", f"--git-dir={place}", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def stored(world: World, text: str = V1, subject: str = "orders-value", **more: Any) -> Any:
    return await ask(world, "store_schema", subject=subject, schema_text=text, **more)


async def test_a_stored_schema_is_in_git_and_in_no_registry(world: World):
    done = await stored(world, owner="shop", targets=["dev"], description="an order", tags=["x"], reason="first one")

    assert (done.outcome, done.version, done.id, done.level) == ("stored", 1, 10_001, "BACKWARD")
    kept = world.store.version(ORDERS, 1)
    assert kept is not None
    assert (kept.description, kept.tags, kept.targets, kept.level) == ("an order", ("x",), ("dev",), "BACKWARD")
    assert (world.store.wish(ORDERS).owner, world.store.wish(ORDERS).targets) == ("shop", ("dev",))
    author = world.workspace.caller.name
    assert git(world, "log", "-1", "--format=%an|%s") == f"{author}|Add orders-value v1 (ID: 10001)"
    assert "Tool: store_schema\nReason: first one" in git(world, "log", "-1", "--format=%b")
    assert sum(world.registry(name).writes for name in ("dev", "prod")) == 0


async def test_what_was_stored_is_planned_and_applied(world: World):
    await stored(world, V1)
    await stored(world, V2)

    plan = await ask(world, "plan_deployment", registries=["dev", "prod"])
    await ask(world, "apply_plan", plan=plan.plan)

    assert await world.held("dev") == await world.held("prod") == {1: 10_001, 2: 10_002}
    assert (await ask(world, "detect_drift", registries=["dev", "prod"])).in_sync


async def test_storing_twice_gives_the_version_there_is(world: World):
    first = await stored(world)
    head = world.store.head

    again = await stored(world, V1.replace(": ", ":"))

    assert (again.outcome, again.version, again.id) == ("unchanged", first.version, first.id)
    assert world.store.head == head


async def test_a_breaking_schema_is_refused_with_a_way_out_and_leaves_no_trace(world: World):
    await stored(world)
    before = await world.traces()

    with pytest.raises(IncompatibleError) as caught:
        await stored(world, BREAKING)

    assert caught.value.details["ways_out"]
    assert await world.traces() == before


@pytest.mark.parametrize(
    ("wish", "allowed"),
    [
        pytest.param({}, False, id="nobody said anything: BACKWARD"),
        pytest.param({"subject": "NONE"}, True, id="the subject's wish"),
        pytest.param({"context": "NONE"}, True, id="the context's wish"),
        pytest.param({"subject": "FULL", "context": "NONE"}, False, id="the subject's wins"),
    ],
)
async def test_the_level_in_force_is_the_stores(world: World, wish: dict[str, str], allowed: bool):
    from schema_mcp.domain.schema import Level
    from schema_mcp.stores.schemastore import ContextWish, SetContextWish
    from services.world import ANN

    await stored(world)
    if "context" in wish:
        change = SetContextWish(".", ContextWish(level=Level(wish["context"])))
        await world.store.commit([change], "Wish", ANN)
    if "subject" in wish:
        await ask(world, "update_stored_schema", subject="orders-value", level=wish["subject"])

    if allowed:
        assert (await stored(world, BREAKING)).version == 2
    else:
        with pytest.raises(IncompatibleError):
            await stored(world, BREAKING)


async def test_a_dry_run_proves_and_leaves_no_trace(either: World):
    before = await either.traces()

    told = await stored(either, dry_run=True)

    assert (told.outcome, told.version, told.id, told.commit) == ("proved", 1, None, None)
    assert await either.traces() == before


async def test_where_the_registry_numbers_nothing_is_stored_ahead_of_it(lone: World):
    before = await lone.traces()

    with pytest.raises(InvalidRequestError) as caught:
        await stored(lone)

    assert "register_schema" in caught.value.hint
    assert await lone.traces() == before


async def test_a_subject_that_a_registry_knows_better_is_not_written_over(world: World):
    await world.registry("prod").register(ORDERS, Schema(V1))

    with pytest.raises(ConflictError) as caught:
        await stored(world, V2)

    assert "adopt_registry" in caught.value.hint
    assert (await stored(world, V2, targets=["dev"])).outcome == "stored"


async def test_references_are_found_in_the_store(world: World):
    await stored(world, record("amount:long", name="Money"), "money")
    paid = '{"type":"record","name":"Paid","namespace":"shop","fields":[{"name":"m","type":"shop.Money"}]}'

    done = await stored(world, paid, "paid", references=[{"name": "shop.Money", "subject": "money"}])

    kept = world.store.version(Subject("paid"), done.version)
    assert kept is not None
    assert [one.version for one in kept.version.schema.references] == [1]


async def test_a_proposal_waits_on_its_branch_and_the_store_stays_as_it_is(world: World):
    await stored(world)
    head = world.store.head

    done = await stored(world, V2, branch="add-note", owner="shop")
    more = await stored(world, V3, branch="add-note")

    assert (done.outcome, done.branch, done.version, more.version) == ("proposed", "add-note", 2, 3)
    assert "add-note" in done.next
    assert git(world, "rev-parse", "main") == head
    assert git(world, "rev-parse", "--short=10", "add-note") == more.commit
    assert world.stored() == {1: 10_001}
    assert (await ask(world, "list_stored_schemas", branch="add-note")).subjects[0].versions == 3
    assert (await stored(world, V2, branch="add-note")).outcome == "unchanged"


async def test_a_proposal_takes_no_version_number_from_others(world: World):
    await stored(world)
    proposed = await stored(world, V2, branch="one-way")

    other = await stored(world, record("id:long", "other:string="))

    assert (other.version, proposed.version) == (2, 2)
    assert other.id != proposed.id


async def test_the_mark_that_covers_a_proposals_id_is_in_the_store_before_the_proposal(world: World):
    await stored(world)
    mark = world.store.high_water()
    await world.ground.ledger.extend(mark, mark + 1_000)
    await world.ground.ledger.reserve(mark - 10_001, "somebody")

    proposed = await stored(world, V2, branch="add-note")

    assert proposed.id > mark
    assert world.store.high_water() >= proposed.id
    assert git(world, "log", "-1", "--format=%s", "main").startswith("Move the ids' high-water mark")


async def test_what_could_not_be_committed_frees_its_number(world: World, monkeypatch: pytest.MonkeyPatch):
    async def refuse(*_: Any, **__: Any) -> str:
        raise StoreError("disk full")

    await stored(world)
    with monkeypatch.context() as broken:
        broken.setattr(world.store, "commit", refuse)
        with pytest.raises(StoreError):
            await stored(world, V2)
    other = await stored(world, record("id:long", "other:string="))

    assert (other.version, world.stored()) == (2, {1: 10_001, 2: other.id})


async def test_a_merged_proposal_keeps_the_id_it_was_promised(world: World):
    await stored(world)
    proposed = await stored(world, V2, branch="add-note")

    git(world, "update-ref", "refs/heads/main", "refs/heads/add-note")
    again = await stored(world, V2)

    assert (again.outcome, again.version, again.id) == ("unchanged", 2, proposed.id)
    assert (await stored(world, V3)).id not in {proposed.id, 10_001}


async def test_what_is_said_of_a_subject_changes_in_one_commit_and_is_told_exactly(world: World):
    await stored(world, owner="shop")

    told = await ask(
        world,
        "update_stored_schema",
        subject="orders-value",
        owner="billing",
        level="FULL",
        tags=["pii"],
        reason="moved",
    )

    assert {(row.field, row.before, row.after) for row in told.changes} == {
        ("owner", "shop", "billing"),
        ("level", None, "FULL"),
        ("tags", None, ("pii",)),
    }
    assert git(world, "log", "-1", "--format=%s") == "Change tags, owner, level of orders-value"
    again = await ask(world, "update_stored_schema", subject="orders-value", owner="billing")
    assert (again.outcome, again.changes, again.commit) == ("unchanged", (), None)


async def test_two_who_change_one_subject_at_once_both_count(world: World):
    await stored(world)

    async with anyio.create_task_group() as both:
        for change in ({"owner": "shop"}, {"level": "FULL"}, {"tags": ["pii"]}):
            both.start_soon(lambda change=change: ask(world, "update_stored_schema", subject="orders-value", **change))

    wish = world.store.wish(ORDERS)
    assert (wish.owner, wish.level, wish.tags) == ("shop", "FULL", ("pii",))


async def test_a_wish_can_be_taken_back(world: World):
    await stored(world, owner="shop", targets=["dev"])

    told = await ask(world, "update_stored_schema", subject="orders-value", clear=["targets", "owner"])

    assert [(row.field, row.before, row.after) for row in told.changes] == [
        ("targets", ("dev",), None),
        ("owner", "shop", None),
    ]


async def test_retiring_and_taking_it_back(world: World):
    await stored(world, V1)
    await stored(world, V2)

    gone = await ask(world, "update_stored_schema", subject="orders-value", version=1, retired=True)
    back = await ask(world, "update_stored_schema", subject="orders-value", retired=False)

    assert [(row.field, row.version, row.before, row.after) for row in gone.changes] == [("retired", 1, False, True)]
    assert [(row.field, row.version, row.before, row.after) for row in back.changes] == [("retired", 1, True, False)]


async def test_what_others_use_is_not_retired(world: World):
    await stored(world, record("amount:long", name="Money"), "money")
    paid = '{"type":"record","name":"Paid","namespace":"shop","fields":[{"name":"m","type":"shop.Money"}]}'
    await stored(world, paid, "paid", references=[{"name": "shop.Money", "subject": "money"}])

    with pytest.raises(ConflictError, match=r"paid v1"):
        await ask(world, "update_stored_schema", subject="money", retired=True)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param({}, InvalidRequestError, id="nothing to change"),
        pytest.param({"version": 1, "owner": "x"}, InvalidRequestError, id="a version has no owner"),
        pytest.param({"owner": "x", "clear": ["owner"]}, InvalidRequestError, id="set and cleared"),
        pytest.param({"version": 9, "description": "x"}, NotFoundError, id="no such version"),
        pytest.param({"targets": ["nope"]}, NotFoundError, id="no such registry"),
    ],
)
async def test_changes_that_make_no_sense_are_refused(world: World, arguments: dict[str, Any], error: type[Exception]):
    await stored(world)
    head = world.store.head

    with pytest.raises(error):
        await ask(world, "update_stored_schema", subject="orders-value", **arguments)

    assert world.store.head == head


async def test_a_change_can_be_proposed(world: World):
    await stored(world)
    head = world.store.head

    told = await ask(world, "update_stored_schema", subject="orders-value", owner="shop", branch="owner")

    assert (told.outcome, world.store.head, git(world, "rev-parse", "--short=10", "owner")) == (
        "proposed",
        head,
        told.commit,
    )


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param({}, ["a-orders", "b-orders", "c-eu"], id="all live ones"),
        pytest.param({"prefix": "a"}, ["a-orders"], id="prefix"),
        pytest.param({"query": "ORD"}, ["a-orders", "b-orders"], id="part of a name"),
        pytest.param({"context": "eu"}, ["c-eu"], id="context"),
        pytest.param({"owner": "shop"}, ["a-orders"], id="owner"),
        pytest.param({"tag": "pii"}, ["b-orders"], id="tag of a version"),
        pytest.param({"target": "prod"}, ["a-orders", "c-eu"], id="target"),
        pytest.param({"retired": True}, ["gone"], id="retired"),
    ],
)
async def test_the_store_is_listed_by_what_is_asked(world: World, arguments: dict[str, Any], names: list[str]):
    await stored(world, subject="a-orders", owner="shop")
    await stored(world, subject="b-orders", targets=["dev"], tags=["pii"])
    await stored(world, subject="c-eu", context="eu")
    await stored(world, subject="gone")
    await ask(world, "update_stored_schema", subject="gone", retired=True)

    told = await ask(world, "list_stored_schemas", **arguments)

    assert [row.subject for row in told.subjects] == names
    assert told.total == len(names)


async def test_a_bad_file_is_named_and_hides_nothing_else(world: World):
    await stored(world)
    world.store.repository.commit(
        {"SCHEMASTORE/default/bad/v1/metadata.json": b"{"}, "By hand", _hand(), world.store.head
    )

    told = await ask(world, "list_stored_schemas")

    assert (told.total, told.bad_total) == (1, 1)
    assert told.bad_files[0].path.startswith("SCHEMASTORE/default/bad/v1")


def _hand() -> Any:
    from services.world import ANN

    return ANN


async def test_an_adoption_is_shown_first_and_then_done_by_its_digest(world: World):
    await world.registry().register(ORDERS, Schema(V1))
    before = await world.traces()

    seen = await ask(world, "adopt_registry", registry="dev")
    assert (seen.done, seen.versions, seen.subjects, seen.exit_code) == (False, 1, 1, 3)
    assert await world.traces() == before

    done = await ask(world, "adopt_registry", registry="dev", plan=seen.plan, reason="we start")
    assert (done.done, done.exit_code) == (True, 0)
    assert git(world, "log", "-1", "--format=%s") == "Adopt 1 version of orders-value from dev"
    assert f"Plan: {seen.plan}" in git(world, "log", "-1", "--format=%b")

    head = world.store.head
    again = await ask(world, "adopt_registry", registry="dev")
    assert (again.versions, again.same, again.settings, again.exit_code) == (0, 1, 0, 0)
    nothing = await ask(world, "adopt_registry", registry="dev", plan=again.plan)
    assert (nothing.done, nothing.commit, world.store.head) == (True, None, head)


async def test_an_adoption_that_was_overtaken_is_refused(world: World):
    await world.registry().register(ORDERS, Schema(V1))
    seen = await ask(world, "adopt_registry", registry="dev")
    await world.registry().register(ORDERS, Schema(V2))

    with pytest.raises(StalePlanError):
        await ask(world, "adopt_registry", registry="dev", plan=seen.plan)

    assert world.stored() == {}


async def test_after_adoption_the_usual_tools_just_work(world: World):
    there = world.registry()
    await there.register(ORDERS, Schema(V1))
    seen = await ask(world, "adopt_registry", registry="dev")
    await ask(world, "adopt_registry", registry="dev", plan=seen.plan)

    assert (await ask(world, "plan_deployment", registries=["dev"])).total == 0
    assert (await ask(world, "detect_drift", registry="dev")).in_sync
    done = await ask(world, "register_schema", subject="orders-value", schema_text=V2)
    assert (done.outcome, done.version) == ("registered", 2)
    plan = await ask(world, "plan_deployment", registries=["prod"])
    await ask(world, "apply_plan", plan=plan.plan)
    assert await world.held("prod") == await world.held("dev") == world.stored()
