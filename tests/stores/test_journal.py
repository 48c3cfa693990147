"""The journal: what was begun is known after any crash, and one process at a time carries it on."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConflictError, LockHeldError, NotFoundError
from schema_mcp.stores import runbook
from schema_mcp.stores.journal import Journal, KeptPlan, Run, Status, StepRecord, StepState
from schema_mcp.stores.sqlite import Database
from stores import crowd

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT_NOON = "2026-03-01T12:00:00.000Z"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal of this process."""
    one = Journal(tmp_path, clock=lambda: NOON)
    yield one
    one.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Journal]:
    """The journal of another process on the same folder: it has its own sign of life."""
    one = Journal(tmp_path, clock=lambda: NOON)
    yield one
    one.close()


async def begun(journal: Journal, **extra: str | int) -> Run:
    return await journal.start(**{"kind": "deployment", "owner": "ann", "plan": "p1", "total": 3} | extra)


def vanish(folder: Path) -> None:
    """Take away every sign of life, as if those processes had ended without knowing it themselves."""
    for path in (folder / "running").iterdir():
        path.unlink()


# --- plans ---


async def test_a_plan_is_read_back_to_the_letter(journal: Journal, other: Journal):
    await journal.keep_plan("d1", '{"steps": "äöü\\u0000"}', "ann")

    assert await other.plan("d1") == '{"steps": "äöü\\u0000"}'
    assert await other.plan("d2") is None
    assert await other.plans() == [KeptPlan("d1", AT_NOON, "ann")]


async def test_the_newest_plans_are_kept_and_those_that_a_run_needs(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runbook, "KEPT_PLANS", 3)
    await journal.keep_plan("needed", "text", "ann")
    await begun(journal, plan="needed")

    for number in range(6):
        await journal.keep_plan(f"d{number}", "text", "ann")
    await journal.keep_plan("d3", "made again", "bob")

    assert [plan.digest for plan in await journal.plans()] == ["d3", "d5", "d4", "needed"]
    assert await journal.plan("d3") == "made again"
    assert await journal.plan("d2") is None


# --- runs and steps ---


async def test_a_run_is_told_as_it_was_begun(journal: Journal, other: Journal):
    run = await begun(journal)

    assert run == Run(
        task=run.task,
        kind="deployment",
        plan="p1",
        owner="ann",
        status=Status.RUNNING,
        created_at=AT_NOON,
        updated_at=AT_NOON,
        done=0,
        total=3,
        result={},
        fence=1,
        stopping=False,
    )
    assert await other.run(run.task) == run
    assert await other.run("unknown") is None


async def test_runs_are_listed_newest_first_and_can_be_chosen(journal: Journal):
    tasks = [(await begun(journal, plan=f"p{n}", owner="ann" if n % 2 else "bob")).task for n in range(4)]
    await journal.finish(tasks[1], Status.SUCCEEDED, {})

    assert [run.task for run in await journal.runs()] == tasks[::-1]
    assert [run.task for run in await journal.runs(limit=1)] == tasks[3:]
    assert [run.task for run in await journal.runs(plan="p2")] == [tasks[2]]
    assert [run.task for run in await journal.runs(owner="ann")] == [tasks[3], tasks[1]]
    assert [run.task for run in await journal.runs(owner="ann", status=Status.RUNNING)] == [tasks[3]]


async def test_ended_runs_are_forgotten_in_time_with_their_steps(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runbook, "KEPT_RUNS", 2)
    ended, running = await begun(journal, plan="a"), await begun(journal, plan="b")
    await journal.step(ended.task, "s1", "done")
    await journal.finish(ended.task, Status.SUCCEEDED, {})

    kept = [await begun(journal, plan=f"p{n}") for n in range(2)]

    assert [run.task for run in await journal.runs()] == [kept[1].task, kept[0].task, running.task]
    assert await journal.steps(ended.task) == []


