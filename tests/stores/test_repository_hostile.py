"""A repository may come from somebody who wishes us ill: nothing in it runs, and nothing outside it is written."""

import os
from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConflictError, SchemaMcpError, StoreError
from schema_mcp.stores import trees
from schema_mcp.stores.repository import Repository
from stores import writers
from stores.judge import ANN, agrees, git

HOOKS = ["pre-commit", "post-commit", "commit-msg", "prepare-commit-msg", "reference-transaction", "post-index-change",
         "post-checkout", "pre-auto-gc", "fsmonitor-watchman"]  # fmt: skip


def test_no_hook_ever_runs(tmp_path: Path):
    root = tmp_path / "repo"
    repository = Repository.create(root)
    (root / ".git" / "hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        hook = root / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\n", encoding="utf-8")
        hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(root / ".git" / "hooks" / "fsmonitor-watchman"))

    Repository.open(root).commit({"a": b"1"}, "Add", ANN, repository.head)

    assert not list(tmp_path.glob("ran-*"))
    assert repository.read("a") == b"1"


def test_no_filter_or_attribute_changes_what_is_committed_or_written(tmp_path: Path):
    root = tmp_path / "repo"
    git(tmp_path, "init", "-q", "-b", "main", "repo")
    for name in ("clean", "smudge", "process"):
        git(root, "config", f"filter.evil.{name}", f"touch {tmp_path}/ran-{name}; cat")
    git(root, "config", "core.autocrlf", "true")
    attributes = "*.json filter=evil ident text eol=crlf working-tree-encoding=UTF-16\n"
    (root / ".gitattributes").write_text(attributes, encoding="utf-8")
    repository = Repository.open(root)

    repository.commit({"a.json": b"$Id$\nline\n"}, "Add", ANN, None)

    assert repository.read("a.json") == b"$Id$\nline\n"
    assert (root / "a.json").read_bytes() == b"$Id$\nline\n"
    assert not list(tmp_path.glob("ran-*"))


