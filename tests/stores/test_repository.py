"""What a repository reads and commits, with the `git` command as the judge."""

import os
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, NotFoundError, StoreError
from schema_mcp.stores import disk, pack
from schema_mcp.stores.branch import Proposal
from schema_mcp.stores.people import user
from schema_mcp.stores.repository import Author, Repository
from stores.judge import ANN, BOB, agrees, commit_by_hand, git, is_clean, is_sound


@pytest.fixture(params=["bare", "checked-out"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repo", bare=request.param == "bare")


def test_a_new_repository_has_the_branch_main_and_no_commit(repository: Repository):
    assert repository.branch == "main"
    assert repository.head is None
    assert repository.read("anything") is None
    assert repository.walk() == []


def test_what_was_committed_can_be_read(repository: Repository):
    head = repository.commit({"a/b.json": b"{}", "c": b"\0\xff"}, "Add both", ANN, None)

    assert repository.head == head
    assert repository.read("a/b.json") == b"{}"
    assert repository.read("c", at=head) == b"\0\xff"
    assert repository.read("a") is None
    assert agrees(repository)


def test_git_shows_the_commit_as_a_person_would_have_made_it(repository: Repository, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Schemas of the team")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "schemas@example.com")
    repository.commit({"a": b"1"}, "Add orders-value v3 (ID: 10042)\n\nTool: register_schema", ANN, None)

    shown = git(repository.path, "log", "-1", "--format=%an|%ae|%cn|%ce|%s|%(trailers:key=Tool,valueonly)")
    assert shown.strip().split("|") == [
        "Ann", "ann@example.com", "Schemas of the team", "schemas@example.com", "Add orders-value v3 (ID: 10042)",
        "register_schema",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("[user]\nname = Server\nemail = server@example.com\n", "Server|server@example.com"),
        ("", "schema-mcp|schema-mcp@"),
    ],
)
def test_the_server_is_named_as_the_committer(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, shown: str
):
    (tmp_path / "settings").write_text(said, encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))

    repository.commit({"a": b"1"}, "Add", ANN, None)

    assert git(repository.path, "log", "-1", "--format=%an|%cn|%ce").startswith(f"Ann|{shown}")


def test_a_commit_changes_what_it_names_and_nothing_else(repository: Repository):
    first = repository.commit({"a/1": b"1", "a/2": b"2", "b/3": b"3"}, "First", ANN, None)

    second = repository.commit({"a/1": b"one", "b/3": None, "c/4": b"4"}, "Second", ANN, first)

    assert {leaf.path for leaf in repository.walk()} == {"a/1", "a/2", "c/4"}
    assert repository.read("a/1") == b"one"
    assert repository.read("b/3", at=first) == b"3"
    assert repository.difference(first, second) == ["a/1", "b/3", "c/4"]
    assert repository.difference(first, second, "a") == ["a/1"]
    assert repository.difference(None, first, "b") == ["b/3"]
    assert git(repository.path, "diff", "--name-only", first, second).split() == ["a/1", "b/3", "c/4"]
    assert agrees(repository)


def test_removing_the_last_file_removes_its_folders(tmp_path: Path):
    repository = Repository.create(tmp_path)
    first = repository.commit({"a/b/c": b"1", "d": b"2"}, "First", ANN, None)

    second = repository.commit({"a/b/c": None}, "Second", ANN, first)
    repository.commit({"d": None}, "Third", ANN, second)

    assert not (tmp_path / "a").exists()
    assert repository.walk() == []
    assert agrees(repository)


def test_a_commit_on_an_old_head_is_refused(repository: Repository):
    first = repository.commit({"a": b"1"}, "First", ANN, None)
    second = repository.commit({"a": b"2"}, "Second", ANN, first)

    for stale in (None, first):
        with pytest.raises(ConflictError, match="moved on"):
            repository.commit({"a": b"3"}, "Third", BOB, stale)

    assert repository.head == second
    assert repository.read("a") == b"2"
    assert agrees(repository)


def test_contents_that_are_there_make_no_commit(repository: Repository):
    head = repository.commit({"a": b"1"}, "First", ANN, None)

    assert repository.commit({"a": b"1", "never-there": None}, "Again", ANN, head) == head


@pytest.mark.parametrize("files", [3, 400], ids=["a-few", "as-a-pack"])
def test_a_batch_is_one_commit(repository: Repository, files: int):
    batch = {f"SCHEMASTORE/default/s{number}/v1/schema.avsc": b"%d" % number for number in range(files)}

    repository.commit(batch, "Import", ANN, None)

    assert git(repository.path, "rev-list", "--count", "HEAD") == "1"
    assert all(repository.read(path) == content for path, content in batch.items())
    assert agrees(repository)


def test_a_pack_of_large_and_small_objects_is_sound(tmp_path: Path):
    repository = Repository.create(tmp_path, bare=True)
    sizes = [0, 1, 15, 16, 127, 128, 2_047, 2_048, 70_000, 300_000]
    batch = {f"{size}/{number}": bytes([number % 251]) * size for size in sizes for number in range(30)}

    repository.commit(batch, "Import", ANN, None)

    assert len(list((tmp_path / "objects" / "pack").glob("*.idx"))) == 1
    assert repository.read("300000/7") == b"\7" * 300_000
    assert is_sound(repository.path)


def test_more_than_one_pack_can_hold_goes_into_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pack, "LARGEST", 100_000)
    repository = Repository.create(tmp_path, bare=True)
    batch = {f"{number}": b"%d" % number * 200 for number in range(600)}

    repository.commit(batch, "Import", ANN, None)

    assert len(list((tmp_path / "objects" / "pack").glob("*.pack"))) > 1
    assert is_sound(tmp_path)


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked-out"])
@pytest.mark.parametrize("files", [1, 2_000])
def test_the_disk_has_the_objects_before_the_branch_and_the_branch_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare: bool, files: int
):
    monkeypatch.setattr(disk, "CAN_SYNC", True)
    heads = list[str | None]()
    monkeypatch.setattr(disk, "sync", lambda _: heads.append(repository.head))
    repository = Repository.create(tmp_path, bare=bare)

    first = repository.commit({f"s/{number}": b"%d" % number for number in range(files)}, "Add", ANN, None)
    second = repository.propose({"a": b"1"}, "Propose", ANN, Proposal("refs/heads/review", None, first))

    assert heads == [None, first, first, first]
    assert repository.tip("refs/heads/review") == second
    assert agrees(repository)