async def test_steps_are_told_in_the_order_in_which_they_were_begun(journal: Journal, other: Journal):
    run = await begun(journal)

    await journal.step(run.task, "zebra", "started")
    await journal.step(run.task, "ant", StepState.PLANNED)
    await journal.step(run.task, "zebra", "done", image={"id": 7})
    await journal.step(run.task, "ant", "failed", image={"code": "conflict"})

    assert await other.steps(run.task) == [
        StepRecord("zebra", StepState.DONE, None, {"id": 7}, AT_NOON),
        StepRecord("ant", StepState.FAILED, None, {"code": "conflict"}, AT_NOON),
    ]


async def test_progress_counts_the_steps_that_are_done_once_each(journal: Journal):
    run = await begun(journal)

    for key, state in [("a", "started"), ("a", "done"), ("a", "done"), ("b", "started"), ("c", "failed")]:
        await journal.step(run.task, key, state)
    await journal.step(run.task, "import_mode", "started", before={"mode": "READWRITE"})
    await journal.step(run.task, "import_mode", "done")

    told = await journal.run(run.task)
    assert told
    assert (told.done, told.total) == (1, 3)


async def test_what_a_step_found_stands_until_it_was_put_back(journal: Journal):
    run = await begun(journal)
    await journal.step(run.task, "mode", "started", before={"mode": "READWRITE"})

    await journal.step(run.task, "mode", "started", before={"mode": "IMPORT"})  # begun again after a crash
    (left,) = await journal.steps(run.task)
    await journal.step(run.task, "mode", "done")
    (undone,) = await journal.steps(run.task)
    await journal.step(run.task, "mode", "started", before={"mode": "READONLY"})
    (again,) = await journal.steps(run.task)

    assert (left.to_undo, undone.to_undo, again.to_undo) == ({"mode": "READWRITE"}, None, {"mode": "READONLY"})
    assert undone.before == {"mode": "READWRITE"}


async def test_a_finished_run_keeps_its_result_and_takes_nothing_more(journal: Journal):
    run = await begun(journal)

    await journal.finish(run.task, Status.FAILED, {"registries": [{"registry": "dev", "done": 1}]})

    told = await journal.run(run.task)
    assert told
    assert (told.status, told.result) == (Status.FAILED, {"registries": [{"registry": "dev", "done": 1}]})
    with pytest.raises(ConflictError, match="it is failed"):
        await journal.step(run.task, "late", "started")
    with pytest.raises(ConflictError, match="has ended: failed"):
        await journal.claim(run.task)


async def test_work_without_steps_says_how_far_it_is_and_hears_when_to_stop(journal: Journal, other: Journal):
    run = await begun(journal, kind="bulk check", plan="")

    assert await journal.progress(run.task, 10, 200)
    stopping = await other.stop(run.task)

    assert (stopping.status, stopping.stopping, stopping.done, stopping.total) == (Status.RUNNING, True, 10, 200)
    assert not await journal.progress(run.task, 11, 200)


async def test_stopping_a_run_that_nobody_carries_out_cancels_it(journal: Journal):
    run = await begun(journal)
    await journal.finish(run.task, Status.INTERRUPTED, {})

    assert (await journal.stop(run.task)).status is Status.CANCELLED
    with pytest.raises(ConflictError, match="cancelled"):
        await journal.claim(run.task)


async def test_stopping_a_run_that_has_ended_changes_nothing(journal: Journal):
    run = await begun(journal)
    await journal.finish(run.task, Status.SUCCEEDED, {})

    assert (await journal.stop(run.task)).status is Status.SUCCEEDED


@pytest.mark.parametrize("verb", ["claim", "stop"])
async def test_a_task_that_nobody_knows_is_not_found(journal: Journal, verb: str):
    with pytest.raises(NotFoundError, match="No task 'unknown'"):
        await getattr(journal, verb)("unknown")


# --- one at a time ---


async def test_a_plan_is_carried_out_once_at_a_time(journal: Journal, other: Journal):
    run = await begun(journal)

    for one in (journal, other):
        with pytest.raises(LockHeldError, match=run.task):
            await begun(one)

    assert (await begun(other, plan="p2")).plan == "p2"
    await journal.finish(run.task, Status.SUCCEEDED, {})
    assert (await begun(other)).task != run.task


