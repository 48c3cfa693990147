"""A shared upstream: a real bare repository beside ours, reached by the real `git`."""

import re
from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConfigurationError, ConflictError, StoreError
from schema_mcp.stores.remote import Remote
from schema_mcp.stores.repository import Repository
from stores.judge import ANN, BOB, agrees, commit_by_hand, git


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    return tmp_path / "upstream.git"


@pytest.fixture(params=["bare", "checked-out"])
def ours(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "ours", bare=request.param == "bare")


@pytest.fixture
def theirs(tmp_path: Path, upstream: Path) -> Path:
    git(tmp_path, "clone", "-q", str(upstream), "theirs")
    git(tmp_path / "theirs", "checkout", "-q", "-B", "main")
    return tmp_path / "theirs"


def push_by_hand(theirs: Path, files: dict[str, str | None]) -> str:
    git(theirs, "pull", "-q", "--rebase", "origin", "main", fails=True)
    head = commit_by_hand(theirs, files)
    git(theirs, "push", "-q", "origin", "main")
    return head


def test_an_empty_upstream_has_no_commit_and_takes_the_first(ours: Repository, upstream: Path):
    remote = Remote(ours.path, str(upstream))
    assert remote.fetch() is None

    head = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)

    assert git(upstream, "rev-parse", "main") == head
    assert remote.fetch() == head


def test_what_others_pushed_comes_in_by_following(ours: Repository, upstream: Path, theirs: Path):
    remote = Remote(ours.path, str(upstream))
    push_by_hand(theirs, {"a/1": "1", "a/2": "2", "b": "b"})
    ours.follow(str(remote.fetch()))

    head = push_by_hand(theirs, {"a/1": "one", "a/2": None, "c/d/e": "new"})
    ours.follow(str(remote.fetch()))

    assert ours.head == head
    assert {leaf.path for leaf in ours.walk()} == {"a/1", "b", "c/d/e"}
    assert agrees(ours)
    ours.follow(head)
    assert ours.head == head


def test_a_rejected_push_leaves_nothing_behind(ours: Repository, upstream: Path, theirs: Path):
    remote = Remote(ours.path, str(upstream))
    first = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)
    faster = push_by_hand(theirs, {"b": "theirs"})

    with pytest.raises(ConflictError, match="upstream has moved on"):
        ours.commit({"a": b"2"}, "Second", ANN, first, publish=remote.push)

    assert ours.head == first
    assert git(upstream, "rev-parse", "main") == faster
    assert agrees(ours)

    ours.follow(str(remote.fetch()))
    again = ours.commit({"a": b"2"}, "Second", ANN, faster, publish=remote.push)
    assert git(upstream, "rev-parse", "main") == again


def test_our_own_commits_are_made_again_on_top_of_theirs(ours: Repository, upstream: Path, theirs: Path):
    remote = Remote(ours.path, str(upstream))
    first = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)
    second = ours.commit({"x/1": b"1"}, "Add x\n\nTool: test", BOB, first)
    ours.commit({"x/2": b"2", "a": b"one"}, "Add more", ANN, second)
    push_by_hand(theirs, {"b": "theirs"})

    ours.follow(str(remote.fetch()))
    remote.push(str(ours.head))

    log = git(upstream, "log", "--format=%an %s")
    assert log.split("\n") == ["Ann Add more", "Bob Add x", "Human By hand", "Ann First"]
    assert git(upstream, "log", "-1", "--skip=1", "--format=%(trailers:key=Tool,valueonly)").strip() == "test"
    assert {leaf.path for leaf in ours.walk()} == {"a", "b", "x/1", "x/2"}
    assert ours.read("a") == b"one"
    assert agrees(ours)


def test_one_file_changed_on_both_sides_is_named_and_left(ours: Repository, upstream: Path, theirs: Path):
    remote = Remote(ours.path, str(upstream))
    first = ours.commit({"a": b"1", "b": b"1"}, "First", ANN, None, publish=remote.push)
    mine = ours.commit({"a": b"mine"}, "Mine", ANN, first)
    push_by_hand(theirs, {"a": "theirs"})
    their_head = str(remote.fetch())

    with pytest.raises(ConflictError, match="a was changed upstream and here") as refused:
        ours.follow(their_head)

    assert refused.value.details == {"path": "a", "theirs": their_head, "ours": mine}
    assert re.search("there by Human on .*“By hand”.*, here by Ann on .*“Mine”", str(refused.value))
    assert ours.head == mine
    assert ours.read("a") == b"mine"
    assert agrees(ours)


