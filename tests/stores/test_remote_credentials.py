"""Upstreams behind TLS, passwords and SSH: the user's credentials open them, and the store's configuration nothing."""

import base64
import os
import stat
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConflictError, StoreError
from schema_mcp.stores.remote import Remote
from schema_mcp.stores.repository import Repository
from stores import hosting
from stores.hosting import PASSWORD, USER, Hosted
from stores.judge import ANN, agrees, commit_by_hand, git


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who has said nothing to Git yet."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "SSH_", "XDG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def served(tmp_path: Path, home: Path) -> Generator[Hosted]:
    """An empty upstream behind TLS and a password; the user trusts its certificate."""
    upstream = tmp_path / "served" / "upstream.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(upstream))
    git(upstream, "config", "http.receivepack", "true")
    with hosting.https(upstream.parent) as hosted:
        say(home, "http.sslCAInfo", str(hosted.authority))
        yield hosted


@pytest.fixture
def ours(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "ours")


def say(home: Path, key: str, value: str) -> None:
    git(home, "config", "--file", str(home / ".gitconfig"), "--add", key, value)


def with_a_helper(home: Path, hosted: Hosted) -> str:
    (home / "passwords").write_text(f"https://{USER}:{PASSWORD}@localhost:{hosted.port}\n", encoding="utf-8")
    say(home, "credential.helper", f"store --file {home / 'passwords'}")
    return hosted.url()


def with_netrc(home: Path, hosted: Hosted) -> str:
    (home / ".netrc").write_text(f"machine localhost login {USER} password {PASSWORD}\n", encoding="utf-8")
    return hosted.url()


def with_a_header(home: Path, hosted: Hosted) -> str:
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    say(home, f"http.https://localhost:{hosted.port}/.extraHeader", f"Authorization: Basic {token}")
    return hosted.url()


def with_a_rewritten_url(home: Path, hosted: Hosted) -> str:
    say(home, f"url.{hosted.url('', f'{USER}:{PASSWORD}@')}.insteadOf", "https://git.example.com/")
    return "https://git.example.com/upstream.git"


def with_a_condition(home: Path, hosted: Hosted) -> str:
    """As people do who have one account for work and one for the rest."""
    with_a_helper(home, hosted)
    (home / ".gitconfig").rename(home / "work")
    say(home, f"includeIf.gitdir:{home.parent}/.path", str(home / "work"))
    return hosted.url()


def with_a_password_in_the_url(home: Path, hosted: Hosted) -> str:
    return hosted.url(login=f"{USER}:{PASSWORD}@")


@pytest.mark.parametrize(
    "signed_in",
    [with_a_helper, with_netrc, with_a_header, with_a_rewritten_url, with_a_condition, with_a_password_in_the_url],
)
def test_the_users_own_credentials_open_an_upstream_over_https(home: Path, served: Hosted, ours: Repository, signed_in):
    remote = Remote(ours.path, signed_in(home, served))
    assert remote.fetch() is None

    head = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)

    assert git(served.root / "upstream.git", "rev-parse", "main") == head
    assert remote.fetch() == head
    assert set(served.users) == {USER}
    assert agrees(ours)


@pytest.mark.parametrize("login", ["", f"{USER}:wr0ng-secret@"])
def test_without_the_right_password_the_error_says_how_to_sign_in_and_shows_no_secret(
    served: Hosted, ours: Repository, login: str
):
    remote = Remote(ours.path, served.url(login=login), patience=20)

    for act in (remote.fetch, lambda: ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)):
        with pytest.raises(StoreError, match=r"could not be (fetched|pushed)") as refused:
            act()
        said = f"{refused.value} {refused.value.hint} {refused.value.details}"
        assert "credential helper" in refused.value.hint
        assert "wr0ng" not in said

    assert served.users == []
    assert ours.head is None
    assert agrees(ours)


def test_no_password_is_ever_on_a_command_line(served: Hosted, ours: Repository):
    remote = Remote(ours.path, served.url(login=f"{USER}:{PASSWORD}@"), patience=2)
    served.hangs.set()
    lines = list[str]()

    asking = threading.Thread(target=_tried, args=(remote,))
    asking.start()
    while not served.seen:
        time.sleep(0.01)
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    asking.join()

    assert [line for line in lines if PASSWORD in line and "git" in line and "remote-https" not in line] == []


def _tried(remote: Remote) -> None:
    with pytest.raises(StoreError):
        remote.fetch()


def test_an_upstream_that_never_answers_is_given_up_and_leaves_no_process(served: Hosted, ours: Repository):
    served.hangs.set()
    before = time.monotonic()

    with pytest.raises(StoreError, match=r"could not be fetched.*Timeout"):
        Remote(ours.path, served.url(), patience=0.5).fetch()

    assert time.monotonic() - before < 15
    marks = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if _readable(p)]
    assert not any(str(served.port).encode() in mark for mark in marks)


def _readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True


