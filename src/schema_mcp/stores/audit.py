"""Who asked for what, and how it ended: one line per call, none of which can be changed unseen.

A write is two lines: `intent` before its effect, `outcome` after, both on disk before the call goes on; where the
first cannot be written, the write is refused. A read is one line that outlives the process, and that at worst a power
cut takes away. Texts never stand here, only their keyed digests: equal arguments can be matched, none can be guessed.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from itertools import dropwhile, islice, takewhile
from pathlib import Path
from typing import Any, Protocol

from anyio import to_thread

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Json
from schema_mcp.stores import trail
from schema_mcp.stores.chain import ROTATE_AT, Chain, canonical, explained, locked
from schema_mcp.stores.clock import Clock, stamp, utc_now
from schema_mcp.stores.sqlite import private_folder
from schema_mcp.stores.trail import Finding

MOST_LOOKED_AT = 50_000
"""Lines that one search reads, a second or so."""

_KEY = "audit.key"
_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """How far a call came."""

    STARTED = "started"
    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail; what does not apply is left empty. `at` and `seq` are given when it is written."""

    tool: str
    outcome: Outcome = Outcome.OK
    request_id: str = ""
    caller: str = ""
    scopes: tuple[str, ...] = ()
    effect: str = ""
    registry: str = ""
    context: str = ""
    subject: str = ""
    code: str = ""
    reason: str = ""
    plan: str = ""
    arguments_digest: str = ""
    via: str = ""
    client: str = ""
    registries: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    duration_ms: float | None = None
    at: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Search:
    """Lines that were looked for, newest first: out of how many, and before which `seq` to go on (0: the end)."""

    found: list[Entry]
    looked_at: int
    before: int


class Listener(Protocol):
    """Whoever counts calls: told of each line that ends one, whichever interface it came through."""

    def ended(self, entry: Entry) -> None: ...

    def lost(self) -> None:
        """A line could not be written; where it was the intent of a write, there was no write."""
        ...


_FIELDS = tuple(field.name for field in fields(Entry))
_LOGGED = ("request_id", "tool", "registry", "outcome", "code", "duration_ms", "caller", "via")
_WRITTEN = tuple(name for name in _FIELDS if name not in ("at", "seq"))


