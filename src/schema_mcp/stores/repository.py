"""A Git repository, read and committed to through libgit2; with `remote.py` the only door to Git.

No hook, filter, attribute or configuration of the repository is obeyed on this road, and no link followed.
"""

import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final, Self, TypeAlias

import pygit2
from pygit2.enums import RepositoryInitFlag, RepositoryState

from schema_mcp.domain.errors import ConflictError, LockHeldError, NotFoundError, StoreError
from schema_mcp.stores import commits, disk
from schema_mcp.stores.branch import Branch, Move, Note, Proposal, moved_on
from schema_mcp.stores.checkout import Checkout
from schema_mcp.stores.commits import Author, Commit
from schema_mcp.stores.gitindex import GitIndex
from schema_mcp.stores.libgit2 import (
    own_folder,
    prefix_of,
    readable,
    refuse_bad_paths,
    refuse_foul_paths,
    settle_libgit2,
    shared_folder,
    translated,
)
from schema_mcp.stores.lineage import Lineage
from schema_mcp.stores.locks import lock
from schema_mcp.stores.maker import Maker
from schema_mcp.stores.replay import replayed
from schema_mcp.stores.signing import Form
from schema_mcp.stores.trees import Leaf, Objects, Trees, object_id
from schema_mcp.stores.worktree import WorkTree
from schema_mcp.stores.writerlock import WriterLock

PATIENCE: Final = 15.0
"""Seconds to wait for another writer."""

_MOST_AFTER: Final = 1_000

Publish: TypeAlias = Callable[[str], None]
"""Makes a commit known elsewhere before it is known here."""