@pytest.mark.parametrize("files", [1, 2_000])
def test_where_the_system_cannot_write_out_all_at_once_each_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
):
    synced, settled = list[int](), list[bool]()
    monkeypatch.setattr(disk, "CAN_SYNC", False)
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr("schema_mcp.stores.repository.settle_libgit2", lambda *, durable: settled.append(durable))
    repository = Repository.create(tmp_path)

    repository.commit({f"s/{number}": b"%d" % number for number in range(files)}, "Add", ANN, None)

    assert set(settled) == {True}
    assert bool(synced) == (files > 1)  # a few objects are libgit2's to sync
    assert agrees(repository)


@pytest.mark.parametrize("when", [0, 1], ids=["before the branch moves", "after it"])
def test_a_disk_that_fails_is_told_and_the_repository_stays_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int
):
    repository = Repository.create(tmp_path)
    answers = [None, None]
    answers[when] = OSError(5, "Input/output error")
    monkeypatch.setattr(repository, "_sync", Mock(side_effect=answers))

    with pytest.raises(StoreError, match="Input/output error") as failed:
        repository.commit({"a": b"1"}, "Add", ANN, None)

    assert ("It is made" in failed.value.hint) == bool(when) == (repository.head is not None)
    assert agrees(repository)


@pytest.mark.skipif(not disk.CAN_SYNC, reason="only Linux can write out a whole file system")
def test_writing_out_a_file_system_works_and_says_when_it_does_not(tmp_path: Path):
    disk.sync(tmp_path)

    with pytest.raises(OSError, match="No such file"):
        disk.sync(tmp_path / "gone")


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        pytest.param(Author("Eve\nX: y", "e@example.com\n"), "Eve X: y <e@example.com>", id="line-breaks"),
        pytest.param(Author("Eve <root@x>", "<e@example.com>"), "Eve root@x <e@example.com>", id="brackets"),
        pytest.param(Author("", "  "), "unknown <unknown>", id="nothing"),
        pytest.param(Author("-rf", "--exec=x"), "-rf <--exec=x>", id="options"),
        pytest.param(Author("Zoë 票", "z@example.com"), "Zoë 票 <z@example.com>", id="other-scripts"),
        pytest.param(Author("a\0b\ud800", "x\x1b[1m"), "a b? <x [1m>", id="what-no-terminal-should-see"),
    ],
)
def test_an_author_cannot_forge_lines_of_a_commit(repository: Repository, author: Author, shown: str):
    repository.commit({"a": b"1"}, "Add", author, None)

    assert git(repository.path, "log", "-1", "--format=%an <%ae>") == shown
    assert is_sound(repository.path)


def test_a_message_keeps_its_lines_and_loses_control_characters(repository: Repository):
    repository.commit({"a": b"1"}, "  Add\r\n\r\nwhy\0 \x1b[31m ok\n\n", ANN, None)

    assert git(repository.path, "log", "-1", "--format=%B") == "Add\n\nwhy   [31m ok"
    assert is_sound(repository.path)


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "a/../b", "./a", ".git/config", "a/.GIT/x", "a/.git ./x", "GIT~1/x", "a\\b", "a\nb",
     "a/b.", "a/b ", ".gitmodules"],
)  # fmt: skip
def test_a_path_that_could_reach_elsewhere_is_refused(repository: Repository, path: str):
    with pytest.raises(InvalidRequestError):
        repository.commit({path: b"x"}, "Add", ANN, None)

    assert repository.head is None


def test_a_file_cannot_stand_where_a_folder_is(repository: Repository):
    head = repository.commit({"a/b": b"1", "c": b"2"}, "First", ANN, None)

    for files in ({"a": b"x"}, {"c/d": b"x"}, {"e": b"1", "e/f": b"2"}, {"e/f": b"2", "e": b"1"}):
        with pytest.raises(StoreError):
            repository.commit(files, "Second", ANN, head)

    assert repository.head == head
    assert agrees(repository)


