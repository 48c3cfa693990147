"""Writers that die, wait or run out of space leave a sound repository, and the next one mends what is half-done."""

import random
import threading
import time
from pathlib import Path

import pytest

from schema_mcp.domain.errors import LockHeldError, StoreError
from schema_mcp.stores import branch
from schema_mcp.stores.branch import Branch, Note
from schema_mcp.stores.checkout import Checkout
from schema_mcp.stores.gitindex import GitIndex
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.worktree import WorkTree
from stores import writers
from stores.judge import ANN, agrees, commit_by_hand, git, is_clean, is_sound


class Killed(BaseException):
    """What `kill -9` is inside a process: nothing after it runs."""


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked-out"])
def test_a_writer_killed_at_any_moment_loses_no_commit_it_reported(tmp_path: Path, bare: bool):
    Repository.create(tmp_path, bare=bare)
    chance = random.Random(7)
    for _ in range(6):
        writer = writers.start("commit_for_ever", tmp_path)
        time.sleep(chance.uniform(0.0, 0.15))
        writer.kill()
        out, _ = writer.communicate()

        repository = Repository.open(tmp_path)
        reported = out.decode().split()
        known = git(repository.path, "rev-list", "HEAD", fails=True).split()
        assert set(reported[:-1]) <= set(known)  # the last line may be cut short
        assert is_sound(repository.path)
        assert bare or is_clean(tmp_path)
        assert not (repository.path / "index.lock").exists()
        assert list(tmp_path.rglob("*.pending")) == []


def test_a_writer_may_die_at_any_line_of_a_commit(tmp_path: Path):
    Repository.create(tmp_path).commit({"s/counter": b"-1", "s/-1": b"x"}, "First", ANN, None)

    writer = writers.start("die_everywhere", tmp_path, 23)
    out, error = writer.communicate()

    assert writer.returncode == 0, error
    assert "left behind" not in out.decode()
    assert int(out.decode().removeprefix("lines:")) > 500


