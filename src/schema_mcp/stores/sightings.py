"""Since when each drift has been there: the first time that somebody saw it, kept over restarts."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from anyio import to_thread

from schema_mcp.domain.schema import Subject
from schema_mcp.stores.sqlite import Database

KEPT: Final = 50_000
"""Sightings kept of one registry; of what is more, nobody remembers when it began."""

_MIGRATIONS = (
    (
        """CREATE TABLE sightings (
            registry TEXT NOT NULL, context BLOB NOT NULL, subject BLOB NOT NULL, version INTEGER NOT NULL,
            what TEXT NOT NULL, since TEXT NOT NULL,
            PRIMARY KEY (registry, context, subject, version, what)) STRICT, WITHOUT ROWID""",
    ),
)
_READ = "SELECT context, subject, version, what, since FROM sightings WHERE registry = ?"
_PUT = "INSERT OR IGNORE INTO sightings VALUES (?, ?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM sightings WHERE registry = ? AND context = ? AND subject = ? AND version = ? AND what = ?"


@dataclass(frozen=True, slots=True)
class Sight:
    """Something that was seen of a version, or with number 0 of a subject; another `what` is another thing."""

    subject: Subject
    number: int
    what: str


def what(*parts: str) -> str:
    """One short name for what was seen."""
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Sightings:
    """The first sighting of each drift, in one SQLite file of the state folder, opened when it is first wanted."""

    def __init__(self, folder: Path, *, kept: int = KEPT) -> None:
        self._path = folder / "sightings.sqlite"
        self._kept = kept
        self._opening = Lock()
        self._database: Database | None = None

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    async def since(
        self, registry: str, seen: Collection[Sight], looked_at: Callable[[Subject], bool], now: datetime
    ) -> Mapping[Sight, datetime]:
        """When each was first seen, `now` for what is new; what was looked for and not seen any more is forgotten."""
        return await to_thread.run_sync(self._since, registry, frozenset(seen), looked_at, now)

    def _since(
        self, registry: str, seen: frozenset[Sight], looked_at: Callable[[Subject], bool], now: datetime
    ) -> Mapping[Sight, datetime]:
        database = self._opened()
        with database.read() as connection:
            known = _known(connection, registry)
        gone = [one for one in known.keys() - seen if looked_at(one.subject)]
        new = sorted(seen - known.keys(), key=repr)[: max(0, self._kept - len(known) + len(gone))]
        if gone or new:
            with database.write() as connection:
                connection.executemany(_FORGET, _rows(registry, gone))
                connection.executemany(_PUT, [(*row, now.isoformat()) for row in _rows(registry, new)])
        return {one: known[one] for one in seen & known.keys()} | dict.fromkeys(new, now)

    def _opened(self) -> Database:
        with self._opening:
            if self._database is None:
                self._database = Database(
                    self._path, _MIGRATIONS, remedy="Delete it: nothing is lost but since when drift has been there."
                )
            return self._database


def _known(connection: sqlite3.Connection, registry: str) -> dict[Sight, datetime]:
    rows = connection.execute(_READ, (registry,))
    return {
        Sight(Subject(_text(subject), _text(context)), number, seen): datetime.fromisoformat(since)
        for context, subject, number, seen, since in rows
    }


def _rows(registry: str, sights: Iterable[Sight]) -> list[tuple[str, bytes, bytes, int, str]]:
    return [(registry, _bytes(one.subject.context), _bytes(one.subject.name), one.number, one.what) for one in sights]


def _bytes(text: str) -> bytes:
    # A registry may name a subject with half of a surrogate pair, which no TEXT can hold.
    return text.encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
