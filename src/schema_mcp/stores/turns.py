"""Taking turns: what only one call may do at a time, in all processes that share a state folder or a ledger."""

import hashlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from schema_mcp.domain.errors import LockHeldError, SchemaMcpError, StoreError
from schema_mcp.stores.leases import HELD, Lease, Leases
from schema_mcp.stores.locks import lock
from schema_mcp.stores.sqlite import private_folder

PATIENCE = 30.0
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05
_LONGEST_QUESTION = 0.5
"""Seconds between two questions to a database that everybody asks."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that is ours. Within one machine it cannot be lost; with a shared ledger a paused holder loses it."""

    leases: Leases | None = None
    lease: Lease | None = None

    @property
    def left(self) -> str:
        """What a holder before us noted, who did not come to put it back; empty after an orderly end."""
        return self.lease.note if self.lease else ""

    async def note(self, text: str) -> None:
        """Leave word for whoever comes next, should we not put it back ourselves; an empty one when we have."""
        if self.leases and self.lease:
            await self.leases.keep(self.lease, text)


class Turns:
    """Turns by kind and name; the kernel ends a turn with its process, whatever killed it.

    Names share 256 files a kind, so the folder stays small and two names may wait for each other without need. Whoever
    holds a turn may wait for one of another kind, never for a second of the same. With `leases` the other machines are
    asked as well, and what is written in the ledger meanwhile is refused once the turn was lost.
    """

    def __init__(self, folder: Path, *, patience: float = PATIENCE, leases: Leases | None = None) -> None:
        self._folder = folder
        self._patience = patience
        self._leases = leases

    @asynccontextmanager
    async def of(self, kind: str, name: str) -> AsyncGenerator[Turn]:
        """Do something alone. Raises `LockHeldError` where others do not come to an end."""
        descriptor = self._opened(f"{kind}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:2]}")
        try:
            # The loop is not blocked while somebody else has the turn, and no worker thread either.
            pause, waited = _FIRST_PAUSE, 0.0
            while not lock(descriptor, patience=0):
                waited = await self._waited(name, waited, pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            if self._leases is None:
                yield Turn()
            else:
                async with self._leased(self._leases, kind, name) as turn:
                    yield turn
        finally:
            os.close(descriptor)

    async def still_mine(self) -> None:
        """Ask before each write to the outside. Raises `LockHeldError` where somebody else has taken over."""
        if self._leases:
            for lease in HELD.get():
                await self._leases.confirm(lease)

    @asynccontextmanager
    async def _leased(self, leases: Leases, kind: str, name: str) -> AsyncGenerator[Turn]:
        pause, waited = _LONGEST_PAUSE, 0.0
        while (lease := await leases.take(f"{kind} {name}")) is None:
            waited = await self._waited(name, waited, pause)
            pause = min(2 * pause, _LONGEST_QUESTION)
        before = HELD.get()
        HELD.set((*before, lease))
        try:
            yield Turn(leases, lease)
        finally:
            HELD.set(before)
            with anyio.CancelScope(shield=True), suppress(SchemaMcpError):  # it ends by itself, only later
                await leases.give_back(lease)

    async def _waited(self, name: str, waited: float, pause: float) -> float:
        if waited > self._patience:
            raise LockHeldError(
                f"Somebody else is at work on {name[:200]}", hint="Nothing was changed. Try again in a moment."
            )
        await anyio.sleep(pause)
        return waited + pause

    def _opened(self, name: str) -> int:
        try:
            private_folder(self._folder)
            return os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"The state folder cannot be written to: {error.strerror}",
                hint="Look at its room, and whether this user may write there.",
            ) from error
