"""The tables of the id ledger, as one transaction sees and changes them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from schema_mcp.domain.allocation import (
    Allocated,
    Allocation,
    Block,
    Disagreement,
    Entry,
    Held,
    IdRange,
    Kind,
    Skip,
    free_run,
    known_id,
    mark_for,
)
from schema_mcp.domain.errors import ConflictError, MarkReachedError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.dialect import Connection, Dialect

MIGRATIONS: Final = (
    (
        """CREATE TABLE ids (
            registry {text} NOT NULL, context {text} NOT NULL, id {integer} NOT NULL,
            schema_hash {text} NOT NULL, schema_type {text} NOT NULL, created_at {text} NOT NULL,
            PRIMARY KEY (registry, context, id)) {keyed}""",
        "CREATE INDEX ids_by_content ON ids (schema_hash)",
        "CREATE INDEX ids_by_id ON ids (id)",
        """CREATE TABLE versions (
            context {text} NOT NULL, subject {text} NOT NULL, number {integer} NOT NULL,
            registry {text} NOT NULL, id {integer} NOT NULL,
            PRIMARY KEY (context, subject, number)) {keyed}""",
        "CREATE TABLE blocks (first {integer} NOT NULL, last {integer} NOT NULL, owner {text} NOT NULL) {plain}",
        "CREATE INDEX blocks_by_last ON blocks (last)",
        "CREATE TABLE progress (last {integer} NOT NULL, mark {integer} NOT NULL) {plain}",
        "INSERT INTO progress VALUES (0, 0)",
    ),
    (
        "ALTER TABLE ids ADD COLUMN wanted {text} NOT NULL DEFAULT ''",
        # Where a region's block goes on; 0 in a block that others hand out, or that is used up.
        "ALTER TABLE blocks ADD COLUMN next {integer} NOT NULL DEFAULT 0",
        """CREATE TABLE skipped (
            first {integer} NOT NULL, last {integer} NOT NULL, at {text} NOT NULL, why {text} NOT NULL) {plain}""",
        "CREATE INDEX skipped_by_last ON skipped (last)",
    ),
)
EVERYTHING: Final = -1
"""No limit."""

_AT_ONCE = 500
_UNLIMITED = 2**62  # SQLite takes -1 for that, PostgreSQL refuses it
_PROGRESS = "SELECT last, mark FROM progress"
_HELD = "SELECT id, schema_hash, schema_type, created_at, registry, context, wanted FROM ids "
_KEEP = "INSERT INTO ids (id, schema_hash, schema_type, created_at, registry, context, wanted) VALUES "
_VERSIONS = """SELECT v.context, subject, number, schema_hash, v.id, schema_type, v.registry, created_at
               FROM versions v JOIN ids i ON i.id = v.id AND i.registry = v.registry
               AND i.context = CASE WHEN v.registry = '' THEN '' ELSE v.context END """
_IN_THE_WAY = (
    "SELECT 1 FROM blocks WHERE last >= ? AND first <= ? UNION ALL SELECT 1 FROM ids WHERE id BETWEEN ? AND ? LIMIT 1"
)
_PUT = "INSERT INTO versions (context, subject, number, registry, id) VALUES "


class IdBook:
    """One transaction's view: `last` is the highest number handed out or reserved, `mark` how far we may go."""

    def __init__(self, connection: Connection, ids: IdRange, now: str, dialect: Dialect, *, writing: bool) -> None:
        self._connection = connection
        self._ids = ids
        self._now = now
        progress = _PROGRESS + (dialect.alone if writing else "")
        self.last, self.mark = self._before = connection.execute(progress).fetchone()

    def close(self) -> None:
        """Write down how far we came; the last thing in a transaction that changed it."""
        if (self.last, self.mark) != tuple(self._before):
            self._connection.execute("UPDATE progress SET last = ?, mark = ?", (self.last, self.mark))

    def allocate(self, request: Allocation) -> Allocated:
        known = known_id(self.ids_of(request.schema_hash), self.holders)
        held = known or self._new(request)
        _refuse_other_number(request, held)
        if held.registry:  # what a registry numbered is from now on ours to carry elsewhere
            self._hold(replace(held, registry="", context=""))
        self._claim(Entry(request.subject, request.number, held.schema_hash, held.id))
        return Allocated(held.id, known is not None, held.schema_hash, held.created_at)

    def allocate_many(self, requests: Sequence[Allocation]) -> list[Allocated]:
        """The same for many, in few statements where nothing stands in the way of a run of fresh numbers."""
        known = self._known_ids([request.schema_hash for request in requests])
        fresh = {one.schema_hash: one for one in reversed(requests) if one.schema_hash not in known}
        if not self._are_plain(requests, known) or not (first := self._run(len(fresh))):
            return [self.allocate(request) for request in requests]
        wanted = [one for one in dict.fromkeys(one.schema_hash for one in requests) if one in fresh]
        made = {digest: self._held_for(first + place, fresh[digest]) for place, digest in enumerate(wanted)}
        self._insert(_KEEP, [_row(held) for held in made.values()])
        self.last = max(self.last, first + len(made) - 1)
        given = [known.get(one.schema_hash) or made[one.schema_hash] for one in requests]
        self._claim_all(
            [
                Entry(one.subject, one.number, held.schema_hash, held.id)
                for one, held in zip(requests, given, strict=True)
            ]
        )
        told = set(known)
        return [_answer(held, told) for held in given]

    def adopt(self, entry: Entry) -> None:
        self._hold(entry.held)
        self._claim(entry)

    def reserve(self, count: int, owner: str) -> Block:
        return self._block(self._set_aside(self.last, count, owner))

    def extend(self, mark: int, ahead: int) -> None:
        # A stretch that does not touch ours: somebody else moved the mark over the numbers between.
        if mark > self.mark:
            self._skip_to(mark, "another ledger of this store moved Git's mark over them")
        self.mark = max(self.mark, ahead)

    def replace(self, entries: Iterable[Entry], high_water: int, blocks: Iterable[Block]) -> None:
        """Forget what was known and believe the store, keeping the ids of contents it does not know yet."""
        ours, set_aside = self._held("registry = ''"), self.blocks()
        for clear in ("DELETE FROM ids", "DELETE FROM versions", "DELETE FROM blocks"):
            self._connection.execute(clear)
        for entry in entries:
            if self._holds(entry.held):
                self._put(entry)
        for held in ours:
            self._keep_or_skip(held)
        for block in _together(blocks, set_aside):
            self._block(block)  # a region's block is closed: numbers of it may have been handed out and forgotten
        self._skip_to(high_water, "the ledger was rebuilt: they may have been handed out and not committed")
        self.mark = high_water

    def forget(self, subject: Subject, number: int, schema_hash: str | None = None) -> None:
        known = self._known(subject, number)
        if known and schema_hash in (None, known.schema_hash):
            self._connection.execute(
                "DELETE FROM versions WHERE context = ? AND subject = ? AND number = ?", _key(subject, number)
            )

    def blocks(self, above: int = 0) -> list[Block]:
        """The blocks set aside, or those that reach above a number."""
        rows = self._connection.execute("SELECT first, last, owner FROM blocks WHERE last > ? ORDER BY last", (above,))
        return [Block(*row) for row in rows]

    def skips(self, above: int = 0) -> list[Skip]:
        """The numbers that were passed over, or those above a number, lowest first."""
        ordered = "SELECT first, last, at, why FROM skipped WHERE last > ? ORDER BY last, first"
        return [Skip(*row) for row in self._connection.execute(ordered, (above,))]

    def held(self) -> list[Held]:
        """Every id with its content, lowest first."""
        return sorted(self._held("id > ?", 0), key=lambda one: (one.id, one.registry, one.context))

    def holders(self, id: int) -> list[Held]:
        return self._held("id = ?", id)

    def ids_of(self, schema_hash: str) -> list[Held]:
        return self._held("schema_hash = ?", schema_hash)

    def entries(self, after: Entry | None, limit: int) -> list[Entry]:
        rows = self._connection.execute(
            _VERSIONS + "WHERE (v.context, subject, number) > (?, ?, ?) ORDER BY v.context, subject, number LIMIT ?",
            (*(_key(after.subject, after.number) if after else ("", "", 0)), limit if limit >= 0 else _UNLIMITED),
        )
        return [_entry(row) for row in rows]

    def difference(self, high_water: int, blocks: Iterable[Block]) -> Iterator[Disagreement]:
        if self.mark != high_water:
            yield Disagreement(Kind.MARK, f"the ledger's mark is {self.mark}, the store's {high_water}")
        ours, theirs = set(self.blocks()), set(blocks)
        if theirs - ours:
            yield Disagreement(Kind.BLOCKS, "the store has reserved blocks that the ledger does not know")
        if ours - theirs:
            yield Disagreement(Kind.RESERVED, "the ledger has set numbers aside that the store does not know")

    def _known_ids(self, digests: Sequence[str]) -> dict[str, Held]:
        found: list[Held] = []
        for start in range(0, len(digests), _AT_ONCE):
            some = digests[start : start + _AT_ONCE]
            found += self._held(f"schema_hash IN ({', '.join('?' * len(some))})", *some)
        return {held.schema_hash: held for held in found}

    def _are_plain(self, requests: Sequence[Allocation], known: Mapping[str, Held]) -> bool:
        """Is every id of the ledger's own making, and may every new one be any that is free?"""
        return not (
            self._ids.region
            or any(held.registry for held in known.values())
            or any(one.adopt_id is not None or self._ids.floor(one.floor) > self.last for one in requests)
        )

    def _run(self, count: int) -> int:
        """The first of as many numbers that follow the last one without a gap; 0 where something lies between."""
        if not count:
            return self.last + 1
        try:
            first = self._free(self.last, count)
        except MarkReachedError:
            raise
        except ConflictError:
            return 0
        return first if first == max(self.last + 1, self._ids.first) else 0

    def _claim_all(self, entries: Sequence[Entry]) -> None:
        rows = [(*_key(entry.subject, entry.number), entry.registry, entry.id) for entry in entries]
        if self._insert(_PUT, rows) != len(rows):
            for entry in entries:
                self._claim(entry)

    def _new(self, request: Allocation) -> Held:
        number = self._next(request) if request.adopt_id is None else request.adopt_id
        held = self._held_for(number, request)
        self._hold(held)
        return held

    def _held_for(self, number: int, request: Allocation) -> Held:
        wanted = f"{request.subject} v{request.number}"
        return Held(number, request.schema_hash, request.schema_type, self._now, wanted=wanted)

    def _next(self, request: Allocation) -> int:
        floor = self._ids.floor(request.floor)
        if self._ids.region:
            return self._of_region(floor)
        if floor > self.last:
            self._skip_to(floor, "a registry had handed out ids up to there")
        self.last = self._free(self.last, 1)
        return self.last

    def _of_region(self, floor: int) -> int:
        """The next number of the region's own blocks; a new block where they are used up."""
        region = self._ids.region
        mine = "SELECT first, last, next FROM blocks WHERE owner = ? AND next > 0 ORDER BY last"
        for first, last, ahead in list(self._connection.execute(mine, (region,))):
            after = max(ahead - 1, floor if first <= floor <= last else 0)
            try:
                number = free_run(after, 1, within=IdRange(first, last), blocks=(), last_taken=self._last_taken)
            except ConflictError:  # used up
                self._go_on(first, 0)
            else:
                self._go_on(first, number + 1 if number < last else 0)
                return number
        block = self._set_aside(max(self.last, floor), self._ids.block, region)
        self._block(block, ahead=block.first + 1 if block.first < block.last else 0)
        return block.first

    def _go_on(self, first: int, ahead: int) -> None:
        self._connection.execute("UPDATE blocks SET next = ? WHERE first = ?", (ahead, first))

    def _set_aside(self, after: int, count: int, owner: str) -> Block:
        first = self._free(after, count)
        if after > self.last:
            self._skip_to(after, "a registry had handed out ids up to there")
        self._pass(first - 1, f"no {count} in a row were free between them")
        block = Block(first, first + count - 1, owner)
        self.last = block.last
        return block

    def _free(self, after: int, count: int) -> int:
        clear = self._is_clear(after, count)
        blocks, last_taken = ((), _nobody) if clear else (self.blocks(above=after), self._last_taken)
        first = free_run(after, count, within=self._ids, blocks=blocks, last_taken=last_taken)
        needed = mark_for(first + count - 1)
        if first + count - 1 > self.mark:
            raise MarkReachedError(
                f"Ids from {first} are above the mark in Git ({self.mark})",
                hint=f"Move the mark in SCHEMASTORE/ids.json to {needed} or further, then ask again.",
                details={"mark": needed},
            )
        return first

    def _is_clear(self, after: int, count: int) -> bool:
        """Is nothing reserved or taken in the very next numbers? Mostly so, and one question tells."""
        first = max(after + 1, self._ids.first)
        last = first + count - 1
        return self._connection.execute(_IN_THE_WAY, (first, last, first, last)).fetchone() is None

    def _skip_to(self, last: int, why: str) -> None:
        """Go on above a number, and remember why those below it stay unused."""
        self._pass(last, why)
        self.last = max(self.last, last)

    def _pass(self, last: int, why: str) -> None:
        first = max(self.last + 1, self._ids.first)
        if first <= last:
            self._skip(first, last, why)

    def _skip(self, first: int, last: int, why: str) -> None:
        self._connection.execute("INSERT INTO skipped VALUES (?, ?, ?, ?)", (first, last, self._now, why))

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

    def _keep_or_skip(self, held: Held) -> None:
        """After a rebuild: a content that the store does not number keeps the id that it was given."""
        if all(other.registry for other in self.ids_of(held.schema_hash)) and self._holds(held):
            return
        if not self.holders(held.id):
            whom = f"for {held.wanted} " if held.wanted else ""
            self._skip(held.id, held.id, f"handed out {whom}at {held.created_at}; the store numbers it otherwise")

    def _hold(self, held: Held) -> None:
        if not self._holds(held):
            raise ConflictError(
                f"Id {held.id} already stands for content {self._holder(held)}, not {held.schema_hash}",
                hint="Look the id up, and either take the id that this content has or let a new one be allocated.",
            )

    def _holds(self, held: Held) -> bool:
        """Give the id to the content where it is free; does it stand for that content now?"""
        dated = held if held.created_at else replace(held, created_at=self._now)
        return self._insert(_KEEP, [_row(dated)]) == 1 or self._holder(held) == held.schema_hash

    def _holder(self, held: Held) -> str:
        space = (held.registry, held.context)
        return next(other.schema_hash for other in self.holders(held.id) if (other.registry, other.context) == space)

    def _put(self, entry: Entry) -> bool:
        row = (*_key(entry.subject, entry.number), entry.registry, entry.id)
        return self._insert(_PUT, [row]) == 1

    def _insert(self, into: str, rows: Sequence[Sequence[Any]]) -> int:
        """How many rows were new; the others are left as they are."""
        new = 0
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            group = f"({', '.join('?' * len(some[0]))})"
            query = f"{into}{', '.join([group] * len(some))} ON CONFLICT DO NOTHING"
            new += self._connection.execute(query, [value for row in some for value in row]).rowcount
        return new

    def _block(self, block: Block, ahead: int = 0) -> Block:
        row = (block.first, block.last, block.owner, ahead)
        self._connection.execute("INSERT INTO blocks (first, last, owner, next) VALUES (?, ?, ?, ?)", row)
        return block