async def test_only_the_holder_writes(journal: Journal, other: Journal):
    run = await begun(journal)

    with pytest.raises(ConflictError, match="not carried out here"):
        await other.step(run.task, "s1", "started")
    with pytest.raises(ConflictError, match="not carried out here"):
        await other.finish(run.task, Status.SUCCEEDED, {})
    with pytest.raises(LockHeldError):
        await other.claim(run.task)


async def test_a_run_that_was_cut_off_goes_on_with_its_steps(journal: Journal, other: Journal):
    run = await begun(journal)
    await journal.step(run.task, "s1", "done")
    await journal.finish(run.task, Status.INTERRUPTED, {})

    again = await other.start(kind="deployment", owner="bob", plan="p1", resumes=run.task)

    assert (again.task, again.owner, again.done, again.fence) == (run.task, "ann", 1, 2)
    assert [step.key for step in await other.steps(run.task)] == ["s1"]
    await other.step(run.task, "s2", "done")
    with pytest.raises(ConflictError):
        await journal.step(run.task, "s3", "done")


async def test_a_holder_that_was_taken_for_dead_is_stopped_by_the_fence(
    journal: Journal, other: Journal, tmp_path: Path
):
    run = await begun(journal)
    vanish(tmp_path)

    taken = await other.claim(run.task)

    assert taken.fence == 2
    with pytest.raises(ConflictError, match="not carried out here"):
        await journal.step(run.task, "s1", "started")
    await other.step(run.task, "s1", "started")


async def test_closing_leaves_a_run_to_be_taken_up(journal: Journal, tmp_path: Path):
    process = Journal(tmp_path)
    run = await begun(process)

    process.close()

    assert [(one.task, one.status) for one in await journal.recovered()] == [(run.task, Status.INTERRUPTED)]


# --- crashes ---


async def test_what_a_killed_process_had_noted_is_there_and_its_run_interrupted(journal: Journal, tmp_path: Path):
    process = crowd.ready(crowd.join("carry_out", tmp_path, "p1"))
    (run,) = await journal.runs()
    assert run.status is Status.RUNNING
    assert await journal.recovered() == []

    assert process.stdout
    heard = [process.stdout.readline() for _ in range(20)] + crowd.kill(process).splitlines()

    (recovered,) = await journal.recovered()
    steps = {step.key: step for step in await journal.steps(run.task)}
    assert (recovered.task, recovered.status) == (run.task, Status.INTERRUPTED)
    assert recovered.done >= len([line for line in heard if line]) >= 20
    assert steps["import_mode"].to_undo == {"mode": "READWRITE"}
    assert all(steps[line.decode().strip()].state is StepState.DONE for line in heard if line)
    assert await journal.plan("p1") == "text of p1"
    assert not list((tmp_path / "running").iterdir()), "a sign of life was left behind"


async def test_of_many_that_want_to_take_a_run_up_one_gets_it(journal: Journal, tmp_path: Path):
    run = await begun(journal)
    await journal.finish(run.task, Status.INTERRUPTED, {})
    crew = [crowd.ready(crowd.join("claim", tmp_path, run.task)) for _ in range(4)]
    for process in crew:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()

    answers = [process.stdout.readline() for process in crew if process.stdout]

    assert sorted(answers) == [b"fence 2\n", b"held\n", b"held\n", b"held\n"]
    for process in crew:
        crowd.kill(process)
    assert (await journal.claim(run.task)).fence == 3


async def test_a_full_disk_is_said_and_nothing_half_is_kept(journal: Journal, tmp_path: Path):
    process = crowd.join("keep_on_a_full_disk", tmp_path, 400_000)

    output, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors.decode()
    kept, said = output.decode().split(" ", 1)
    assert "journal.sqlite" in said
    assert "disk" in said
    assert "nothing was changed" in said
    assert {plan.digest for plan in await journal.plans(99)} == {"later", *(f"d{n}" for n in range(int(kept)))}


