"""libgit2's settings, borders and errors, as ours."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import ConfigLevel

from schema_mcp.domain.errors import InvalidRequestError, StoreError

_CACHE: Final = 32 << 20
# Empty, `.` and `..` parts, and whatever some file system may take for `.git` (Git: `verify_path`).
_BAD_PATH: Final = re.compile(
    r"//|/\.{1,2}/|/\.git[^/]*/|/git~\d+ */|[\\\0-\x1f\x7f\ud800-\udfff]|[. ]/$", re.IGNORECASE
)
# What others have beside the store may have any name but one that leads elsewhere.
_FOUL_PATH: Final = re.compile(r"//|/\.{1,2}/|/\.git[ .]*(:[^/]*)?/|/git~\d+ */|[\0\ud800-\udfff]", re.IGNORECASE)


def settle_libgit2(*, durable: bool) -> None:
    """libgit2 keeps these for the whole process."""
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA):
        pygit2.settings.search_path[level] = ""
    # Git checks the owner because a foreign configuration can run commands; this road runs none.
    pygit2.settings.owner_validation = False
    pygit2.settings.enable_fsync_gitdir(durable)
    pygit2.settings.cache_max_size(_CACHE)


class translated:  # noqa: N801 - reads as a block; one with a generator costs four times as much, for every object
    """Whatever libgit2 or the disk says in here is a `StoreError` outside."""

    def __init__(self, happened: str, hint: str = "Nothing was changed.") -> None:
        self._happened, self._hint = happened, hint

    def __enter__(self) -> None:
        """Nothing to begin with."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, (pygit2.GitError, OSError, KeyError)):
            raise StoreError(f"{self._happened}: {error}", hint=self._hint) from error


def readable() -> translated:
    """Reading, with what can go wrong translated."""
    return _READABLE


_READABLE: Final = translated("The repository cannot be read", "`git fsck` shows what is wrong with it.")


def prefix_of(opened: Path, root: Path | None, git: Path) -> str:
    if root is None or opened.is_relative_to(git):
        return ""
    if not opened.is_relative_to(root):
        raise StoreError(
            f"The repository at {opened} keeps its working tree elsewhere, at {root}",
            hint="Remove `core.worktree` from its configuration, or open that folder.",
        )
    return opened.relative_to(root).as_posix().removeprefix(".")


def refuse_bad_paths(paths: Iterable[str]) -> None:
    for path in paths:
        if _BAD_PATH.search(f"/{path}/"):
            raise InvalidRequestError(f"{path!r} cannot be a path in a Git repository")


def refuse_foul_paths(paths: Iterable[str]) -> None:
    """Nothing of upstream's may lead out of the working tree, or into Git's own folder."""
    foul = next((path for path in paths if _FOUL_PATH.search(f"/{path}/")), None)
    if foul is not None:
        raise StoreError(
            f"Upstream has {foul!r}, which cannot be a path here",
            hint="Nothing was taken over. Remove it there with a commit, then try again.",
        )


def own_folder(git: Path) -> Path:
    """Where we keep our own files inside `.git`."""
    folder = git / "schema-mcp"
    if folder.is_symlink():
        raise StoreError(f"{folder} is a link, and may lead anywhere", hint="Remove that link.")
    return folder


def shared_folder(git: Path) -> Path:
    """Where linked working trees keep objects and branches together (Git: `commondir`)."""
    told = git / "commondir"
    return git / told.read_text(encoding="utf-8").strip() if told.is_file() else git