def test_the_same_change_on_both_sides_is_one_change(ours: Repository, upstream: Path, theirs: Path):
    remote = Remote(ours.path, str(upstream))
    first = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)
    ours.commit({"a": b"2"}, "Mine", ANN, first)
    head = push_by_hand(theirs, {"a": "2"})

    ours.follow(str(remote.fetch()))

    assert ours.head == head
    assert agrees(ours)


def rewritten(ours: Repository, theirs: Path, remote: Remote) -> tuple[str, str]:
    """What was upstream, and what somebody has put in its place."""
    push_by_hand(theirs, {"a": "1"})
    seen = push_by_hand(theirs, {"a": "2"})
    ours.follow(str(remote.fetch()))
    git(theirs, "reset", "-q", "--hard", "HEAD~1")
    now = commit_by_hand(theirs, {"a": "another truth"})
    git(theirs, "push", "-q", "--force", "origin", "main")
    return seen, now


def test_a_rewritten_history_stops_everything(ours: Repository, upstream: Path, theirs: Path):
    remote = Remote(ours.path, str(upstream))
    seen, _ = rewritten(ours, theirs, remote)

    for _ in range(2):  # also when asked again
        with pytest.raises(StoreError, match=f"rewritten.*{seen}"):
            remote.fetch()

    assert ours.head == seen


def test_a_rewritten_history_is_accepted_with_the_commands_of_the_hint(ours: Repository, upstream: Path, theirs: Path):
    remote = Remote(ours.path, str(upstream))
    _, now = rewritten(ours, theirs, remote)
    with pytest.raises(StoreError, match="rewritten") as refused:
        remote.fetch()

    for command in re.findall("`git ([^`]*)`", refused.value.hint):
        git(ours.root or ours.path, *command.split())

    ours.follow(str(remote.fetch()))
    assert ours.head == now
    assert ours.read("a") == b"another truth"
    assert agrees(ours)


def test_histories_that_have_nothing_in_common_are_refused(ours: Repository, upstream: Path, theirs: Path):
    head = ours.commit({"a": b"1"}, "Mine", ANN, None)
    push_by_hand(theirs, {"b": "1"})

    with pytest.raises(StoreError, match="nothing in common"):
        ours.follow(str(Remote(ours.path, str(upstream)).fetch()))

    assert ours.head == head


def test_a_merge_of_a_person_is_left_to_persons(tmp_path: Path, upstream: Path, theirs: Path):
    ours = Repository.create(tmp_path / "ours")
    remote = Remote(ours.path, str(upstream))
    ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)
    git(tmp_path / "ours", "checkout", "-q", "-b", "side")
    commit_by_hand(tmp_path / "ours", {"side": "1"})
    git(tmp_path / "ours", "checkout", "-q", "main")
    commit_by_hand(tmp_path / "ours", {"mine": "1"})
    git(tmp_path / "ours", "merge", "-q", "--no-edit", "side")
    push_by_hand(theirs, {"b": "1"})

    with pytest.raises(StoreError, match="a merge among the commits here"):
        ours.follow(str(remote.fetch()))


def test_an_edited_file_is_not_overwritten_by_what_comes_in(tmp_path: Path, upstream: Path, theirs: Path):
    ours = Repository.create(tmp_path / "ours")
    remote = Remote(ours.path, str(upstream))
    head = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)
    push_by_hand(theirs, {"a": "2"})
    (tmp_path / "ours" / "a").write_text("unfinished", encoding="utf-8")

    with pytest.raises(ConflictError, match="a has a change of yours"):
        ours.follow(str(remote.fetch()))

    assert ours.head == head
    assert (tmp_path / "ours" / "a").read_text(encoding="utf-8") == "unfinished"


def test_modes_come_in_and_links_are_left_to_persons(tmp_path: Path, upstream: Path, theirs: Path):
    ours = Repository.create(tmp_path / "ours")
    remote = Remote(ours.path, str(upstream))
    (theirs / "run.sh").touch(mode=0o755)
    git(theirs, "add", "run.sh")
    head = push_by_hand(theirs, {"a": "1"})
    ours.follow(str(remote.fetch()))
    assert (tmp_path / "ours" / "run.sh").stat().st_mode & 0o111
    assert agrees(ours)

    (theirs / "link").symlink_to("/etc")
    git(theirs, "add", "link")
    push_by_hand(theirs, {"a": "2"})
    with pytest.raises(StoreError, match="link"):
        ours.follow(str(remote.fetch()))

    assert ours.head == head
    assert not (tmp_path / "ours" / "link").exists()


