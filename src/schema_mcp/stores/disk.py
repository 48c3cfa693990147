"""What was written is on the disk: one call for all of a commit, much faster than one for each of its files."""

import os
import sys
from pathlib import Path
from typing import Final

CAN_SYNC: Final = sys.platform == "linux"
"""Linux can write out a whole file system at once (syncfs(2)), with glibc and musl."""


def sync(folder: Path) -> None:
    """Return when everything written so far to this folder's file system is on the disk; raises `OSError`."""
    import ctypes  # noqa: PLC0415 - for the first commit is soon enough

    libc = ctypes.CDLL(None, use_errno=True)
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.syncfs(number):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), str(folder))
    finally:
        os.close(number)
