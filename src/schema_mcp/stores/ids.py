"""The ledger of ids: which content has which id, for any number of processes, on one machine or on many.

The rules are in `domain/allocation.py`; here they meet a database: SQLite on one machine, PostgreSQL where several
servers share a ledger. Both keep the same book. Git has the last word: a lost or doubtful ledger is rebuilt from the
store, and hands out nothing that was ever handed out before. What a caller owes it is one loop::

    while True:
        try:
            return await ledger.allocate(request)
        except MarkReachedError as reached:
            mark = ...                                        # the mark in Git now, 0 at first
            ahead = next_mark(mark, reached.details["mark"])
            ...                                               # commit `ahead` to ids.json, push; lost the race? again
            await ledger.extend(mark, ahead)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from anyio import to_thread

from schema_mcp.domain import allocation
from schema_mcp.domain.allocation import Allocated, Allocation, Block, Disagreement, Entry, Held, IdRange, Skip
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.id_audit import gaps
from schema_mcp.domain.schema import Subject
from schema_mcp.stores import leases
from schema_mcp.stores.clock import Clock, stamp, utc_now
from schema_mcp.stores.dialect import SQLITE, Connection, Transactions
from schema_mcp.stores.idbook import EVERYTHING, MIGRATIONS, IdBook
from schema_mcp.stores.leases import Leases
from schema_mcp.stores.postgres import Postgres
from schema_mcp.stores.sqlite import PATIENCE, Database

Answer = TypeVar("Answer")

_REMEDY = "Move the file aside and start again: the ledger is rebuilt from the store."


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a ledger's numbers."""

    held: list[Held]
    entries: list[Entry]
    blocks: list[Block]
    skips: list[Skip]
    first: int
    last: int


class Ledger(Protocol):
    """Hands out ids that nobody else can get. Every answer is durable before it is given."""

    agreed_with: str | None
    """The store's commit that this ledger was last held against, in this process."""

    async def allocate(self, request: Allocation) -> Allocated:
        """The id of a content: the one it has, or the next free one.

        Raises `ConflictError` where the version is known with other content, or the number asked for is taken, and
        `MarkReachedError` where Git's mark must move first.
        """
        ...

    async def allocate_many(self, requests: Sequence[Allocation]) -> list[Allocated]:
        """As many ids in one step: all of them or none."""
        ...

    async def adopt(self, entries: Iterable[Entry]) -> None:
        """Take over ids that registries (or a store) made: all of them, or none and a `ConflictError`."""
        ...

    async def forget(self, subject: Subject, number: int, schema_hash: str | None = None) -> None:
        """Let go of a version that was never committed; its content keeps its id.

        With a `schema_hash` only where the version is known with that content: another may have taken the number.
        """
        ...

    async def reserve(self, count: int, owner: str) -> Block:
        """Set numbers aside for somebody who hands them out elsewhere. Raises like `allocate`."""
        ...

    async def extend(self, mark: int, ahead: int) -> None:
        """Git's mark was moved, by us, from `mark` to `ahead`: the numbers between them are ours to hand out."""
        ...

    async def rebuild(self, entries: Iterable[Entry], high_water: int, blocks: Iterable[Block]) -> list[Disagreement]:
        """Start again from what Git says, above everything handed out before; answers with the store's own clashes.

        Ids that were handed out and not committed stay with their contents where the store does not say otherwise.
        """
        ...

    async def disagreements(
        self, entries: Iterable[Entry], high_water: int, blocks: Iterable[Block]
    ) -> list[Disagreement]:
        """Where ledger and store differ; nothing is changed."""
        ...

    async def lookup(self, id: int) -> list[Held]:
        """What an id stands for, in the ledger and in each registry that made it."""
        ...

    async def lookup_hash(self, schema_hash: str) -> list[Held]:
        """Which ids a content has."""
        ...

    async def told(self, id: int) -> str:
        """Why nobody carries an id: reserved, passed over, handed out and not committed; empty where unknown."""
        ...

    async def entries(self, after: Entry | None = None, limit: int = 1_000) -> list[Entry]:
        """The versions the ledger knows, a page at a time, ordered by context, subject and number."""
        ...

    async def blocks(self) -> list[Block]:
        """The numbers set aside."""
        ...

    async def audited(self) -> Account:
        """All that the ledger remembers of its numbers, from one moment."""
        ...

    async def high_water(self) -> int:
        """The highest number handed out or reserved so far, 0 at first."""
        ...


