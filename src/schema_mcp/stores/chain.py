"""A file of JSON lines to which one can only add: each line carries the hash of the one before it.

    {"at": ..., "previous": "<hash of line 41>", "seq": 42, ..., "hash": "<SHA-256 of all that stands before it>"}

What is hashed is the line's canonical JSON without its last member, byte for byte as it stands in the file. Many
processes write to one folder: a lock guards each line, and `audit.head` repeats the last line's number and hash, so
that a file that lost its end is noticed. The next line always goes on from the head: such a gap stays visible.
"""

import errno
import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schema_mcp.domain.errors import StoreError
from schema_mcp.domain.schema import Json
from schema_mcp.stores.lines import backwards
from schema_mcp.stores.locks import lock, unlock

CURRENT = "audit.jsonl"
HEAD = "audit.head"
ROTATE_AT = 32 * 1024 * 1024
PATIENCE = 10.0
_ROOM = 4096

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the slower one
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
_ENDING = b'"}\n'
_LINE = re.compile(rb'(\{.*),"hash":"([0-9a-f]{64})"\}', re.DOTALL)
_HEAD_LINE = re.compile(rb"([0-9]{20}) ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain stands after a line; before the first one its hash is all zeros."""

    seq: int = 0
    hash: str = "0" * 64
    previous: str = ""


def canonical(value: object) -> bytes:
    """One text per value: sorted keys, no spaces, nothing but ASCII."""
    return _CANONICAL.encode(value).encode()


def sealed(body: Mapping[str, Any], after: Link) -> bytes:
    """The line that carries a body on from a link."""
    text = canonical({**body, "seq": after.seq + 1, "previous": after.hash})[:-1]
    return b'%s,"hash":"%s"}\n' % (text, hashlib.sha256(text).hexdigest().encode())


def link_of(line: bytes) -> Link | None:
    """What a line says of its place in the chain; `None` for what is no line."""
    try:
        said = json.loads(line)
        return Link(int(said["seq"]), str(said["hash"]), str(said["previous"]))
    except (ValueError, KeyError, TypeError):
        return None


def is_intact(line: bytes) -> bool:
    """Is a line, to the byte, what its own hash was made of?"""
    parts = _LINE.fullmatch(line.rstrip(b"\n"))
    return parts is not None and hashlib.sha256(parts[1]).hexdigest().encode() == parts[2]


def head_of(descriptor: int) -> Link | None:
    """The last line's number and hash, as the head repeats them."""
    parts = _HEAD_LINE.fullmatch(os.pread(descriptor, 128, 0))
    return Link(int(parts[1]), parts[2].decode()) if parts else None


def files_of(folder: Path) -> list[Path]:
    """The files of a chain, oldest first: those set aside carry the number of their last line."""
    current = folder / CURRENT
    return [*sorted(folder.glob("audit-*.jsonl")), *([current] if current.exists() else [])]


@dataclass(frozen=True, slots=True)
class _End:
    """Where the next line goes: after which link, and at which size of the current file."""

    link: Link
    size: int


class Chain:
    """Adds lines to the chain of one folder. `about_repair` says how to note what had to be mended."""

    def __init__(self, folder: Path, about_repair: Callable[[str], Json], *, rotate_at: int = ROTATE_AT) -> None:
        self._folder = folder
        self._current = str(folder / CURRENT)
        self._about_repair = about_repair
        self._rotate_at = rotate_at
        self._turn = threading.Lock()
        with explained(folder):
            self._head = os.open(folder / HEAD, os.O_RDWR | os.O_CREAT, 0o600)
            self._file = self._open()
        self.mend()

    def close(self) -> None:
        with self._turn:
            os.close(self._file)
            os.close(self._head)

    def mend(self) -> None:
        """Remove half a line that a crash left at the end, and say so in the chain."""
        with self._alone(PATIENCE) as held:
            if held:
                self._found_end()

    def append(self, body: Mapping[str, Any], patience: float = PATIENCE) -> bool:
        """Add a line, or answer `False` where another process keeps us waiting for longer than `patience`.

        The line outlives this process at once, and a power cut after the next durable one. Raises `StoreError` where
        it cannot be written; then nothing of it stands in the file.
        """
        with self._alone(patience) as held:
            if held:
                self._add(body)
        return held

    def flush(self) -> None:
        """Wait until every line is on the disk."""
        with self._turn:
            file = os.dup(self._file)  # another thread may set the file aside while we wait for the disk
        try:
            with explained(self._folder):
                _sync(file)
        finally:
            os.close(file)

    def try_out(self, patience: float) -> None:
        """Raise `StoreError` where no line could be added now: the folder is kept from us, or takes nothing more."""
        with self._alone(patience) as held:
            if not held:
                raise locked(self._folder, patience)
            self._found_end()
            self._take_room()

    def _take_room(self) -> None:
        """Write as much as a long line, where it harms nobody."""
        path = self._folder / f".room-{os.getpid()}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write_whole(descriptor, b" " * _ROOM)
        finally:
            os.close(descriptor)
            path.unlink()

    @contextmanager
    def _alone(self, patience: float) -> Generator[bool]:
        if not self._turn.acquire(timeout=patience):
            yield False
            return
        try:
            held = lock(self._head, patience)
            try:
                with explained(self._folder):
                    yield held
            finally:
                if held:
                    unlock(self._head)
        finally:
            self._turn.release()

    def _add(self, body: Mapping[str, Any]) -> None:
        end = self._found_end()
        line = sealed(body, end.link)
        if end.size and end.size + len(line) > self._rotate_at:
            end = self._set_aside(end)
        self._write(line, end)

    def _write(self, line: bytes, end: _End) -> _End:
        link = Link(end.link.seq + 1, line[-len(_ENDING) - 64 : -len(_ENDING)].decode())
        try:
            _write_whole(self._file, line)
            os.pwrite(self._head, b"%020d %s\n" % (link.seq, link.hash.encode()), 0)
        except OSError:
            os.ftruncate(self._file, end.size)
            raise
        return _End(link, end.size + len(line))

    def _found_end(self) -> _End:
        """Where the next line goes, whoever wrote the last one."""
        self._follow()
        head = head_of(self._head)
        size = os.fstat(self._file).st_size
        if head and (size == 0 or self._ends_with(head, size)):
            return _End(head, size)
        return self._mended_end(head, size)

    def _ends_with(self, head: Link, size: int) -> bool:
        ending = head.hash.encode() + _ENDING
        return os.pread(self._file, len(ending), max(0, size - len(ending))) == ending

    def _mended_end(self, head: Link | None, size: int) -> _End:
        lines = backwards(self._file, size)
        unfinished = len(next(lines))
        last = link_of(next(lines, b"")) or _last_set_aside(self._folder)
        if head is None and last is None and size > unfinished:
            raise StoreError(f"The end of {self._folder / CURRENT} is not readable", hint="Move the audit files aside.")
        end = _End(
            max((one for one in (head, last) if one), key=lambda one: one.seq, default=Link()), size - unfinished
        )
        if unfinished:
            os.ftruncate(self._file, end.size)
            end = self._note(f"{unfinished} bytes of an unfinished line were removed", end)
        if head is None and last:
            end = self._note(f"{HEAD} was missing", end)
        return end

    def _note(self, repair: str, end: _End) -> _End:
        return self._write(sealed(self._about_repair(repair), end.link), end)

    def _follow(self) -> None:
        """Go on in the current file where another process has set ours aside."""
        try:
            # Not through pathlib: this is on the road of every call.
            if os.path.samestat(os.stat(self._current), os.fstat(self._file)):  # noqa: PTH116
                return
        except FileNotFoundError:
            pass
        self._reopen()

    def _set_aside(self, end: _End) -> _End:
        os.fsync(self._file)
        (self._folder / CURRENT).rename(self._folder / f"audit-{end.link.seq:012d}.jsonl")
        self._reopen()
        return _End(end.link, 0)

    def _reopen(self) -> None:
        # Opened first: where that fails, the old file is still ours.
        file = self._open()
        os.close(self._file)
        self._file = file

    def _open(self) -> int:
        file = os.open(self._folder / CURRENT, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        _sync_folder(self._folder)
        return file


def _last_set_aside(folder: Path) -> Link | None:
    aside = [path for path in files_of(folder) if path.name != CURRENT]
    return link_of(aside[-1].read_bytes().splitlines()[-1]) if aside else None


def _write_whole(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    if written < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def locked(folder: Path, seconds: float = PATIENCE) -> StoreError:
    return StoreError(
        f"Another process has kept {folder / HEAD} locked for {seconds:.0f} s",
        hint="Look for a stopped schema-mcp process; nothing was done.",
    )


@contextmanager
def explained(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The audit trail in {folder} cannot be written: {error.strerror}",
            hint="Check the space and the rights on that folder; what cannot be recorded is not done.",
        ) from error
