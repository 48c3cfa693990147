"""Who asked for a yes to what, who gave it, and that it was used once."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar

from anyio import to_thread

from schema_mcp.domain.approval import Act, Irreversible
from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import ConflictError, NotFoundError
from schema_mcp.stores.clock import Clock, stamp, utc_now
from schema_mcp.stores.sqlite import Database

HOLDS_FOR: Final = timedelta(hours=24)
"""How long a request waits for its yes, and the yes for its use, together."""

_KEPT_ACTS = 500

_MIGRATIONS = (
    (
        """CREATE TABLE acts (
            number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, act TEXT NOT NULL) STRICT""",
        """CREATE TABLE approvals (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, act TEXT NOT NULL,
            requester TEXT NOT NULL, email TEXT NOT NULL, reason TEXT NOT NULL,
            created_at TEXT NOT NULL, expires_at TEXT NOT NULL,
            decision TEXT NOT NULL DEFAULT '', decided_by TEXT NOT NULL DEFAULT '',
            decided_at TEXT NOT NULL DEFAULT '', comment TEXT NOT NULL DEFAULT '',
            used_at TEXT NOT NULL DEFAULT '', task TEXT NOT NULL DEFAULT '') STRICT""",
        "CREATE INDEX approvals_by_digest ON approvals (digest)",
    ),
)
_READ = """SELECT id, act, requester, email, reason, created_at, expires_at,
           decision, decided_by, decided_at, comment, used_at, task FROM approvals """

Answer = TypeVar("Answer")


class State(StrEnum):
    """How a request stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Approval:
    """A request for a yes, and what became of it."""

    id: str
    act: Act
    requester: str
    email: str
    reason: str
    created_at: str
    expires_at: str
    decision: str = ""
    decided_by: str = ""
    decided_at: str = ""
    comment: str = ""
    used_at: str = ""
    task: str = ""

    def state(self, now: str) -> State:
        if self.used_at:
            return State.USED
        if self.decision == State.REFUSED:
            return State.REFUSED
        if self.expires_at <= now:
            return State.EXPIRED
        return State(self.decision) if self.decision else State.WAITING


class Approvals:
    """The requests of one state folder, shared by its processes; the file is opened when it is first wanted."""

    def __init__(self, folder: Path, *, clock: Clock = utc_now) -> None:
        self._path = folder / "approvals.sqlite"
        self._clock = clock
        self._opening = Lock()
        self._database: Database | None = None

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    @property
    def now(self) -> str:
        return stamp(self._clock())

    async def keep(self, act: Act) -> None:
        """Remember what was refused for want of a yes, so that one can be asked for by its digest."""

        def put(book: sqlite3.Connection) -> None:
            book.execute("INSERT OR REPLACE INTO acts (digest, act) VALUES (?, ?)", (act.digest, _packed(act)))
            book.execute("DELETE FROM acts WHERE number <= (SELECT max(number) FROM acts) - ?", (_KEPT_ACTS,))

        await self._write(put)

    async def kept(self, digest: str) -> Act | None:
        def read(book: sqlite3.Connection) -> Act | None:
            row = book.execute("SELECT act FROM acts WHERE digest = ?", (digest,)).fetchone()
            return _unpacked(row[0]) if row else None

        return await self._write(read)

    async def request(self, act: Act, caller: Caller, reason: str) -> Approval:
        """Ask for a yes; asking again while one waits, or holds, gives that one."""

        def ask(book: sqlite3.Connection) -> Approval:
            for other in _of(book, act.digest, caller):
                if other.act == act and other.state(self.now) in (State.WAITING, State.APPROVED):
                    return other
            now = self._clock()
            name = secrets.token_hex(6)
            book.execute(
                """INSERT INTO approvals (id, digest, act, requester, email, reason, created_at, expires_at)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    *(name, act.digest, _packed(act), caller.name, caller.email, reason),
                    *(stamp(now), stamp(now + HOLDS_FOR)),
                ),
            )
            return _one(book, name)

        return await self._write(ask)

    async def decide(self, name: str, by: str, *, approved: bool, comment: str) -> Approval:
        """Say yes or no, once; raises `ConflictError` where it was decided already, or is too late."""

        def say(book: sqlite3.Connection) -> Approval:
            found = _one(book, name)
            state = found.state(self.now)
            if state is not State.WAITING:
                raise ConflictError(
                    f"Request {name} does not wait any more: it is {state}", hint="list_approvals shows what does."
                )
            book.execute(
                "UPDATE approvals SET decision = ?, decided_by = ?, decided_at = ?, comment = ? WHERE id = ?",
                (State.APPROVED if approved else State.REFUSED, by, self.now, comment, name),
            )
            return _one(book, name)

        return await self._write(say)

    async def use(self, name: str) -> bool:
        """Take a yes away that is still there; of several who try, one gets it."""

        def take(book: sqlite3.Connection) -> bool:
            done = book.execute(
                """UPDATE approvals SET used_at = ? WHERE id = ? AND decision = 'approved' AND used_at = ''
                   AND expires_at > ?""",
                (self.now, name, self.now),
            )
            return done.rowcount == 1

        return await self._write(take)

    async def note(self, name: str, task: str) -> None:
        """Note which task a yes was used for: that one may go on with it after a crash."""
        await self._write(lambda book: book.execute("UPDATE approvals SET task = ? WHERE id = ?", (task, name)))

    async def of(self, digest: str, caller: Caller) -> list[Approval]:
        """The requests of a caller for an act, newest first."""
        return await self._write(lambda book: _of(book, digest, caller))

    async def one(self, name: str) -> Approval:
        """A request by its id; raises `NotFoundError`."""
        return await self._write(lambda book: _one(book, name))

    async def all(self, limit: int = 1_000) -> list[Approval]:
        """The newest requests, newest first."""
        return await self._write(
            lambda book: [_approval(row) for row in book.execute(_READ + "ORDER BY number DESC LIMIT ?", (limit,))]
        )

    async def _write(self, act: Callable[[sqlite3.Connection], Answer]) -> Answer:
        def work() -> Answer:
            with self._opened().write() as connection:
                return act(connection)

        return await to_thread.run_sync(work)

    def _opened(self) -> Database:
        with self._opening:
            if self._database is None:
                remedy = "Move it aside: what was approved has to be approved again."
                self._database = Database(self._path, _MIGRATIONS, remedy=remedy)
            return self._database


def _one(book: sqlite3.Connection, name: str) -> Approval:
    row = book.execute(_READ + "WHERE id = ?", (name,)).fetchone()
    if row is None:
        raise NotFoundError(f"No request {name[:40]!r}", hint="list_approvals names them.")
    return _approval(row)


def _of(book: sqlite3.Connection, digest: str, caller: Caller) -> list[Approval]:
    rows = book.execute(
        _READ + "WHERE digest = ? AND requester = ? AND email = ? ORDER BY number DESC",
        (digest, caller.name, caller.email),
    )
    return [_approval(row) for row in rows]


def _approval(row: Sequence[Any]) -> Approval:
    name, act, *rest = row
    return Approval(name, _unpacked(act), *rest)


def _packed(act: Act) -> str:
    deeds = sorted([name, str(deed)] for name, deed in act.deeds)
    return json.dumps([act.digest, act.commit, deeds, list(act.contexts), act.summary])


def _unpacked(text: str) -> Act:
    digest, commit, deeds, contexts, summary = json.loads(text)
    pairs = frozenset((str(name), Irreversible(deed)) for name, deed in deeds)
    return Act(digest, commit, pairs, tuple(contexts), summary)
