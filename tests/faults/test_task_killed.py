"""A task whose process is killed: the next process tells the truth about it, goes on with it, or gives it up."""

import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

from faults.check import assert_sound, server_at
from interfaces.processes import PATIENCE, Process
from services.world import embedded, record

WORLD = embedded("dev", "prod")
SUBJECTS = 60


def told(reply: dict[str, Any]) -> dict[str, Any]:
    assert not reply.get("isError"), reply
    return reply["structuredContent"]


def begun(server: Process) -> dict[str, Any]:
    """A task over sixty subjects that has come some way."""
    for number in range(SUBJECTS):
        text = record("id:long", name=f"R{number}")
        told(server.call("register_schema", subject=f"s{number:02}", schema_text=text, stop_after="commit"))
    plan = told(server.call("plan_deployment", registries=["dev", "prod"]))["plan"]
    task = told(server.call("apply_plan", plan=plan, wait=0))
    assert task["status"] == "running"
    return until(server, task["task"], lambda said: said["done"] >= 5)


def until(server: Process, task: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while not holds(said := told(server.call("get_task", task=task))):
        assert time.monotonic() < end, said
    return said


def test_a_killed_task_is_told_of_as_interrupted_and_goes_on(tmp_path: Path):
    with server_at(tmp_path, WORLD, "--toolsets", "all") as server:
        before = begun(server)
        server.stop(SIGKILL)
    with server_at(tmp_path, WORLD, "--toolsets", "all") as server:
        listed = told(server.call("list_tasks", status="interrupted"))
        [row] = [one for one in listed["tasks"] if one["task"] == before["task"]]
        assert row["done"] >= before["done"]
        assert row["total"] == before["total"] == 2 * SUBJECTS
        assert "can go on: resume_task" in row["next"]

        resumed = told(server.call("resume_task", task=before["task"], wait=60))

        assert (resumed["status"], resumed["done"]) == ("succeeded", 2 * SUBJECTS)
        assert told(server.call("plan_deployment", registries=["dev", "prod"]))["total"] == 0
        server.close()
    assert_sound(tmp_path, WORLD)


def test_another_process_can_end_a_task_and_nothing_is_left_half_done(tmp_path: Path):
    with (
        server_at(tmp_path, WORLD, "--toolsets", "all") as server,
        server_at(tmp_path, WORLD, "--toolsets", "all") as other,
    ):
        told(other.call("list_tasks"))  # it is up, and has all it needs
        task = begun(server)["task"]
        ended = told(other.call("cancel_task", task=task, wait=30))
        here = told(server.call("get_task", task=task))
        left = told(server.call("plan_deployment", registries=["dev", "prod"]))["total"]
        other.close()
        server.close()

    assert ended["status"] == here["status"] == "cancelled"
    assert 5 <= ended["done"] < 2 * SUBJECTS
    assert ended["done"] + left == 2 * SUBJECTS
    assert {one["state"] for one in here["registries"]} == {"stopped"}
    assert_sound(tmp_path, WORLD)


def test_a_killed_task_can_be_given_up(tmp_path: Path):
    with server_at(tmp_path, WORLD, "--toolsets", "all") as server:
        task = begun(server)["task"]
        server.stop(SIGKILL)
    with server_at(tmp_path, WORLD, "--toolsets", "all") as server:
        assert told(server.call("cancel_task", task=task))["status"] == "cancelled"
        again = server.call("resume_task", task=task)
        assert again["structuredContent"]["code"] == "conflict"
        server.close()
    assert_sound(tmp_path, WORLD)
