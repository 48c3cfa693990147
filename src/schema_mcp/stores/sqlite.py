"""The one way our SQLite files are opened: durable, one writer at a time, errors that say what to do."""

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from schema_mcp.domain.errors import LockHeldError, SchemaMcpError, StoreError
from schema_mcp.stores.dialect import SQLITE, Migration

PATIENCE = timedelta(seconds=30)
_PRIMARY_CODE = 0xFF  # the extended result code carries the primary one in its lowest byte
_RETRY_SECONDS = 0.01
_PAGES_IN_THE_LOG = 4_000  # 16 MB; four times the default nearly halves what bulk writes cost

_BUSY = (LockHeldError, "is being written by another process", "Try again in a moment; nothing was changed.")
_SHUT = (StoreError, "cannot be opened for writing", "Check that the folder exists and that this user may write there.")
_TROUBLES: dict[int, tuple[type[SchemaMcpError], str, str]] = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: (StoreError, "cannot grow, the disk is full", "Free some space; nothing was changed."),
    sqlite3.SQLITE_IOERR: (
        StoreError,
        "could not be written or read by the disk",
        "Check the space and the health of the disk, then try again; nothing was changed.",
    ),
    sqlite3.SQLITE_CANTOPEN: _SHUT,
    sqlite3.SQLITE_READONLY: _SHUT,
    sqlite3.SQLITE_PERM: _SHUT,
}
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """One SQLite file: every write is on disk before it is believed, and any number of processes may share it.

    WAL lets readers go on while one writer works; `synchronous=FULL` syncs the log at every commit
    (https://www.sqlite.org/pragma.html#pragma_synchronous). `remedy` is what to do when the file is damaged.
    """

    dialect = SQLITE
    limiter = None
    """One thread at a time, by a lock of its own."""

    def __init__(
        self, path: Path, migrations: Sequence[Migration], *, remedy: str, patience: timedelta = PATIENCE
    ) -> None:
        self.path = path
        self._remedy = remedy
        self._patience = patience.total_seconds()
        self._turn = threading.Lock()
        private_folder(path.parent)
        with self._explained():
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=self._patience, check_same_thread=False, cached_statements=256
            )
            try:
                self._prepare(migrations)
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    @contextmanager
    def write(self) -> Generator[sqlite3.Connection]:
        """One transaction: when the block ends it is on disk, when the block raises it never happened."""
        with self._turn, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # After a full disk SQLite may have rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Generator[sqlite3.Connection]:
        """A view of one moment, whatever other processes write meanwhile."""
        with self._turn, self._explained():
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def row(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of one question, which sees one moment without a transaction around it."""
        with self._turn, self._explained():
            return self._connection.execute(query, values).fetchone()

    def _prepare(self, migrations: Sequence[Migration]) -> None:
        # The switch to WAL does not wait for other openers by itself.
        _insist(lambda: self._connection.execute("PRAGMA journal_mode = WAL").fetchone(), self._patience)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_IN_THE_LOG}")
        if self._version() != len(migrations):
            self._migrate(migrations)

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        with self.write() as connection:
            version = self._version()
            if version > len(migrations):
                raise StoreError(
                    f"{self.path} was written by a newer version of schema-mcp",
                    hint="Start that version, or a newer one.",
                )
            for migration in migrations[version:]:
                for statement in migration:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(migrations)}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            explained = self._explanation(getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE)
            if explained is None:
                raise
            raise explained from error

    def _explanation(self, code: int) -> SchemaMcpError | None:
        if code in _DAMAGED:
            return StoreError(f"{self.path} is damaged", hint=self._remedy)
        if code not in _TROUBLES:
            return None
        error, what, hint = _TROUBLES[code]
        return error(f"{self.path} {what}", hint=hint)


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter: what stands in it says who did what."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} {_SHUT[1]}: {error.strerror}", hint=_SHUT[2]) from error


def _insist(action: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return
