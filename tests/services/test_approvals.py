"""What cannot be undone needs somebody else's yes where a registry says so: bound, once, in time, never one's own."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pygit2
import pytest

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import ConflictError, NotFoundError, NotPermittedError
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.registries.guard import approved
from schema_mcp.services import application
from schema_mcp.services.registration import Stop
from schema_mcp.stores.clock import utc_now
from schema_mcp.toolkit.call import call
from schema_mcp.tools import CATALOGUE
from services.conftest import kept_open
from services.world import ORDERS, V1, V2, World, embedded

SEALED = "approvals: all"
REQUESTER = Caller("Ann", "ann@example.com", Scope.ADMIN.implied)
REVIEWER = Caller("bob", "7+bob@users.noreply.example.com", Scope.ADMIN.implied, "http", is_person=True)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with kept_open(tmp_path, embedded("dev", "prod", dev=SEALED, prod="approvals: [prune]")) as opened:
        yield opened


async def ask(world: World, tool: str, who: Caller = REQUESTER, /, **arguments: Any) -> Any:
    everything = replace(world.workspace, listings={})
    return await call(CATALOGUE[tool], arguments, caller=who, workspace=everything)


async def doomed(world: World) -> dict[str, Any]:
    """The arguments that would delete a subject of dev for good, and are refused for want of a yes."""
    await world.register(stop=None)
    await world.registry("dev").delete_subject(ORDERS)
    arguments = {"subject": ORDERS.name, "permanent": True, "registry": "dev"}
    preview = await ask(world, "delete_subject", **arguments)
    arguments["plan"] = preview.plan
    with pytest.raises(NotPermittedError) as refused:
        await ask(world, "delete_subject", **arguments)
    assert refused.value.details["layer"] == "approval"
    assert "request_approval" in refused.value.hint
    return arguments


async def requested(world: World, plan: str, who: Caller = REQUESTER) -> str:
    return (await ask(world, "request_approval", who, plan=plan, reason="cleaning up")).approval


async def yes(world: World, plan: str, who: Caller = REQUESTER) -> str:
    name = await requested(world, plan, who)
    assert (await ask(world, "review_approval", REVIEWER, approval=name, decision="approve")).state == "approved"
    return name


async def still_there(world: World) -> bool:
    return await world.registry("dev").numbers(ORDERS, deleted=True) != []


async def test_a_yes_of_another_person_opens_what_was_refused_once(world: World):
    arguments = await doomed(world)
    name = await yes(world, arguments["plan"])

    assert (await ask(world, "delete_subject", **arguments)).done
    assert not await still_there(world)
    shown = (await ask(world, "list_approvals")).approvals[0]
    assert (shown.approval, shown.state, shown.decided_by) == (name, "used", "bob")


async def test_without_a_setting_nobody_has_to_be_asked(world: World):
    await world.register(registry="prod")
    await world.registry("prod").delete_subject(ORDERS)
    arguments = {"subject": ORDERS.name, "permanent": True, "registry": "prod"}
    preview = await ask(world, "delete_subject", **arguments)

    assert (await ask(world, "delete_subject", plan=preview.plan, **arguments)).done


@pytest.mark.parametrize(
    "who",
    [
        pytest.param(REQUESTER, id="the requester"),
        pytest.param(replace(REQUESTER, is_person=True, via="http"), id="the requester, signed in"),
        pytest.param(replace(REVIEWER, email="ANN@example.com"), id="another name, the same address"),
        pytest.param(replace(REVIEWER, name="ANN"), id="another address, the same name"),
        pytest.param(replace(REVIEWER, is_person=False), id="a pipeline, a token, or the owner over HTTP"),
        pytest.param(replace(REVIEWER, scopes=Scope.WRITE.implied), id="no admin"),
    ],
)
async def test_who_may_not_say_yes(who: Caller, world: World):
    arguments = await doomed(world)
    name = await requested(world, arguments["plan"])

    with pytest.raises(NotPermittedError):
        await ask(world, "review_approval", who, approval=name, decision="approve")
    with pytest.raises(NotPermittedError):
        await ask(world, "delete_subject", **arguments)
    assert await still_there(world)


async def test_a_no_stays_a_no(world: World):
    arguments = await doomed(world)
    name = await requested(world, arguments["plan"])
    await ask(world, "review_approval", REVIEWER, approval=name, decision="refuse")

    with pytest.raises(ConflictError):
        await ask(world, "review_approval", REVIEWER, approval=name, decision="approve")
    with pytest.raises(NotPermittedError):
        await ask(world, "delete_subject", **arguments)


async def test_a_yes_is_only_for_who_asked(world: World):
    arguments = await doomed(world)
    await yes(world, arguments["plan"])

    with pytest.raises(NotPermittedError):
        await ask(world, "delete_subject", replace(REQUESTER, name="Eve", email="eve@example.com"), **arguments)
    assert await still_there(world)


async def test_a_yes_holds_as_long_as_the_store_stays_what_it_was(world: World):
    arguments = await doomed(world)
    await yes(world, arguments["plan"])
    await world.register(V1, Subject("other"), stop=Stop.COMMIT)

    with pytest.raises(NotPermittedError):
        await ask(world, "delete_subject", **arguments)
    assert await still_there(world)


async def test_a_yes_ends_in_time(world: World):
    arguments = await doomed(world)
    await yes(world, arguments["plan"])
    world.workspace.approvals._clock = lambda: utc_now() + timedelta(hours=25)

    with pytest.raises(NotPermittedError):
        await ask(world, "delete_subject", **arguments)
    assert (await ask(world, "list_approvals")).approvals[0].state == "expired"


async def test_a_yes_to_one_thing_is_none_to_another(world: World):
    await world.registry("dev").register(Subject("second"), Schema(V1))
    await world.registry("dev").delete_subject(Subject("second"))
    arguments = await doomed(world)
    await yes(world, arguments["plan"])
    other = {"subject": "second", "permanent": True, "registry": "dev"}
    preview = await ask(world, "delete_subject", **other)

    with pytest.raises(NotPermittedError):
        await ask(world, "delete_subject", plan=preview.plan, **other)


async def test_of_two_who_use_one_yes_one_gets_it(world: World):
    arguments = await doomed(world)
    name = await yes(world, arguments["plan"])

    assert sorted(await asyncio.gather(*(world.workspace.approvals.use(name) for _ in range(8)))) == [False] * 7 + [
        True
    ]


async def test_a_purge_that_forgets_to_ask_is_stopped_at_the_guard(world: World):
    await world.register()
    registry = world.registry("dev")
    await registry.delete_subject(ORDERS)

    with pytest.raises(NotPermittedError):
        await registry.delete_subject(ORDERS, permanent=True)
    with pytest.raises(NotPermittedError):
        await registry.delete_version(ORDERS, 1, permanent=True)
    with approved(frozenset({("prod", "permanent_delete")})), pytest.raises(NotPermittedError):  # type: ignore[arg-type]
        await registry.delete_subject(ORDERS, permanent=True)
    assert await still_there(world)


async def test_import_by_hand_needs_a_yes_and_other_modes_do_not(world: World):
    await world.register()
    await ask(world, "update_mode", subject=ORDERS.name, mode="READONLY")
    wanted = {"subject": ORDERS.name, "mode": "IMPORT", "force": True}
    with pytest.raises(NotPermittedError) as refused:
        await ask(world, "update_mode", **wanted)
    await yes(world, refused.value.details["plan"])

    with pytest.raises(NotPermittedError):  # what was approved is this subject
        await ask(world, "update_mode", mode="IMPORT", force=True)
    await ask(world, "update_mode", **wanted)

    assert await world.registry("dev").mode(ORDERS) is Mode.IMPORT


async def test_registering_with_ids_passes_through_import_unasked(world: World):
    assert (await world.register()).id


async def pruning_plan(world: World) -> str:
    await world.register(V1)
    await world.register(V2)
    await world.retire(ORDERS, 2)
    plan = await ask(world, "plan_deployment", registries=["prod", "dev"])
    return plan.plan


async def test_a_plan_that_takes_away_needs_a_yes_that_a_merged_commit_can_give(world: World):
    plan = await pruning_plan(world)
    with pytest.raises(NotPermittedError):
        await ask(world, "apply_plan", plan=plan)
    await requested(world, plan)
    merge(world, f"Clean up\n\nIt is agreed.\n\nApproves: {plan}", "Bob", "bob@example.com")

    done = await ask(world, "apply_plan", plan=plan)

    assert done.status == "succeeded"
    assert await world.held() == {1: 10_001}
    shown = (await ask(world, "list_approvals")).approvals[0]
    assert (shown.decided_by, shown.task) == ("Bob <bob@example.com>", done.task)


@pytest.mark.parametrize(
    ("message", "name", "email"),
    [
        pytest.param("x\n\nApproves: {plan}", "Ann", "other@example.com", id="the requester's name"),
        pytest.param("x\n\nApproves: {plan}", "Other", "ann@example.com", id="the requester's address"),
        pytest.param("x\n\nApproves: {plan}", "deps[bot]", "bot@example.com", id="a bot"),
        pytest.param("x\n\nApproves: 0{plan}", "Bob", "bob@example.com", id="another digest"),
        pytest.param("x\n\nApproves: {plan}\n\nNo, not at all.", "Bob", "bob@example.com", id="not as a trailer"),
        pytest.param("x\n\nTool: t\nApproves: {plan}", "Bob", "bob@example.com", id="made by a tool"),
    ],
)
async def test_a_commit_that_approves_nothing(message: str, name: str, email: str, world: World):
    plan = await pruning_plan(world)
    await requested(world, plan)
    merge(world, message.format(plan=plan), name, email)

    with pytest.raises(NotPermittedError):
        await ask(world, "apply_plan", plan=plan)
    assert len(await world.held()) == 2


async def test_the_commit_may_be_merged_before_it_is_asked_for(world: World):
    plan = await pruning_plan(world)
    merge(world, f"x\n\nApproves: {plan}", "Bob", "bob@example.com")
    await requested(world, plan)

    assert (await ask(world, "apply_plan", plan=plan)).status == "succeeded"


async def test_rolling_back_what_another_did_needs_a_yes_and_ones_own_only_for_what_it_purges(world: World):
    await world.register(V1, stop=Stop.COMMIT)
    plan = await world.plan("prod")
    run = await world.apply(plan)
    eve = replace(REQUESTER, name="Eve", email="eve@example.com")
    preview = (await ask(world, "rollback_change", eve, task=run.task)).preview

    assert (await ask(world, "rollback_change", eve, task=run.task, plan=preview.plan)).task  # prod wants it for prunes

    plan = await world.plan("dev")
    run = await world.apply(plan)
    preview = (await ask(world, "rollback_change", eve, task=run.task)).preview
    with pytest.raises(NotPermittedError) as refused:
        await ask(world, "rollback_change", eve, task=run.task, plan=preview.plan)
    assert refused.value.details["deeds"] == ["permanent_delete", "rollback"]
    with pytest.raises(NotPermittedError) as refused:
        await ask(world, "rollback_change", task=run.task, plan=preview.plan)
    assert refused.value.details["deeds"] == ["permanent_delete"]
    await yes(world, preview.plan, eve)
    assert (await ask(world, "rollback_change", eve, task=run.task, plan=preview.plan)).task.status == "succeeded"
    assert await world.held("dev") == {}


async def test_emptying_a_context_for_good_needs_a_yes(world: World):
    await world.register(V1, Subject("s", ".eu"))
    await world.registry("dev").delete_subject(Subject("s", ".eu"))
    wanted = {"registry": "dev", "context": "eu", "permanent": True}
    preview = await ask(world, "clear_context_batch", **wanted)
    with pytest.raises(NotPermittedError):
        await ask(world, "clear_context_batch", plan=preview.plan, **wanted)
    await yes(world, preview.plan)

    await ask(world, "clear_context_batch", plan=preview.plan, **wanted)

    assert await world.registry("dev").numbers(Subject("s", ".eu"), deleted=True) == []


async def test_only_what_was_planned_or_refused_can_be_asked_for(world: World):
    with pytest.raises(NotFoundError):
        await requested(world, "0" * 64)


async def test_asking_twice_is_one_request(world: World):
    arguments = await doomed(world)

    assert await requested(world, arguments["plan"]) == await requested(world, arguments["plan"])
    assert (await ask(world, "list_approvals", state="waiting")).total == 1


def merge(world: World, message: str, name: str, email: str) -> None:
    """A commit of somebody else that changes no file, as the merge of a pull request that only approves."""
    repo = pygit2.Repository(str(world.store.repository.path))
    head = repo.head.peel(pygit2.Commit)
    who = pygit2.Signature(name, email)
    repo.create_commit("HEAD", who, who, message, head.tree.id, [head.id])


async def test_a_task_that_was_cut_off_goes_on_with_the_yes_it_used(world: World, monkeypatch: pytest.MonkeyPatch):
    plan = await pruning_plan(world)
    await yes(world, plan)
    with monkeypatch.context() as broken:
        broken.setattr(application.steps, "carry_out", cut_off)
        with pytest.raises(KeyboardInterrupt):
            await ask(world, "apply_plan", plan=plan)
    assert len(await world.held()) == 2

    assert (await ask(world, "apply_plan", plan=plan)).status == "succeeded"
    assert await world.held() == {1: 10_001}


async def cut_off(*_: Any) -> None:
    raise KeyboardInterrupt
