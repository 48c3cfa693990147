"""The tables of the id ledger, as one transaction sees and changes them."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from schema_mcp.domain.allocation import (
    Allocated,
    Allocation,
    Block,
    Disagreement,
    Entry,
    Held,
    IdRange,
    Kind,
    free_run,
    known_id,
    mark_for,
)
from schema_mcp.domain.errors import ConflictError, MarkReachedError
from schema_mcp.domain.schema import Subject

MIGRATIONS = (
    (
        """CREATE TABLE ids (
            registry TEXT NOT NULL, context TEXT NOT NULL, id INTEGER NOT NULL,
            schema_hash TEXT NOT NULL, schema_type TEXT NOT NULL, created_at TEXT NOT NULL,
            PRIMARY KEY (registry, context, id)) STRICT, WITHOUT ROWID""",
        "CREATE INDEX ids_by_content ON ids (schema_hash)",
        "CREATE INDEX ids_by_id ON ids (id)",
        """CREATE TABLE versions (
            context TEXT NOT NULL, subject TEXT NOT NULL, number INTEGER NOT NULL,
            registry TEXT NOT NULL, id INTEGER NOT NULL,
            PRIMARY KEY (context, subject, number)) STRICT, WITHOUT ROWID""",
        "CREATE TABLE blocks (first INTEGER NOT NULL, last INTEGER NOT NULL, owner TEXT NOT NULL) STRICT",
        "CREATE INDEX blocks_by_last ON blocks (last)",
        "CREATE TABLE progress (last INTEGER NOT NULL, mark INTEGER NOT NULL) STRICT",
        "INSERT INTO progress VALUES (0, 0)",
    ),
)
_HELD = "SELECT id, schema_hash, schema_type, created_at, registry, context FROM ids "
_KEEP = "INSERT OR IGNORE INTO ids (id, schema_hash, schema_type, created_at, registry, context) VALUES (?,?,?,?,?,?)"
_VERSIONS = """SELECT v.context, subject, number, schema_hash, v.id, schema_type, v.registry, created_at
               FROM versions v JOIN ids i
               ON i.id = v.id AND i.registry = v.registry AND i.context = iif(v.registry = '', '', v.context) """
_PUT = "INSERT OR IGNORE INTO versions (context, subject, number, registry, id) VALUES (?,?,?,?,?)"


class IdBook:
    """One transaction's view: `last` is the highest number handed out or reserved, `mark` how far we may go."""

    def __init__(self, connection: sqlite3.Connection, ids: IdRange, now: str) -> None:
        self._connection = connection
        self._ids = ids
        self._now = now
        self.last, self.mark = connection.execute("SELECT last, mark FROM progress").fetchone()
        self._ahead = self.blocks(above=self.last)

    def close(self) -> None:
        """Write down how far we came; the last thing in a transaction that changed it."""
        self._connection.execute("UPDATE progress SET last = ?, mark = ?", (self.last, self.mark))

    def allocate(self, request: Allocation) -> Allocated:
        known = known_id(self.ids_of(request.schema_hash), self.holders)
        held = known or self._new(request)
        _refuse_other_number(request, held)
        if held.registry:  # what a registry numbered is from now on ours to carry elsewhere
            self._hold(replace(held, registry="", context=""))
        self._claim(Entry(request.subject, request.number, held.schema_hash, held.id))
        return Allocated(held.id, known is not None, held.schema_hash, held.created_at)

    def adopt(self, entry: Entry) -> None:
        self._hold(entry.held)
        self._claim(entry)

    def reserve(self, count: int, owner: str) -> Block:
        first = self._free(self.last, count)
        block = Block(first, first + count - 1, owner)
        self.last = block.last
        self._block(block)
        return block

    def extend(self, mark: int, ahead: int) -> None:
        # A stretch that does not touch ours: somebody else moved the mark over the numbers between.
        if mark > self.mark:
            self.last = max(self.last, mark)
        self.mark = max(self.mark, ahead)

    def replace(self, entries: Iterable[Entry], high_water: int, blocks: Iterable[Block]) -> None:
        """Forget what was known and believe the store, keeping the ids of contents it does not know yet."""
        ours = self._held("registry = ''")
        for clear in ("DELETE FROM ids", "DELETE FROM versions", "DELETE FROM blocks"):
            self._connection.execute(clear)
        for entry in entries:
            if self._holds(entry.held):
                self._put(entry)
        for held in ours:
            if all(other.registry for other in self.ids_of(held.schema_hash)):
                self._holds(held)
        for block in blocks:
            self._block(block)
        self.last, self.mark = max(self.last, high_water), high_water

    def forget(self, subject: Subject, number: int, schema_hash: str | None = None) -> None:
        known = self._known(subject, number)
        if known and schema_hash in (None, known.schema_hash):
            self._connection.execute(
                "DELETE FROM versions WHERE context = ? AND subject = ? AND number = ?", _key(subject, number)
            )

    def blocks(self, above: int = 0) -> list[Block]:
        """The reserved blocks, or those that reach above a number."""
        rows = self._connection.execute("SELECT first, last, owner FROM blocks WHERE last > ? ORDER BY last", (above,))
        return [Block(*row) for row in rows]

    def holders(self, id: int) -> list[Held]:
        return self._held("id = ?", id)

    def ids_of(self, schema_hash: str) -> list[Held]:
        return self._held("schema_hash = ?", schema_hash)

    def entries(self, after: Entry | None, limit: int) -> list[Entry]:
        rows = self._connection.execute(
            _VERSIONS + "WHERE (v.context, subject, number) > (?, ?, ?) ORDER BY v.context, subject, number LIMIT ?",
            (*(_key(after.subject, after.number) if after else ("", "", 0)), limit),
        )
        return [_entry(row) for row in rows]

    def difference(self, high_water: int, blocks: Iterable[Block]) -> Iterator[Disagreement]:
        if self.mark != high_water:
            yield Disagreement(Kind.MARK, f"the ledger's mark is {self.mark}, the store's {high_water}")
        if set(self.blocks()) != set(blocks):
            yield Disagreement(Kind.BLOCKS, "the ledger and the store know different reserved blocks")

    def _new(self, request: Allocation) -> Held:
        if request.adopt_id is None:
            self.last = self._free(max(self.last, request.floor), 1)
        number = self.last if request.adopt_id is None else request.adopt_id
        held = Held(number, request.schema_hash, request.schema_type, self._now)
        self._hold(held)
        return held

    def _free(self, after: int, count: int) -> int:
        first = free_run(after, count, within=self._ids, blocks=self._ahead, last_taken=self._last_taken)
        needed = mark_for(first + count - 1)
        if first + count - 1 > self.mark:
            raise MarkReachedError(
                f"Ids from {first} are above the mark in Git ({self.mark})",
                hint=f"Move the mark in SCHEMASTORE/ids.json to {needed} or further, then ask again.",
                details={"mark": needed},
            )
        return first

    def _last_taken(self, first: int, last: int) -> int | None:
        return self._connection.execute("SELECT max(id) FROM ids WHERE id BETWEEN ? AND ?", (first, last)).fetchone()[0]

    def _held(self, where: str, *values: int | str) -> list[Held]:
        rows = self._connection.execute(_HELD + f"WHERE {where}", values)
        return [Held(*row) for row in rows]

    def _claim(self, entry: Entry) -> None:
        if self._put(entry):
            return
        claimed = self._known(entry.subject, entry.number)
        if claimed and claimed.schema_hash != entry.schema_hash:
            raise ConflictError(
                f"{entry.subject} v{entry.number} is known with content {claimed.schema_hash}, not {entry.schema_hash}",
                hint="Use the next version number; if that version was never committed, let it go first.",
            )

    def _known(self, subject: Subject, number: int) -> Entry | None:
        one = _VERSIONS + "WHERE v.context = ? AND subject = ? AND number = ?"
        row = self._connection.execute(one, _key(subject, number)).fetchone()
        return _entry(row) if row else None

    def _hold(self, held: Held) -> None:
        if not self._holds(held):
            raise ConflictError(
                f"Id {held.id} already stands for content {self._holder(held)}, not {held.schema_hash}",
                hint="Look the id up, and either take the id that this content has or let a new one be allocated.",
            )

    def _holds(self, held: Held) -> bool:
        """Give the id to the content where it is free; does it stand for that content now?"""
        row = (held.id, held.schema_hash, held.schema_type, held.created_at or self._now, held.registry, held.context)
        return self._connection.execute(_KEEP, row).rowcount == 1 or self._holder(held) == held.schema_hash

    def _holder(self, held: Held) -> str:
        space = (held.registry, held.context)
        return next(other.schema_hash for other in self.holders(held.id) if (other.registry, other.context) == space)

    def _put(self, entry: Entry) -> bool:
        row = (*_key(entry.subject, entry.number), entry.registry, entry.id)
        return self._connection.execute(_PUT, row).rowcount == 1

    def _block(self, block: Block) -> None:
        self._connection.execute(
            "INSERT INTO blocks (first, last, owner) VALUES (?, ?, ?)", (block.first, block.last, block.owner)
        )


def _refuse_other_number(request: Allocation, held: Held) -> None:
    if request.adopt_id not in (None, held.id):
        raise ConflictError(
            f"Content {held.schema_hash} already has id {held.id}, not {request.adopt_id}",
            hint=f"The same content keeps the same id: use {held.id}.",
        )


def _key(subject: Subject, number: int) -> tuple[str, str, int]:
    return subject.context, subject.name, number


def _entry(row: Sequence[Any]) -> Entry:
    context, subject, number, *rest = row
    return Entry(Subject(subject, context), number, *rest)