def test_a_push_whose_answer_was_lost_is_recognised_as_done(home: Path, served: Hosted, ours: Repository):
    remote = Remote(ours.path, with_netrc(home, served))
    served.answers_are_lost = True

    head = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)

    assert not served.answers_are_lost
    assert git(served.root / "upstream.git", "rev-parse", "main") == head == ours.head
    assert agrees(ours)


def test_a_faster_push_is_told_as_a_conflict_over_https_too(home: Path, served: Hosted, tmp_path: Path):
    url = with_netrc(home, served)
    one, two = (Repository.create(tmp_path / name) for name in ("one", "two"))
    first = one.commit({"a": b"1"}, "First", ANN, None, publish=Remote(one.path, url).push)

    with pytest.raises(ConflictError, match="moved on"):
        two.commit({"b": b"1"}, "Second", ANN, None, publish=Remote(two.path, url).push)

    two.follow(str(Remote(two.path, url).fetch()))
    assert two.head == first


def plant(repository: Repository, *settings: tuple[str, str]) -> None:
    for key, value in settings:
        git(repository.path, "config", "--add", key, value)


EVIL = {
    "a credential helper": [("credential.helper", "!touch CANARY; echo quit=1;")],
    "a helper for one place": [("credential.https://localhost.helper", "!touch CANARY; echo quit=1;")],
    "a program that asks": [("core.askPass", "EVIL")],
    "a proxy": [("http.proxy", "http://127.0.0.1:1")],
    "another place": [("url.ext::EVIL .insteadOf", "https://"), ("protocol.ext.allow", "always")],
    "another place to push to": [("url.ssh://evil/.pushInsteadOf", "https://"), ("core.sshCommand", "EVIL")],
    "an included file": [("include.path", "EVILCONFIG")],
    "a file system monitor": [("core.fsmonitor", "EVIL")],
    "a folder of hooks": [("core.hooksPath", "HOOKS")],
    "an alias": [("alias.fetch", "!EVIL"), ("alias.push", "!EVIL")],
    "a command for alternates": [("core.alternateRefsCommand", "EVIL")],
    "a hook of packing": [("uploadpack.packObjectsHook", "EVIL")],
    "a configuration of the working tree": [("extensions.worktreeConfig", "true")],
    "a pager": [("core.pager", "EVIL"), ("pager.fetch", "true")],
    "signed pushes": [("push.gpgSign", "true"), ("gpg.program", "EVIL")],
    "a remote of our name": [("remote.schema-mcp-upstream.url", "ext::EVIL"), ("protocol.ext.allow", "always")],
    "a remote's own programs": [("remote.origin.vcs", "evil"), ("remote.origin.receivepack", "EVIL")],
}


@pytest.mark.parametrize("settings", EVIL.values(), ids=EVIL)
def test_the_stores_own_configuration_runs_nothing_and_leads_nowhere(
    home: Path, served: Hosted, ours: Repository, tmp_path: Path, settings: list[tuple[str, str]]
):
    canary, evil, hooks = tmp_path / "canary", tmp_path / "evil", tmp_path / "evil-hooks"
    evil.write_text(f"#!/bin/sh\ntouch {canary}\nexit 1\n", encoding="utf-8")
    evil.chmod(0o755)
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        (hooks / name).symlink_to(evil)
    (tmp_path / "evil.config").write_text(f"[credential]\nhelper = !{evil}\n[http]\nproxy = http://127.0.0.1:1\n")
    (ours.path / "config.worktree").write_text("[http]\nproxy = http://127.0.0.1:1\n", encoding="utf-8")
    words = {"CANARY": canary, "EVILCONFIG": tmp_path / "evil.config", "EVIL": evil, "HOOKS": hooks}
    for key, value in settings:
        for word, place in words.items():
            key, value = key.replace(word, str(place)), value.replace(word, str(place))  # noqa: PLW2901
        plant(ours, (key, value))
    ours = Repository.open(ours.path)
    remote = Remote(ours.path, with_netrc(home, served))

    head = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)

    assert remote.fetch() == head
    assert git(served.root / "upstream.git", "rev-parse", "main") == head
    assert not canary.exists()


def test_the_stores_own_configuration_cannot_switch_off_the_look_at_certificates(
    home: Path, served: Hosted, ours: Repository
):
    (home / ".gitconfig").unlink()
    plant(ours, ("http.sslVerify", "false"), (f"http.{served.url('')}.sslVerify", "false"))

    with pytest.raises(StoreError, match="certificate"):
        Remote(ours.path, with_netrc(home, served)).fetch()

    assert served.users == []


def test_a_store_that_asks_for_the_helper_of_another_place_gets_no_credentials(
    home: Path, served: Hosted, ours: Repository
):
    """`http.extraHeader` and `cookieFile` of the store could carry what they like to wherever they like."""
    plant(ours, ("http.extraHeader", "X-Planted: yes"), ("http.cookieFile", str(home / "passwords")))
    remote = Remote(ours.path, with_a_helper(home, served))

    assert remote.fetch() is None
    assert set(served.users) == {USER}