def _nobody(_first: int, _last: int) -> int | None:
    """Who took the numbers, where it is known that nobody did."""
    return None


def _row(held: Held) -> tuple[Any, ...]:
    space = (held.registry, held.context)
    return held.id, held.schema_hash, held.schema_type, held.created_at, *space, held.wanted


def _answer(held: Held, told: set[str]) -> Allocated:
    existing = held.schema_hash in told
    told.add(held.schema_hash)  # asked for twice in one batch: the second time it has it
    return Allocated(held.id, existing, held.schema_hash, held.created_at)


def _refuse_other_number(request: Allocation, held: Held) -> None:
    if request.adopt_id not in (None, held.id):
        raise ConflictError(
            f"Content {held.schema_hash} already has id {held.id}, not {request.adopt_id}",
            hint=f"The same content keeps the same id: use {held.id}.",
        )


def _together(stored: Iterable[Block], ours: Sequence[Block]) -> list[Block]:
    """The store's blocks, and ours where they do not overlap those."""
    blocks = list(stored)
    return [
        *blocks,
        *(one for one in ours if not any(one.first <= other.last and other.first <= one.last for other in blocks)),
    ]


def _key(subject: Subject, number: int) -> tuple[str, str, int]:
    return subject.context, subject.name, number


def _entry(row: Sequence[Any]) -> Entry:
    context, subject, number, *rest = row
    return Entry(Subject(subject, context), number, *rest)
