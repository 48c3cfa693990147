"""Long work can be watched, ended between two steps, and gone on with; as many at a time as there is room for."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from schema_mcp.domain.caller import Caller, Scope, with_implied
from schema_mcp.domain.errors import ConflictError, InvalidRequestError, LockHeldError, NotFoundError, NotPermittedError
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import Mode, Schema, SchemaType, Subject
from schema_mcp.services import recovery, tasks
from schema_mcp.services.ground import Signature, silent
from schema_mcp.services.registration import Stop
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Journal, Run, Status
from schema_mcp.stores.lanes import Lanes
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.surface import listings
from schema_mcp.tools import CATALOGUE
from services.asking import EVERYTHING, ask
from services.world import V1, V2, World

SUBJECTS = [Subject(f"s{number}-value") for number in range(4)]


@pytest.fixture
async def rolled_out(world: World) -> str:
    """A plan of four subjects with two versions each for prod; its digest."""
    for subject in SUBJECTS:
        for text in (V1, V2):
            await world.register(text, subject, stop=Stop.COMMIT)
    return (await world.plan("prod")).digest


def after(turn: int, method: Any, act: Callable[[], Awaitable[Any]]) -> Any:
    """Do something after the n-th call of a method."""
    calls = 0

    async def instead(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        answer = await method(*args, **kwargs)
        if calls == turn:
            await act()
        return answer

    return instead


async def apply(world: World, plan: str) -> Any:
    return await ask(world, "apply_plan", plan=plan, wait=60)


async def newest(world: World) -> Run:
    return (await world.ground.journal.runs(limit=1))[0]


async def held(world: World) -> int:
    return sum([len(await world.registry("prod").numbers(subject)) for subject in SUBJECTS])


async def cut_off(world: World, plan: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Apply a plan in a process that dies after so many registrations."""
    prod = world.registry("prod")

    class Died(BaseException):
        pass

    async def die() -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(prod, "register", after(steps, prod.register, die))
        with pytest.raises(BaseException) as ended:  # noqa: PT011 - in a group, or not
            await apply(world, plan)
    assert "Died" in repr(ended.value)
    return await newest(world)


# --- ending ---


@pytest.mark.parametrize("turn", [1, 2, 3, 8])
async def test_a_task_that_is_cancelled_ends_between_two_steps_and_leaves_nothing_half_done(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch, turn: int
):
    prod = world.registry("prod")

    async def cancel() -> None:
        told = await ask(world, "cancel_task", task=(await newest(world)).task, wait=0)
        assert told.status == "running"
        assert "ends after the step" in told.next
        assert (await ask(world, "get_task", task=told.task)).stage == "stopping"

    monkeypatch.setattr(prod, "register", after(turn, prod.register, cancel))
    told = await apply(world, rolled_out)

    everything = turn == len(SUBJECTS) * 2
    assert told.status == ("succeeded" if everything else "cancelled")
    assert told.registries[0].state == ("done" if everything else "stopped")
    assert told.done == await held(world) == turn
    assert Mode.IMPORT not in await world.modes()
    assert await world.ground.journal.open_steps() == []


async def test_what_a_cancelled_task_did_can_be_undone_and_the_rest_can_be_planned(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch
):
    prod = world.registry("prod")

    async def cancel() -> None:
        await ask(world, "cancel_task", task=(await newest(world)).task, wait=0)

    with monkeypatch.context() as patched:
        patched.setattr(prod, "register", after(3, prod.register, cancel))
        cancelled = await apply(world, rolled_out)
    assert "rollback_change" in cancelled.next

    rest = await world.plan("prod")
    assert len(rest.steps) == 5
    preview = await ask(world, "rollback_change", task=cancelled.task)
    await ask(world, "rollback_change", task=cancelled.task, plan=preview.preview.plan, wait=60)

    assert await held(world) == 0
    assert (await ask(world, "get_task", task=cancelled.task)).undone_by


async def test_a_cancelled_task_says_of_registries_that_were_not_begun_that_they_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await world.register(V1, stop=Stop.COMMIT)
    plan = await ask(world, "plan_deployment", registries=["dev", "prod"], strategy="rolling")
    dev = world.registry("dev")

    async def cancel() -> None:
        await world.ground.journal.stop((await newest(world)).task)

    monkeypatch.setattr(dev, "register", after(1, dev.register, cancel))
    told = await apply(world, plan.plan)

    assert [(one.registry, one.state, one.done) for one in told.registries] == [
        ("dev", "done", 1),
        ("prod", "stopped", 0),
    ]
    assert told.status == "cancelled"


