"""Signed commits: with the user's keys or those that the configuration names, as `git verify-commit` judges them."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from schema_mcp.domain.errors import StoreError
from schema_mcp.stores import signing
from schema_mcp.stores.remote import Remote
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.signing import Form
from stores.judge import ANN, agrees, commit_by_hand, git

pytestmark = pytest.mark.skipif(
    not (shutil.which("ssh-keygen") and shutil.which("gpg")), reason="there is no ssh-keygen or no gpg on this machine"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, with a name for Git."""
    for name in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    say(folder, "user.name", "Server")
    say(folder, "user.email", "server@example.com")
    return folder


@pytest.fixture
def ssh_key(home: Path) -> Path:
    key = home / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "server", "-f", key], check=True)
    (home / "signers").write_text(f"server@example.com {key.with_suffix('.pub').read_text()}", encoding="utf-8")
    return key


@pytest.fixture
def gpg_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    folder = Path(tempfile.mkdtemp(prefix="gpg-"))  # the path of gpg's socket has to be short
    monkeypatch.setenv("GNUPGHOME", str(folder))
    name = "Server <server@example.com>"
    options = ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never"]
    subprocess.run(["gpg", *options], check=True, capture_output=True)
    yield name
    subprocess.run(["gpgconf", "--kill", "all"], check=True)
    shutil.rmtree(folder)


CERTIFICATE = """\
Key-Type: RSA
Key-Length: 2048
Key-Usage: sign
Serial: random
Name-DN: CN=Server
Name-Email: server@example.com
"""
NO_PASSPHRASE = """\
#!/bin/sh
echo OK
while read -r word _; do case "$word" in GETPIN) echo "D ";; esac; echo OK; [ "$word" = BYE ] && exit; done
"""


