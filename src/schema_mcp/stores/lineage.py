"""Which commits changed a part of the store, newest first: what `git log -- path` tells, in a pass over raw trees.

A tree of 5,000 subjects takes longer to parse than to read, so the one entry in question is looked for in its bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pygit2

from schema_mcp.stores import commits
from schema_mcp.stores.commits import Commit
from schema_mcp.stores.libgit2 import readable

_MODES: Final = (b"40000", b"100644", b"100755", b"100664", b"120000", b"160000")
_ID: Final = 20
_TOLD_EVERY: Final = 500


@dataclass(frozen=True, slots=True)
class Step:
    """A commit that changed the part, and the one before it (the first parent), if there is one."""

    commit: Commit
    before: str | None


class Lineage:
    """The history of one repository, as it is at a commit."""

    def __init__(self, git: Path, head: str | None) -> None:
        with readable():
            self._repo = pygit2.Repository(str(git))
        self._head = head
        self._trees: dict[tuple[bytes, str], bytes | None] = {}

    def steps(
        self, path: str, *, after: str | None = None, tell: Callable[[int], None] | None = None
    ) -> Iterator[Step]:
        """The commits that changed a file or folder (or anything), newest first; with `after` only those before it.

        A merge counts where it differs from every side it brings together.
        """
        with readable():
            waiting = after is not None
            for index, commit in enumerate(commits.ancestors(self._repo, self._head)):
                if tell is not None and index % _TOLD_EVERY == 0:
                    tell(index)
                if waiting:
                    waiting = str(commit.id) != after
                elif self._touches(commit, path):
                    first = str(commit.parent_ids[0]) if commit.parent_ids else None
                    yield Step(commits.told(commit), first)

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
            key = (found, walked)
            if key not in self._trees:
                self._trees[key] = self._below(found, name.encode())
            found = self._trees[key]
        return found

    def _below(self, tree: bytes, name: bytes) -> bytes | None:
        kind, content = self._repo.odb.read(tree.hex())
        if kind != pygit2.enums.ObjectType.TREE:
            return None
        for mode in _MODES:
            wanted = b"%s %s\0" % (mode, name)
            start = content.find(wanted)
            if start >= 0:
                end = start + len(wanted)
                return content[end : end + _ID]
        return None
