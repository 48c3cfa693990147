"""Taking turns: what only one call may do at a time, in all processes that share a state folder."""

import hashlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from schema_mcp.domain.errors import LockHeldError, StoreError
from schema_mcp.stores.locks import lock
from schema_mcp.stores.sqlite import private_folder

PATIENCE = 30.0
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05


class Turns:
    """Turns by kind and name; the kernel ends a turn with its process, whatever killed it.

    Names share 256 files a kind, so the folder stays small and two names may wait for each other without need. Whoever
    holds a turn may wait for one of another kind, never for a second of the same.
    """

    def __init__(self, folder: Path, *, patience: float = PATIENCE) -> None:
        self._folder = folder
        self._patience = patience

    @asynccontextmanager
    async def of(self, kind: str, name: str) -> AsyncGenerator[None]:
        """Do something alone. Raises `LockHeldError` where others do not come to an end."""
        descriptor = self._opened(f"{kind}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:2]}")
        try:
            # The loop is not blocked while somebody else has the turn, and no worker thread either.
            pause, waited = _FIRST_PAUSE, 0.0
            while not lock(descriptor, patience=0):
                if waited > self._patience:
                    raise LockHeldError(
                        f"Somebody else is at work on {name[:200]}", hint="Nothing was changed. Try again in a moment."
                    )
                await anyio.sleep(pause)
                waited += pause
                pause = min(2 * pause, _LONGEST_PAUSE)
            yield
        finally:
            os.close(descriptor)

    def _opened(self, name: str) -> int:
        try:
            private_folder(self._folder)
            return os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"The state folder cannot be written to: {error.strerror}",
                hint="Look at its room, and whether this user may write there.",
            ) from error