@pytest.fixture
def certificate(home: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """A certificate that vouches for itself, and whose key asks for no passphrase."""
    if not shutil.which("gpgsm"):
        pytest.skip("there is no gpgsm on this machine")
    folder = Path(tempfile.mkdtemp(prefix="gpgsm-"))
    monkeypatch.setenv("GNUPGHOME", str(folder))
    asked, made = folder / "asked", folder / "made.pem"
    asked.write_text(NO_PASSPHRASE, encoding="utf-8")
    asked.chmod(0o755)
    (folder / "gpg-agent.conf").write_text(f"pinentry-program {asked}\n", encoding="utf-8")
    (folder / "gpgsm.conf").write_text("disable-crl-checks\ndisable-policy-checks\n", encoding="utf-8")
    (folder / "wanted").write_text(CERTIFICATE, encoding="utf-8")
    gpgsm("--armor", "--output", made, "--generate-key", folder / "wanted")
    gpgsm("--import", made)
    told = gpgsm("--with-colons", "--list-secret-keys")
    print_of = next(line.split(":")[9] for line in told.splitlines() if line.startswith("fpr"))
    (folder / "trustlist.txt").write_text(f"{print_of} S relax\n", encoding="utf-8")
    subprocess.run(["gpgconf", "--reload", "gpg-agent"], check=True)
    yield "server@example.com"
    subprocess.run(["gpgconf", "--kill", "all"], check=True)
    shutil.rmtree(folder)


def gpgsm(*arguments: str | Path) -> str:
    command = ["gpgsm", "--batch", "--quiet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def say(home: Path, key: str, value: str) -> None:
    git(home, "config", "--file", str(home / ".gitconfig"), key, value)


def verified(repository: Repository, home: Path, commit: str = "HEAD") -> str:
    """What Git says about the signature; empty where it is none that it trusts."""
    command = ["git", "-c", f"gpg.ssh.allowedSignersFile={home / 'signers'}", "verify-commit", commit]
    done = subprocess.run(command, cwd=repository.path, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode == 0 else ""


@pytest.fixture(params=["bare", "checked-out"])
def ours(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "ours", bare=request.param == "bare")


def test_a_user_who_signs_with_ssh_signs_our_commits_too(home: Path, ssh_key: Path, ours: Repository):
    for key, value in (("commit.gpgSign", "true"), ("gpg.format", "ssh"), ("user.signingKey", "~/id_ed25519")):
        say(home, key, value)

    first = ours.commit({"a": b"1"}, "First\n\nTool: test", ANN, None)
    ours.commit({"a": "zwölf".encode()}, "Zweitens: ä", ANN, first)

    for commit in (first, "HEAD"):
        assert 'Good "git" signature for server@example.com' in verified(ours, home, commit)
    assert git(ours.path, "log", "--format=%an %cn %s") == "Ann Server Zweitens: ä\nAnn Server First"
    assert agrees(ours)


def test_a_user_who_signs_with_gpg_signs_our_commits_too(home: Path, gpg_key: str, ours: Repository):
    say(home, "commit.gpgSign", "yes")

    ours.commit({"a": b"1"}, "First", ANN, None)

    assert f'Good signature from "{gpg_key}"' in verified(ours, home)
    assert agrees(ours)


def test_a_user_who_signs_with_a_certificate_signs_our_commits_too(home: Path, certificate: str, ours: Repository):
    for key, value in (("commit.gpgSign", "true"), ("gpg.format", "x509"), ("user.signingKey", certificate)):
        say(home, key, value)

    ours.commit({"a": b"1"}, "First", ANN, None)

    assert 'Good signature from "/CN=Server"' in verified(ours, home)
    assert agrees(ours)


@pytest.mark.parametrize("form", ["file", "public half", "text"])
def test_the_configuration_may_name_an_ssh_key(
    home: Path, ssh_key: Path, ours: Repository, form: str, monkeypatch: pytest.MonkeyPatch
):
    public = ssh_key.with_suffix(".pub")
    key = {"file": str(ssh_key), "public half": str(public), "text": public.read_text().strip()}[form]
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    said = dict(part.split("=") for part in agent.replace("\n", ";").split(";") if "=" in part)
    try:
        if form == "text":
            monkeypatch.setenv("SSH_AUTH_SOCK", said["SSH_AUTH_SOCK"])
            subprocess.run(["ssh-add", "-q", ssh_key], check=True)
        ours.sign(Form.SSH, key)
        ours.commit({"a": b"1"}, "First", ANN, None)
    finally:
        os.kill(int(said["SSH_AGENT_PID"]), 15)

    assert 'Good "git" signature for server@example.com' in verified(ours, home)


def test_the_configuration_may_name_a_gpg_key_or_none(home: Path, gpg_key: str, ours: Repository):
    ours.sign(Form.GPG, "server@example.com")
    first = ours.commit({"a": b"1"}, "First", ANN, None)
    say(home, "commit.gpgSign", "true")
    ours.sign(None)
    ours.commit({"a": b"2"}, "Second", ANN, first)

    assert "Good signature" in verified(ours, home, first)
    assert git(ours.path, "log", "-1", "--format=%G?") == "N"


BROKEN = {
    "a key that is not there": (Form.SSH, "/nowhere/key"),
    "no key at all": (Form.SSH, ""),
    "a name that nobody has": (Form.GPG, "nobody@example.com"),
}


@pytest.mark.parametrize(("form", "key"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_signed_is_not_committed(home: Path, gpg_key: str, ours: Repository, form: Form, key: str):
    ours.sign(form, key)

    with pytest.raises(StoreError, match="could not be signed, so nothing was committed") as refused:
        ours.commit({"a": b"1"}, "First", ANN, None)

    assert "git commit -S" in refused.value.hint
    assert ours.head is None
    ours.sign(None)
    assert ours.commit({"a": b"1"}, "First", ANN, None) == ours.head
    assert agrees(ours)


def test_a_key_that_waits_for_a_passphrase_is_given_up(
    home: Path, ours: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    slow = tmp_path / "slow"
    slow.write_text('#!/bin/sh\nsleep 60 & echo $! > "$HOME/child"; wait\n', encoding="utf-8")
    slow.chmod(0o755)
    for key, value in (("commit.gpgSign", "1"), ("gpg.program", str(slow))):
        say(home, key, value)
    monkeypatch.setattr(signing, "PATIENCE", 0.5)

    with pytest.raises(StoreError, match="nobody answered"):
        ours.commit({"a": b"1"}, "First", ANN, None)

    child = Path("/proc", (home / "child").read_text().strip(), "status")
    time.sleep(0.05)
    assert not child.exists() or "zombie" in child.read_text()


def test_without_the_program_nothing_is_committed(home: Path, ours: Repository, ssh_key: Path, monkeypatch):
    ours.sign(Form.SSH, str(ssh_key))
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(StoreError, match="ssh-keygen"):
        ours.commit({"a": b"1"}, "First", ANN, None)


def test_the_stores_own_configuration_names_no_program_and_no_key(home: Path, ours: Repository, tmp_path: Path):
    evil, canary = tmp_path / "evil", tmp_path / "canary"
    evil.write_text(f"#!/bin/sh\ntouch {canary}\n", encoding="utf-8")
    evil.chmod(0o755)
    for key, value in (
        ("commit.gpgSign", "true"), ("gpg.program", str(evil)), ("gpg.openpgp.program", str(evil)),
        ("gpg.ssh.program", str(evil)), ("gpg.ssh.defaultKeyCommand", str(evil)), ("gpg.format", "ssh"),
    ):  # fmt: skip
        git(ours.path, "config", key, value)

    first = ours.commit({"a": b"1"}, "First", ANN, None)
    assert git(ours.path, "cat-file", "commit", first).count("gpgsig") == 0

    ours.sign(Form.SSH, "/nowhere/key")
    with pytest.raises(StoreError, match="ssh-keygen"):
        ours.commit({"a": b"2"}, "Second", ANN, first)

    assert not canary.exists()


def test_a_condition_on_the_place_decides_who_signs(home: Path, ssh_key: Path, tmp_path: Path):
    (home / "job").write_text(f"[commit]\ngpgSign = true\n[gpg]\nformat = ssh\n[user]\nsigningKey = {ssh_key}\n")
    say(home, f"includeIf.gitdir:{tmp_path}/job/.path", str(home / "job"))
    work, rest = (Repository.create(tmp_path / name / "store") for name in ("job", "rest"))

    for repository in (work, rest):
        repository.commit({"a": b"1"}, "First", ANN, None)

    assert verified(work, home)
    assert not verified(rest, home)


def test_what_is_made_again_on_top_of_others_work_is_signed_again(
    home: Path, ssh_key: Path, ours: Repository, tmp_path: Path
):
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "upstream.git")
    ours.sign(Form.SSH, str(ssh_key))
    remote = Remote(ours.path, str(tmp_path / "upstream.git"))
    first = ours.commit({"a": b"1"}, "First", ANN, None, publish=remote.push)
    git(tmp_path, "clone", "-q", "upstream.git", "theirs")
    commit_by_hand(tmp_path / "theirs", {"b": "1"})
    git(tmp_path / "theirs", "push", "-q")
    ours.commit({"c": b"1"}, "Mine", ANN, first)

    ours.follow(str(remote.fetch()))

    assert git(ours.path, "log", "--format=%an %s").split("\n") == ["Ann Mine", "Human By hand", "Ann First"]
    assert verified(ours, home)
    assert agrees(ours)
