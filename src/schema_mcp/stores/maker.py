"""Makes Git objects and commits, out of sight: no branch moves, nothing is checked out."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import ObjectType

from schema_mcp.stores import commits
from schema_mcp.stores.pack import write_packs
from schema_mcp.stores.trees import Objects

_MANY_OBJECTS: Final = 256
_TYPES: Final = {"blob": ObjectType.BLOB, "tree": ObjectType.TREE}


class Maker:
    """Writes into the objects of one repository; used by one writer at a time."""

    def __init__(self, repo: pygit2.Repository, objects: Path, *, durable: bool, clock: Callable[[], float]) -> None:
        self._repo = repo
        self._objects = objects
        self._durable = durable
        self._clock = clock

    def write(self, objects: Objects) -> None:
        """Keep new objects; many of them as one pack."""
        if len(objects) > _MANY_OBJECTS:
            write_packs(objects, self._objects / "pack", durable=self._durable)
            return
        for kind, content in objects.values():
            self._repo.write(_TYPES[kind], content)

    def commit(self, tree: bytes, message: str, author: commits.Author, parent: str | None) -> str:
        """A new commit of somebody, made now."""
        return self._made(tree, message, author.signed(self._clock()), parent)

    def commit_again(self, commit: pygit2.Commit, tree: bytes, parent: str) -> str:
        """The same commit on another parent."""
        return self._made(tree, commit.message, commit.author, parent)

    def _made(self, tree: bytes, message: str, author: pygit2.Signature, parent: str | None) -> str:
        self._repo.set_ident(author.name, author.email)
        text = commits.as_text(message).strip() + "\n"
        parents: list[str | pygit2.Oid] = [parent] if parent else []
        return str(self._repo.create_commit(None, author, author, text, pygit2.Oid(raw=tree), parents))
