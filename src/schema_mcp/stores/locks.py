"""Locks that end with their process: the kernel lets go of them, whatever killed it."""

import fcntl
import os
import secrets
import time
from pathlib import Path

_FIRST_PAUSE = 0.0001
_LONGEST_PAUSE = 0.02


def lock(descriptor: int, patience: float) -> bool:
    """Hold an open file alone, waiting at most `patience` seconds; did it work?"""
    deadline = time.monotonic() + patience
    pause = _FIRST_PAUSE
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return True


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Presence:
    """A sign of life that ends with its process: a locked file, under a name that no other process has or had."""

    def __init__(self, folder: Path) -> None:
        self.name = secrets.token_hex(8)
        self._path = folder / self.name
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        lock(self._descriptor, patience=0)

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def is_gone(folder: Path, name: str) -> bool:
    """Has the process that showed this sign of life ended?"""
    try:
        descriptor = os.open(folder / name, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return lock(descriptor, patience=0)
    finally:
        os.close(descriptor)
