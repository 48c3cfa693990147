"""People work in the same repository: their unfinished edits stay theirs."""

import subprocess
from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConflictError, LockHeldError
from schema_mcp.stores.branch import Branch
from schema_mcp.stores.repository import Repository
from stores.judge import ANN, agrees, commit_by_hand, git, is_clean, is_sound


@pytest.fixture
def head(tmp_path: Path) -> str:
    git(tmp_path, "init", "-q", "-b", "main")
    return commit_by_hand(tmp_path, {"ours.json": "old\n", "theirs.txt": "old\n", "dir/more.txt": "old\n"})


def edit(root: Path) -> None:
    (root / "ours.json").write_text("edited", encoding="utf-8")


def stage(root: Path) -> None:
    edit(root)
    git(root, "add", "ours.json")


def stage_and_put_back(root: Path) -> None:
    stage(root)
    (root / "ours.json").write_text("old\n", encoding="utf-8")


def delete(root: Path) -> None:
    (root / "ours.json").unlink()


def unstage(root: Path) -> None:
    git(root, "rm", "-q", "--cached", "ours.json")


def replace_by_link(root: Path) -> None:
    (root / "ours.json").unlink()
    (root / "ours.json").symlink_to("theirs.txt")


@pytest.mark.parametrize("change", [edit, stage, stage_and_put_back, delete, unstage])
def test_an_uncommitted_change_in_our_file_is_refused_by_name(tmp_path: Path, head: str, change):
    repository = Repository.open(tmp_path)
    change(tmp_path)
    before = git(tmp_path, "status", "--porcelain"), git(tmp_path, "diff"), git(tmp_path, "diff", "--cached")

    with pytest.raises(ConflictError, match=r"ours\.json"):
        repository.commit({"new.json": b"new", "ours.json": b"new"}, "Change", ANN, head)

    assert repository.head == head
    assert (git(tmp_path, "status", "--porcelain"), git(tmp_path, "diff"), git(tmp_path, "diff", "--cached")) == before
    assert is_sound(tmp_path)


def test_a_file_that_git_does_not_know_yet_is_not_written_over(tmp_path: Path, head: str):
    repository = Repository.open(tmp_path)
    (tmp_path / "new.json").write_text("a draft of mine", encoding="utf-8")

    with pytest.raises(ConflictError, match=r"new\.json"):
        repository.commit({"new.json": b"new"}, "Change", ANN, head)

    assert (tmp_path / "new.json").read_text(encoding="utf-8") == "a draft of mine"


def test_what_a_person_wrote_already_with_the_same_content_is_taken(tmp_path: Path, head: str):
    repository = Repository.open(tmp_path)
    (tmp_path / "ours.json").write_text("new", encoding="utf-8")
    git(tmp_path, "add", "ours.json")

    repository.commit({"ours.json": b"new"}, "Change", ANN, head)

    assert is_clean(tmp_path)


def test_other_unfinished_work_is_neither_committed_nor_touched(tmp_path: Path, head: str):
    (tmp_path / "theirs.txt").write_text("edited", encoding="utf-8")
    (tmp_path / "dir" / "more.txt").write_text("staged", encoding="utf-8")
    git(tmp_path, "add", "dir/more.txt")
    (tmp_path / "untracked.txt").write_text("new", encoding="utf-8")
    (tmp_path / "dir" / "also.txt").write_text("new", encoding="utf-8")
    before = git(tmp_path, "status", "--porcelain")

    repository = Repository.open(tmp_path)
    repository.commit({"ours.json": b"new", "dir/sub/x.json": b"x"}, "Change", ANN, head)

    assert git(tmp_path, "status", "--porcelain") == before
    assert git(tmp_path, "show", "--name-only", "--format=", "HEAD").split() == ["dir/sub/x.json", "ours.json"]
    assert git(tmp_path, "diff", "--name-only", "--cached").split() == ["dir/more.txt"]


def test_windows_line_ends_of_a_checkout_are_no_change(tmp_path: Path, head: str):
    (tmp_path / "ours.json").write_bytes(b"old\r\n")
    git(tmp_path, "config", "core.autocrlf", "true")
    git(tmp_path, "add", "ours.json")

    Repository.open(tmp_path).commit({"ours.json": b"new\n"}, "Change", ANN, head)

    assert git(tmp_path, "show", "HEAD:ours.json") == "new"


