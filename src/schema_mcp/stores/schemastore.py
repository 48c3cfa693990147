"""Our schemas in Git: read from memory, changed by commits, shared with people who edit the same repository."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import RLock
from typing import Final, Literal, Protocol

from anyio import to_thread

from schema_mcp.domain.allocation import Block
from schema_mcp.domain.errors import ConflictError, NotFoundError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.stores.changes import (
    AddVersion,
    Change,
    Draft,
    RemoveVersion,
    ReserveBlock,
    SetContextWish,
    SetMark,
    SetWish,
    UpdateVersion,
)
from schema_mcp.stores.commits import Author, Commit
from schema_mcp.stores.files import ContextWish, StoredVersion, SubjectWish
from schema_mcp.stores.index import Finding, Index, Record
from schema_mcp.stores.reader import Reader
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.shelf import Shelf

__all__ = [
    "AddVersion",
    "Author",
    "Change",
    "Commit",
    "ContextWish",
    "Finding",
    "Record",
    "RemoveVersion",
    "ReserveBlock",
    "SchemaStore",
    "SetContextWish",
    "SetMark",
    "SetWish",
    "StoredVersion",
    "SubjectWish",
    "UpdateVersion",
    "Upstream",
]

_TURNS: Final = 5
_SHELF: Final = 48_000_000  # characters


class Upstream(Protocol):
    """Where the store is shared: what a `Remote` offers."""

    def fetch(self) -> str | None:
        """The commit that is there now."""
        ...

    def push(self, commit: str) -> None:
        """Put a commit there; `ConflictError` where somebody was faster."""
        ...


class SchemaStore:
    """The folder `SCHEMASTORE` of a repository.

    Questions are answered from the last `refresh` or `commit`, at once and from one moment; `hash_of` gives the
    `schemaHash` of a content and raises `InvalidSchemaError` where the text is no schema. With an `upstream`, a commit
    is there before it is here, so nothing can be deployed that others do not know.
    """

    def __init__(
        self,
        repository: Repository,
        hash_of: Callable[[Schema], str],
        *,
        folder: str = "SCHEMASTORE",
        upstream: Upstream | None = None,
    ) -> None:
        self.repository = repository
        self.upstream = upstream
        self.root = f"{repository.prefix}/{folder}" if repository.prefix else folder
        self._hash_of = hash_of
        self._shelf = Shelf(_SHELF)
        self._reader = Reader(repository, self.root, hash_of, self._shelf.put)
        self._index = Index()
        self._changing = RLock()

    async def refresh(self) -> None:
        """Take in what has been committed since, by us or by anybody."""
        await to_thread.run_sync(self._refresh)

    async def fetch(self) -> None:
        """Take in what the upstream has, then all that `refresh` does; without an upstream just that.

        Raises `StoreError` where the upstream does not answer or its history was rewritten, `ConflictError` where
        commits of a person here and there changed one file.
        """
        await to_thread.run_sync(self._fetch)

    @property
    def head(self) -> str | None:
        """The commit that the answers come from; None before the first one."""
        return self._index.commit

    def contexts(self) -> list[str]:
        """Contexts with a subject or a wish."""
        index = self._index
        return sorted({subject.context for subject in index.subjects} | index.context_notes.keys())

    def subjects(self, context: str | None = None) -> list[Subject]:
        """Subjects with a version, of one context or of all."""
        return sorted(subject for subject in self._index.subjects if context in (None, subject.context))

    def records(self, subject: Subject) -> Sequence[Record]:
        """A subject's versions without their texts, oldest first; much cheaper than `history`."""
        return self._index.subjects.get(subject, ())

    def history(self, subject: Subject) -> list[StoredVersion]:
        """A subject's versions, oldest first, retired ones included."""
        return [self._stored(record) for record in self.records(subject)]

    def version(self, subject: Subject, number: int | Literal["latest"]) -> StoredVersion | None:
        """One version; the latest is the highest that is not retired."""
        records = reversed(self.records(subject))
        fits = (one for one in records if one.number == number or (number == "latest" and not one.deleted))
        record = next(fits, None)
        return self._stored(record) if record else None

    def holders(self, schema_hash: str) -> Sequence[Record]:
        """Every version with this content."""
        return self._index.hashes.get(schema_hash, ())

    def by_id(self, schema_id: int) -> Sequence[Record]:
        """Every version under this id; ids that registries made mean different contents in different contexts."""
        return self._index.ids.get(schema_id, ())

    def wish(self, subject: Subject) -> SubjectWish:
        """What is wanted of a subject; all open where nobody has said anything."""
        note = self._index.subject_notes.get(subject)
        return note.wish if note else SubjectWish()

    def context_wish(self, context: str) -> ContextWish:
        """What is wanted of a context; all open where nobody has said anything."""
        note = self._index.context_notes.get(context)
        return note.wish if note else ContextWish()

    def wishes(self) -> dict[Subject, SubjectWish]:
        """Every wish for a subject, also for subjects that have no version yet."""
        return {subject: note.wish for subject, note in self._index.subject_notes.items()}

    def high_water(self) -> int:
        """The mark up to which ids may have been handed out; 0 without one."""
        return self._index.numbers.high_water

    def blocks(self) -> tuple[Block, ...]:
        """Ids that others hand out."""
        return self._index.numbers.blocks

    def findings(self) -> list[Finding]:
        """Files that are not as the store needs them; everything else is readable nevertheless."""
        found = [unit for unit in self._index.units.values() if isinstance(unit, Finding)]
        return sorted(found, key=lambda finding: finding.path)

    async def log(self, path: str = "", limit: int = 50) -> list[Commit]:
        """The newest commits that changed a file or folder of the store, newest first."""
        place = f"{self.root}/{path}" if path else self.root
        return await to_thread.run_sync(self.repository.log, place, limit)

    async def commit(
        self, changes: Iterable[Change], message: str, author: Author, trailers: Mapping[str, str] | None = None
    ) -> str:
        """Make one commit of all changes and give its id; changes that change nothing make none.

        Raises `ConflictError` where a change does not fit what has been committed in the meantime, or a user has
        uncommitted edits in the same files; nothing is written then.
        """
        text = _message(message, trailers or {})
        return await to_thread.run_sync(self._commit, list(changes), text, author)

    def _stored(self, record: Record) -> StoredVersion:
        kept = self._shelf.get(record)
        if kept is None:
            kept = self._reader.stored(record)
            self._shelf.put(record, kept)
        return kept

    def _refresh(self) -> None:
        with self._changing:
            head = self.repository.head
            if head == self._index.commit:
                return
            try:
                self._index = self._reader.indexed(self._index, head)
            except NotFoundError:  # the commit we know is gone: history was rewritten and cleaned
                self._index = self._reader.indexed(Index(), head)

    def _fetch(self) -> None:
        theirs = self.upstream.fetch() if self.upstream else None
        with self._changing:
            if theirs is not None:
                self.repository.follow(theirs)
            self._refresh()

    def _commit(self, changes: Sequence[Change], message: str, author: Author) -> str:
        with self._changing, self.repository.writing():
            for turn in range(_TURNS):
                self._refresh()
                try:
                    head = self._committed(changes, message, author)
                except ConflictError:
                    if turn == _TURNS - 1 or not self._has_moved():
                        raise
                else:
                    self._refresh()
                    return head
        raise AssertionError("unreachable")  # pragma: no cover

    def _has_moved(self) -> bool:
        """People commit without our lock, and others push: on top of that the changes may still fit."""
        before = self._index.commit
        self._fetch()
        return self._index.commit != before

    def _committed(self, changes: Sequence[Change], message: str, author: Author) -> str:
        draft = Draft(self._index, self._hash_of)
        for change in changes:
            draft.apply(change)
        files = {f"{self.root}/{path}": content for path, content in draft.files.items()}
        if not files and self._index.commit:
            return self._index.commit
        publish = self.upstream.push if self.upstream else None
        return self.repository.commit(files, message, author, self._index.commit, publish=publish)


def _message(message: str, trailers: Mapping[str, str]) -> str:
    """The message with its trailers as a block of their own, as `git interpret-trailers` reads them."""
    block = "\n".join(f"{name}: {' '.join(value.split())}" for name, value in trailers.items() if value.split())
    return f"{message.strip()}\n\n{block}" if block else message
