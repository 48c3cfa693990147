"""Makes Git objects and commits, out of sight: no branch moves, nothing is checked out."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import ObjectType

from schema_mcp.stores import commits
from schema_mcp.stores.pack import write_packs
from schema_mcp.stores.people import committer
from schema_mcp.stores.signing import Form, Signer, chosen, of_user
from schema_mcp.stores.trees import Objects

_MANY_OBJECTS: Final = 256
_TYPES: Final = {"blob": ObjectType.BLOB, "tree": ObjectType.TREE}


class Maker:
    """Writes into the objects of one repository; used by one writer at a time."""

    def __init__(
        self, repo: pygit2.Repository, git: Path, objects: Path, *, durable: bool, clock: Callable[[], float]
    ) -> None:
        self._repo = repo
        self._git = git
        self._objects = objects
        self._durable = durable
        self._clock = clock
        self._server: commits.Author | None = None
        self._signer: Signer | None = None
        self._knows_signer = False

    def sign(self, form: Form | None, key: str) -> None:
        """Sign in this way, whatever the user has told Git; None signs nothing."""
        self._signer = chosen(self._git, form, key) if form else None
        self._knows_signer = True

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
        server = self._committer().signed(self._clock())
        self._repo.set_ident(server.name, server.email)
        text = commits.as_text(message).strip() + "\n"
        parents: list[str | pygit2.Oid] = [parent] if parent else []
        signer = self._signer_now()
        if signer is None:
            return str(self._repo.create_commit(None, author, server, text, pygit2.Oid(raw=tree), parents))
        content = str(self._repo.create_commit_string(author, server, text, pygit2.Oid(raw=tree), parents))
        signature = signer.sign(content.encode(), f"{server.name} <{server.email}>")
        return str(self._repo.create_commit_with_signature(content, signature, "gpgsig"))

    def _committer(self) -> commits.Author:
        if self._server is None:
            self._server = committer(self._git)
        return self._server

    def _signer_now(self) -> Signer | None:
        if not self._knows_signer:
            self._signer = of_user(self._git)
            self._knows_signer = True
        return self._signer
