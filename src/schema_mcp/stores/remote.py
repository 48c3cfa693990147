"""A store's upstream, reached by the `git` command with the user's own credentials; the only file that starts it."""

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import git
import pygit2

from schema_mcp.domain.errors import ConfigurationError, ConflictError, StoreError
from schema_mcp.stores import commits
from schema_mcp.stores.carrier import REMOTE, THERE, Carrier, carrier
from schema_mcp.stores.libgit2 import own_folder, readable, shared_folder, translated

PATIENCE: Final = 60.0
"""Seconds that a fetch or a push may take."""

_PAUSE: Final = 0.01
_WRITING: Final = 2.0  # seconds after which nobody is still writing 41 bytes
_KNOWN: Final = 100
"""Commits that are named to the upstream, so that it need not send what is here."""

# Only ways that carry credentials safely are open.
_URL: Final = re.compile(r"(https|ssh|file)://[^\s-]\S*|/\S[^\0\n\r]*|\w[\w.-]*@\w[\w.-]*:\S+", re.ASCII)
_FOLDER: Final = re.compile(r"/|file:", re.IGNORECASE)
_NAME: Final = re.compile(r"\w[\w.-]*", re.ASCII)
_SECRET: Final = re.compile(r"(://)[^/@\s]+@")

_LATE: Final = re.compile(r"\[rejected\]|fetch first|failed to update ref|cannot lock ref")
_REFUSED: Final = re.compile(r"^!", re.MULTILINE)
_STRANGER: Final = re.compile(
    r"authentication failed|could not read (username|password)|permission denied|returned error: 40[13]"
    r"|terminal prompts disabled|invalid credentials|access denied|not authorized",
    re.IGNORECASE,
)
_UNKNOWN_HOST: Final = re.compile(r"host key verification failed", re.IGNORECASE)