async def test_an_interrupted_task_that_is_cancelled_gives_back_the_mode_it_left(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch
):
    prod, journal = world.registry("prod"), world.ground.journal
    run = await cut_off(world, rolled_out, 3, monkeypatch)
    claimed = await journal.claim(run.task)
    await prod.set_mode(SUBJECTS[3], Mode.IMPORT, force=True)
    await journal.step(claimed.task, f"prod import_mode {SUBJECTS[3]}", "started", before={"mode": "none of its own"})
    await journal.finish(claimed.task, Status.INTERRUPTED, {})

    told = await ask(world, "cancel_task", task=run.task)

    assert told.status == "cancelled"
    assert await prod.mode(SUBJECTS[3]) is None
    with pytest.raises(ConflictError, match="it is cancelled"):
        await ask(world, "resume_task", task=run.task)


async def test_what_has_ended_stays_as_it_is(world: World, rolled_out: str):
    done = await apply(world, rolled_out)

    assert (await ask(world, "cancel_task", task=done.task)).status == "succeeded"


async def test_a_registration_is_not_cancelled(world: World):
    await world.register()
    run = await newest(world)

    assert run.kind == "registration"
    with pytest.raises(ConflictError, match="over in a moment"):
        await ask(world, "cancel_task", task=run.task)


async def test_an_adoption_can_be_cancelled_up_to_its_commit(world: World, monkeypatch: pytest.MonkeyPatch):
    dev = world.registry("dev")
    await dev.register(SUBJECTS[0], Schema(V1, SchemaType.AVRO))
    preview = await ask(world, "adopt_registry", registry="dev")
    head = world.store.head

    async def stop(*_: Any) -> None:
        await world.ground.journal.stop((await newest(world)).task)

    monkeypatch.setattr("schema_mcp.services.recovery.settle", after(1, recovery.settle, stop))
    with pytest.raises(ConflictError, match="was cancelled"):
        await ask(world, "adopt_registry", registry="dev", plan=preview.plan)

    assert (await newest(world)).status is Status.CANCELLED
    assert world.store.head == head


# --- whose it is ---


BOB = Caller("Bob", "bob@example.com", with_implied([Scope.WRITE]))


async def test_somebody_elses_task_is_cancelled_by_admins_only(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch
):
    run = await cut_off(world, rolled_out, 1, monkeypatch)
    everything = replace(world.workspace, listings={})

    async def cancel(caller: Caller) -> Any:
        return await call(CATALOGUE["cancel_task"], {"task": run.task}, caller=caller, workspace=everything)

    with pytest.raises(NotPermittedError, match="needs the scope 'admin'"):
        await cancel(BOB)
    assert (await newest(world)).status is Status.INTERRUPTED
    assert (await cancel(replace(BOB, name=run.owner))).status == "cancelled"


# --- going on ---


async def test_an_interrupted_task_goes_on_where_it_stopped(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch
):
    run = await cut_off(world, rolled_out, 3, monkeypatch)
    told = await ask(world, "get_task", task=run.task)
    assert (told.status, told.total) == ("interrupted", 8)
    assert "resume_task" in told.next

    prod, written = world.registry("prod"), 0
    register = prod.register

    async def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal written
        written += 1
        return await register(*args, **kwargs)

    monkeypatch.setattr(prod, "register", counted)
    resumed = await ask(world, "resume_task", task=run.task, wait=60)

    assert (resumed.status, resumed.task, resumed.done) == ("succeeded", run.task, 8)
    assert await held(world) == 8
    assert written <= 6  # the one in hand at the end may be written again


async def test_a_task_is_gone_on_with_only_by_who_may_do_its_steps(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch
):
    run = await cut_off(world, rolled_out, 1, monkeypatch)
    reader = replace(BOB, scopes=with_implied([Scope.READ]))

    with pytest.raises(NotPermittedError):
        await call(
            CATALOGUE["resume_task"],
            {"task": run.task},
            caller=reader,
            workspace=replace(world.workspace, listings={}),
        )
    signed = Signature(replace(reader, name=run.owner), "test", "r1")
    with pytest.raises(NotPermittedError, match="for the steps of this plan"):
        await tasks.resume(world.ground, run.task, signed, silent, None, None)


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        pytest.param("adoption", "call adopt_registry again with the same plan", id="adoption"),
        pytest.param("registration", "finishes it or takes it back", id="registration"),
        pytest.param("export", "call export_schemas again", id="export"),
    ],
)
async def test_what_goes_on_in_another_way_says_how(world: World, kind: str, way: str):
    journal = world.ground.journal
    run = await journal.start(kind=kind, owner="Ann", total=1)
    await journal.finish(run.task, Status.INTERRUPTED, {})

    with pytest.raises(ConflictError, match="cannot be gone on with") as refused:
        await ask(world, "resume_task", task=run.task)

    assert way in refused.value.hint
    assert way in (await ask(world, "get_task", task=run.task)).next