STEPS = [
    (Note, "write"),
    (Note, "clear"),
    (GitIndex, "take"),
    (GitIndex, "write"),
    (GitIndex, "put"),
    (GitIndex, "release"),
    (WorkTree, "stage"),
    (WorkTree, "put"),
    (WorkTree, "remove"),
    (Checkout, "finish"),
    (Branch, "move"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("kind", "step"), STEPS, ids=[f"{kind.__name__}.{step}" for kind, step in STEPS])
def test_a_writer_that_dies_at_a_step_leaves_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type, step: str, after: bool
):
    repository = Repository.create(tmp_path)
    old = repository.commit({"s/old": b"old", "s/gone": b"gone", "s/same": b"same"}, "First", ANN, None)
    (tmp_path / "mine.txt").write_text("of a person", encoding="utf-8")
    act = getattr(kind, step)

    def die(*arguments: object, **named: object) -> None:
        if after:
            act(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(kind, step, die)
        for tidy, up in ((Repository, "_abandon"), (GitIndex, "release")):  # a dead process cleans nothing up
            if (tidy, up) != (kind, step):
                patch.setattr(tidy, up, lambda *_: None)
        with pytest.raises(Killed):
            repository.commit({"s/old": b"new", "s/gone": None, "s/new": b"new"}, "Second", ANN, old)
    mended = Repository.open(tmp_path)

    assert git(tmp_path, "status", "--porcelain") == "?? mine.txt"
    assert is_sound(tmp_path)
    assert not (tmp_path / ".git" / "index.lock").exists()
    done = mended.head != old
    content = {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()}
    assert content == ({"old": b"new", "new": b"new", "same": b"same"} if done
                       else {"old": b"old", "gone": b"gone", "same": b"same"})  # fmt: skip
    assert mended.commit({"s/next": b"next"}, "Third", ANN, mended.head) == mended.head


def died_after_the_branch_moved(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    repository = Repository.create(root)
    old = repository.commit({"a": b"old", "b": b"old"}, "First", ANN, None)
    with monkeypatch.context() as patch:
        patch.setattr(Checkout, "finish", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            repository.commit({"a": b"new", "b": b"new"}, "Second", ANN, old)
    return str(repository.head)


def test_mending_says_what_it_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    died_after_the_branch_moved(tmp_path, monkeypatch)

    repository = Repository.open(tmp_path)

    assert repository.mended == ("a", "b")
    assert Repository.open(tmp_path).mended == ()


def test_mending_leaves_what_a_person_wrote_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    died_after_the_branch_moved(tmp_path, monkeypatch)
    (tmp_path / "a").write_text("of a person", encoding="utf-8")

    Repository.open(tmp_path)

    assert (tmp_path / "a").read_text(encoding="utf-8") == "of a person"
    assert (tmp_path / "b").read_text(encoding="utf-8") == "new"
    assert git(tmp_path, "status", "--porcelain") == "M a"


def test_mending_follows_what_was_committed_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    died_after_the_branch_moved(tmp_path, monkeypatch)
    (tmp_path / ".git" / "index.lock").unlink()  # what Git tells people to do
    git(tmp_path, "checkout", "-q", "HEAD", "--", "a", "b")
    commit_by_hand(tmp_path, {"a": "newer"})

    repository = Repository.open(tmp_path)

    assert (tmp_path / "a").read_text(encoding="utf-8") == "newer"
    assert agrees(repository)


@pytest.mark.parametrize("error", [LockHeldError("busy"), PermissionError(13, "read-only"), StoreError("a link")])
def test_a_repository_that_cannot_be_mended_can_still_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    died_after_the_branch_moved(tmp_path, monkeypatch)
    monkeypatch.setattr(Checkout, "mend", lambda *_: (_ for _ in ()).throw(error))

    assert Repository.open(tmp_path).read("a") == b"new"


def test_mending_waits_for_a_git_process_of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    head = died_after_the_branch_moved(tmp_path, monkeypatch)
    lock = tmp_path / ".git" / "index.lock"
    lock.unlink()
    lock.write_text("of a person", encoding="utf-8")

    repository = Repository.open(tmp_path, patience=0.05)
    with pytest.raises(LockHeldError):
        repository.commit({"c": b"1"}, "Third", ANN, head)

    assert lock.read_text(encoding="utf-8") == "of a person"
    assert repository.read("a") == b"new"
    lock.unlink()
    assert Repository.open(tmp_path).mended == ("a", "b")
    assert agrees(repository)


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked-out"])
@pytest.mark.parametrize("begun", ["", "all"])
def test_a_lock_that_a_dead_writer_left_on_the_branch_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare: bool, begun: str
):
    repository = Repository.create(tmp_path, bare=bare)
    head = repository.commit({"a": b"1"}, "First", ANN, None)
    lock = repository.path / "refs" / "heads" / "main.lock"

    def die(_: Branch, name: str, old: str, new: str) -> None:
        lock.write_text(f"{new}\n" if begun else "", encoding="ascii")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Branch, "_swap", die)
        patch.setattr(Repository, "_abandon", lambda *_: None)
        with pytest.raises(Killed):
            repository.commit({"a": b"2"}, "Second", ANN, head)
    monkeypatch.setattr(branch, "_WRITING", 0.05)
    repository = Repository.open(tmp_path, patience=0.05)

    assert not lock.exists()
    assert repository.commit({"a": b"3"}, "Third", ANN, head) == repository.head
    assert agrees(repository)


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked-out"])
def test_a_lock_of_a_person_on_the_branch_is_waited_for_and_then_named(tmp_path: Path, bare: bool):
    head = Repository.create(tmp_path, bare=bare).commit({"a": b"1"}, "First", ANN, None)
    repository = Repository.open(tmp_path, patience=0.05)
    lock = repository.path / "refs" / "heads" / "main.lock"
    lock.write_text("0" * 40, encoding="ascii")

    with pytest.raises(LockHeldError, match=r"main\.lock"):
        repository.commit({"a": b"2"}, "Second", ANN, head)

    assert lock.exists()
    lock.unlink()
    assert agrees(repository)
    assert repository.commit({"a": b"2"}, "Second", ANN, head)


def test_a_note_that_a_power_cut_has_emptied_is_no_obstacle(tmp_path: Path):
    repository = Repository.create(tmp_path)
    head = repository.commit({"a": b"1"}, "First", ANN, None)
    (tmp_path / ".git" / "schema-mcp" / "pending.json").touch()

    assert Repository.open(tmp_path).commit({"a": b"2"}, "Second", ANN, head)
    assert agrees(repository)


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path):
    Repository.create(tmp_path)
    holder = writers.start("hold", tmp_path)
    holder.kill()
    holder.communicate()

    assert Repository.open(tmp_path, patience=0.05).commit({"a": b"1"}, "Add", ANN, None)


