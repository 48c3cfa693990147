"""Read an archive or a folder that somebody gave us, trusting nothing in it.

Everything is read into memory, within bounds, and nothing is ever written out of it: a name in an archive is only a
name. What is no plain file (links, devices), stands outside of the archive, or is there twice, is refused.
"""

import gzip
import io
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Final, TypeAlias

from schema_mcp.domain.errors import InvalidRequestError, NotFoundError

Files: TypeAlias = dict[str, bytes]
"""What stands in an archive or a folder, by its path inside."""

LARGEST_ARCHIVE: Final = 128_000_000
LARGEST_CONTENT: Final = 256_000_000
LARGEST_FILE: Final = 64_000_000
MOST_FILES: Final = 200_000
HIGHEST_RATIO: Final = 400
"""Content may be so many times as large as what it was packed into; schemas are repetitive, and may well reach 100."""

_SMALL: Final = 16_000_000
"""Content of which nobody asks how well it was packed."""

_DEEPEST: Final = 20
_LONGEST_NAME: Final = 1_000
_CHUNK: Final = 1 << 16
_ASK = "Nothing was read from it and nothing was written. Take an archive from somebody you trust."
_PUT = (
    "Put it into the server's export folder (`--exports`, or `exports` in the state folder), and name its place there."
)
_AGAIN = "The file was cut off or damaged on its way: copy it again, or export again."


def inside(path: str, folder: Path) -> Path:
    """A path that a caller named, below the one folder that he may name things in.

    Raises `InvalidRequestError` for a path that leads out of it, `NotFoundError` where nothing is.
    """
    root = folder.resolve()
    try:
        found = (root / path).resolve(strict=True)
    except (OSError, ValueError) as error:
        raise NotFoundError(f"There is no {path[:200]!r} in the export folder", hint=_PUT) from error
    if not found.is_relative_to(root):
        raise InvalidRequestError(f"{path[:200]!r} is outside of the export folder", hint=_PUT)
    return found


def contents(path: Path) -> Files:
    """What is in an archive, or in the files of a folder."""
    if path.is_dir():
        return _collected(_folder(path))
    data = _read(path, LARGEST_ARCHIVE)
    reader = next((read for magic, read in _READERS.items() if data.startswith(magic)), None)
    if reader is None:
        raise InvalidRequestError(f"{path.name} is neither a zip nor a tar.gz", hint="Name one, or a folder.")
    try:
        return _collected(reader(data))
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, OSError) as error:
        raise InvalidRequestError(f"{path.name} cannot be read to its end: {error}", hint=_AGAIN) from error
    except (
        NotImplementedError,
        RuntimeError,
        UnicodeError,
        ValueError,
    ) as error:  # encrypted, another method, odd names
        raise InvalidRequestError(f"{path.name} cannot be read: {error}", hint="Pack it without a password.") from error


def _collected(files: Iterator[tuple[str, bytes]]) -> Files:
    found: Files = {}
    room = LARGEST_CONTENT
    for name, data in files:
        room -= len(data)
        if room < 0:
            raise _refusal(f"it holds more than {LARGEST_CONTENT:,} bytes")
        if len(found) == MOST_FILES:
            raise _refusal(f"it holds more than {MOST_FILES:,} files")
        if name in found:
            raise _refusal(f"{name[:200]!r} stands in it twice")
        found[name] = data
    return found


def _named(name: str) -> str:
    """A name inside an archive, if it is one."""
    parts = PurePosixPath(name).parts
    outside = name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or ":" in name
    if outside or not parts or len(name) > _LONGEST_NAME:
        raise _refusal(f"{name[:200]!r} leads outside of it")
    return "/".join(part for part in parts if part != ".")


def _zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MOST_FILES:
            raise _refusal(f"it holds more than {MOST_FILES:,} files")
        _refuse_bomb(sum(one.file_size for one in members), len(data))
        for one in members:
            name, kind = _named(one.filename), stat.S_IFMT(one.external_attr >> 16)
            if one.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                raise _refusal(f"{name!r} is no plain file")
            with archive.open(one) as member:
                yield name, _within(member, name)


def _tar_gz(data: bytes) -> Iterator[tuple[str, bytes]]:
    with (
        gzip.GzipFile(fileobj=io.BytesIO(data)) as unzipped,
        tarfile.open(fileobj=_Counting(unzipped, len(data)), mode="r|") as archive,
    ):
        for one in archive:
            name = _named(one.name)
            if one.isdir():
                continue
            member = archive.extractfile(one) if one.type in (tarfile.REGTYPE, tarfile.AREGTYPE) else None
            if member is None:
                raise _refusal(f"{name!r} is no plain file")
            yield name, _within(member, name)
        while unzipped.read(_CHUNK):  # to the end of the stream, where its checksum stands
            pass


class _Counting(io.RawIOBase):
    """A stream that ends in a refusal once it has given more than it may."""

    def __init__(self, inner: gzip.GzipFile, packed: int) -> None:
        super().__init__()
        self._inner = inner
        self._packed = packed
        self._given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._inner.read(size if 0 <= size <= _CHUNK else _CHUNK)
        self._given += len(data)
        _refuse_bomb(self._given, self._packed)
        return data


def _refuse_bomb(content: int, packed: int) -> None:
    if content > 2 * LARGEST_CONTENT or (content > _SMALL and content > HIGHEST_RATIO * packed):
        raise _refusal(f"{packed:,} bytes would become {content:,} or more")


def _within(member: IO[bytes], name: str) -> bytes:
    data = member.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise _refusal(f"{name!r} has more than {LARGEST_FILE:,} bytes")
    return data


def _folder(root: Path) -> Iterator[tuple[str, bytes]]:
    """The plain files of a folder; links are left alone, wherever they lead."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        for entry in sorted(os.scandir(folder), key=lambda one: one.name):
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False) and len(path.relative_to(root).parts) < _DEEPEST:
                waiting.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path.relative_to(root).as_posix(), _read(path, LARGEST_FILE)


def _read(path: Path, largest: int) -> bytes:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(opened, "rb") as file:  # noqa: PTH123 - a descriptor has no path
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise _refusal(f"{path.name} is no plain file")
            data = file.read(largest + 1)
    except OSError as error:
        raise NotFoundError(f"{path.name} cannot be read: {error.strerror}", hint="Look at its rights.") from error
    if len(data) > largest:
        raise _refusal(f"{path.name} has more than {largest:,} bytes")
    return data


def _refusal(what: str) -> InvalidRequestError:
    return InvalidRequestError(f"This is not taken in: {what}", hint=_ASK)


_READERS: Mapping[bytes, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {b"PK\x03\x04": _zip, b"\x1f\x8b": _tar_gz}