class Remote:
    """One branch of one upstream; `where` is a URL, a path, or the name of a remote in the repository's configuration.

    What was seen there last is kept under a reference of our own, so that a rewritten history is noticed; with
    `rewritable` it is followed.
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
        self._folder = repository
        self._url = _url(repository, where)
        self._patience = patience
        self._rewritable = rewritable
        self._theirs = f"refs/heads/{branch}"
        self._seen = f"refs/schema-mcp/upstream/{branch}"

    def on(self, branch: str) -> "Remote":
        """The same upstream, another branch, whose history people may rewrite as they like."""
        return Remote(self._folder, self._url, branch, patience=self._patience, rewritable=True)

    @property
    def known(self) -> str | None:
        """The commit that was there when we looked last."""
        return commits.tip_of(self._opened(), self._seen)

    def fetch(self) -> str | None:
        """The commit the upstream's branch points at now; None where it has no such branch.

        Raises `StoreError` where the upstream does not answer, or its history was rewritten.
        """
        with self._errand() as errand:
            status, out = self._run(
                errand, "fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
                "--no-auto-maintenance", "--", REMOTE, f"{self._theirs}:{THERE}",
            )  # fmt: skip
            there = errand.there() if status == 0 else None
        if there is not None:
            self._accept(there)
        elif "couldn't find remote ref" not in out:
            raise self._failed("fetched from", out)
        return there

    def push(self, commit: str) -> None:
        """Let the upstream's branch point at a commit; `ConflictError` where it has moved on in the meantime."""
        with self._errand() as errand:
            status, out = self._run(
                errand, "push", "--porcelain", "--no-verify", "--no-recurse-submodules",
                "--", REMOTE, f"{commit}:{self._theirs}",
            )  # fmt: skip
        if status == 0:
            self._remember(commit)
            return
        is_late = _LATE.search(out)
        if (is_late or not _REFUSED.search(out)) and self._has_arrived(commit):
            return
        if is_late:
            raise ConflictError(
                "The upstream has moved on in the meantime",
                hint="Fetch it and repeat the change.",
                details={"branch": self._theirs},
            )
        raise self._failed("pushed to", out)

    def _has_arrived(self, commit: str) -> bool:
        """Did the push succeed, and only its answer was lost?"""
        try:
            there = self.fetch()
        except StoreError:
            return False
        return there is not None and commits.is_part_of(self._opened(), commit, there)

    def _accept(self, there: str) -> None:
        known = self.known
        if known and not self._rewritable and not commits.is_part_of(self._opened(), known, there):
            raise self._rewritten(known, there)
        self._remember(there)

    def _remember(self, there: str) -> None:
        """Note what was seen; a lock on that note that stays is what a process of ours left that was killed."""
        deadline = time.monotonic() + _WRITING
        while not self._noted(there):
            if time.monotonic() > deadline:
                (shared_folder(self._folder) / f"{self._seen}.lock").unlink(missing_ok=True)
            time.sleep(_PAUSE)

    def _noted(self, there: str) -> bool:
        with readable():
            try:
                self._opened().references.create(self._seen, there, force=True)
            except (pygit2.GitError, OSError) as error:
                if "lock" not in str(error):
                    raise
                return False
        return True

    def _opened(self) -> pygit2.Repository:
        with readable():
            return pygit2.Repository(str(self._folder))

    @contextmanager
    def _errand(self) -> Generator[Carrier]:
        with readable():
            repo = self._opened()
            known = [tip for name in repo.references if (tip := commits.tip_of(repo, name)) and tip in repo][:_KNOWN]
        own = own_folder(self._folder)
        with (
            translated("The store cannot be written to"),
            carrier(shared_folder(self._folder), own, self._url, known) as made,
        ):
            yield made

    def _run(self, errand: Carrier, command: str, *arguments: str) -> tuple[int, str]:
        try:
            status, out, error = git.Git(errand.folder).execute(
                ["git", command, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                kill_after_timeout=self._patience,
                env=dict(errand.environment),
                start_new_session=True,  # without a terminal nobody can be asked for a password, and wait for ever
            )
        except git.GitCommandNotFound as missing:
            raise StoreError(
                "The `git` command was not found", hint="Install Git: fetch and push need it."
            ) from missing
        return status, f"{out}\n{error}"

    def _failed(self, what: str, out: str) -> StoreError:
        told = [line for line in out.splitlines() if line.startswith(("fatal:", "error:", "Timeout", "!"))]
        telling = next((line for line in out.splitlines() if _STRANGER.search(line) or _UNKNOWN_HOST.search(line)), "")
        reason = telling or next(iter(told), out)
        return StoreError(f"The upstream could not be {what}: {_redacted(reason.strip())[:300]}", hint=self._way(out))

    def _way(self, out: str) -> str:
        asked = f"`git ls-remote {_redacted(self._url)}`"
        if _UNKNOWN_HOST.search(out):
            return f"Run {asked} once by hand, look at the host's key and accept it; then try again."
        if _STRANGER.search(out):
            return (
                "Sign in as Git does, with a credential helper, `.netrc` or an SSH key of whoever runs this, until "
                f"{asked} works without asking for a password. The store's own `.git/config` is not asked."
            )
        return f"Does {asked} work for you, without asking for a password?"

    def _rewritten(self, known: str, there: str) -> StoreError:
        head = commits.tip_of(self._opened(), "HEAD")
        behind = "" if head == known else " (keep commits that only this store has: `git branch mine`)"
        bare = self._opened().is_bare
        # `reset --keep` takes what it has not looked at for changed; `status` looks.
        move = f"`git update-ref {self._theirs} {there}`" if bare else f"`git status`, `git reset --keep {there}`"
        return StoreError(
            f"The history of {self._theirs} upstream was rewritten: {known} is no longer part of it",
            hint="Nothing was taken over. Find out why; then accept it in the store's folder with "
            f"`git update-ref {self._seen} {there}`, {move}{behind}.",
            details={"known": known, "there": there},
        )


def _url(repository: Path, where: str) -> str:
    """A URL as given, or that of the remote with this name; the rest of a remote's configuration is not obeyed."""
    named = _NAME.fullmatch(where)
    if named:
        config = pygit2.Repository(str(repository)).config
        key = f"remote.{where}.url"
        if key not in config:
            raise ConfigurationError(f"The repository has no remote {where!r}", hint="`git remote -v` lists them.")
        where = str(config[key])
    if not _URL.fullmatch(where):
        raise ConfigurationError(
            f"{_redacted(where)!r} is not a place to fetch from", hint="Use https://, ssh://, a path or user@host:path."
        )
    if named and _FOLDER.match(where):  # pushing there would run that folder's hooks
        raise ConfigurationError(
            f"The repository's remote {named[0]!r} is a folder of this machine, {where}",
            hint=f"If you trust it, say so in registries.yaml: `remote: {where}`.",
        )
    return where


def _redacted(text: str) -> str:
    return _SECRET.sub(r"\1***@", text)
