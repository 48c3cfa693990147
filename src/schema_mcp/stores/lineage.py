"""Which commits changed a part of the store, newest first: what `git log -- path` tells, in a pass over raw trees.

A tree of 5,000 subjects takes longer to parse than to read, so the one entry in question is looked for in its bytes.
Each commit has such a tree of its own: a walk ends after so many bytes, and says where to go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

import pygit2
from cachetools import LRUCache

from schema_mcp.stores import commits
from schema_mcp.stores.commits import Commit
from schema_mcp.stores.libgit2 import readable

_MODES: Final = (b"40000", b"100644", b"100755", b"100664", b"120000", b"160000")
_ID: Final = 20
_TOLD_EVERY: Final = 500
_MOST_READ: Final = 250_000_000
"""Bytes of trees that one walk reads, some two seconds' worth; the store's bound on one answer."""

_REMEMBERED: Final = 50_000


@dataclass(frozen=True, slots=True)
class Step:
    """A commit, and the one before it (the first parent), if there is one; did it change the part in question?"""

    commit: Commit
    before: str | None
    changed: bool = True


class Lineage:
    """The history of one repository, as it is at a commit.

    With `bounded`, a walk ends when much was read, and `paused` is the commit it came to; None where it saw all.
    """

    def __init__(self, git: Path, head: str | None, *, bounded: bool = False) -> None:
        with readable():
            self._repo = pygit2.Repository(str(git))
        self._head = head
        self._bounded = bounded
        self._read = 0
        self.paused: str | None = None

    def steps(
        self,
        path: str,
        *,
        after: str | None = None,
        mark: str | None = None,
        tell: Callable[[int], None] | None = None,
    ) -> Iterator[Step]:
        """The commits that changed a file or folder (or anything), newest first; with `after` only those before it.

        A merge counts where it differs from every side it brings together. The commit named `mark` comes whether it
        changed anything or not, and what is read on the way to it is not held against the bound.
        """
        with readable():
            waiting = after is not None
            for index, commit in enumerate(commits.ancestors(self._repo, self._head)):
                if tell is not None and index % _TOLD_EVERY == 0:
                    tell(index)
                name = str(commit.id)
                if waiting:
                    waiting = name != after
                    continue
                if (changed := self._touches(commit, path)) or name == mark:
                    first = str(commit.parent_ids[0]) if commit.parent_ids else None
                    yield Step(commits.told(commit), first, changed)
                mark = None if name == mark else mark
                if mark is not None:
                    self._read = 0
                elif self._bounded and self._read > _MOST_READ:
                    self.paused = name
                    return

    def _touches(self, commit: pygit2.Commit, path: str) -> bool:
        here = self._entry(commit.tree_id.raw, path)
        before = [self._entry(parent.tree_id.raw, path) for parent in commit.parents] or [None]
        return here not in before

    def _entry(self, tree: bytes, path: str) -> bytes | None:
        """The id of what stands at a path of a tree."""
        found: bytes | None = tree
        walked = ""
        for name in path.split("/") if path else ():
            if found is None:
                return None
            walked = f"{walked}/{name}"
            found = self._remembered(found, walked, name)
        return found

    def _remembered(self, tree: bytes, walked: str, name: str) -> bytes | None:
        key = (tree, walked)
        with _LOCK:
            if key in _ENTRIES:
                return _ENTRIES[key]
        found = self._below(tree, name.encode())
        with _LOCK:
            _ENTRIES[key] = found
        return found

    def _below(self, tree: bytes, name: bytes) -> bytes | None:
        kind, content = self._repo.odb.read(tree.hex())
        self._read += len(content)
        if kind != pygit2.enums.ObjectType.TREE:
            return None
        for mode in _MODES:
            wanted = b"%s %s\0" % (mode, name)
            start = content.find(wanted)
            if start >= 0:
                end = start + len(wanted)
                return content[end : end + _ID]
        return None


_LOCK: Final = Lock()
_ENTRIES: Final[LRUCache[tuple[bytes, str], bytes | None]] = LRUCache(_REMEMBERED)
"""What stands in a tree under the end of a path, true for ever: the next page of a history reads none of it again."""
