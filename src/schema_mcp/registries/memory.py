"""What a registry said lately: bounded, each question asked once at a time, and never older than our own last write.

One memory serves all callers of a registry. An entry counts as an answer for `ttl` seconds, schemas behind an id or a
GUID for ever: an id is not given away twice as long as nobody deletes permanently, and then everything is forgotten.
Older entries stay, for the time when the registry does not answer.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, cast

import anyio
from cachetools import LRUCache

from schema_mcp.domain.errors import RegistryError, SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject, Version
from schema_mcp.registries.contract import Basis, Figures, Tree
from schema_mcp.registries.disk import Disk
from schema_mcp.registries.pacing import Clock

BYTES: Final = 32 * 1024 * 1024
ENTRIES: Final = 10_000
"""Of one registry; what was used least lately goes first."""

LARGEST: Final = BYTES // 2
"""Of one answer."""

_OVERHEAD: Final = 200
_JUST_NOW: Final = Basis()


class Kind(StrEnum):
    """What was asked."""

    CONTEXTS = "contexts"
    SUBJECTS = "subjects"
    NUMBERS = "numbers"
    VERSION = "version"
    VERSIONS = "versions"
    SCHEMA = "schema"
    GUID = "guid"
    HOLDERS = "holders"
    TREE = "tree"


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its options; `subject` is whom it is about, None for lists and ids."""

    kind: Kind
    subject: Subject | None = None
    options: tuple[str | int | bool | None, ...] = ()

    @property
    def lasts(self) -> bool:
        """Is the answer right for ever?"""
        return self.kind in {Kind.SCHEMA, Kind.GUID, Kind.TREE}


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and what that rests on."""

    value: Any
    basis: Basis = _JUST_NOW


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    at: float
    size: int


@dataclass(slots=True)
class _Flight:
    """A question under way; whoever else has it waits for the same answer."""

    ended: anyio.Event = field(default_factory=anyio.Event)
    answer: Answer | None = None
    error: SchemaMcpError | None = None


class Memory:
    """What one registry said."""

    def __init__(self, ttl: float, *, clock: Clock | None = None, disk: Disk | None = None) -> None:
        self._ttl = ttl
        self._clock = clock or Clock()
        self._disk = disk
        self._shelf = _Shelf(BYTES)
        self._flights: dict[Question, _Flight] = {}
        self._writing = 0
        self._changes = 0
        self._hits = self._misses = self._stale = 0

    @property
    def figures(self) -> Figures:
        """How much it holds, and how often it helped."""
        oldest = self._shelf.oldest
        return Figures(
            hits=self._hits,
            misses=self._misses,
            stale=self._stale,
            entries=len(self._shelf),
            bytes=int(self._shelf.currsize),
            oldest=0.0 if oldest is None else max(0.0, self._clock.now() - oldest),
        )

    async def answer(self, question: Question, ask: Callable[[], Awaitable[Any]]) -> Answer:
        """What is remembered, else what the registry says; the last it said where it does not answer."""
        kept = self._shelf.get(question)
        if kept and (question.lasts or self._age(kept) < self._ttl):
            self._hits += 1
            return Answer(kept.value, Basis(self._age(kept)))
        while flight := self._flights.get(question):
            await flight.ended.wait()
            if flight.error:
                raise flight.error
            if flight.answer:
                self._hits += 1
                return flight.answer
        return await self._fly(question, ask)

    async def keep(self, question: Question, value: Any, since: int) -> None:
        """Remember an answer, unless it is not worth it, or something of ours was written since it was asked for."""
        if not _is_kept(value) or not self._is_current(since):
            return
        kept = _kept(value, self._clock.now())
        if kept.size <= LARGEST:
            self._shelf[question] = kept
            await self._keep_on_disk(question, value, since)

    @property
    def changes(self) -> int:
        """How much was written by us, for `keep`."""
        return self._changes

    @asynccontextmanager
    async def changing(self, subject: Subject | None, *, for_good: bool = False) -> AsyncGenerator[None]:
        """A write of ours about a subject, or about everything (None): what it may change is forgotten first.

        While it is under way nothing is remembered, and who asks afterwards joins no question from before.
        """
        self._writing += 1
        try:
            if subject is None or for_good:
                self._shelf.clear()
            else:
                self._shelf.forget(subject)
                self._shelf.forget(None)
            if self._disk:
                await self._disk.forget(None if for_good else subject)
            yield
        finally:
            self._writing -= 1
            self._changes += 1
            self._flights.clear()

    async def last_known(self, question: Question, error: SchemaMcpError) -> Answer:
        """What was said once, however long ago; the error again where nothing was, or the registry does answer."""
        known = await self._known(question) if is_away(error) else None
        if known is None:
            raise error
        self._stale += 1
        return Answer(known.value, Basis(self._age(known), stale=True))

    async def close(self) -> None:
        if self._disk:
            await self._disk.close()

    async def _fly(self, question: Question, ask: Callable[[], Awaitable[Any]]) -> Answer:
        flight = self._flights[question] = _Flight()
        try:
            flight.answer = await self._asked(question, ask)
        except SchemaMcpError as error:
            flight.error = error
            raise
        finally:
            if self._flights.get(question) is flight:
                del self._flights[question]
            flight.ended.set()
        return flight.answer

    async def _asked(self, question: Question, ask: Callable[[], Awaitable[Any]]) -> Answer:
        if question.lasts and (known := await self._known(question)):
            self._hits += 1
            return Answer(known.value, Basis(self._age(known)))
        self._misses += 1
        since = self._changes
        try:
            value = await ask()
        except RegistryError as error:
            return await self.last_known(question, error)
        await self.keep(question, value, since)
        return Answer(value)

    async def _known(self, question: Question) -> _Kept | None:
        kept = self._shelf.get(question)
        if kept or self._disk is None:
            return kept
        since = self._changes
        found = await self._disk.get(question.kind, question.subject, question.options)
        if found is None or not self._is_current(since):
            return None
        kept = _kept(found.value, self._clock.now() - found.age)
        self._shelf[question] = kept
        return kept

    async def _keep_on_disk(self, question: Question, value: Any, since: int) -> None:
        if self._disk:
            await self._disk.put(
                question.kind,
                question.subject,
                question.options,
                value,
                lasts=question.lasts,
                unless=lambda: not self._is_current(since),
            )

    def _is_current(self, since: int) -> bool:
        return self._changes == since and not self._writing

    def _age(self, kept: _Kept) -> float:
        return max(0.0, self._clock.now() - kept.at)


class _Shelf(LRUCache[Question, _Kept]):
    """Entries by size, which of them are about which subject, and since when they are here."""

    def __init__(self, size: int) -> None:
        super().__init__(size, getsizeof=_size)
        self._about: defaultdict[Subject | None, dict[Question, float]] = defaultdict(dict)

    def __setitem__(self, question: Question, kept: _Kept) -> None:
        super().__setitem__(question, kept)
        self._about[question.subject][question] = kept.at

    def __delitem__(self, question: Question) -> None:
        super().__delitem__(question)
        about = self._about[question.subject]
        del about[question]
        if not about:
            del self._about[question.subject]

    def clear(self) -> None:
        super().clear()
        self._about.clear()

    def forget(self, subject: Subject | None) -> None:
        """Drop what may change and is about this subject, or about none."""
        for question in list(self._about.get(subject, ())):
            if not question.lasts:
                del self[question]

    @property
    def oldest(self) -> float | None:
        """When the oldest was said; looking at the entries themselves would make all of them look used."""
        return min((at for about in self._about.values() for at in about.values()), default=None)


def is_away(error: SchemaMcpError) -> bool:
    """Is it that the registry cannot answer now? A refusal is an answer, and old words are no way around it.

    An error says so by the `outcome` of a call that nobody answered, by when to `retry_in`, or by the status; whatever
    says nothing (credentials that were not taken, for one) is a refusal.
    """
    if not isinstance(error, RegistryError):
        return False
    status = error.details.get("status", 0)
    unanswered = not status and not {"outcome", "retry_in"}.isdisjoint(error.details)
    return unanswered or status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _is_kept(value: Any) -> bool:
    """Nothing is what everybody wants to see change, and a tree with whatever is the latest in it changes unseen."""
    return value.is_fixed if isinstance(value, Tree) else bool(value)


def weight(value: Any) -> int:
    """About how many bytes an answer takes."""
    match value:
        case Version():
            return _OVERHEAD + len(str(value.subject)) + weight(value.schema)
        case Schema():
            extras = sum(len(str(one)) for one in (value.metadata, value.rule_set) if one)
            return _OVERHEAD + len(value.text) + extras + _OVERHEAD * len(value.references)
        case Tree():
            return _OVERHEAD + sum(_OVERHEAD + len(one.text) for one in value.dependencies)
        case Subject():
            return _OVERHEAD + len(value.name)
        case list() | tuple():
            return _OVERHEAD + sum(map(weight, cast("Sequence[Any]", value)))
        case _:
            return len(str(value))


def _kept(value: Any, at: float) -> _Kept:
    # Even the smallest takes its share of the bytes, so that one bound keeps both.
    return _Kept(value, at, max(weight(value), 1 + BYTES // ENTRIES))


def _size(kept: _Kept) -> int:
    return kept.size
