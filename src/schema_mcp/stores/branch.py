"""Moves a branch, and remembers the move until all of it is done, so that whoever comes next can finish it."""

import json
import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

import pygit2

from schema_mcp.domain.errors import ConflictError, LockHeldError
from schema_mcp.stores import commits

_PAUSE: Final = 0.005
_WRITING: Final = 2.0  # seconds after which nobody is still writing 41 bytes


@dataclass(frozen=True, slots=True)
class Move:
    """One path of a commit: the blob it had and the blob it gets, None where there is no file."""

    path: str
    old: str | None
    new: str | None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A branch on its way to a commit, and the checked-out paths that have to follow."""

    branch: str
    new: str
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch for review: where it is (None: nowhere yet), and the commit that the next one goes on top of."""

    reference: str
    tip: str | None
    base: str


class Note:
    """The file that says what is pending."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def exists(self) -> bool:
        return self._path.exists()

    def write(self, branch: str, new: str, moves: Iterable[Move]) -> None:
        draft = self._path.with_suffix(".draft")
        said = {"branch": branch, "new": new, "moves": [astuple(move) for move in moves]}
        draft.write_text(json.dumps(said), encoding="utf-8")
        draft.replace(self._path)

    def read(self) -> Pending | None:
        """What is pending; None also where a power cut has left nothing that could be read."""
        try:
            said = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return Pending(said["branch"], said["new"], tuple(Move(*move) for move in said["moves"]))

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


class Branch:
    """Compares and swaps under Git's own lock of the branch."""

    def __init__(self, repo: pygit2.Repository, folder: Path, *, patience: float) -> None:
        self._repo = repo
        self._folder = folder
        self._patience = patience

    def move(self, name: str, old: str | None, new: str) -> None:
        """Let the branch point at `new`; raises `ConflictError` where it does not point at `old` any more."""
        deadline = time.monotonic() + self._patience
        while not self._moved(name, old, new):
            if time.monotonic() >= deadline:
                raise LockHeldError(
                    f"Another Git process holds {name}.lock",
                    hint="Nothing was changed. Wait for it to end; if none runs, remove that file.",
                )
            time.sleep(_PAUSE)

    def free(self, name: str, new: str) -> None:
        """Remove the branch's lock if it is what a writer left that died while moving the branch to `new`."""
        lock = self._folder / f"{name}.lock"
        deadline = time.monotonic() + _WRITING
        try:
            while not (content := lock.read_text(encoding="ascii", errors="replace")) and time.monotonic() < deadline:
                time.sleep(_PAUSE)
            if content.strip() in ("", new):
                lock.unlink()
        except FileNotFoundError:
            return

    def _moved(self, name: str, old: str | None, new: str) -> bool:
        try:
            self._swap(name, old, new)
        except (pygit2.GitError, OSError) as error:
            if commits.tip_of(self._repo, name) != old:
                raise moved_on(name) from error
            if "lock" not in str(error):
                raise
            return False
        return True

    def _swap(self, name: str, old: str | None, new: str) -> None:
        log = "commit: " + commits.commit_at(self._repo, new).message.partition("\n")[0]
        if old is None:
            self._repo.create_reference_direct(name, new, False, log)
            return
        reference = self._repo.lookup_reference(name)
        if str(reference.target) != old:
            raise moved_on(name)
        reference.set_target(new, log)


def moved_on(name: str) -> ConflictError:
    return ConflictError(
        f"{name.removeprefix('refs/heads/')} has moved on in the meantime",
        hint="Read the store again and repeat the change.",
        details={"branch": name},
    )
