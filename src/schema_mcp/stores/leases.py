"""Turns across machines: whoever has one holds a lease with a number that only grows, and is refused once it is lost.

A process can be paused for longer than any lease and wake up in the belief that it is still alone. So each holder
carries a *fence*: the number of its lease. Before it writes anything it asks whether that lease still stands, which
also renews it; in the ledger, that question is part of the same transaction. Time is told by the database's clock, so
it does not matter what the clocks of the servers say.
"""

import secrets
import threading
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread

from schema_mcp.domain.errors import LockHeldError
from schema_mcp.stores.dialect import Connection
from schema_mcp.stores.postgres import Postgres

if TYPE_CHECKING:
    import psycopg

LASTS: Final = timedelta(minutes=2)
"""Longer than any one request to a registry may take: every write renews the lease before it."""

MIGRATIONS: Final = (
    (
        """CREATE TABLE leases (
            name {text} PRIMARY KEY, fence {integer} NOT NULL, presence {integer} NOT NULL,
            until TIMESTAMPTZ NOT NULL, note {text} NOT NULL)""",
        "CREATE SEQUENCE fences",
    ),
)
# Taken over where its time is over, or where its holder's sign of life is gone. The note stays: it is what the one
# before could not put back.
_TAKE = """
    INSERT INTO leases AS held (name, fence, presence, until, note)
    VALUES (?, nextval('fences'), ?, clock_timestamp() + ?, '')
    ON CONFLICT (name) DO UPDATE SET fence = EXCLUDED.fence, presence = EXCLUDED.presence, until = EXCLUDED.until
    WHERE held.until < clock_timestamp() OR pg_try_advisory_xact_lock(held.presence)
    RETURNING fence, note"""
_RENEW = "UPDATE leases SET until = clock_timestamp() + ? WHERE name = ? AND fence = ?"
_LAPSE = "UPDATE leases SET until = '-infinity' WHERE name = ? AND fence = ?"


@dataclass(frozen=True, slots=True)
class Lease:
    """A turn that is ours; `note` is what a holder before us left, who did not come to an end."""

    name: str
    fence: int
    note: str = ""


HELD: ContextVar[tuple[Lease, ...]] = ContextVar("held", default=())
"""The leases under which this call is at work."""


class Leases:
    """Leases in a database that several servers share."""

    def __init__(self, database: Postgres, *, lasts: timedelta = LASTS) -> None:
        self._database = database
        self._lasts = lasts
        self._presence = _Presence(database)
        database.fences = self._confirm_held

    def close(self) -> None:
        self._presence.close()

    async def take(self, name: str) -> Lease | None:
        """Have a turn; None while somebody else has it."""

        def work() -> Lease | None:
            presence = self._presence.shown()
            with self._database.transaction() as connection:
                row = connection.execute(_TAKE, (name, presence, self._lasts)).fetchone()
                return Lease(name, *row) if row else None

        return await to_thread.run_sync(work, limiter=self._database.limiter)

    async def give_back(self, lease: Lease) -> None:
        """End a turn; one that was lost is somebody else's to end. A note outlives it, for whoever comes next."""

        def work() -> None:
            with self._database.transaction() as connection:
                connection.execute(_LAPSE, (lease.name, lease.fence))
                connection.execute(
                    "DELETE FROM leases WHERE name = ? AND fence = ? AND note = ''", (lease.name, lease.fence)
                )

        await to_thread.run_sync(work, limiter=self._database.limiter)

    async def keep(self, lease: Lease, note: str) -> None:
        """Leave a note for whoever has the turn next. Raises `LockHeldError` like `confirm`."""
        changed = await self._write(
            "UPDATE leases SET note = ? WHERE name = ? AND fence = ?", note, lease.name, lease.fence
        )
        if not changed:
            raise _lost(lease)

    async def confirm(self, lease: Lease) -> None:
        """Renew a lease; raises `LockHeldError` where somebody else has taken over."""
        if not await self._write(_RENEW, self._lasts, lease.name, lease.fence):
            raise _lost(lease)

    def _confirm_held(self, connection: Connection) -> None:
        for lease in HELD.get():
            if connection.execute(_RENEW, (self._lasts, lease.name, lease.fence)).rowcount != 1:
                raise _lost(lease)

    async def _write(self, query: str, *values: Any) -> int:
        def work() -> int:
            with self._database.transaction() as connection:
                return connection.execute(query, values).rowcount

        return await to_thread.run_sync(work, limiter=self._database.limiter)


class _Presence:
    """A sign of life that ends with its process: a lock of the database that belongs to one connection of ours."""

    def __init__(self, database: Postgres) -> None:
        self._database = database
        self._number = secrets.randbelow(2**62) + 1
        self._turn = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def shown(self) -> int:
        """The number of the lock, held now."""
        with self._turn:
            if not self._stands():
                self._connection = self._database.connected()
                self._connection.execute("SELECT pg_advisory_lock(%s)", (self._number,))
            return self._number

    def close(self) -> None:
        with self._turn:
            if self._connection:
                self._connection.close()

    def _stands(self) -> bool:
        import psycopg  # noqa: PLC0415 - loaded by now

        with suppress(psycopg.Error):
            if self._connection and not self._connection.closed:
                self._connection.execute("SELECT 1")
                return True
        return False


def _lost(lease: Lease) -> LockHeldError:
    return LockHeldError(
        f"Somebody else has taken over {lease.name[:200]}, because this process was paused for too long",
        hint="Nothing more was written from here. Look at the task with get_task, then plan again.",
    )
