"""Brings files and index to what a commit says, for exactly its paths, and mends what a crash left half-done.

Before the branch moves, everything is written out of sight (staged files, a draft of the index), and then only
renames are left.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from schema_mcp.domain.errors import ConflictError, StoreError
from schema_mcp.stores.branch import Move
from schema_mcp.stores.gitindex import GitIndex
from schema_mcp.stores.trees import Leaf, object_id
from schema_mcp.stores.worktree import WorkTree


class Checkout:
    """The files and the index of one repository; used by one writer at a time."""

    def __init__(self, files: WorkTree, index: GitIndex, blob: Callable[[str], bytes]) -> None:
        self._files = files
        self._index = index
        self._blob = blob

    def prepare(self, moves: Sequence[Move]) -> None:
        """Write everything that can be written unseen; `ConflictError` where a user has changed one of the paths."""
        self._index.take()
        for move in moves:
            self._refuse_changed(move)
        for move in moves:
            self._index.set(move.path, move.new, executable=move.executable)
            if move.new is not None:
                self._files.stage(move.path, self._blob(move.new), executable=move.executable)
        self._index.write()

    def move_index(self) -> None:
        """Let the index be what the branch is about to be.

        Before the branch, because `git commit` looks at the branch first and reads the index before it locks it: with
        the new branch and the old index in its hands it would take our commit back.
        """
        self._index.put()

    def finish(self, moves: Sequence[Move]) -> bool:
        """Let the files follow the branch, which has moved; False where the next writer has to mend them."""
        try:
            for move in moves:
                self._follow(move)
        except (OSError, StoreError):
            return False
        finally:
            self._index.release()
        return True

    def abandon(self, moves: Sequence[Move]) -> None:
        """Leave no trace of what was prepared."""
        for move in moves:
            with suppress(OSError, StoreError):
                self._files.unstage(move.path)
        with suppress(OSError):
            self._index.undo()
            self._index.release()

    def mend(self, moves: Sequence[Move], tip: Callable[[str], Leaf | None]) -> list[str]:
        """Bring the paths of an interrupted commit to the branch's tip; what a user wrote since then stays."""
        self._index.release()
        self._index.take()
        try:
            mended = [move.path for move in moves if self._mend(move, tip(move.path))]
            self._index.write()
            self._index.put()
        finally:
            self._index.release()
        return mended

    def _follow(self, move: Move) -> None:
        if move.new is None:
            self._files.remove(move.path)
        else:
            self._files.put(move.path)

    def _mend(self, move: Move, tip: Leaf | None) -> bool:
        self._files.unstage(move.path)
        want, executable = (tip.blob, tip.is_executable) if tip else (None, False)
        stale = {move.old, move.new} - {want}
        in_index = self._index.id_of(move.path) in stale
        if in_index:
            self._index.set(move.path, want, executable=executable)
        in_files = _id_of(self._files.read(move.path)) in stale
        if in_files and want is None:
            self._files.remove(move.path)
        elif in_files and want is not None:
            self._files.stage(move.path, self._blob(want), executable=executable)
            self._files.put(move.path)
        return in_index or in_files

    def _refuse_changed(self, move: Move) -> None:
        staged = self._index.id_of(move.path)
        content = self._files.read(move.path)
        if staged not in (move.old, move.new):
            raise _changed(move.path, "in the index")
        # A checkout with Windows line ends is not a change.
        unixed = content.replace(b"\r\n", b"\n") if content else content
        if _id_of(content) not in (move.old, move.new) and _id_of(unixed) != move.old:
            raise _changed(move.path, "in the working tree")


def _id_of(content: bytes | None) -> str | None:
    return None if content is None else object_id("blob", content).hex()


def _changed(path: str, where: str) -> ConflictError:
    return ConflictError(
        f"{path} has a change of yours {where} that is not committed",
        hint="Commit it or put it back, then try again; nothing was written.",
        details={"path": path},
    )
