"""Who is signing in, who has signed in, and what was given out for it: by digests, so that nothing here opens a door.

Everything is used once: a question to a person, a code, a token to refresh with. Using one twice ends the sign-in.
"""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias

from schema_mcp.domain.errors import LockHeldError
from schema_mcp.stores.clock import Clock, stamp, utc_now
from schema_mcp.stores.sqlite import Database

_MIGRATIONS = (
    (
        """CREATE TABLE asked (
            digest TEXT PRIMARY KEY, browser TEXT NOT NULL, about TEXT NOT NULL, expires_at TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE sign_in (
            id TEXT PRIMARY KEY, login TEXT NOT NULL, sealed TEXT NOT NULL, client TEXT NOT NULL, scopes TEXT NOT NULL,
            made_at TEXT NOT NULL, expires_at TEXT NOT NULL, ended_at TEXT NOT NULL DEFAULT ''
        ) STRICT""",
        """CREATE TABLE given (
            digest TEXT PRIMARY KEY, kind TEXT NOT NULL, sign_in TEXT NOT NULL REFERENCES sign_in, about TEXT NOT NULL,
            expires_at TEXT NOT NULL, used_at TEXT NOT NULL DEFAULT ''
        ) STRICT""",
        "CREATE INDEX given_by_sign_in ON given (sign_in)",
        "CREATE TABLE client (id TEXT PRIMARY KEY, about TEXT NOT NULL, made_at TEXT NOT NULL) STRICT",
    ),
)
_PATIENCE = timedelta(seconds=2)
"""Somebody waits at the door, and others behind him."""

_REMEDY = "Stop the server and move the file away: everybody signs in again."
_MOST_ASKED = 10_000
_MOST_CLIENTS = 1_000

About: TypeAlias = dict[str, Any]
SIGN_IN_FOR: Final = timedelta(days=30)


class Kind(StrEnum):
    """What is given out to be brought back."""

    CODE = "code"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class SignInRecord:
    """A person who signed in for a program; `sealed` is his GitHub token, closed with the folder's key."""

    id: str
    login: str
    sealed: str
    client: str
    scopes: tuple[str, ...]