class Audit:
    """The audit trail of one state folder, shared by any number of processes."""

    def __init__(self, folder: Path, *, clock: Clock = utc_now, rotate_at: int = ROTATE_AT) -> None:
        private_folder(folder)
        self._folder = folder
        self._clock = clock
        self._key = _key(folder)
        self._chain = Chain(folder, self._repair, rotate_at=rotate_at)
        self.listeners: list[Listener] = []

    def close(self) -> None:
        self._chain.close()

    async def record(self, entry: Entry) -> None:
        """Note a call that changed nothing: a read, or a refusal."""
        if self.noted(entry):
            return
        # Somebody else is writing: wait for our turn where that keeps no other call waiting.
        await to_thread.run_sync(self.add, entry)

    def noted(self, entry: Entry) -> bool:
        """Note a read at once, where nobody else is writing just now; otherwise `record` has to wait for its turn."""
        try:
            noted = self._chain.append(self._body(entry), patience=0)
        except SchemaMcpError:
            self._lost()
            raise
        if noted:
            self._ended(entry)
        return noted

    def add(self, entry: Entry) -> None:
        """Note anything, waiting for our turn; it is durable from the next `flush` on. Not for the event loop."""
        with self._heard(None if entry.outcome is Outcome.STARTED else entry):
            if not self._chain.append(self._body(entry)):
                raise locked(self._folder)

    def flush(self) -> None:
        """Wait until everything noted is on the disk. Not for the event loop."""
        with self._heard(None):
            self._chain.flush()

    async def intent(self, entry: Entry) -> None:
        """Note that a write is about to happen. Raises `StoreError` where that cannot be kept: then do not write."""
        await to_thread.run_sync(self._keep, replace(entry, outcome=Outcome.STARTED))

    async def outcome(self, entry: Entry) -> None:
        """Note how a write ended."""
        await to_thread.run_sync(self._keep, entry)

    async def try_out(self, patience: float) -> None:
        """Raise `StoreError` where nothing can be noted now, within so many seconds; then nothing is done either."""
        await to_thread.run_sync(self._chain.try_out, patience)

    def digest(self, arguments: Mapping[str, Any]) -> str:
        """Stands for arguments without telling them: equal arguments, equal digest, in this folder only."""
        # BLAKE2's own keyed mode (RFC 7693): an HMAC lets go of the interpreter's lock, and waits long to get it back.
        return hashlib.blake2b(canonical(arguments), key=self._key, digest_size=32).hexdigest()

    async def recent(self, limit: int, *, before: int = 0, since: str = "", **wanted: str) -> list[Entry]:
        """The newest lines, newest first, whose fields are as `wanted`: `recent(20, caller="ann")`.

        `before` is the `seq` of the last line seen, `since` the earliest time that matters.
        """

        def fits(entry: Entry) -> bool:
            return all(getattr(entry, name) == value for name, value in wanted.items())

        def read() -> list[Entry]:
            lines = map(_from_line, trail.newest(self._folder))
            older = dropwhile(lambda entry: before and entry.seq >= before, lines)
            return list(islice(filter(fits, takewhile(lambda entry: entry.at >= since, older)), limit))

        return await to_thread.run_sync(read)

    async def search(self, fits: Callable[[Entry], bool], *, limit: int, before: int = 0, since: str = "") -> Search:
        """The newest lines that fit, before a `seq`; looks at so many lines at most that one call never takes long."""
        return await to_thread.run_sync(self._search, fits, limit, before, since)

    async def verify(self) -> list[Finding]:
        """Where lines were changed, moved, added or cut off; empty while the chain holds."""
        return await to_thread.run_sync(trail.verify, self._folder)

    def _search(self, fits: Callable[[Entry], bool], limit: int, before: int, since: str) -> Search:
        found: list[Entry] = []
        looked = 0
        for entry in map(_from_line, trail.newest(self._folder)):
            if before and entry.seq >= before:
                continue
            if entry.at < since:
                break
            if len(found) == limit or looked == MOST_LOOKED_AT:
                return Search(found, looked, entry.seq + 1)
            looked += 1
            if fits(entry):
                found.append(entry)
        return Search(found, looked, 0)

    @contextmanager
    def _heard(self, ended: Entry | None) -> Generator[None]:
        """Around the writing of a line: tell of what ended with it, or that it could not be written."""
        try:
            yield
        except SchemaMcpError:
            self._lost()
            raise
        if ended:
            self._ended(ended)

    def _ended(self, entry: Entry) -> None:
        if _log.isEnabledFor(logging.INFO):
            facts = {name: value for name in _LOGGED if (value := getattr(entry, name))}
            _log.info("call ended", extra={"facts": facts})
        for listener in self.listeners:
            listener.ended(entry)

    def _lost(self) -> None:
        _log.error("a line of the audit trail could not be written")
        for listener in self.listeners:
            listener.lost()

    def _keep(self, entry: Entry) -> None:
        self.add(entry)
        self.flush()

    def _body(self, entry: Entry) -> Json:
        said = {name: value for name in _WRITTEN if (value := getattr(entry, name))}
        return {**said, "at": stamp(self._clock())}

    def _repair(self, what: str) -> Json:
        return self._body(Entry("audit", effect="repair", code="repaired", reason=what))


def _from_line(said: Json) -> Entry:
    known: Json = {name: said[name] for name in _FIELDS if name in said}
    known["outcome"] = Outcome(said["outcome"])
    known |= {name: tuple(said.get(name, ())) for name in ("scopes", "registries", "subjects")}
    return Entry(**known)


def _key(folder: Path) -> bytes:
    """The folder's own key for digests, made once; of several processes that start at once, one makes it."""
    path = folder / _KEY
    if not path.exists():
        with explained(folder):
            draft = folder / f"{_KEY}.{secrets.token_hex(8)}"
            draft.touch(mode=0o600)
            draft.write_bytes(secrets.token_bytes(32))
            with suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
    return path.read_bytes()