def test_a_writer_at_work_is_waited_for_and_then_named(tmp_path: Path):
    Repository.create(tmp_path)
    holder = writers.start("hold", tmp_path)
    repository = Repository.open(tmp_path, patience=0.05)

    with pytest.raises(LockHeldError, match=str(holder.pid)) as refused:
        repository.commit({"a": b"1"}, "Add", ANN, None)

    holder.communicate()
    assert refused.value.details["pid"] == holder.pid
    assert refused.value.details["since"] > 0
    assert repository.commit({"a": b"1"}, "Add", ANN, None)


def test_threads_of_one_process_wait_for_each_other(tmp_path: Path):
    Repository.create(tmp_path)
    repository = Repository.open(tmp_path, patience=0.05)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with repository.writing():
            held.set()
            release.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    with pytest.raises(LockHeldError):
        repository.commit({"a": b"1"}, "Add", ANN, None)
    release.set()
    holder.join()

    with repository.writing():
        assert repository.commit({"a": b"1"}, "Add", ANN, None)


def test_two_processes_lose_none_of_each_others_commits(tmp_path: Path):
    Repository.create(tmp_path)
    crowd = [writers.start("count", tmp_path, name, 25) for name in ("one", "two", "three")]
    for writer in crowd:
        _, error = writer.communicate()
        assert writer.returncode == 0, error

    repository = Repository.open(tmp_path)
    assert git(tmp_path, "rev-list", "--count", "HEAD") == "75"
    assert {leaf.path for leaf in repository.walk()} == {
        "shared", *(f"{name}/{number}" for name in ("one", "two", "three") for number in range(25))
    }  # fmt: skip
    assert agrees(repository)


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked-out"])
def test_without_space_a_commit_happens_whole_or_not_at_all(tmp_path: Path, bare: bool):
    repository = Repository.create(tmp_path, bare=bare)
    filler = {f"s/filler-{number:03}": b"x" for number in range(100)}
    repository.commit({"s/old": b"old", **filler}, "First", ANN, None)
    outcomes = set[str]()

    for size in (0, 20, 60, 120, 300, 1_000, 2_000, 5_000, 9_000, 40_000):
        before = repository.head
        writer = writers.start("commit_within", tmp_path, size)
        out, error = writer.communicate()
        assert writer.returncode == 0, error
        outcome = out.decode().split()[0]

        repository = Repository.open(tmp_path)
        assert is_sound(repository.path)
        assert bare or is_clean(tmp_path)
        assert (repository.head != before) == (outcome == "done")
        assert (repository.read("s/old") == b"changed") == (outcome == "done")
        assert list(tmp_path.rglob("*.pending")) == []
        outcomes.add(outcome)
        if outcome == "done":
            break

    assert outcomes == {"refused", "done"}


def test_a_folder_where_nothing_can_be_written_is_an_error_of_ours(tmp_path: Path):
    with pytest.raises(StoreError, match="No repository can be made"):
        Repository.create(Path("/proc/nothing/here"))
