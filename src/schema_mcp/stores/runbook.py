"""The journal's tables, as one transaction sees and changes them, and the values that stand in them."""

import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from schema_mcp.domain.errors import ConflictError, LockHeldError, NotFoundError
from schema_mcp.domain.schema import Json
from schema_mcp.stores.clock import stamp

KEPT_PLANS = 500
KEPT_RUNS = 2_000
KEPT_FOR = timedelta(days=90)
"""How long the result of a run can be asked for, and undone."""

MIGRATIONS = (
    (
        """CREATE TABLE plans (
            number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, text TEXT NOT NULL,
            created_at TEXT NOT NULL, created_by TEXT NOT NULL) STRICT""",
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY, task TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, plan TEXT NOT NULL,
            owner TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
            done INTEGER NOT NULL, total INTEGER NOT NULL, result TEXT NOT NULL,
            fence INTEGER NOT NULL, stopping INTEGER NOT NULL, holder TEXT NOT NULL) STRICT""",
        "CREATE INDEX runs_by_plan ON runs (plan)",
        "CREATE INDEX runs_by_status ON runs (status)",
        """CREATE TABLE steps (
            number INTEGER PRIMARY KEY, task TEXT NOT NULL REFERENCES runs (task) ON DELETE CASCADE,
            key TEXT NOT NULL, state TEXT NOT NULL, before TEXT, outcome TEXT, updated_at TEXT NOT NULL,
            UNIQUE (task, key)) STRICT""",
    ),
    (
        "ALTER TABLE steps RENAME COLUMN outcome TO image",
        "ALTER TABLE runs ADD COLUMN undoes TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX runs_by_undoes ON runs (undoes) WHERE undoes <> ''",
        "CREATE INDEX steps_by_key ON steps (key)",
    ),
)
_RUN = """SELECT task, kind, plan, owner, status, created_at, updated_at, done, total, result, fence, stopping, undoes,
          (SELECT max(later.task) FROM runs later
           WHERE later.undoes = runs.task AND later.undoes <> '' AND later.status = 'succeeded')
          FROM runs """
_STEP = "SELECT key, state, before, image, updated_at FROM steps "
_PUT_STEP = """INSERT INTO steps (task, key, state, before, image, updated_at) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT (task, key) DO UPDATE SET state = excluded.state, before = excluded.before,
               image = excluded.image, updated_at = excluded.updated_at"""
_OPEN = """SELECT runs.task, runs.status, steps.key, steps.updated_at FROM steps JOIN runs USING (task)
           WHERE runs.status IN ('running', 'interrupted') AND steps.before IS NOT NULL AND steps.state <> 'done'
           ORDER BY steps.number"""


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class StepState(StrEnum):
    """How far a step came."""

    PLANNED = "planned"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan that can still be applied."""

    digest: str
    created_at: str
    created_by: str


@dataclass(frozen=True, slots=True)
class Run:
    """One piece of long work. `owner` is the caller who asked for it; `stopping` says that somebody wants it to end."""

    task: str
    kind: str
    plan: str
    owner: str
    status: Status
    created_at: str
    updated_at: str
    done: int
    total: int
    result: Json
    fence: int
    stopping: bool
    undoes: str = ""
    """The task whose steps this one takes back."""

    undone_by: str | None = None
    """The task that has taken this one's steps back."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run.

    `before` is what it found and has to put back itself (a mode, say) as long as it is not done; `image` is what stood
    there when it was first begun, for whoever wants to undo it.
    """

    key: str
    state: StepState
    before: Json | None
    image: Json | None
    updated_at: str

    @property
    def to_undo(self) -> Json | None:
        """What is still to be put back."""
        return None if self.state is StepState.DONE else self.before


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step that has something to put back: whose it is, how that run stands, and since when."""

    task: str
    status: Status
    key: str
    since: str


class RunBook:
    """One transaction's view of plans, runs and steps."""

    def __init__(self, connection: sqlite3.Connection, now: str) -> None:
        self._connection = connection
        self._now = now

    def keep_plan(self, digest: str, text: str, created_by: str) -> None:
        self._do(
            "INSERT OR REPLACE INTO plans (digest, text, created_at, created_by) VALUES (?, ?, ?, ?)",
            digest,
            text,
            self._now,
            created_by,
        )
        self._do(
            """DELETE FROM plans WHERE number <= (SELECT max(number) FROM plans) - ?
               AND digest NOT IN (SELECT plan FROM runs WHERE status IN ('running', 'interrupted'))""",
            KEPT_PLANS,
        )

    def plan(self, digest: str) -> str | None:
        row = self._do("SELECT text FROM plans WHERE digest = ?", digest).fetchone()
        return row[0] if row else None

    def kept(self, digest: str) -> KeptPlan | None:
        row = self._do("SELECT digest, created_at, created_by FROM plans WHERE digest = ?", digest).fetchone()
        return KeptPlan(*row) if row else None

    def plans(self, limit: int) -> list[KeptPlan]:
        rows = self._do("SELECT digest, created_at, created_by FROM plans ORDER BY number DESC LIMIT ?", limit)
        return [KeptPlan(*row) for row in rows]

    def begin(self, kind: str, plan: str, owner: str, total: int, holder: str, undoes: str = "") -> Run:
        for other in self.runs(1, plan=plan, status=Status.RUNNING) if plan else ():
            raise _busy(other)
        task = secrets.token_hex(6)
        self._do(
            """INSERT INTO runs (task, kind, plan, owner, status, created_at, updated_at, done, total, result,
               fence, stopping, holder, undoes) VALUES (?, ?, ?, ?, 'running', ?, ?, 0, ?, '{}', 1, 0, ?, ?)""",
            task,
            kind,
            plan,
            owner,
            self._now,
            self._now,
            total,
            holder,
            undoes,
        )
        self._clear_away()
        return self.known_run(task)

    def _clear_away(self) -> None:
        """Forget runs that ended long ago, and those beyond the number that is kept."""
        long_ago = stamp(datetime.fromisoformat(self._now) - KEPT_FOR)
        self._do(
            """DELETE FROM runs WHERE (number <= (SELECT max(number) FROM runs) - ? OR updated_at < ?)
               AND status NOT IN ('running', 'interrupted')""",
            KEPT_RUNS,
            long_ago,
        )

    def claim(self, task: str, holder: str) -> Run:
        run = self.known_run(task)
        if run.status is Status.RUNNING:
            raise _busy(run)
        if run.status is not Status.INTERRUPTED:
            raise ConflictError(f"Task {task} has ended: {run.status}", hint="Plan again, and apply that.")
        self._do(
            """UPDATE runs SET status = 'running', stopping = 0, fence = fence + 1, holder = ?, updated_at = ?
               WHERE task = ?""",
            holder,
            self._now,
            task,
        )
        return self.known_run(task)

    def check_held(self, task: str, fence: int | None) -> None:
        run = self.known_run(task)
        if run.status is not Status.RUNNING or run.fence != fence:
            raise ConflictError(
                f"Task {task} is not carried out here (it is {run.status})",
                hint="Somebody else took it over, or it ended: look at get_task.",
            )

    def put_step(self, task: str, key: str, state: StepState, before: Json | None, image: Json | None) -> Json | None:
        """Note how far a step came; gives the image that stands, which is the first one noted."""
        last = self._step(task, key)
        found = (last and last.to_undo) or before
        first = image if last is None or last.image is None else last.image
        self._do(_PUT_STEP, task, key, state, _packed(found), _packed(first), self._now)
        counts = state is StepState.DONE and found is None and (last is None or last.state is not StepState.DONE)
        self._do("UPDATE runs SET done = done + ?, updated_at = ? WHERE task = ?", int(counts), self._now, task)
        return first

    def note(self, task: str, found: Mapping[str, Json]) -> None:
        """Add to the images of steps, by their keys."""
        for key, more in found.items():
            self._do(
                "UPDATE steps SET image = json_patch(coalesce(image, '{}'), ?) WHERE task = ? AND key = ?",
                _packed(more),
                task,
                key,
            )

    def open_steps(self) -> list[OpenStep]:
        return [OpenStep(task, Status(status), key, since) for task, status, key, since in self._do(_OPEN)]

    def done(self, keys: Sequence[str]) -> list[StepRecord]:
        marks = ", ".join("?" * len(keys))
        return [_step(row) for row in self._do(_STEP + f"WHERE state = 'done' AND key IN ({marks})", *keys)]

    def progress(self, task: str, done: int, total: int) -> bool:
        self._do("UPDATE runs SET done = ?, total = ?, updated_at = ? WHERE task = ?", done, total, self._now, task)
        return not self.known_run(task).stopping

    def wait(self, task: str, *, waiting: bool) -> None:
        """Note that a run waits for its turn, or that it has it."""
        self._do("UPDATE runs SET result = ? WHERE task = ?", _packed({"waiting": True} if waiting else {}), task)

    def goes_on(self, task: str) -> bool:
        row = self._do("SELECT stopping FROM runs WHERE task = ?", task).fetchone()
        return row is not None and not row[0]

    def pace(self, task: str, since: str) -> tuple[int, str | None]:
        """How many steps were done since a moment, and when the first of them was."""
        return self._do(
            """SELECT count(*), min(updated_at) FROM steps
               WHERE task = ? AND state = 'done' AND before IS NULL AND updated_at >= ?""",
            task,
            since,
        ).fetchone()

    def finish(self, task: str, status: Status, result: Mapping[str, Any]) -> None:
        self._do(
            "UPDATE runs SET status = ?, result = ?, holder = '', updated_at = ? WHERE task = ?",
            status,
            _packed(result),
            self._now,
            task,
        )

    def stop(self, task: str) -> Run:
        # What has a mode to give back stays interrupted: `recovery` has to find it.
        self._do(
            """UPDATE runs SET stopping = 1, updated_at = ?, status = iif(status = 'interrupted' AND NOT EXISTS (
                   SELECT 1 FROM steps WHERE steps.task = runs.task AND before IS NOT NULL AND state <> 'done'),
                   'cancelled', status)
               WHERE task = ? AND status IN ('running', 'interrupted')""",
            self._now,
            task,
        )
        return self.known_run(task)

    def holders(self) -> set[str]:
        return {row[0] for row in self._do("SELECT holder FROM runs WHERE status = 'running'")}

    def bury(self, holder: str) -> None:
        self._do(
            """UPDATE runs SET status = 'interrupted', holder = '', updated_at = ?
               WHERE status = 'running' AND holder = ?""",
            self._now,
            holder,
        )

    def run(self, task: str) -> Run | None:
        row = self._do(_RUN + "WHERE task = ?", task).fetchone()
        return _run(row) if row else None

    def known_run(self, task: str) -> Run:
        if (run := self.run(task)) is None:
            raise NotFoundError(f"No task {task[:40]!r}", hint="list_tasks names the recent ones.")
        return run

    def runs(self, limit: int, **chosen: str | None) -> list[Run]:
        wanted = {name: value for name, value in chosen.items() if value is not None}
        where = " AND ".join(["1", *(f"{name} = ?" for name in wanted)])
        rows = self._do(_RUN + f"WHERE {where} ORDER BY number DESC LIMIT ?", *wanted.values(), limit)
        return [_run(row) for row in rows]

    def steps(self, task: str) -> list[StepRecord]:
        return [_step(row) for row in self._do(_STEP + "WHERE task = ? ORDER BY number", task)]

    def _step(self, task: str, key: str) -> StepRecord | None:
        row = self._do(_STEP + "WHERE task = ? AND key = ?", task, key).fetchone()
        return _step(row) if row else None

    def _do(self, statement: str, *values: str | int | None) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)


def _busy(run: Run) -> LockHeldError:
    return LockHeldError(
        f"Task {run.task} is being carried out already", hint="get_task tells how far it is; try again when it ended."
    )


def _run(row: Sequence[Any]) -> Run:
    task, kind, plan, owner, status, created_at, updated_at, done, total, result, fence, stopping, undoes, undone = row
    return Run(
        task,
        kind,
        plan,
        owner,
        Status(status),
        created_at,
        updated_at,
        done,
        total,
        json.loads(result),
        fence,
        bool(stopping),
        undoes,
        undone,
    )


def _step(row: Sequence[Any]) -> StepRecord:
    key, state, before, image, updated_at = row
    return StepRecord(key, StepState(state), _unpacked(before), _unpacked(image), updated_at)


def _packed(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"))


def _unpacked(text: str | None) -> Json | None:
    return None if text is None else json.loads(text)
