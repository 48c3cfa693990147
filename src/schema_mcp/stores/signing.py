"""Signatures under our commits, made by the programs that Git would call: `ssh-keygen`, `gpg`, `gpgsm`.

Formats: Git's documentation, "gitformat-signature"; the user's settings: "git-config", `commit.gpgSign`,
`user.signingKey`, `gpg.format`, `gpg.<format>.program`. What a store's own configuration says about them counts for
nothing: it could name any program.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from schema_mcp.domain.errors import StoreError
from schema_mcp.stores.people import settings

PATIENCE: Final = 30.0
"""Seconds for one signature: somebody may have to touch a key or type a passphrase."""

_LITERAL: Final = ("ssh-", "ecdsa-", "sk-", "key::")
_TRUE: Final = frozenset({"", "true", "yes", "on", "1"})
_CREATED: Final = b"[GNUPG:] SIG_CREATED "


class Form(StrEnum):
    """Kinds of signature, in the words of Git's `gpg.format`."""

    SSH = "ssh"
    GPG = "openpgp"
    X509 = "x509"


_PROGRAMS: Final[Mapping[Form, str]] = {Form.SSH: "ssh-keygen", Form.GPG: "gpg", Form.X509: "gpgsm"}


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one key: a file or the text of an SSH key, or the name of a GPG key; empty is GPG's own default."""

    form: Form
    key: str = ""
    program: str = ""

    def sign(self, content: bytes, committer: str) -> str:
        """The signature under a commit; raises `StoreError` where there is none to be had."""
        if self.form is Form.SSH:
            return self._by_ssh(content)
        command = [self._program, "--status-fd=2", "-bsau", self.key or committer]
        status, out, told = self._run(command, content)
        if status or _CREATED not in b"\n" + told:
            raise self._failed(told)
        return _as_text(out)

    def _by_ssh(self, content: bytes) -> str:
        if not self.key:
            raise self._failed(b"no key is named")
        with tempfile.TemporaryDirectory(prefix="schema-mcp-") as folder:
            given = Path(folder, "commit")
            given.write_bytes(content)
            status, _, told = self._run([self._program, "-Y", "sign", "-n", "git", *self._key(folder), str(given)], b"")
            if status:
                raise self._failed(told)
            return _as_text(given.with_suffix(".sig").read_bytes())

    def _key(self, folder: str) -> list[str]:
        if not self.key.startswith(_LITERAL):
            return ["-f", str(Path(self.key).expanduser())]
        public = Path(folder, "key.pub")
        public.write_text(self.key.removeprefix("key::") + "\n", encoding="utf-8")
        return ["-f", str(public), "-U"]  # its private half is in the agent

    @property
    def _program(self) -> str:
        return self.program or _PROGRAMS[self.form]

    def _run(self, command: Sequence[str], content: bytes) -> tuple[int, bytes, bytes]:
        try:
            return _run(command, content, os.environ)
        except subprocess.TimeoutExpired as error:
            raise self._failed(b"nobody answered it within %d s" % PATIENCE) from error
        except OSError as error:
            raise self._failed(str(error.strerror).encode()) from error

    def _failed(self, told: bytes) -> StoreError:
        lines = [line for line in told.decode("utf-8", "replace").splitlines() if not line.startswith("[GNUPG:]")]
        reason = next((line.strip() for line in lines if line.strip()), "it said nothing")
        return StoreError(
            f"The commit could not be signed, so nothing was committed: {self._program}: {reason[:200]}",
            hint=f"Make `git commit -S` work for the user who runs this, with {self.form} keys; or write "
            "`store: { sign: none }` in registries.yaml.",
        )


def of_user(git: Path) -> Signer | None:
    """How the user has told Git to sign commits, if at all."""
    said = _user_settings(git)
    if said.get("commit.gpgsign", "false").lower() not in _TRUE:
        return None
    form = said.get("gpg.format", Form.GPG).lower()
    if form not in set(Form):
        raise StoreError(f"Git's setting gpg.format is {form!r}", hint=f"Git knows {', '.join(Form)}.")
    return _signer(Form(form), said)


def chosen(git: Path, form: Form, key: str) -> Signer:
    """A kind of signature that somebody has asked us for; the key and the program may be the user's."""
    return _signer(form, _user_settings(git), key)


def _signer(form: Form, said: Mapping[str, str], key: str = "") -> Signer:
    older = said.get("gpg.program", "") if form is Form.GPG else ""
    return Signer(form, key or said.get("user.signingkey", ""), said.get(f"gpg.{form}.program", older))


def _user_settings(git: Path) -> dict[str, str]:
    """What the user has told Git, for all repositories or for this one's place; not what the repository says itself."""
    if not any(place.is_file() for place in settings()):
        return {}
    command = ["git", "config", "--global", "--includes", "--list", "--null"]
    try:
        status, out, _ = _run(command, b"", {**os.environ, "GIT_DIR": str(git)})
    except (OSError, subprocess.TimeoutExpired):  # without Git's program nobody signs with Git's settings
        return {}
    pairs = (entry.partition("\n") for entry in out.decode("utf-8", "replace").split("\0") if entry)
    return {name: value for name, _, value in pairs} if status == 0 else {}


def _run(command: Sequence[str], content: bytes, environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Run a program where it can ask nobody at a terminal, and end it with all it started when it takes too long."""
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - the user's programs, never the store's
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
    ) as process:
        try:
            out, told = process.communicate(content, timeout=PATIENCE)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, out, told


def _as_text(signature: bytes) -> str:
    return signature.decode("ascii", "replace").replace("\r\n", "\n")