class Repository:
    """A Git repository, bare or checked out, safe for threads and for other processes on the same one.

    `path` is Git's own folder, `root` the working tree's (None in a bare repository), `prefix` where in it the path
    lies that was opened (empty at its root), `mended` the paths that a crashed writer had left behind HEAD. With
    `durable`, a commit is on the disk when `commit` returns, and its files are before the branch points at them.
    """

    def __init__(self, path: Path, opened: Path, *, durable: bool, patience: float, clock: Callable[[], float]) -> None:
        self._reader, self._writer = pygit2.Repository(str(path)), pygit2.Repository(str(path))
        self._reading = Lock()
        self.path = path
        self.root = None if self._writer.is_bare else Path(self._writer.workdir).resolve()
        self.prefix = prefix_of(opened.resolve(), self.root, path.resolve())
        self.mended: tuple[str, ...] = ()
        own = own_folder(path)
        self._lock = WriterLock(own / "lock", patience=patience, clock=clock)
        self._trees = Trees(lambda tree: self.blob(tree.hex()))
        self._note = Note(own / "pending.json")
        shared = shared_folder(path)
        self._maker = Maker(self._writer, path, shared / "objects", durable=durable and not disk.CAN_SYNC, clock=clock)
        self._branch = Branch(self._writer, shared, patience=patience)
        self._sync = partial(disk.sync, shared) if durable and disk.CAN_SYNC else _nothing
        self._checkout = self._checked_out(self.root, patience) if self.root else None

    @classmethod
    def open(
        cls, path: Path, *, durable: bool = True, patience: float = PATIENCE, clock: Callable[[], float] = time.time
    ) -> Self:
        """Open the repository around a path, and mend what a crashed writer left."""
        settle_libgit2(durable=durable and not disk.CAN_SYNC)
        with translated(f"The repository at {path} cannot be opened"):
            found = pygit2.discover_repository(str(path))
            if found is None:
                raise NotFoundError(
                    f"There is no Git repository at {path}", hint="Make one with `git init` or `schema-mcp init`."
                )
            repository = cls(Path(found), path, durable=durable, patience=patience, clock=clock)
            repository.mend()
        return repository

    @classmethod
    def found(cls, path: Path) -> Self | None:
        """The repository at a path, not around it; None where nobody has made it yet."""
        return cls.open(path) if _is_repository(path) else None

    @classmethod
    def create(cls, path: Path, *, bare: bool = False, durable: bool = True) -> Self:
        """Make a repository with the branch `main`; one that is there already is opened."""
        settle_libgit2(durable=durable and not disk.CAN_SYNC)
        with translated(f"No repository can be made at {path}"), _alone_in(path.resolve().parent, PATIENCE):
            if not _is_repository(path):
                pygit2.init_repository(path, bare=bare, flags=RepositoryInitFlag.MKPATH, initial_head="main")
        return cls.open(path, durable=durable)

    def sign(self, form: Form | None, key: str = "") -> None:
        """Sign commits in this way from now on, None: not at all; without this it is as the user has told Git."""
        self._maker.sign(form, key)

    def mend(self) -> None:
        """Bring files and index back to HEAD where a crashed writer left them behind.

        A writer at work will be done soon, and what cannot be mended now is told at the next commit: reading needs
        none of it.
        """
        if not self._note.exists:
            return
        with suppress(LockHeldError, StoreError), self._lock, translated("The repository cannot be mended"):
            self._mend()

    @property
    def is_shallow(self) -> bool:
        """Was only the end of its history cloned?"""
        with self._reading, readable():
            return self._reader.is_shallow

    @property
    def head(self) -> str | None:
        """The commit that the branch points at; None in a repository without commits."""
        with self._reading, readable():
            return commits.head_of(self._reader)

    @property
    def branch(self) -> str:
        """The branch that commits go to: the one that is checked out."""
        with self._reading, readable():
            return commits.branch_of(self._reader).removeprefix("refs/heads/")

    def tip(self, reference: str) -> str | None:
        """The commit that a branch points at (`refs/heads/NAME`); None where there is no such branch."""
        with self._reading, readable():
            return commits.tip_of(self._reader, reference)

    def is_part_of(self, commit: str, head: str) -> bool:
        """Is a commit in the history that leads to another, or that one itself?"""
        with self._reading, readable():
            return commits.is_part_of(self._reader, commit, head)

    def is_checked_out(self, branch: str) -> bool:
        """Is somebody at work on this branch, in this working tree or in one linked to it?"""
        with self._reading, readable():
            return commits.is_checked_out(self._reader, branch)

    def read(self, path: str, at: str | None = None) -> bytes | None:
        """A file's content in a commit (HEAD unless told); None where there is no plain file."""
        leaf = self.leaf(path, at)
        return self.blob(leaf.blob) if leaf and leaf.is_file else None

    def leaf(self, path: str, at: str | None = None) -> Leaf | None:
        """What stands at a path in a commit and is not a folder."""
        return self._trees.leaf(self._tree(at or self.head), path)

    def blob(self, blob: str) -> bytes:
        """The content of a file by its id."""
        with self._reading, readable():
            return self._reader.odb.read(blob)[1]

    def size(self, blob: str) -> int:
        """How many bytes a file holds, without reading them."""
        with self._reading, readable():
            return self._reader.odb.read_header(blob)[1]

    def walk(self, prefix: str = "", at: str | None = None) -> list[Leaf]:
        """Everything below a folder of a commit that is not a folder."""
        return self._trees.leaves(self._tree(at or self.head), prefix)

    def difference(self, old: str | None, new: str | None, prefix: str = "") -> list[str]:
        """The paths below a folder that differ between two commits; None is a repository without files."""
        return self._trees.difference(self._tree(old), self._tree(new), prefix)

    def log(self, path: str, limit: int) -> list[Commit]:
        """The newest commits that changed a file or folder, newest first."""
        lineage = Lineage(self.path, self.head)  # a walk is long: the other readers need not wait for it
        return [step.commit for step in islice(lineage.steps(path), limit)]

    def after(self, base: str, head: str) -> list[Commit]:
        """The commits that lead from one to another, newest first and not without end; none where none does."""
        with readable():
            repo = pygit2.Repository(str(self.path))
            if not commits.is_part_of(repo, base, head):
                return []
            return [commits.told(commit) for commit in islice(commits.ancestors(repo, head, base), _MOST_AFTER)]

    @contextmanager
    def writing(self) -> Generator[None]:
        """Keep every other process of ours from writing meanwhile."""
        with self._lock:
            yield

    def commit(
        self,
        files: Mapping[str, bytes | None],
        message: str,
        author: Author,
        expected_head: str | None,
        *,
        publish: Publish | None = None,
    ) -> str:
        """Make one commit on top of `expected_head`: these contents at these paths, None removes a file.

        `publish` is given the commit before anybody else here sees it, and may refuse it by raising.
        Raises `ConflictError` where the branch has moved on, or a user has uncommitted changes at one of the paths.
        Nothing is visible unless all of it is. Contents that are there already make no commit.
        """
        refuse_bad_paths(files)
        with self._lock, translated("The commit could not be made"):
            branch = self._free_branch(expected_head)
            before = self._tree(expected_head)
            wanted, tree = self._written(before, files)
            if expected_head and tree == before:
                return expected_head
            new = self._maker.commit(tree, message, author, expected_head)
            self._advance(branch, expected_head, new, wanted, publish)
            return new

    def propose(
        self,
        files: Mapping[str, bytes | None],
        message: str,
        author: Author,
        proposal: Proposal,
        *,
        publish: Publish | None = None,
    ) -> str:
        """Make one commit on a branch for review; the branch that is checked out, index and files stay as they are.

        Raises `ConflictError` where the branch has moved since the proposal was opened.
        """
        refuse_bad_paths(files)
        with self._lock, translated("The proposal could not be made"):
            self._mend()
            before = self._tree(proposal.base)
            _, tree = self._written(before, files)
            if tree == before:
                return proposal.base
            new = self._maker.commit(tree, message, author, proposal.base)
            self._move_unseen(proposal, new, publish)
            return new

    def follow(self, upstream: str) -> None:
        """Bring the branch onto an upstream commit: forward, or with our own commits made again on top of it.

        Raises `ConflictError` where both sides changed one file, `StoreError` where only a person can help.
        """
        with self._lock, translated("The upstream's commits could not be taken over"):
            head = commits.head_of(self._writer)
            branch = self._free_branch(head)
            base = commits.merge_base(self._writer, head, upstream)
            if base == upstream:
                return
            new = upstream
            if base != head:
                new = replayed(self._writer, self._trees, self._maker, str(base), str(head), upstream)
            paths = self._trees.difference(self._tree(head), self._tree(new), "")
            refuse_foul_paths(paths)
            self._advance(branch, head, new, {path: self._trees.leaf(self._tree(new), path) for path in paths})

    def _tree(self, commit: str | None) -> bytes | None:
        with self._reading, readable():
            return commits.tree_of(self._reader, commit)

    def _free_branch(self, expected: str | None) -> str:
        self._mend()
        if self._writer.state() != RepositoryState.NONE:
            raise ConflictError(
                "A merge or another operation is under way in the repository",
                hint="Finish or abort it (`git status` says how), then try again.",
            )
        branch = commits.branch_of(self._writer)
        if commits.head_of(self._writer) != expected:
            raise moved_on(branch)
        return branch

    def _written(self, before: bytes | None, files: Mapping[str, bytes | None]) -> tuple[dict[str, Leaf | None], bytes]:
        """What is wanted at these paths, and the tree that holds it."""
        objects: Objects = {}
        wanted = {path: _leaf(path, content, objects) for path, content in files.items()}
        tree = self._trees.changed(before, wanted, objects)
        if tree != before:
            self._maker.write(objects)
        return wanted, tree

    def _advance(
        self,
        branch: str,
        old: str | None,
        new: str,
        wanted: Mapping[str, Leaf | None],
        publish: Publish | None = None,
    ) -> None:
        moves = self._moves(self._tree(old), wanted)
        self._note.write(branch, new, moves)
        try:
            if self._checkout is not None:
                self._checkout.prepare(moves)
            if publish is not None:
                publish(new)
            if self._checkout is not None:
                self._checkout.move_index()
            self._sync()
            self._branch.move(branch, old, new)
        except BaseException:
            self._abandon(moves)
            raise
        # From here on the commit stands: what cannot be done now, the next writer mends.
        if self._checkout is None or self._checkout.finish(moves):
            self._note.clear()
        self._confirm(new)

    def _move_unseen(self, proposal: Proposal, new: str, publish: Publish | None) -> None:
        self._note.write(proposal.reference, new, [])
        try:
            if publish is not None:
                publish(new)
            self._sync()
            self._branch.move(proposal.reference, proposal.tip, new)
        finally:
            self._note.clear()
        self._confirm(new)

    def _confirm(self, commit: str) -> None:
        with translated(f"The disk does not confirm commit {commit[:10]}", "It is made. Look at the disk."):
            self._sync()

    def _abandon(self, moves: list[Move]) -> None:
        if self._checkout is not None:
            self._checkout.abandon(moves)
        self._note.clear()

    def _moves(self, before: bytes | None, wanted: Mapping[str, Leaf | None]) -> list[Move]:
        """What the checked-out side has to do; nothing in a bare repository."""
        if self._checkout is None:
            return []
        pairs = [(path, self._trees.leaf(before, path), new) for path, new in wanted.items()]
        odd = next((leaf for pair in pairs for leaf in pair[1:] if leaf and not leaf.is_file), None)
        if odd is not None:
            raise commits.odd_change(odd.path)
        moves = (
            Move(path, old.blob if old else None, new.blob if new else None, bool(new and new.is_executable))
            for path, old, new in pairs
            if old != new
        )
        return sorted(moves, key=lambda move: move.new is not None)  # a file may have to make room for a folder

    def _mend(self) -> None:
        pending = self._note.read()
        if pending is not None:
            self._branch.free(pending.branch, pending.new)
        if pending is not None and self._checkout is not None:
            tip = self._tree(self.head)
            mended = self._checkout.mend(pending.moves, lambda path: self._trees.leaf(tip, path))
            self.mended = (*self.mended, *mended)
        self._note.clear()

    def _checked_out(self, root: Path, patience: float) -> Checkout:
        index = GitIndex(self.path, own_folder(self.path), patience=patience)
        return Checkout(WorkTree(root), index, lambda blob: self._writer[blob].read_raw())


def _nothing() -> None:
    """Leave it to the system when the disk gets what was written."""


def _is_repository(path: Path) -> bool:
    return pygit2.discover_repository(str(path), False, str(path.resolve().parent)) is not None


def _leaf(path: str, content: bytes | None, objects: Objects) -> Leaf | None:
    if content is None:
        return None
    key = object_id("blob", content)
    objects[key] = ("blob", content)
    return Leaf(path, key.hex())


@contextmanager
def _alone_in(folder: Path, patience: float) -> Generator[None]:
    """Make something in a folder while no other process of ours does: two first starts would make one repository."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock(descriptor, patience)  # in vain, libgit2 has the last word
        yield
    finally:
        os.close(descriptor)
