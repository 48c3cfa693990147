"""A bounded copy of what a registry said, for a server that starts while the registry is away.

Answers only: no address, no credential and no error ever comes here. It is no record of anything: a copy that is
damaged or cannot be written is done without, and nothing waits for it to be safe on the disk.
"""

import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
from anyio import to_thread

from schema_mcp.domain.schema import Subject
from schema_mcp.registries import forms
from schema_mcp.registries.contract import Connection

BYTES: Final = 64 * 1024 * 1024
"""Of one registry; what was said longest ago goes first."""

_PATIENCE = 5.0
_LEFT = 0.9
"""Of the bound, after room was made, so that it is not made at every turn."""

_TABLES = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = OFF",
    """CREATE TABLE IF NOT EXISTS said (
    question TEXT PRIMARY KEY, subject TEXT NOT NULL, at REAL NOT NULL, bytes INTEGER NOT NULL, answer TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS by_subject ON said (subject)",
    "CREATE INDEX IF NOT EXISTS by_time ON said (at, bytes)",
)
_MAKE_ROOM = (
    "DELETE FROM said WHERE question IN ("
    "SELECT question FROM (SELECT question, sum(bytes) OVER (ORDER BY at DESC) AS held FROM said) WHERE held > ?)"
)
_LISTS, _IDS = "", "\0"
"""Stand for the subject of what is about none: lists may change, ids do not."""

Out = TypeVar("Out")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, and how many seconds ago it was given."""

    value: Any
    age: float


class Disk:
    """One registry's copy, in a file of its own that several processes may share."""

    def __init__(self, path: Path, *, bound: int = BYTES, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._bound = bound
        self._wall = wall
        self._connection: sqlite3.Connection | None = None
        self._given_up = False
        self._turn = anyio.Lock()

    async def get(self, kind: str, subject: Subject | None, options: forms.Options) -> Found | None:
        """What was said to this question, if it is here."""
        async with self._turn:
            return await to_thread.run_sync(self._get, kind, forms.question(kind, subject, options))

    async def put(
        self,
        kind: str,
        subject: Subject | None,
        options: forms.Options,
        value: Any,
        *,
        lasts: bool = False,
        unless: Callable[[], bool] = lambda: False,
    ) -> None:
        """Keep an answer; `unless` is asked when its turn has come."""
        async with self._turn:
            if not unless():
                asked = forms.question(kind, subject, options)
                about = str(subject) if subject else _IDS if lasts else _LISTS
                await to_thread.run_sync(self._put, kind, asked, about, value)

    async def forget(self, subject: Subject | None) -> None:
        """Drop what is about a subject and every list; everything without one."""
        async with self._turn:
            await to_thread.run_sync(self._forget, subject)

    async def close(self) -> None:
        async with self._turn:
            if self._connection:
                self._connection.close()
                self._connection = None

    def _get(self, kind: str, question: str) -> Found | None:
        def work(connection: sqlite3.Connection) -> Found | None:
            row = connection.execute("SELECT at, answer FROM said WHERE question = ?", (question,)).fetchone()
            return Found(forms.read(kind, row[1]), max(0.0, self._wall() - row[0])) if row else None

        return self._tried(work)

    def _put(self, kind: str, question: str, about: str, value: Any) -> None:
        answer = forms.written(kind, value)
        row = (question, about, self._wall(), len(answer) + len(question), answer)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?, ?)", row)
            (held,) = connection.execute("SELECT sum(bytes) FROM said").fetchone()
            if held > self._bound:
                connection.execute(_MAKE_ROOM, (self._bound * _LEFT,))

        self._tried(work)

    def _forget(self, subject: Subject | None) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if subject is None:
                connection.execute("DELETE FROM said")
            else:
                connection.execute("DELETE FROM said WHERE subject IN (?, ?)", (_LISTS, str(subject)))

        if self._connection or self._path.exists():
            self._tried(work)

    def _tried(self, work: Callable[[sqlite3.Connection], Out]) -> Out | None:
        """Do something with the file; one that fails is thrown away, lest it tells what we wanted it to forget."""
        if self._given_up:
            return None
        try:
            self._connection = self._connection or _open(self._path)
            return work(self._connection)
        except (sqlite3.Error, OSError, ValueError, TypeError, KeyError, IndexError) as error:
            _log.warning("%s cannot be used, and is thrown away: %s", self._path, error)
            self._given_up = True
            _throw_away(self._path)
            return None


def disk_at(folder: Path, connection: Connection) -> Disk:
    """The copy of one registry; other addresses, or another user there, have another one."""
    auth = connection.auth
    who = json.dumps([connection.name, *connection.urls, auth.type, auth.username, auth.client_id])
    return Disk(folder / f"{connection.name}-{hashlib.sha256(who.encode()).hexdigest()[:12]}.sqlite")


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    for statement in _TABLES:
        connection.execute(statement)
    return connection


def _throw_away(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + end).unlink(missing_ok=True)
