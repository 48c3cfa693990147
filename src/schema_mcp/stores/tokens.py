"""Tokens of our own, for clients that can send a password and nothing else: made, listed, revoked, never shown again.

Only a digest of the secret is kept. It is random, so no salt and no slow hash would make it harder to guess.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path

from schema_mcp.domain.caller import Caller, Grant, Reach, Scope
from schema_mcp.domain.errors import ConflictError, NotFoundError
from schema_mcp.stores.clock import Clock, stamp, utc_now
from schema_mcp.stores.sqlite import Database

PREFIX = "smcp_"
"""How a secret begins, so that scanners for leaked secrets can know it."""

_MIGRATIONS = (
    (
        """CREATE TABLE token (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL UNIQUE, scope TEXT NOT NULL,
            registries TEXT NOT NULL, contexts TEXT NOT NULL, subjects TEXT NOT NULL,
            made_at TEXT NOT NULL, made_by TEXT NOT NULL, expires_at TEXT NOT NULL, revoked_at TEXT NOT NULL DEFAULT ''
        ) STRICT""",
    ),
)
_PATIENCE = timedelta(seconds=2)
"""Somebody waits at the door, and others behind him."""

_REMEDY = "Stop the server, move the file away, and make new tokens."
_COLUMNS = "id, name, scope, registries, contexts, subjects, made_at, made_by, expires_at, revoked_at"
_FIND = f"SELECT {_COLUMNS} FROM token WHERE digest = ?"  # noqa: S608 - our own


@dataclass(frozen=True)
class Token:
    """What is known of a token, without its secret; `expires_at` may be empty."""

    id: str
    name: str
    grant: Grant
    made_at: str
    made_by: str
    expires_at: str = ""
    revoked_at: str = ""

    def holds(self, now: str) -> bool:
        """Whether it lets anybody in at a moment."""
        return not self.revoked_at and (not self.expires_at or now < self.expires_at)

    @cached_property
    def caller(self) -> Caller:
        """Whoever comes with it."""
        grants = None if self.grant.reach == Reach() else (self.grant,)
        name = f"token:{self.name}"
        return Caller(name, f"{self.id}@token.invalid", self.grant.scope.implied, "http", grants, self.name)


class Tokens:
    """The tokens of one state folder, shared by any number of processes."""

    def __init__(self, path: Path, *, clock: Clock = utc_now) -> None:
        self._database = Database(path, _MIGRATIONS, remedy=_REMEDY, patience=_PATIENCE)
        self._clock = clock

    def close(self) -> None:
        self._database.close()

    @property
    def exist(self) -> bool:
        """Whether any token lets somebody in."""
        now = stamp(self._clock())
        return any(token.holds(now) for token in self.all())

    def make(self, name: str, grant: Grant, made_by: str, expires: datetime | None) -> tuple[Token, str]:
        """A new token and its secret, which nobody can see again. Raises `ConflictError` where the name is in use."""
        secret = PREFIX + secrets.token_urlsafe(32)
        made = stamp(self._clock())
        token = Token(secrets.token_hex(4), name, grant, made, made_by, stamp(expires) if expires else "")
        with self._database.write() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM token WHERE name = ?", (name,))  # noqa: S608 - our own
            if any(_token(row).holds(made) for row in rows):
                raise ConflictError(f"There is a token named {name!r}", hint="Revoke it first, or choose another name.")
            reach = grant.reach
            places = map(_line, (sorted(reach.registries), sorted(reach.contexts), reach.subjects))
            connection.execute(
                f"INSERT INTO token ({_COLUMNS}, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?)",  # noqa: S608
                (token.id, name, grant.scope, *places, made, made_by, token.expires_at, _digest(secret)),
            )
        return token, secret

    def find(self, secret: str) -> Token | None:
        """The token of a secret, where it holds now."""
        row = self._database.row(_FIND, _digest(secret))
        token = _token(row) if row else None
        return token if token and token.holds(stamp(self._clock())) else None

    def all(self) -> list[Token]:
        """Every token, the newest first, those that hold no longer too."""
        with self._database.read() as connection:
            query = f"SELECT {_COLUMNS} FROM token ORDER BY made_at DESC, id"  # noqa: S608 - our own
            return [_token(row) for row in connection.execute(query)]

    def revoke(self, id_or_name: str) -> Token:
        """End a token from now on. Raises `NotFoundError` where none of that id or name holds."""
        now = stamp(self._clock())
        with self._database.write() as connection:
            query = f"SELECT {_COLUMNS} FROM token WHERE ? IN (id, name)"  # noqa: S608 - our own
            found = [_token(row) for row in connection.execute(query, (id_or_name,))]
            live = [token for token in found if token.holds(now)]
            if not live:
                raise NotFoundError(
                    f"No token {id_or_name[:80]!r} is in use", hint="`schema-mcp token list` shows what is there."
                )
            connection.execute("UPDATE token SET revoked_at = ? WHERE id = ?", (now, live[0].id))
        return replace(live[0], revoked_at=now)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _line(names: Iterable[str]) -> str:
    return "\n".join(names)


def _names(line: str) -> tuple[str, ...]:
    return tuple(line.split("\n")) if line else ()


@lru_cache(maxsize=1_000)  # the row is looked up for each call, and seldom says anything new
def _token(row: tuple[str, ...]) -> Token:
    id_, name, scope, registries, contexts, subjects, made_at, made_by, expires_at, revoked_at = row
    reach = Reach(frozenset(_names(registries)), frozenset(_names(contexts)), _names(subjects))
    return Token(id_, name, Grant(Scope(scope), reach), made_at, made_by, expires_at, revoked_at)