class SignInStore:
    """The sign-ins of one state folder, shared by any number of processes."""

    def __init__(self, path: Path, *, clock: Clock = utc_now) -> None:
        self._database = Database(path, _MIGRATIONS, remedy=_REMEDY, patience=_PATIENCE)
        self._clock = clock

    def close(self) -> None:
        self._database.close()

    # --- questions to a person ---------------------------------------------------------------------------------------

    def ask(self, browser: str, about: About, lasting: timedelta) -> str:
        """Keep what a browser was asked; gives the name under which the answer is found, once."""
        name = _secret()
        with self._database.write() as connection:
            connection.execute("DELETE FROM asked WHERE expires_at < ?", (self._now(),))
            [waiting] = connection.execute("SELECT count(*) FROM asked").fetchone()
            if waiting >= _MOST_ASKED:
                raise LockHeldError("Too many people are signing in", hint="Try again in a few minutes.")
            row = (_digest(name), _digest(browser), json.dumps(about), self._now(lasting))
            connection.execute("INSERT INTO asked VALUES (?, ?, ?, ?)", row)
        return name

    def asked(self, name: str, browser: str) -> About | None:
        """What this browser was asked under a name, which is over now; None where it was another, or too long ago."""
        with self._database.write() as connection:
            query = "DELETE FROM asked WHERE digest = ? AND browser = ? AND expires_at > ? RETURNING about"
            row = connection.execute(query, (_digest(name), _digest(browser), self._now())).fetchone()
        return json.loads(row[0]) if row else None

    # --- sign-ins ----------------------------------------------------------------------------------------------------

    def begin(self, login: str, sealed: str, client: str, scopes: Iterable[str]) -> SignInRecord:
        """Keep that somebody signed in for a program."""
        made = SignInRecord(secrets.token_hex(12), login, sealed, client, tuple(scopes))
        row = (made.id, login, sealed, client, " ".join(made.scopes), self._now(), self._now(SIGN_IN_FOR))
        with self._database.write() as connection:
            _forget(connection, self._now())
            connection.execute("INSERT INTO sign_in VALUES (?, ?, ?, ?, ?, ?, ?, '')", row)
        return made

    def find(self, sign_in: str) -> SignInRecord | None:
        """A sign-in that has not ended."""
        with self._database.read() as connection:
            return _held(connection, sign_in, self._now())

    def end(self, sign_in: str) -> None:
        """End a sign-in, and with it everything that was given out for it."""
        with self._database.write() as connection:
            _end(connection, sign_in, self._now())

    # --- codes, and tokens to refresh with ---------------------------------------------------------------------------

    def give(self, kind: Kind, sign_in: str, about: About, lasting: timedelta) -> str:
        """Something to be brought back once."""
        name = _secret()
        row = (_digest(name), kind, sign_in, json.dumps(about), self._now(lasting))
        with self._database.write() as connection:
            connection.execute("INSERT INTO given VALUES (?, ?, ?, ?, ?, '')", row)
        return name

    def look(self, kind: Kind, name: str) -> About | None:
        """What something given out was for, without using it up."""
        with self._database.read() as connection:
            query = "SELECT about FROM given WHERE digest = ? AND kind = ?"
            row = connection.execute(query, (_digest(name), kind)).fetchone()
        return json.loads(row[0]) if row else None

    def take(self, kind: Kind, name: str) -> SignInRecord | None:
        """The sign-in behind something that is brought back, used up by this; a second time ends the sign-in."""
        now = self._now()
        with self._database.write() as connection:
            query = "SELECT sign_in, expires_at, used_at FROM given WHERE digest = ? AND kind = ?"
            row = connection.execute(query, (_digest(name), kind)).fetchone()
            if row is None:
                return None
            sign_in, expires_at, used_at = row
            if used_at:
                _end(connection, sign_in, now)
                return None
            connection.execute("UPDATE given SET used_at = ? WHERE digest = ?", (now, _digest(name)))
            return _held(connection, sign_in, now) if now < expires_at else None

    def owner(self, kind: Kind, name: str) -> str | None:
        """The sign-in for which something was given out."""
        with self._database.read() as connection:
            query = "SELECT sign_in FROM given WHERE digest = ? AND kind = ?"
            row = connection.execute(query, (_digest(name), kind)).fetchone()
        return row[0] if row else None

    # --- programs that registered themselves -------------------------------------------------------------------------

    def register(self, about: About) -> str:
        """Keep a program; the oldest ones are forgotten when there are too many."""
        name = secrets.token_hex(16)
        with self._database.write() as connection:
            connection.execute("INSERT INTO client VALUES (?, ?, ?)", (name, json.dumps(about), self._now()))
            connection.execute(
                "DELETE FROM client WHERE id NOT IN (SELECT id FROM client ORDER BY made_at DESC, rowid DESC LIMIT ?)",
                (_MOST_CLIENTS,),
            )
        return name

    def registered(self, name: str) -> About | None:
        with self._database.read() as connection:
            row = connection.execute("SELECT about FROM client WHERE id = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def _now(self, later: timedelta = timedelta()) -> str:
        moment: datetime = self._clock() + later
        return stamp(moment)


def _held(connection: sqlite3.Connection, sign_in: str, now: str) -> SignInRecord | None:
    query = "SELECT id, login, sealed, client, scopes FROM sign_in WHERE id = ? AND ended_at = '' AND expires_at > ?"
    row = connection.execute(query, (sign_in, now)).fetchone()
    if row is None:
        return None
    name, login, sealed, client, scopes = row
    return SignInRecord(name, login, sealed, client, tuple(scopes.split()))


def _end(connection: sqlite3.Connection, sign_in: str, now: str) -> None:
    connection.execute("UPDATE sign_in SET ended_at = ?, sealed = '' WHERE id = ? AND ended_at = ''", (now, sign_in))


def _forget(connection: sqlite3.Connection, now: str) -> None:
    connection.execute("DELETE FROM given WHERE sign_in IN (SELECT id FROM sign_in WHERE expires_at < ?)", (now,))
    connection.execute("DELETE FROM sign_in WHERE expires_at < ?", (now,))


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
