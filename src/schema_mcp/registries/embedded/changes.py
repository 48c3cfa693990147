"""Changes that wait for each other become durable together: one flush to disk for all of them.

Waiting for the disk is most of what a change costs. Each still is all or nothing by itself.
"""

import sqlite3
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, cast

import anyio
import anyio.to_thread

from schema_mcp.registries.embedded.database import Database
from schema_mcp.registries.embedded.session import ServerSettings, Session

T = TypeVar("T")
_MOST_AT_ONCE = 100


class Witness(Protocol):
    """Is told of one change as it begins, which counts before it is kept, and after it ended, off the event loop.

    What is noted of changes that wait together is flushed once for all of them. A witness that raises stops them.
    """

    def begins(self) -> None: ...
    def ended(self, error: BaseException | None) -> None: ...
    def flush(self) -> None: ...


class Changes:
    """The one queue of changes of a database in this process."""

    def __init__(self, database: Database, settings: ServerSettings, clock: Callable[[], int]) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._waiting: list[_Change] = []
        self._turn = anyio.Lock()
        self._notes = ThreadPoolExecutor(1)

    def close(self) -> None:
        self._notes.shutdown()

    async def carry_out(self, act: Callable[[Session], T], witness: Witness | None = None) -> T:
        """Carry out a change in its turn, with those that wait by then; raises what it raises."""
        change = _Change(act, witness)
        self._waiting.append(change)
        try:
            async with self._turn:
                # Whoever has the turn works for everybody who waits, and may have done this change already.
                if not change.taken:
                    await anyio.to_thread.run_sync(self._carry_out, self._take(change))
        finally:
            if not change.taken:
                self._waiting.remove(change)
        return cast("T", change.outcome())

    def _take(self, first: "_Change") -> list["_Change"]:
        others = [change for change in self._waiting if change is not first]
        batch = [first, *others[: _MOST_AT_ONCE - 1]]
        self._waiting = others[_MOST_AT_ONCE - 1 :]
        for change in batch:
            change.taken = True
        return batch

    def _carry_out(self, batch: list["_Change"]) -> None:
        try:
            with self._witnessed(batch) as begun, self._database.writing() as sql:
                for change in batch:
                    change.run(Session(sql, self._settings, self._clock()))
                begun()
        except BaseException as error:
            # Nothing of the batch was kept, or known to be: none of it may look done.
            for change in batch:
                change.error = error
            raise

    @contextmanager
    def _witnessed(self, batch: list["_Change"]) -> Generator[Callable[[], None]]:
        """Around a batch: its beginning is noted while it is worked out, its end before anybody hears of it.

        Gives what waits until every beginning is on the disk, to be called before anything is kept.
        """
        witnesses = [(change, change.witness) for change in batch if change.witness]
        if not witnesses:
            yield _nothing
            return
        noted = self._notes.submit(_begin, witnesses)
        try:
            yield noted.result
        except BaseException as error:
            noted.exception()
            for _, witness in witnesses:
                witness.ended(error)
            raise
        else:
            for change, witness in witnesses:
                witness.ended(change.error)
        finally:
            _flush(witnesses)


class _Change:
    """One change: what to do, and how it ended."""

    def __init__(self, act: Callable[[Session], Any], witness: Witness | None) -> None:
        self.taken = False
        self.witness = witness
        self.error: BaseException | None = None
        self._act = act
        self._result: Any = None

    def run(self, session: Session) -> None:
        session.sql.execute("SAVEPOINT change")
        try:
            self._result = self._act(session)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for this change
            self.error = error
            _undo(session.sql)
        else:
            session.sql.execute("RELEASE change")

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self._result


def _nothing() -> None:
    pass


def _begin(witnesses: list[tuple[_Change, Witness]]) -> None:
    for _, witness in witnesses:
        witness.begins()
    _flush(witnesses)


def _flush(witnesses: list[tuple[_Change, Witness]]) -> None:
    # All of one process note in the same place: one flush is enough.
    for _, witness in witnesses[:1]:
        witness.flush()


def _undo(sql: sqlite3.Connection) -> None:
    sql.execute("ROLLBACK TO change")
    sql.execute("RELEASE change")
