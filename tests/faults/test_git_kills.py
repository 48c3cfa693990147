"""A writer that shares its store dies at any moment: here and upstream are sound, and a change is there once or not."""

import random
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from faults import git_writers
from schema_mcp.stores.repository import Repository
from stores.judge import ORDERS, agrees, git, is_sound


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    return tmp_path / "upstream.git"


def start(part: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, git_writers.__file__, part, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def added(upstream: Path) -> list[str]:
    """What was added, oldest first, by the messages of the commits upstream."""
    return git(upstream, "log", "--reverse", "--format=%s", "main", fails=True).split("\n")


@pytest.mark.parametrize("stride", [401, pytest.param(37, marks=pytest.mark.soak)])
@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked-out"])
def test_a_writer_may_die_at_any_line_of_a_shared_commit(tmp_path: Path, upstream: Path, bare: bool, stride: int):
    Repository.create(tmp_path / "ours", bare=bare)

    command = [sys.executable, git_writers.__file__, "die_everywhere", tmp_path / "ours", upstream, str(stride)]
    played = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1_800)

    assert played.returncode == 0, played.stderr
    *problems, last = played.stdout.splitlines()
    assert problems == []
    assert int(last.removeprefix("deaths ")) > 3


def test_a_writer_killed_while_it_pushes_loses_nothing_and_repeats_nothing(tmp_path: Path, upstream: Path):
    ours = tmp_path / "ours"
    Repository.create(ours)
    chance = random.Random(11)
    told = list[int]()
    for _ in range(5):
        writer = start("go_on", ours, upstream)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.05, 0.4))
        writer.kill()
        out, _ = writer.communicate()
        told += [int(line) for line in out.splitlines() if line]

        store = git_writers.store_at(str(ours), str(upstream))
        anyio.run(store.fetch)
        assert is_sound(store.repository.path)
        assert is_sound(upstream)

    anyio.run(git_writers.add, store, len(store.records(ORDERS)) + 1)
    count = len(store.records(ORDERS))
    assert added(upstream) == [f"Add v{number}" for number in range(1, count + 1)]
    assert set(told) <= {one.number for one in store.records(ORDERS)}
    assert agrees(store.repository)