class BookLedger:
    """The ledger in a database that keeps the book."""

    def __init__(self, database: Transactions, *, ids: IdRange | None = None, clock: Clock = utc_now) -> None:
        self._database = database
        self._ids = ids or IdRange()
        self._clock = clock
        self.agreed_with: str | None = None

    def close(self) -> None:
        self._database.close()

    async def allocate(self, request: Allocation) -> Allocated:
        return await self._write(lambda book: book.allocate(request))

    async def allocate_many(self, requests: Sequence[Allocation]) -> list[Allocated]:
        return await self._write(lambda book: book.allocate_many(requests))

    async def adopt(self, entries: Iterable[Entry]) -> None:
        def act(book: IdBook) -> None:
            for entry in entries:
                book.adopt(entry)

        await self._write(act)

    async def forget(self, subject: Subject, number: int, schema_hash: str | None = None) -> None:
        await self._write(lambda book: book.forget(subject, number, schema_hash))

    async def reserve(self, count: int, owner: str) -> Block:
        if count < 1:
            raise InvalidRequestError(f"A block of {count} ids", hint="Reserve at least one id.")
        return await self._write(lambda book: book.reserve(count, owner))

    async def extend(self, mark: int, ahead: int) -> None:
        await self._write(lambda book: book.extend(mark, ahead))

    async def rebuild(self, entries: Iterable[Entry], high_water: int, blocks: Iterable[Block]) -> list[Disagreement]:
        stored = list(entries)
        await self._write(lambda book: book.replace(stored, high_water, blocks))
        return list(allocation.clashes(stored))

    async def disagreements(
        self, entries: Iterable[Entry], high_water: int, blocks: Iterable[Block]
    ) -> list[Disagreement]:
        def act(book: IdBook) -> list[Disagreement]:
            known = book.entries(None, limit=EVERYTHING)
            return [*book.difference(high_water, blocks), *allocation.disagreements(known, entries)]

        return await self._read(act)

    async def lookup(self, id: int) -> list[Held]:
        return await self._read(lambda book: book.holders(id))

    async def lookup_hash(self, schema_hash: str) -> list[Held]:
        return await self._read(lambda book: book.ids_of(schema_hash))

    async def told(self, id: int) -> str:
        def act(book: IdBook) -> str:
            stretches = (book.blocks(above=id - 1), book.skips(above=id - 1))
            return next((one.reason for one in gaps((), id, id, book.holders(id), *stretches) if one.explained), "")

        return await self._read(act)

    async def entries(self, after: Entry | None = None, limit: int = 1_000) -> list[Entry]:
        return await self._read(lambda book: book.entries(after, limit))

    async def blocks(self) -> list[Block]:
        return await self._read(lambda book: book.blocks())

    async def audited(self) -> Account:
        def act(book: IdBook) -> Account:
            entries = book.entries(None, limit=EVERYTHING)
            return Account(book.held(), entries, book.blocks(), book.skips(), self._ids.first, book.last)

        return await self._read(act)

    async def high_water(self) -> int:
        return await self._read(lambda book: book.last)

    async def _write(self, act: Callable[[IdBook], Answer]) -> Answer:
        def work() -> Answer:
            with self._database.write() as connection:
                book = self._book(connection, writing=True)
                answer = act(book)
                book.close()
                return answer

        return await to_thread.run_sync(work, limiter=self._database.limiter)

    async def _read(self, act: Callable[[IdBook], Answer]) -> Answer:
        def work() -> Answer:
            with self._database.read() as connection:
                return act(self._book(connection))

        return await to_thread.run_sync(work, limiter=self._database.limiter)

    def _book(self, connection: Connection, *, writing: bool = False) -> IdBook:
        return IdBook(connection, self._ids, stamp(self._clock()), self._database.dialect, writing=writing)


class SqliteLedger(BookLedger):
    """The ledger in one SQLite file: nothing to set up, safe for many processes on one machine."""

    def __init__(
        self, path: Path, *, ids: IdRange | None = None, clock: Clock = utc_now, patience: timedelta = PATIENCE
    ) -> None:
        database = Database(path, SQLITE.spelt(MIGRATIONS), remedy=_REMEDY, patience=patience)
        super().__init__(database, ids=ids, clock=clock)


class PostgresLedger(BookLedger):
    """The ledger in a PostgreSQL database, for several servers on any number of machines."""

    def __init__(
        self, url: str, *, ids: IdRange | None = None, clock: Clock = utc_now, patience: timedelta = PATIENCE
    ) -> None:
        database = Postgres(url, {"ids": MIGRATIONS, "leases": leases.MIGRATIONS}, patience=patience)
        super().__init__(database, ids=ids, clock=clock)
        self.leases = Leases(database)

    def close(self) -> None:
        self.leases.close()
        super().close()
