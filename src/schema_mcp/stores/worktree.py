"""The files of a checked-out repository, reached folder by folder so that no link can lead out of it."""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from schema_mcp.domain.errors import StoreError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not keep us waiting
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_OURS: Final = (errno.ELOOP, errno.ENOTDIR, errno.EISDIR)


class WorkTree:
    """Reads, stages and puts files by their path in the repository; a link on the way is refused."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        """The file's content, or None where there is none."""
        with self._folder(path) as folder:
            if folder is None:
                return None
            try:
                number = os.open(_name(path), _READ, dir_fd=folder)
            except FileNotFoundError:
                return None
            try:
                if not stat.S_ISREG(os.fstat(number).st_mode):
                    raise _odd(path)
                with open(number, "rb", closefd=False) as file:
                    return file.read()
            finally:
                os.close(number)

    def stage(self, path: str, content: bytes, *, executable: bool = False) -> None:
        """Write the content next to its place, making folders; `put` then moves it there."""
        with self._folder(path, make=True) as folder:
            with suppress(FileNotFoundError):  # a link that somebody put there is removed, not followed
                os.unlink(_staged(path), dir_fd=folder)
            number = os.open(_staged(path), _NEW, 0o777 if executable else 0o666, dir_fd=folder)
            with open(number, "wb") as file:  # noqa: PTH123 - an open file has no path
                file.write(content)

    def put(self, path: str) -> None:
        """Move the staged content to its place, in one step."""
        with self._folder(path) as folder:
            if folder is not None:
                with suppress(FileNotFoundError):  # done before, by the process that died here
                    os.rename(_staged(path), _name(path), src_dir_fd=folder, dst_dir_fd=folder)

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that are empty then, as Git does."""
        self._unlink(path, _name(path))

    def unstage(self, path: str) -> None:
        """Forget what was staged, and the folders that were made for it."""
        self._unlink(path, _staged(path))

    def _unlink(self, path: str, name: str) -> None:
        with self._folder(path) as folder:
            if folder is None:
                return
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        self._prune(path)

    def _prune(self, path: str) -> None:
        while "/" in path:
            path = path.rpartition("/")[0]
            with self._folder(path) as above:
                if above is None:
                    continue
                try:
                    os.rmdir(_name(path), dir_fd=above)
                except OSError:  # not empty, most of the time
                    return

    @contextmanager
    def _folder(self, path: str, *, make: bool = False) -> Generator[int | None]:
        """The folder that holds a path, open; None where it does not exist and is not to be made."""
        *folders, _ = path.split("/")
        number: int | None = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in folders:
                above, number = number, None
                try:
                    number = _enter(folder, above, make=make)
                finally:
                    os.close(above)
                if number is None:
                    break
            yield number
        except OSError as error:
            if error.errno in _NOT_OURS:
                raise _odd(path) from error
            raise
        finally:
            if number is not None:
                os.close(number)


def _enter(folder: str, above: int, *, make: bool) -> int | None:
    try:
        return os.open(folder, _FOLDER, dir_fd=above)
    except FileNotFoundError:
        if not make:
            return None
    with suppress(FileExistsError):
        os.mkdir(folder, dir_fd=above)
    return os.open(folder, _FOLDER, dir_fd=above)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _staged(path: str) -> str:
    return f".{_name(path)}.pending"


def _odd(path: str) -> StoreError:
    return StoreError(
        f"On the way to {path} in the working tree stands a link, or something else that is no plain file or folder",
        hint="Nothing was written; put a plain folder there.",
    )
