"""A store's upstream, reached by the `git` command with the user's own credentials; the only file that starts it."""

import re
from pathlib import Path
from typing import Final

import git
import pygit2

from schema_mcp.domain.errors import ConfigurationError, ConflictError, StoreError

PATIENCE: Final = 60.0
"""Seconds that a fetch or a push may take."""

# What a repository or a caller could smuggle in is switched off; only ways that carry credentials safely are open.
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "submodule.recurse=false",
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "protocol.file.allow=always",
    "fetch.fsckObjects=true",
    "push.gpgSign=false",
)
_ENVIRONMENT: Final = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
_URL: Final = re.compile(r"(https|ssh|file)://[^\s-]\S*|/\S[^\0\n\r]*|\w[\w.-]*@\w[\w.-]*:\S+", re.ASCII)
_NAME: Final = re.compile(r"\w[\w.-]*", re.ASCII)
_SECRET: Final = re.compile(r"(://)[^/@\s]+@")


class Remote:
    """One branch of one upstream; `where` is a URL, a path, or the name of a remote in the repository's configuration.

    What was seen there last is kept under a reference of our own, so that a rewritten history is noticed.
    """

    def __init__(
        self,
        repository: Path,
        where: str,
        branch: str = "main",
        *,
        patience: float = PATIENCE,
        rewritable: bool = False,
    ) -> None:
        if not pygit2.reference_is_valid_name(f"refs/heads/{branch}") or branch.startswith("-"):
            raise ConfigurationError(f"{branch!r} is not the name of a branch")
        self._git = git.Git(repository)
        self._folder = repository
        self._url = _url(repository, where)
        self._patience = patience
        self._force = "+" if rewritable else ""
        self._theirs = f"refs/heads/{branch}"
        self._seen = f"refs/schema-mcp/upstream/{branch}"

    def on(self, branch: str) -> "Remote":
        """The same upstream, another branch, whose history people may rewrite as they like."""
        return Remote(self._folder, self._url, branch, patience=self._patience, rewritable=True)

    @property
    def known(self) -> str | None:
        """The commit that was there when we looked last."""
        reference = pygit2.Repository(str(self._folder)).references.get(self._seen)
        return str(reference.target) if reference else None

    def fetch(self) -> str | None:
        """The commit the upstream's branch points at now; None where it has no such branch.

        Raises `StoreError` where the upstream does not answer, or its history was rewritten.
        """
        refspec = f"{self._force}{self._theirs}:{self._seen}"
        status, out = self._run("fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
                                "--no-auto-maintenance", "--", self._url, refspec)  # fmt: skip
        if status == 0:
            return self.known
        if "couldn't find remote ref" in out:
            return None
        if "non-fast-forward" in out:
            raise StoreError(
                f"The history of {self._theirs} upstream was rewritten: {self.known} is no longer part of it",
                hint="Nothing was taken over. Find out why; then accept it with "
                f"`git update-ref -d {self._seen}` and bring your branch in line.",
            )
        raise self._failed("fetched from", out)

    def push(self, commit: str) -> None:
        """Let the upstream's branch point at a commit; `ConflictError` where it has moved on in the meantime."""
        status, out = self._run("push", "--porcelain", "--no-verify", "--no-recurse-submodules",
                                "--", self._url, f"{commit}:{self._theirs}")  # fmt: skip
        if status == 0:
            pygit2.Repository(str(self._folder)).references.create(self._seen, commit, force=True)
            return
        if re.search(r"\[rejected\]|fetch first|failed to update ref|cannot lock ref", out):
            raise ConflictError(
                "The upstream has moved on in the meantime",
                hint="Fetch it and repeat the change.",
                details={"branch": self._theirs},
            )
        raise self._failed("pushed to", out)

    def _run(self, command: str, *arguments: str) -> tuple[int, str]:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        try:
            status, out, error = self._git.execute(
                ["git", f"--git-dir={self._folder}", *settings, command, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                kill_after_timeout=self._patience,
                env=dict(_ENVIRONMENT),
                start_new_session=True,  # without a terminal nobody can be asked for a password, and wait for ever
            )
        except git.GitCommandNotFound as missing:
            raise StoreError(
                "The `git` command was not found", hint="Install Git: fetch and push need it."
            ) from missing
        return status, f"{out}\n{error}"

    def _failed(self, what: str, out: str) -> StoreError:
        reason = next((line for line in out.splitlines() if line.startswith(("fatal:", "error:", "Timeout", "!"))), out)
        return StoreError(
            f"The upstream could not be {what}: {_redacted(reason.strip())[:300]}",
            hint=f"Does `git ls-remote {_redacted(self._url)}` work for you, without asking for a password?",
        )


def _url(repository: Path, where: str) -> str:
    """A URL as given, or that of the remote with this name; the rest of a remote's configuration is not obeyed."""
    if _NAME.fullmatch(where):
        config = pygit2.Repository(str(repository)).config
        key = f"remote.{where}.url"
        if key not in config:
            raise ConfigurationError(f"The repository has no remote {where!r}", hint="`git remote -v` lists them.")
        where = str(config[key])
    if not _URL.fullmatch(where):
        raise ConfigurationError(
            f"{_redacted(where)!r} is not a place to fetch from", hint="Use https://, ssh://, a path or user@host:path."
        )
    return where


def _redacted(text: str) -> str:
    return _SECRET.sub(r"\1***@", text)