def test_another_git_process_at_work_is_waited_for_and_then_named(tmp_path: Path, head: str):
    (tmp_path / ".git" / "index.lock").touch()
    repository = Repository.open(tmp_path, patience=0.05)

    with pytest.raises(LockHeldError, match=r"index\.lock"):
        repository.commit({"ours.json": b"new"}, "Change", ANN, head)

    assert repository.head == head
    assert (tmp_path / "ours.json").read_bytes() == b"old\n"
    (tmp_path / ".git" / "index.lock").unlink()
    repository.commit({"ours.json": b"new"}, "Change", ANN, head)
    assert agrees(repository)


def test_a_person_can_go_on_right_after_our_commit(tmp_path: Path, head: str):
    repository = Repository.open(tmp_path)
    repository.commit({"ours.json": b"new"}, "Change", ANN, head)
    theirs = commit_by_hand(tmp_path, {"theirs.txt": "new"})

    repository.commit({"ours.json": b"newer"}, "Change again", ANN, theirs)

    assert git(tmp_path, "log", "--format=%s").split("\n") == ["Change again", "By hand", "Change", "By hand"]
    assert (tmp_path / "theirs.txt").read_text(encoding="utf-8") == "new"
    assert agrees(repository)


def test_a_commit_by_hand_during_ours_never_loses_either(tmp_path: Path, head: str):
    repository = Repository.open(tmp_path)
    typing = "for i in $(seq 40); do echo $i > theirs.txt; git commit -q -am by-hand || true; done"
    person = subprocess.Popen(
        ["sh", "-c", typing],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path), "GIT_AUTHOR_NAME": "H",
             "GIT_AUTHOR_EMAIL": "h@example.com", "GIT_COMMITTER_NAME": "H", "GIT_COMMITTER_EMAIL": "h@example.com"},
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    made = 0
    while person.poll() is None or made < 5:
        try:
            repository.commit({f"s/{made}": b"x"}, "ours", ANN, repository.head)
        except (ConflictError, LockHeldError):
            continue
        made += 1

    subjects = git(tmp_path, "log", "--format=%s").split("\n")
    assert subjects.count("ours") == made
    assert len(repository.walk("s")) == made
    assert subjects.count("by-hand") > 0
    assert is_sound(tmp_path)
    git(tmp_path, "commit", "-q", "--allow-empty", "-am", "the last edit may have lost a race, and is still there")
    assert (tmp_path / "theirs.txt").read_text(encoding="utf-8") == "40\n"
    assert agrees(repository)


def test_whoever_sees_the_new_commit_sees_the_new_index(tmp_path: Path, head: str, monkeypatch: pytest.MonkeyPatch):
    point = Branch.move
    staged = list[str]()

    def point_and_look(*arguments) -> None:
        point(*arguments)
        staged.append(git(tmp_path, "diff", "--cached", "--name-only"))

    monkeypatch.setattr(Branch, "move", point_and_look)
    Repository.open(tmp_path).commit({"ours.json": b"new", "theirs.txt": None}, "Change", ANN, head)

    assert staged == [""]


def test_a_branch_that_moved_at_the_last_moment_takes_the_index_back(
    tmp_path: Path, head: str, monkeypatch: pytest.MonkeyPatch
):
    point = Branch.move
    faster = git(tmp_path, "commit-tree", "-p", head, "-m", "Faster", f"{head}^{{tree}}")

    def be_late(*arguments) -> None:
        git(tmp_path, "update-ref", "refs/heads/main", faster)
        point(*arguments)

    monkeypatch.setattr(Branch, "move", be_late)
    repository = Repository.open(tmp_path)
    with pytest.raises(ConflictError, match="moved on"):
        repository.commit({"ours.json": b"new", "more.json": b"new"}, "Change", ANN, head)

    assert repository.head == faster
    assert agrees(repository)


def test_executable_and_other_files_beside_the_store_keep_their_modes(tmp_path: Path, head: str):
    (tmp_path / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("run.sh")
    git(tmp_path, "add", "run.sh", "link")
    git(tmp_path, "commit", "-q", "-m", "modes")
    repository = Repository.open(tmp_path)

    repository.commit({"ours.json": b"new"}, "Change", ANN, repository.head)

    listed = git(tmp_path, "ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD").split("\n")
    assert {"100755 run.sh", "120000 link"} <= set(listed)
    assert agrees(repository)
