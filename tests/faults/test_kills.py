"""A server that is killed at any moment: the next one finds everything in order, or puts it in order and says so."""

import json
import random
from pathlib import Path
from signal import SIGKILL
from threading import Timer
from typing import Any

import pytest

from faults.check import assert_sound, server_at
from interfaces.processes import Process
from services.world import embedded, record

KILLS = 4
KINDS = {"ledger": embedded("dev", "prod"), "registry": embedded("dev")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_while_registering_loses_and_repeats_nothing(tmp_path: Path, kind: str):
    rolls = random.Random(f"register {kind}")
    answered: dict[str, dict[str, Any]] = {}
    for turn in range(KILLS):
        with server_at(tmp_path, KINDS[kind]) as server:
            server.call("list_registries")
            killed(server, rolls, lambda one, turn=turn: registered(one, turn, answered))
    with server_at(tmp_path, KINDS[kind]) as server:
        for turn in range(KILLS):
            last = server.call("register_schema", subject=f"s{turn}", schema_text=text(turn, 9))
            assert not last.get("isError"), last
        for subject, told in answered.items():
            found = server.call("get_schema", subject=subject, version=told["version"])["structuredContent"]
            assert found["id"] == told["id"]
        server.close()

    assert_sound(tmp_path, KINDS[kind])


def test_a_kill_while_applying_leaves_no_import_mode_and_repeats_nothing(tmp_path: Path):
    rolls = random.Random("apply")
    with server_at(tmp_path, KINDS["ledger"]) as server:
        for number in range(12):
            done = server.call("register_schema", subject=f"s{number}", schema_text=text(number, 0))
            assert not done.get("isError"), done
        plan = planned(server)
        server.close()
    for _ in range(KILLS):
        with server_at(tmp_path, KINDS["ledger"]) as server:
            server.call("list_registries")
            killed(server, rolls, lambda one: one.call("apply_plan", plan=plan, wait=30), longest=0.15)
    with server_at(tmp_path, KINDS["ledger"]) as server:
        last = server.call("apply_plan", plan=plan, wait=30)
        if last.get("isError"):  # it was applied to its end before
            assert last["structuredContent"]["code"] == "stale_plan"
        assert planned(server) is None
        server.close()

    assert_sound(tmp_path, KINDS["ledger"])


def registered(server: Process, turn: int, answered: dict[str, dict[str, Any]]) -> None:
    for version in range(8):
        said = server.call("register_schema", subject=f"s{turn}", schema_text=text(turn, version))["structuredContent"]
        assert "version" in said, said
        answered[f"s{turn}"] = said


def planned(server: Process) -> str | None:
    """The digest of what is to be done; nothing when all is done."""
    said = server.call("plan_deployment", registries=["dev", "prod"])["structuredContent"]
    return said["plan"] if said["total"] else None


def text(turn: int, version: int) -> str:
    return record("id:long", *(f"f{n}:string=" for n in range(version)), name=f"R{turn}")


def killed(server: Process, rolls: random.Random, work: Any, *, longest: float = 0.5) -> None:
    """Begin the work, and kill the server somewhere in it."""
    end = Timer(rolls.uniform(0.0, longest), server.process.send_signal, [SIGKILL])
    end.start()
    try:
        work(server)
    except (EOFError, BrokenPipeError, json.JSONDecodeError):
        pass
    finally:
        end.join()
        server.process.wait()


def test_a_kill_while_rolling_back_leaves_nothing_half_undone(tmp_path: Path):
    rolls = random.Random("rollback")
    with server_at(tmp_path, KINDS["ledger"]) as server:
        for number in range(6):
            done = server.call(
                "register_schema", subject=f"s{number}", schema_text=text(number, 0), stop_after="commit"
            )
            assert not done.get("isError"), done
        before = planned(server)
        applied = server.call("apply_plan", plan=before, wait=30)["structuredContent"]
        server.close()
    with server_at(tmp_path, KINDS["ledger"], "--toolsets", "all") as server:
        undo = server.call("rollback_change", task=applied["task"])["structuredContent"]["preview"]["plan"]
        server.close()
    for turn in range(KILLS // 2):
        with server_at(tmp_path, KINDS["ledger"], "--toolsets", "all") as server:
            server.call("list_registries")
            killed(server, rolls, lambda one: again(one, applied["task"], undo), longest=0.1 + 0.2 * turn)
    with server_at(tmp_path, KINDS["ledger"], "--toolsets", "all") as server:
        last = again(server, applied["task"], undo)
        undone_by = server.call("get_task", task=applied["task"])["structuredContent"]["undone_by"]
        if last.get("isError"):  # it was rolled back to its end before
            assert undone_by in json.dumps(last)
        assert undone_by
        assert planned(server) == before  # all of it is to be done again: nothing was left, and nothing else changed
        for registry in ("dev", "prod"):
            left = server.call("list_subjects", registry=registry, deleted=True)["structuredContent"]
            assert left["total"] == 0
        server.close()


def again(server: Process, task: str, undo: str) -> dict[str, Any]:
    return server.call("rollback_change", task=task, plan=undo, wait=30)
