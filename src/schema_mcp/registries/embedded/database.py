"""The only file that opens SQLite: tables, and who may read or write when.

A file is in WAL mode with `synchronous=FULL`: several processes may open it, one writes at a time, readers never
wait. In memory there is one connection, so readers wait for the writer there.
"""

import json
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from schema_mcp.domain.contracts import rule_types
from schema_mcp.domain.errors import ConfigurationError

_FORMAT = 1
_PATIENCE = 30.0
_STATEMENTS = 256
_CHECKPOINT_PAGES = 4_000
"""The log is written back every 16 MB, not every 4: that takes milliseconds, and somebody waits for it."""

_TABLES = """
CREATE TABLE contents (            -- each schema once, whatever subjects and contexts hold it
  key INTEGER PRIMARY KEY,
  md5 BLOB NOT NULL,
  type TEXT NOT NULL,
  text TEXT NOT NULL,
  refs TEXT,
  metadata TEXT,
  rule_set TEXT,
  UNIQUE (md5, type)
);
CREATE TABLE versions (            -- subject in wire form
  subject TEXT NOT NULL,
  number INTEGER NOT NULL,
  context TEXT NOT NULL,
  id INTEGER NOT NULL,
  content INTEGER NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0,
  ts INTEGER NOT NULL,
  PRIMARY KEY (subject, number)
) WITHOUT ROWID;
CREATE INDEX versions_by_id ON versions (context, id);
CREATE INDEX versions_by_content ON versions (content);
CREATE TABLE old_ids (             -- an id whose version was replaced in IMPORT leads to what replaced it
  context TEXT NOT NULL,
  id INTEGER NOT NULL,
  subject TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (context, id, subject, number)
) WITHOUT ROWID;
CREATE TABLE hashes (              -- the last id a content had in a context; outlives a purge
  md5 BLOB NOT NULL,
  context TEXT NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (md5, context)
) WITHOUT ROWID;
CREATE TABLE referrals (           -- which version uses which
  target TEXT NOT NULL,
  target_number INTEGER NOT NULL,
  subject TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (target, target_number, subject, number)
) WITHOUT ROWID;
CREATE INDEX referrals_by_referrer ON referrals (subject, number);
CREATE TABLE contexts (            -- a context that was delisted keeps its counter
  name TEXT PRIMARY KEY,
  highest INTEGER NOT NULL,
  listed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE configs (scope TEXT PRIMARY KEY, context TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE modes (scope TEXT PRIMARY KEY, context TEXT NOT NULL, mode TEXT NOT NULL) WITHOUT ROWID;
"""


class Database:
    """One file (or memory), opened at first use."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._writes = RLock()
        self._writer: sqlite3.Connection | None = None
        self._readers: list[sqlite3.Connection] = []

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection, None, None]:
        """A consistent view; what is written meanwhile does not show."""
        with self._reader() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection, None, None]:
        """The one writer: all of the block is durable at its end, or none of it."""
        with self._writes:
            connection = self._writer or self._open_writer()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        with self._writes:
            while self._readers:
                self._readers.pop().close()
            if self._writer:
                self._writer.close()
            self._writer = None

    def _open_writer(self) -> sqlite3.Connection:
        connection = self._connect()
        _prepare(connection, str(self._path or "memory"))
        self._writer = connection
        return connection

    @contextmanager
    def _reader(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection for one reader: an idle one or a new one, so that nobody waits for a slow reader."""
        if self._path is None:
            with self._writes:
                yield self._writer or self._open_writer()
            return
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._open_reader()
        try:
            yield connection
        finally:
            self._readers.append(connection)

    def _open_reader(self) -> sqlite3.Connection:
        if self._writer is None:
            with self._writes:
                self._writer = self._writer or self._open_writer()  # it makes the tables
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path or ":memory:",
            timeout=_PATIENCE,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        connection.create_function("has_rule_type", 2, _has_rule_type, deterministic=True)
        if self._path:
            _into_wal(connection)
        return connection


def _has_rule_type(rule_set: str | None, wanted: str) -> bool:
    return rule_set is not None and wanted in rule_types(json.loads(rule_set))


def _into_wal(connection: sqlite3.Connection) -> None:
    # Two processes opening a new file at once: SQLite does not wait here by itself.
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")


def _prepare(connection: sqlite3.Connection, name: str) -> None:
    """Make the tables where there are none."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found == _FORMAT:
        return
    if found > _FORMAT:
        raise ConfigurationError(
            f"{name} was written by a newer release (format {found}, this one knows {_FORMAT})",
            hint="Upgrade schema-mcp, or give this registry another path.",
        )
    connection.execute("BEGIN IMMEDIATE")
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found == 0:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