def test_a_store_may_live_in_a_folder_of_a_larger_repository(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "trunk")
    commit_by_hand(tmp_path, {"README.md": "hello", "schemas/notes.txt": "x"})

    repository = Repository.open(tmp_path / "schemas")

    assert repository.prefix == "schemas"
    assert repository.branch == "trunk"
    assert repository.read("schemas/notes.txt") == b"x"
    assert Repository.open(tmp_path).prefix == ""


def test_a_linked_working_tree_has_a_branch_of_its_own(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "main", "one")
    head = commit_by_hand(tmp_path / "one", {"a": "1"})
    git(tmp_path / "one", "worktree", "add", "-q", "-b", "other", str(tmp_path / "two"))

    repository = Repository.open(tmp_path / "two")
    repository.commit({"b": b"2"}, "Add b", ANN, head)

    assert repository.branch == "other"
    assert is_clean(tmp_path / "two")
    assert git(tmp_path / "one", "rev-parse", "main") == head
    assert is_clean(tmp_path / "one")


def test_making_a_repository_where_there_is_one_opens_it(tmp_path: Path):
    head = Repository.create(tmp_path).commit({"a": b"1"}, "First", ANN, None)

    assert Repository.create(tmp_path).head == head


def test_where_there_is_no_repository_the_error_says_what_to_do(tmp_path: Path):
    with pytest.raises(NotFoundError) as refused:
        Repository.open(tmp_path)

    assert "git init" in refused.value.hint


def test_a_detached_head_takes_no_commits(tmp_path: Path):
    repository = Repository.create(tmp_path)
    head = repository.commit({"a": b"1"}, "First", ANN, None)
    git(tmp_path, "checkout", "-q", "--detach")

    with pytest.raises(ConflictError, match="No branch"):
        repository.commit({"a": b"2"}, "Second", ANN, head)

    assert repository.read("a") == b"1"


def test_nothing_is_committed_into_an_unfinished_merge(tmp_path: Path):
    repository = Repository.create(tmp_path)
    repository.commit({"a": b"1"}, "First", ANN, None)
    git(tmp_path, "checkout", "-q", "-b", "side")
    commit_by_hand(tmp_path, {"a": "2"})
    git(tmp_path, "checkout", "-q", "main")
    head = commit_by_hand(tmp_path, {"a": "3"})
    git(tmp_path, "merge", "side", fails=True)

    with pytest.raises(ConflictError, match="under way"):
        repository.commit({"b": b"1"}, "Second", ANN, head)

    assert repository.head == head


def test_history_names_the_commits_that_touched_a_folder(repository: Repository):
    head = repository.commit({"a/1": b"1"}, "Add a", ANN, None)
    head = repository.commit({"b/1": b"1"}, "Add b", BOB, head)
    repository.commit({"a/2": b"1", "b/2": b"1"}, "Add both", ANN, head)

    assert [commit.message for commit in repository.log("a", 10)] == ["Add both\n", "Add a\n"]
    assert [commit.author for commit in repository.log("b/1", 10)] == [BOB]
    assert [commit.message for commit in repository.log("", 1)] == ["Add both\n"]
    assert repository.log("nowhere", 10) == []


def test_a_commit_that_is_not_there_is_named(repository: Repository):
    repository.commit({"a": b"1"}, "First", ANN, None)

    with pytest.raises(NotFoundError, match="0123456789012345678901234567890123456789"):
        repository.read("a", at="0123456789" * 4)


def test_the_users_own_name_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    repository = Repository.create(tmp_path / "repo")
    assert user(repository.path) is None

    (tmp_path / ".gitconfig").write_text("[user]\nname = Ann\nemail = ann@example.com\n", encoding="utf-8")
    assert user(repository.path) == ANN

    git(tmp_path / "repo", "config", "user.email", "ann@work.example.com")
    assert user(repository.path) == Author("Ann", "ann@work.example.com")


segments = st.sampled_from(["a", "b", "c-d", "c", "c.e", "A", "é", "z" * 60])
paths = st.lists(segments, min_size=1, max_size=3).map("/".join)
contents = st.none() | st.binary(max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.dictionaries(paths, contents, min_size=1, max_size=5), min_size=1, max_size=5))
def test_commits_add_up_to_what_a_dictionary_would_hold(
    steps: list[dict[str, bytes | None]], tmp_path_factory: pytest.TempPathFactory
):
    repository = Repository.create(tmp_path_factory.mktemp("law"))
    wanted: dict[str, bytes] = {}

    for step in steps:
        before = repository.head
        try:
            repository.commit(step, "Step", ANN, before)
        except StoreError:  # a file and a folder in one place
            assert repository.head == before
            continue
        wanted = {path: content for path, content in (wanted | step).items() if content is not None}

    assert {leaf.path: repository.blob(leaf.blob) for leaf in repository.walk()} == wanted
    assert agrees(repository)