async def test_times_come_from_the_clock_given(tmp_path: Path):
    moments = iter([NOON, NOON + timedelta(seconds=90), NOON + timedelta(seconds=95)])
    journal = Journal(tmp_path / "timed", clock=lambda: next(moments))
    run = await begun(journal)

    await journal.step(run.task, "s1", "started")

    told = await journal.run(run.task)
    assert told
    assert (told.created_at, told.updated_at) == (AT_NOON, "2026-03-01T12:01:30.000Z")
    journal.close()


async def test_a_result_may_hold_any_json(journal: Journal):
    result = json.loads('{"a": [1, 2.5, null, true, {"ä": "\\u0000"}]}')
    run = await begun(journal)

    await journal.finish(run.task, Status.SUCCEEDED, result)

    assert [one.result for one in await journal.runs()] == [result]


# --- what a rollback stands on ---


async def test_what_stood_there_first_is_kept_however_often_a_step_is_begun(journal: Journal):
    run = await begun(journal)

    first = await journal.step(run.task, "a", "started", image={"mode": None})
    again = await journal.step(run.task, "a", "started", image={"mode": "IMPORT"})
    await journal.step(run.task, "a", "done")

    assert first == again == {"mode": None}
    assert [(one.key, one.image) for one in await journal.done(["a", "b"])] == [("a", {"mode": None})]


async def test_what_is_found_out_later_stands_beside_what_a_step_found(journal: Journal, other: Journal):
    run = await begun(journal)
    await journal.step(run.task, "a", "started", image={"mode": None, "highest": 2})
    await journal.step(run.task, "a", "done")

    await journal.note(run.task, {"a": {"kept": "abc"}, "unknown": {"kept": "x"}})

    assert [one.image for one in await journal.steps(run.task)] == [{"mode": None, "highest": 2, "kept": "abc"}]
    with pytest.raises(ConflictError):
        await other.note(run.task, {"a": {"kept": "of another"}})


@pytest.mark.parametrize(("status", "undone"), [(Status.SUCCEEDED, True), (Status.FAILED, False)])
async def test_a_run_is_undone_by_one_that_came_to_its_end(journal: Journal, status: Status, undone: bool):
    run = await begun(journal)
    await journal.finish(run.task, Status.SUCCEEDED, {})
    undoing = await journal.start(kind="rollback", owner="ann", plan="p2", undoes=run.task)
    await journal.finish(undoing.task, status, {})

    seen = await journal.run(run.task)

    assert seen
    assert seen.undone_by == (undoing.task if undone else None)


async def test_open_steps_are_those_of_unfinished_runs_with_something_to_put_back(journal: Journal):
    run = await begun(journal)
    await journal.step(run.task, "mode", "started", before={"mode": "none"})
    await journal.step(run.task, "version", "started", image={"stands": "nothing"})
    [during] = await journal.open_steps()
    await journal.step(run.task, "mode", "done")

    assert (during.task, during.status, during.key, during.since) == (run.task, Status.RUNNING, "mode", AT_NOON)
    assert await journal.open_steps() == []


async def test_a_journal_of_an_earlier_version_goes_on(tmp_path: Path):
    with first_version(tmp_path) as connection:
        connection.execute(
            "INSERT INTO runs VALUES (1, 't1', 'deployment', 'p1', 'ann', 'interrupted', ?, ?, 0, 1, '{}', 1, 0, '')",
            [AT_NOON, AT_NOON],
        )
        connection.execute("INSERT INTO steps VALUES (1, 't1', 'a', 'started', NULL, NULL, ?)", [AT_NOON])
    journal = Journal(tmp_path, clock=lambda: NOON)

    run = await journal.claim("t1")
    await journal.step("t1", "a", "done", image={"x": 1})

    assert (run.undoes, run.undone_by) == ("", None)
    assert [one.image for one in await journal.steps("t1")] == [{"x": 1}]
    journal.close()


@contextmanager
def first_version(folder: Path) -> Iterator[sqlite3.Connection]:
    """The journal's file as the first version made it."""
    old = Database(folder / "journal.sqlite", runbook.MIGRATIONS[:1], remedy="")
    old.close()
    connection = sqlite3.connect(folder / "journal.sqlite")
    yield connection
    connection.commit()
    connection.close()
