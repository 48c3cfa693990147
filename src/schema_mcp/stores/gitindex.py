"""Git's index, changed under Git's own lock, so that no `git commit` ever meets it half-way."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import FileMode

from schema_mcp.domain.errors import LockHeldError

_PAUSE: Final = 0.005


class GitIndex:
    """Take the lock, set entries, write a draft, put it in place, release; or undo and release.

    The lock file is a hard link to a mark in our own folder: after a crash that tells our lock from Git's.
    """

    def __init__(self, git_folder: Path, own_folder: Path, *, patience: float) -> None:
        self._file = git_folder / "index"
        self._lock = git_folder / "index.lock"
        self._mark = own_folder / "index.mark"
        self._draft = own_folder / "index"
        self._before = own_folder / "index.before"
        self._patience = patience
        self._entries: pygit2.Index | None = None
        self._seen: tuple[int, int, int] | None = None
        self._is_put = False

    def take(self) -> None:
        """Lock the index against every other Git process; `LockHeldError` where one holds it too long."""
        self._mark.touch()
        deadline = time.monotonic() + self._patience
        while not self._linked():
            if time.monotonic() >= deadline:
                self._mark.unlink()
                raise LockHeldError(
                    f"Another Git process holds {self._lock.name}",
                    hint="Nothing was changed. Wait for it to end; if none runs, remove that file.",
                )
            time.sleep(_PAUSE)

    def id_of(self, path: str) -> str | None:
        """The blob that is staged at a path."""
        try:
            return str(self._loaded()[path].id)
        except KeyError:
            return None

    def set(self, path: str, blob: str | None, *, executable: bool = False) -> None:
        """Stage a blob, or with None the removal of a file."""
        index = self._loaded()
        if blob is not None:
            mode = FileMode.BLOB_EXECUTABLE if executable else FileMode.BLOB
            index.add(pygit2.IndexEntry(path, pygit2.Oid(hex=blob), mode))
        elif path in index:
            index.remove(path)

    def write(self) -> None:
        """Write the draft, out of sight."""
        self._loaded().write()

    def put(self) -> None:
        """Let the draft become the index."""
        self._before.unlink(missing_ok=True)
        with suppress(FileNotFoundError):  # there is no index before the first commit
            os.link(self._file, self._before)
        self._draft.replace(self._file)
        self._seen = _signature(self._file)
        self._is_put = True

    def undo(self) -> None:
        """Let the index be what it was when the lock was taken."""
        self._entries = None
        if self._is_put:
            self._file.unlink()
            with suppress(FileNotFoundError):
                self._before.rename(self._file)

    def release(self) -> None:
        """Free the lock if it is ours, and forget what was not put in place."""
        self._is_put = False
        if self.is_held:
            self._lock.unlink()
        for own in (self._draft.with_suffix(".lock"), self._draft, self._before, self._mark):
            own.unlink(missing_ok=True)

    @property
    def is_held(self) -> bool:
        """Is the lock ours: held now, or left by a process of ours that died?"""
        try:
            return self._mark.samefile(self._lock)
        except FileNotFoundError:
            return False

    def _linked(self) -> bool:
        with suppress(FileExistsError):
            os.link(self._mark, self._lock)
            return True
        return False

    def _loaded(self) -> pygit2.Index:
        # Parsing 10,000 entries takes longer than the rest of a commit: kept while the file is the one we know.
        if self._entries is None or self._seen != _signature(self._file):
            self._seen = _signature(self._file)
            self._draft.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(self._file, self._draft)
            self._entries = pygit2.Index(self._draft)
        return self._entries


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
