"""Our schemas in Git: read from memory, changed by commits, shared with people who edit the same repository."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import RLock
from typing import Final, TypeAlias

from anyio import to_thread

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from schema_mcp.domain.schema import Schema
from schema_mcp.stores.changes import (
    AddVersion,
    Change,
    ClaimId,
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
from schema_mcp.stores.home import Home
from schema_mcp.stores.index import Finding, Index, Record
from schema_mcp.stores.proposals import Review, Upstream, opened
from schema_mcp.stores.reader import Reader
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.shelf import Shelf
from schema_mcp.stores.view import View

__all__ = [
    "AddVersion",
    "Author",
    "Change",
    "ClaimId",
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
    "View",
]

Allow: TypeAlias = Callable[[Change], None]
"""Raises `NotPermittedError` for a change that may not be made."""

_TURNS: Final = 5
_SHELF: Final = 48_000_000  # characters
_SHORTEST_PASSWORD: Final = 12


class SchemaStore(View):
    """The folder `SCHEMASTORE` of a repository.

    Questions are answered from the last `refresh` or `commit`, at once and from one moment; `hash_of` gives the
    `schemaHash` of a content and raises `InvalidSchemaError` where the text is no schema. With an `upstream`, a commit
    is there before it is here, so nothing can be deployed that others do not know.
    """

    def __init__(
        self,
        repository: Repository | Home,
        hash_of: Callable[[Schema], str],
        *,
        folder: str = "SCHEMASTORE",
        upstream: Upstream | None = None,
        passwords: Iterable[str] = (),
    ) -> None:
        self.home = repository if isinstance(repository, Home) else Home.of(repository)
        self.upstream = upstream
        self._folder = folder
        self._hash_of = hash_of
        shelf = Shelf(_SHELF)
        super().__init__(Index(), self._read_in_git, shelf)
        self._changing, self._committing = RLock(), RLock()
        self._allow: Allow = _everything
        self._passwords = _spelled(passwords)

    @property
    def repository(self) -> Repository:
        """The repository, made where there is none yet: only a write may ask for it."""
        return self.home.make()

    @property
    def root(self) -> str:
        """The store's folder in its repository."""
        found = self.home.find()
        return f"{found.prefix}/{self._folder}" if found and found.prefix else self._folder

    def guarded(self, allow: Allow) -> "SchemaStore":
        """The same store for one caller: `allow` raises for a change that he may not make, before anything is done."""
        guarded = object.__new__(SchemaStore)
        guarded.__dict__.update(self.__dict__, _allow=allow)  # a copy in a fifth of the time; each call makes one
        return guarded

    async def refresh(self) -> None:
        """Take in what has been committed since, by us or by anybody."""
        await to_thread.run_sync(self._refresh)

    async def fetch(self) -> None:
        """Take in what the upstream has, then all that `refresh` does; without an upstream just that.

        Raises `StoreError` where the upstream does not answer or its history was rewritten, `ConflictError` where
        commits of a person here and there changed one file.
        """
        await to_thread.run_sync(self._fetch)

    async def log(self, path: str = "", limit: int = 50) -> list[Commit]:
        """The newest commits that changed a file or folder of the store, newest first."""
        return await to_thread.run_sync(self._log, path, limit)

    async def merged(self, after: str) -> list[Commit]:
        """The commits that came after one onto the branch that is shared (upstream's, where there is one)."""
        return await to_thread.run_sync(self._merged, after)

    async def is_unchanged(self, since: str) -> bool:
        """Does the store hold now what it held at a commit, whatever else was committed?"""
        return await to_thread.run_sync(self._is_unchanged, since)

    async def proposal(self, branch: str) -> View:
        """The store as a branch for review has it; as it is where there is no such branch."""
        return await to_thread.run_sync(self._proposal, branch)

    async def commit(
        self,
        changes: Iterable[Change],
        message: str,
        author: Author,
        trailers: Mapping[str, str] | None = None,
        *,
        branch: str | None = None,
    ) -> str:
        """Make one commit of all changes and give its id; changes that change nothing make none.

        With `branch` it is a proposal: the commit goes onto that branch, here and upstream, which starts at the store's
        head unless it exists; the changes have to fit what it holds, and the store stays as it is.
        Raises `ConflictError` where a change does not fit what has been committed in the meantime, or a user has
        uncommitted edits in the same files; nothing is written then.
        """
        changes = list(changes)
        for change in changes:
            self._allow(change)
        text = _message(message, trailers or {})
        self.refuse_passwords({"the message": text.encode()})
        if branch is not None:
            return await to_thread.run_sync(self._propose, changes, text, author, branch)
        return await to_thread.run_sync(self._commit, changes, text, author)

    def _read_in_git(self, record: Record) -> StoredVersion:
        return self._reader.stored(record)

    @property
    def _reader(self) -> Reader:
        return Reader(self.repository, self.root, self._hash_of, self._shelf.put)

    def _log(self, path: str, limit: int) -> list[Commit]:
        found = self.home.find()
        return found.log(f"{self.root}/{path}" if path else self.root, limit) if found else []

    def _merged(self, after: str) -> list[Commit]:
        self._fetch()
        found = self.home.find()
        head = self.upstream.known if self.upstream else found and found.head
        return found.after(after, head) if found and head else []

    def _is_unchanged(self, since: str) -> bool:
        found = self.home.find()
        head = found.head if found else None
        if since == (head or ""):
            return True
        return bool(found and since and head and not found.difference(since, head, self.root))

    def _refresh(self) -> None:
        with self._changing:
            found = self.home.find()
            head = found.head if found else None
            if head == self._index.commit:
                return
            try:
                self._index = self._reader.indexed(self._index, head)
            except NotFoundError:  # the commit we know is gone: history was rewritten and cleaned
                self._index = self._reader.indexed(Index(), head)

    def _fetch(self) -> None:
        theirs = self.upstream.fetch() if self.upstream else None
        if theirs is not None:
            self.repository.follow(theirs)
        self._refresh()

    def _commit(self, changes: Sequence[Change], message: str, author: Author) -> str:
        # A push takes as long as it takes, and meanwhile everybody may read.
        with self._committing, self.repository.writing():
            for turn in range(_TURNS):
                self._refresh()
                try:
                    head = self._committed(changes, message, author)
                except ConflictError as error:
                    if turn == _TURNS - 1 or not self._has_moved():
                        self._name_the_other(error)
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

    def _name_the_other(self, error: ConflictError) -> None:
        """Say who put there what is in the way."""
        path = error.details.get("path", "")
        for commit in self._log(path, 1) if path else ():
            error.hint = f"It was put there by {commit.shown}. {error.hint}"
            error.details |= {"commit": commit.id, "author": commit.author.name}

    def _committed(self, changes: Sequence[Change], message: str, author: Author) -> str:
        index = self._index
        files = self._files(index, changes)
        if not files and index.commit:
            return index.commit
        publish = self.upstream.push if self.upstream else None
        return self.repository.commit(files, message, author, index.commit, publish=publish)

    def _proposal(self, branch: str) -> View:
        with self._changing:
            self._refresh()
            if self.head is None:
                return View(self._index, self._read_in_git, self._shelf)
            review = opened(self.repository, self.upstream, branch)
            return View(self._reader.indexed(self._index, review.proposal.base), self._read_in_git, self._shelf)

    def _propose(self, changes: Sequence[Change], message: str, author: Author, branch: str) -> str:
        with self._committing, self.repository.writing():
            self._refresh()
            review = opened(self.repository, self.upstream, branch)
            for _ in range(_TURNS):
                try:
                    return self._proposed(review, changes, message, author)
                except ConflictError:
                    before, review = review, opened(self.repository, self.upstream, branch)
                    if review.proposal == before.proposal:
                        raise
            return self._proposed(review, changes, message, author)

    def _proposed(self, review: Review, changes: Sequence[Change], message: str, author: Author) -> str:
        files = self._files(self._reader.indexed(self._index, review.proposal.base), changes)
        publish = review.upstream.push if review.upstream else None
        return self.repository.propose(files, message, author, review.proposal, publish=publish)

    def _files(self, index: Index, changes: Sequence[Change]) -> dict[str, bytes | None]:
        draft = Draft(index, self._hash_of)
        for change in changes:
            draft.apply(change)
        self.refuse_passwords(draft.files)
        return {f"{self.root}/{path}": content for path, content in draft.files.items()}

    def refuse_passwords(self, texts: Mapping[str, bytes | None]) -> None:
        """What was pasted by mistake must not become history, from which nothing can be taken away.

        Raises `InvalidRequestError` with the name of the text that holds a password of ours.
        """
        for where, text in texts.items():
            if text and any(one in text for one in self._passwords):
                raise InvalidRequestError(
                    f"A password or token of this server's configuration stands in {where}",
                    hint="Nothing was done with it. Take it out and call again; who saw it can use it.",
                )


def _spelled(passwords: Iterable[str]) -> tuple[bytes, ...]:
    """As they would stand in a text, and inside a JSON text; short ones are words that a schema may have."""
    long = [one for one in passwords if len(one) >= _SHORTEST_PASSWORD]
    return tuple({one.encode() for one in (*long, *(json.dumps(one)[1:-1] for one in long))})


def _everything(change: Change) -> None:
    """Any change is fine."""


def _message(message: str, trailers: Mapping[str, str]) -> str:
    """The message with its trailers as a block of their own, as `git interpret-trailers` reads them."""
    block = "\n".join(f"{name}: {' '.join(value.split())}" for name, value in trailers.items() if value.split())
    return f"{message.strip()}\n\n{block}" if block else message