def test_a_folder_that_becomes_a_file_is_left_to_persons(tmp_path: Path, upstream: Path, theirs: Path):
    ours = Repository.create(tmp_path / "ours")
    remote = Remote(ours.path, str(upstream))
    head = push_by_hand(theirs, {"a/b": "1", "c": "1"})
    ours.follow(str(remote.fetch()))
    git(theirs, "rm", "-q", "-r", "a")
    push_by_hand(theirs, {"a": "now a file"})

    with pytest.raises(StoreError, match="working tree"):
        ours.follow(str(remote.fetch()))

    assert ours.head == head
    assert agrees(ours)


def test_an_upstream_that_refuses_is_told_in_its_words(ours: Repository, upstream: Path):
    hook = upstream / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no schemas on Sundays' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    remote = Remote(ours.path, str(upstream))

    with pytest.raises(StoreError, match="pre-receive hook declined"):
        ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)

    assert ours.head is None
    assert agrees(ours)


def test_no_hook_of_ours_runs_when_we_fetch_or_push(ours: Repository, upstream: Path, theirs: Path, tmp_path: Path):
    hooks = ours.path / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-push", "reference-transaction", "post-merge", "post-checkout", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    remote = Remote(ours.path, str(upstream))

    ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)
    push_by_hand(theirs, {"b": "1"})
    ours.follow(str(remote.fetch()))

    assert list(tmp_path.glob("ran-*")) == []


def test_a_remote_that_git_knows_as_a_folder_is_taken_only_where_the_user_names_the_folder(
    ours: Repository, upstream: Path
):
    git(ours.path, "remote", "add", "origin", str(upstream))

    with pytest.raises(ConfigurationError, match="is a folder of this machine") as refused:
        Remote(ours.path, "origin")

    assert f"remote: {upstream}" in refused.value.hint
    with pytest.raises(ConfigurationError, match="no remote 'elsewhere'"):
        Remote(ours.path, "elsewhere")


@pytest.mark.parametrize(
    "where",
    ["ext::sh -c evil", "--upload-pack=evil", "-x", "http://example.com/x", "git://example.com/x", "https://-x", "",
     "ssh://-oProxyCommand=evil/x", "file://a\nb", "fd::17", "../relative", "-u@host:path"],
)  # fmt: skip
def test_a_place_that_could_run_something_is_refused(ours: Repository, where: str):
    with pytest.raises(ConfigurationError):
        Remote(ours.path, where)


@pytest.mark.parametrize(
    "where",
    ["https://example.com/x.git", "ssh://git@example.com:22/x.git", "git@example.com:team/x.git", "/srv/git/x y.git",
     "file:///srv/git/x.git"],
)  # fmt: skip
def test_an_ordinary_place_is_taken(ours: Repository, where: str):
    assert Remote(ours.path, where)


@pytest.mark.parametrize("branch", ["", "-x", "a b", "a..b", "x.lock", "a\nb", "a:b"])
def test_a_branch_that_git_would_not_take_is_refused(ours: Repository, upstream: Path, branch: str):
    with pytest.raises(ConfigurationError):
        Remote(ours.path, str(upstream), branch)


def test_passwords_stay_out_of_errors(ours: Repository):
    remote = Remote(ours.path, "https://ann:s3cret@localhost:1/x.git", patience=20)

    with pytest.raises(StoreError) as failed:
        remote.fetch()

    assert "s3cret" not in f"{failed.value} {failed.value.hint} {failed.value.details}"
    assert "localhost" in failed.value.hint


def test_an_upstream_that_is_gone_is_an_error_with_the_next_step(ours: Repository, upstream: Path):
    remote = Remote(ours.path, str(upstream))
    upstream.rename(upstream.with_suffix(".moved"))

    with pytest.raises(StoreError, match="could not be fetched from") as failed:
        remote.fetch()

    assert "git ls-remote" in failed.value.hint


def test_without_the_git_command_the_error_says_what_to_install(
    ours: Repository, upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    remote = Remote(ours.path, str(upstream))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StoreError, match="not found") as failed:
        remote.fetch()

    assert "Install Git" in failed.value.hint