@pytest.mark.parametrize("tool", ["get_task", "resume_task", "cancel_task"])
async def test_a_task_that_nobody_knows_is_not_found(world: World, tool: str):
    with pytest.raises(NotFoundError, match="No task 'nope'"):
        await ask(world, tool, task="nope")


# --- how far ---


async def test_a_running_task_says_how_fast_it_goes_and_how_long_the_rest_takes(tmp_path: Path):
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    journal = Journal(tmp_path, clock=lambda: now)
    run = await journal.start(kind="deployment", owner="Ann", plan="p", total=100)
    fresh = await tasks.pace(journal, run, now)
    assert (fresh and fresh.rate, fresh and fresh.seconds_left) == (0, None)

    for number in range(10):
        await journal.step(run.task, f"s{number}", "done")
        now += timedelta(seconds=1)
    run = (await journal.runs())[0]
    going = await tasks.pace(journal, run, now)
    still = await tasks.pace(journal, run, now + timedelta(seconds=100))
    await journal.finish(run.task, Status.SUCCEEDED, {})

    assert going == tasks.Pace(1.0, 90.0)
    assert still == tasks.Pace(0, None)  # it stands: no hope is given
    assert await tasks.pace(journal, (await journal.runs())[0], now) is None
    journal.close()


async def test_work_without_steps_has_a_pace_too(tmp_path: Path):
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    journal = Journal(tmp_path, clock=lambda: now)
    run = await journal.start(kind="check", owner="Ann", total=40)
    await journal.progress(run.task, 10, 40)

    going = await tasks.pace(journal, (await journal.runs())[0], now + timedelta(seconds=5))

    assert going == tasks.Pace(2.0, 15.0)
    journal.close()


async def test_tasks_are_listed_in_pages_and_by_how_they_stand(world: World):
    journal = world.ground.journal
    for number in range(5):
        run = await journal.start(kind="deployment", owner="Ann", total=1)
        await journal.finish(run.task, Status.FAILED if number % 2 else Status.INTERRUPTED, {})

    first = await ask(world, "list_tasks", limit=2)
    second = await ask(world, "list_tasks", limit=2, cursor=first.cursor)
    cut = await ask(world, "list_tasks", status="interrupted")

    assert (first.total, len(first.tasks), len(second.tasks)) == (5, 2, 2)
    assert not {one.task for one in first.tasks} & {one.task for one in second.tasks}
    assert (cut.total, dict(cut.counts)) == (3, {"interrupted": 3, "failed": 2})
    assert "resume_task" in cut.next


# --- room ---


async def test_only_so_many_run_at_a_time_the_next_wait_and_more_are_refused(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch
):
    lanes = Lanes(running=1, waiting=1)
    monkeypatch.setattr(world.ground.journal, "lanes", lanes)
    prod, go = world.registry("prod"), anyio.Event()
    other = (await world.plan("dev")).digest
    third = (await world.plan("dev", selection=Selection(subjects=(SUBJECTS[1],)))).digest
    monkeypatch.setattr(prod, "register", after(1, prod.register, go.wait))

    async with anyio.create_task_group() as background:
        world.workspace = replace(world.workspace, background=background)
        first = await ask(world, "apply_plan", plan=rolled_out, wait=0.05)
        second = await ask(world, "apply_plan", plan=other, wait=0.05)
        with pytest.raises(LockHeldError, match="2 tasks are running or waiting"):
            await ask(world, "apply_plan", plan=third, wait=0.05)
        assert (first.status, first.stage) == ("running", None)
        assert (second.status, second.stage) == ("running", "waiting")
        assert (await ask(world, "cancel_task", task=second.task, wait=30)).status == "cancelled"  # need not wait
        go.set()
    world.workspace = replace(world.workspace, background=None)

    assert (await ask(world, "get_task", task=first.task)).status == "succeeded"
    assert (await ask(world, "apply_plan", plan=third, wait=30)).status == "succeeded"


async def test_a_place_is_free_again_when_nothing_came_of_it(world: World, monkeypatch: pytest.MonkeyPatch):
    lanes = Lanes(running=1, waiting=0)
    with pytest.raises(KeyError), lanes.place().until_begun():
        raise KeyError

    lanes.place()

    with pytest.raises(LockHeldError):
        lanes.place()