@pytest.mark.parametrize("place", ["SCHEMASTORE", "SCHEMASTORE/default", "SCHEMASTORE/default/orders"])
def test_a_committed_link_in_the_way_is_refused(tmp_path: Path, place: str):
    outside = tmp_path / "outside"
    (outside / "default" / "orders").mkdir(parents=True)
    root = tmp_path / "repo"
    repository = Repository.create(root)
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).symlink_to(outside)
    git(root, "add", place)
    git(root, "commit", "-q", "-m", "link")
    head = repository.head

    with pytest.raises(StoreError, match="SCHEMASTORE"):
        repository.commit({"SCHEMASTORE/default/orders/v1": b"x"}, "Add", ANN, head)

    assert repository.head == head
    assert [path for path in outside.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("place", ["SCHEMASTORE", "SCHEMASTORE/default"])
@pytest.mark.parametrize("bring", ["link", "file", "pipe"])
def test_a_link_or_a_device_in_the_working_tree_is_refused(tmp_path: Path, place: str, bring: str):
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "repo"
    repository = Repository.create(root)
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    {"link": lambda: (root / place).symlink_to(outside), "file": (root / place).touch,
     "pipe": lambda: os.mkfifo(root / place)}[bring]()  # fmt: skip

    with pytest.raises(StoreError, match="SCHEMASTORE"):
        repository.commit({"SCHEMASTORE/default/v1": b"x"}, "Add", ANN, None)

    assert repository.head is None
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked-out"])
@pytest.mark.parametrize("content", [b"x", None], ids=["change", "remove"])
def test_a_committed_link_in_the_place_of_a_file_is_refused(tmp_path: Path, bare: bool, content: bytes | None):
    repository = Repository.create(tmp_path, bare=bare)
    target = git(repository.path, "hash-object", "-w", "--stdin", given="/etc/passwd")
    tree = git(repository.path, "mktree", given=f"120000 blob {target}\ta.json\n")
    head = git(repository.path, "commit-tree", tree, "-m", "link")
    git(repository.path, "update-ref", "refs/heads/main", head)

    with pytest.raises(StoreError, match=r"a\.json is a link"):
        repository.commit({"a.json": content}, "Add", ANN, head)

    assert repository.head == head


@pytest.mark.parametrize("bring", ["link", "pipe", "folder"])
def test_what_stands_in_the_place_of_a_file_is_neither_followed_nor_opened(tmp_path: Path, bring: str):
    secret = tmp_path / "secret"
    secret.write_text("untouched", encoding="utf-8")
    root = tmp_path / "repo"
    repository = Repository.create(root)
    place = root / "a.json"
    {"link": lambda: place.symlink_to(secret), "pipe": lambda: os.mkfifo(place), "folder": place.mkdir}[bring]()

    with pytest.raises((StoreError, ConflictError), match=r"a\.json"):
        repository.commit({"a.json": b"x"}, "Add", ANN, None)

    assert secret.read_text(encoding="utf-8") == "untouched"
    assert repository.head is None


def test_a_link_that_waits_where_we_stage_is_removed_not_followed(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("untouched", encoding="utf-8")
    root = tmp_path / "repo"
    repository = Repository.create(root)
    (root / ".a.json.pending").symlink_to(secret)

    repository.commit({"a.json": b"x"}, "Add", ANN, None)

    assert secret.read_text(encoding="utf-8") == "untouched"
    assert (root / "a.json").read_bytes() == b"x"
    assert agrees(repository)


def test_a_working_tree_configured_elsewhere_is_refused(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    git(tmp_path, "init", "-q", "repo")
    git(tmp_path / "repo", "config", "core.worktree", str(outside))

    with pytest.raises(StoreError, match="elsewhere"):
        Repository.open(tmp_path / "repo")


def test_a_link_or_submodule_is_not_read_as_a_file(tmp_path: Path):
    repository = Repository.create(tmp_path)
    head = repository.commit({"a": b"1"}, "Add", ANN, None)
    (tmp_path / "link").symlink_to("/etc/hostname")
    git(tmp_path, "add", "link")
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{head},module")
    git(tmp_path, "commit", "-q", "-m", "odd things")

    assert repository.read("link") is None
    assert repository.read("module") is None
    assert {leaf.path: leaf.is_file for leaf in repository.walk()} == {"a": True, "link": False, "module": False}


def test_a_tree_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trees, "_LARGEST_WALK", 5_000)
    repository = Repository.create(tmp_path, bare=True)
    repository.commit({"0": b"boom"}, "Add", ANN, None)
    tree = git(tmp_path, "rev-parse", "HEAD^{tree}")
    for _ in range(6):
        tree = git(tmp_path, "mktree", given="".join(f"040000 tree {tree}\t{number:03}\n" for number in range(60)))
    bomb = git(tmp_path, "commit-tree", tree, "-m", "bomb")
    git(tmp_path, "update-ref", "refs/heads/main", bomb)

    with pytest.raises(StoreError, match="files below"):
        repository.walk()


def test_the_users_and_the_systems_configuration_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".gitconfig").write_text(
        "[core]\n\tautocrlf = true\n\tlogAllRefUpdates = false\n[init]\n\ttemplateDir = ~/template\n"
        "\tdefaultBranch = trunk\n[commit]\n\tgpgSign = true\n",
        encoding="utf-8",
    )
    (tmp_path / "template" / "hooks").mkdir(parents=True)
    (tmp_path / "template" / "hooks" / "post-commit").write_text("#!/bin/sh\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))  # libgit2 looks once, so that it takes a new process

    writer = writers.start("create", tmp_path / "repo")
    _, error = writer.communicate()

    assert writer.returncode == 0, error
    repository = Repository.open(tmp_path / "repo")
    assert repository.branch == "main"
    assert repository.read("a") == b"x\r\n"
    assert (tmp_path / "repo" / "a").read_bytes() == b"x\r\n"
    assert not (tmp_path / "repo" / ".git" / "hooks" / "post-commit").exists()
    assert git(tmp_path / "repo", "reflog", "--format=%gs") == "commit: Add"


def test_a_damaged_repository_is_an_error_of_ours(tmp_path: Path):
    head = Repository.create(tmp_path).commit({"a": b"1"}, "Add", ANN, None)
    for thing in (tmp_path / ".git" / "objects").glob("??/*"):
        thing.chmod(0o644)
        thing.write_bytes(b"damaged")
    repository = Repository.open(tmp_path)

    asks = [
        lambda: repository.read("a"),
        repository.walk,
        lambda: repository.log("a", 1),
        lambda: repository.blob(head),
        lambda: repository.size("0" * 40),
        lambda: repository.commit({"a": b"2"}, "Add", ANN, head),
    ]
    for ask in asks:
        with pytest.raises(SchemaMcpError):
            ask()