@pytest.mark.parametrize(
    "variable",
    ["GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_INDEX_FILE"],
)
def test_called_from_a_git_hook_we_keep_to_our_own_repository(
    home: Path, served: Hosted, ours: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
):
    git(tmp_path, "init", "-q", "other")
    monkeypatch.setenv(variable, "other" if variable == "GIT_NAMESPACE" else str(tmp_path / "other" / ".git"))
    remote = Remote(ours.path, with_netrc(home, served))

    head = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)

    assert remote.fetch() == head
    monkeypatch.delenv(variable)
    assert git(tmp_path / "other", "count-objects") == "0 objects, 0 kilobytes"
    assert git(served.root / "upstream.git", "rev-parse", "main") == head


def test_what_is_here_is_not_fetched_again(home: Path, served: Hosted, ours: Repository, tmp_path: Path):
    remote = Remote(ours.path, with_netrc(home, served))
    files = {f"s/{number}": os.urandom(10_000) for number in range(50)}
    head = ours.commit(files, "First", ANN, None, publish=remote.push)
    theirs = Repository.create(tmp_path / "theirs")
    theirs.follow(str(Remote(theirs.path, served.url()).fetch()))
    assert served.sent > 500_000

    theirs.commit({"b": b"1"}, "Second", ANN, head, publish=Remote(theirs.path, served.url()).push)
    before = served.sent
    ours.follow(str(remote.fetch()))

    assert ours.read("b") == b"1"
    assert served.sent - before < 10_000


def test_an_errand_leaves_nothing_behind_and_the_dead_ones_are_cleared_away(
    home: Path, served: Hosted, ours: Repository
):
    remote = Remote(ours.path, with_netrc(home, served))
    ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)
    old, young = (ours.path / "schema-mcp" / f"errand-{name}" for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (1, 1))

    remote.fetch()

    assert list((ours.path / "schema-mcp").glob("errand-*")) == [young]


SSH = """#!/bin/sh
echo "$@" >> "$HOME/ssh.log"
for last in "$@"; do :; done
exec sh -c "$last"
"""


@pytest.fixture
def stand_in(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `ssh` that does on this machine what it is told to do on another."""
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin" / "ssh"
    ssh.write_text(SSH, encoding="utf-8")
    ssh.chmod(ssh.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    return tmp_path / "upstream.git"


@pytest.mark.parametrize("form", ["ssh://git@example.com:2222{}", "git@example.com:{}"])
def test_an_upstream_is_reached_through_ssh(home: Path, stand_in: Path, ours: Repository, form: str):
    plant(ours, ("core.sshCommand", "false"), ("ssh.variant", "plink"))
    remote = Remote(ours.path, form.format(stand_in))

    head = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)

    assert remote.fetch() == head
    assert git(stand_in, "rev-parse", "main") == head
    assert "git@example.com git-receive-pack" in (home / "ssh.log").read_text(encoding="utf-8")


@pytest.fixture
def over_ssh(home: Path, tmp_path: Path) -> Generator[tuple[str, Path]]:
    if hosting.SSHD is None:
        pytest.skip("there is no sshd on this machine")
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    with hosting.ssh(tmp_path) as address:
        yield f"ssh://{address}{tmp_path / 'upstream.git'}", tmp_path / ".ssh"


def ssh_command(keys: Path, key: str, hosts: str = "known_hosts") -> str:
    return (
        f"ssh -F /dev/null -i {keys / key} -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile={keys / hosts}"
    )


def test_a_key_of_the_user_opens_an_upstream_behind_sshd(home: Path, over_ssh: tuple[str, Path], ours: Repository):
    url, keys = over_ssh
    say(home, "core.sshCommand", ssh_command(keys, "id_ed25519"))
    remote = Remote(ours.path, url)

    head = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)

    assert remote.fetch() == head
    assert git(keys.parent / "upstream.git", "rev-parse", "main") == head


@pytest.mark.parametrize(
    ("key", "hosts", "advice"), [("stranger", "known_hosts", "SSH key"), ("id_ed25519", "none", "host's key")]
)
def test_a_stranger_and_an_unknown_host_are_told_what_to_do(
    home: Path, over_ssh: tuple[str, Path], ours: Repository, key: str, hosts: str, advice: str
):
    url, keys = over_ssh
    say(home, "core.sshCommand", ssh_command(keys, key, hosts))

    with pytest.raises(StoreError, match="could not be fetched") as refused:
        Remote(ours.path, url).fetch()

    assert advice in refused.value.hint


def test_a_hand_made_commit_arrives_through_https(home: Path, served: Hosted, ours: Repository, tmp_path: Path):
    url = with_netrc(home, served)
    git(tmp_path, "clone", "-q", str(served.root / "upstream.git"), "theirs")
    git(tmp_path / "theirs", "checkout", "-q", "-B", "main")
    head = commit_by_hand(tmp_path / "theirs", {"a/b": "1"})
    git(tmp_path / "theirs", "push", "-q", "origin", "main")

    ours.follow(str(Remote(ours.path, url).fetch()))

    assert (ours.head, ours.read("a/b")) == (head, b"1")
    assert agrees(ours)