async def test_results_are_kept_for_a_set_time(tmp_path: Path):
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    journal = Journal(tmp_path, clock=lambda: now)
    old = await journal.start(kind="deployment", owner="Ann")
    await journal.finish(old.task, Status.SUCCEEDED, {})
    cut = await journal.start(kind="deployment", owner="Ann")
    await journal.finish(cut.task, Status.INTERRUPTED, {})

    now += timedelta(days=89)
    kept = await journal.start(kind="deployment", owner="Ann")
    assert await journal.run(old.task) is not None
    now += timedelta(days=2)
    await journal.start(kind="deployment", owner="Ann")

    assert await journal.run(old.task) is None
    assert {run.task for run in await journal.runs()} >= {cut.task, kept.task}
    journal.close()


# --- somebody else's ---


async def as_somebody(world: World, caller: Caller, name: str, **arguments: Any) -> Any:
    told = replace(world.workspace, listings=listings(CATALOGUE, EVERYTHING))
    return await call(CATALOGUE[name], arguments, caller=caller, workspace=told)


async def test_tasks_and_plans_are_shown_to_their_owner_and_to_admins_only(world: World, rolled_out: str):
    bobs = await as_somebody(world, BOB, "plan_deployment", registries=["prod"])
    run = await world.ground.journal.start(kind="deployment", owner="Bob", plan=bobs.plan)
    eve = replace(BOB, name="Eve")

    assert (await as_somebody(world, BOB, "get_task", task=run.task)).owner == "Bob"
    assert (await as_somebody(world, BOB, "get_plan", plan=bobs.plan)).plan
    for name, arguments in (("get_task", {"task": run.task}), ("get_plan", {"plan": bobs.plan})):
        assert await as_somebody(world, world.workspace.caller, name, **arguments)
        with pytest.raises(NotPermittedError, match="needs the scope 'admin'"):
            await as_somebody(world, eve, name, **arguments)


async def test_a_task_is_gone_on_with_by_its_owner_and_by_admins_only(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch
):
    run = await cut_off(world, rolled_out, 1, monkeypatch)
    before = await held(world)

    with pytest.raises(NotPermittedError, match="resume_task that is somebody else's needs the scope 'admin'"):
        await as_somebody(world, BOB, "resume_task", task=run.task)
    assert (await held(world), (await newest(world)).status) == (before, Status.INTERRUPTED)

    root = replace(BOB, name="Root", scopes=with_implied([Scope.ADMIN]))
    assert (await as_somebody(world, root, "resume_task", task=run.task, wait=60)).status == "succeeded"
    assert await held(world) == 8


async def test_who_owns_a_task_needs_no_admin_to_go_on_with_it(
    world: World, rolled_out: str, monkeypatch: pytest.MonkeyPatch
):
    world.workspace = replace(world.workspace, caller=BOB)
    run = await cut_off(world, rolled_out, 1, monkeypatch)

    assert run.owner == "Bob"
    assert (await as_somebody(world, BOB, "resume_task", task=run.task, wait=60)).status == "succeeded"


async def test_a_plan_of_another_kind_is_left_to_its_tool(world: World):
    plan = await world.keep(Plan("restoration", {}, "", {}, ()))

    with pytest.raises(InvalidRequestError, match="a restoration is carried out by the tool that makes it"):
        await ask(world, "apply_plan", plan=plan.digest)


async def test_lists_of_tasks_and_plans_leave_out_what_is_somebody_elses(world: World, rolled_out: str):
    journal, admin = world.ground.journal, world.workspace.caller
    for owner in ("Bob", "Eve", "Eve"):
        await journal.start(kind="deployment", owner=owner)
    await journal.keep_plan("b" * 64, "{}", "Bob")
    for number in range(3):
        await journal.keep_plan(str(number) * 64, "{}", "Eve")

    bobs, every = [await as_somebody(world, who, "list_tasks") for who in (BOB, admin)]
    assert ([one.owner for one in bobs.tasks], bobs.total, bobs.counts) == (["Bob"], 1, {Status.RUNNING: 1})
    assert {"Bob", "Eve"} <= {one.owner for one in every.tasks}
    bobs, every = [await as_somebody(world, who, "get_plan", limit=2) for who in (BOB, admin)]
    assert [one.plan for one in bobs.recent] == ["b" * 64]
    assert {one.created_by for one in every.recent} == {"Eve"}
