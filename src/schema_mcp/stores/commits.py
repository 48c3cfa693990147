"""What commits hold: branches, trees, files, differences and history, read through libgit2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pygit2
from pygit2.enums import FileMode, ReferenceType, SortMode

from schema_mcp.domain.errors import ConflictError, NotFoundError, StoreError

_FILES: Final = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)
_LARGEST_WALK: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Author:
    """Whose commit it is."""

    name: str
    email: str

    def signed(self, at: float) -> pygit2.Signature:
        """The author as a commit can hold one: neither line breaks nor angle brackets, never empty."""
        return pygit2.Signature(_as_line(self.name), _as_line(self.email), int(at), 0)


@dataclass(frozen=True, slots=True)
class Leaf:
    """What stands at a path in a commit; neither a link nor a submodule is a file."""

    path: str
    blob: str
    is_file: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as history tells it; `at` is seconds since the epoch."""

    id: str
    author: Author
    at: int
    message: str


def branch_of(repo: pygit2.Repository) -> str:
    """The full name of the branch that is checked out."""
    head = repo.lookup_reference("HEAD")
    if head.type != ReferenceType.SYMBOLIC:
        raise ConflictError(
            "No branch is checked out in the repository", hint="Check one out (`git switch main`), then try again."
        )
    return str(head.target)


def head_of(repo: pygit2.Repository) -> str | None:
    """The commit that is checked out; None on a branch without commits."""
    try:
        return str(repo.lookup_reference("HEAD").resolve().target)
    except KeyError:
        return None


def commit_at(repo: pygit2.Repository, commit: str) -> pygit2.Commit:
    """A commit by its id; raises `NotFoundError` where the repository does not have it."""
    try:
        return repo[commit].peel(pygit2.Commit)
    except (KeyError, ValueError) as error:
        raise NotFoundError(f"The repository has no commit {commit}", hint="Was its history rewritten?") from error


def tree_of(repo: pygit2.Repository, commit: str | None) -> pygit2.Tree | None:
    """The files of a commit; None for no commit at all."""
    return commit_at(repo, commit).tree if commit else None


def below(tree: pygit2.Tree | None, prefix: str) -> pygit2.Tree | None:
    """The folder at a path, if it is one."""
    if tree is None or not prefix:
        return tree
    try:
        found = tree[prefix]
    except KeyError:
        return None
    return found if isinstance(found, pygit2.Tree) else None


def leaf_at(tree: pygit2.Tree | None, path: str) -> Leaf | None:
    """What stands at a path and is not a folder."""
    try:
        found = tree[path] if tree is not None else None
    except KeyError:
        return None
    if found is None or found.filemode == FileMode.TREE:
        return None
    return Leaf(path, str(found.id), found.filemode in _FILES)


def leaves(tree: pygit2.Tree | None, prefix: str) -> list[Leaf]:
    """Everything in a folder, at any depth, that is not a folder itself."""
    found: list[Leaf] = []
    folders = [(_lead(prefix), tree)] if tree is not None else []
    seen = 0
    while folders:
        path, folder = folders.pop()
        seen += len(folder)
        if seen > _LARGEST_WALK:  # a few objects can spell a tree without end
            raise StoreError(f"There are more than {_LARGEST_WALK:,} files below {prefix or 'the repository'}")
        for entry in folder:
            name = path + _text(entry.raw_name)
            if isinstance(entry, pygit2.Tree):
                folders.append((name + "/", entry))
            else:
                found.append(Leaf(name, str(entry.id), entry.filemode in _FILES))
    return found


def difference(old: pygit2.Tree | None, new: pygit2.Tree | None, prefix: str) -> list[str]:
    """The paths that are not the same in two folders, each with `prefix` before it."""
    one, other = (old, new) if old is not None else (new, None)
    if one is None:
        return []
    diff = one.diff_to_tree(other) if other is not None else one.diff_to_tree()
    return sorted({_lead(prefix) + _text(delta.new_file.raw_path) for delta in diff.deltas})


def history(repo: pygit2.Repository, path: str) -> Iterator[Commit]:
    """The commits that changed a file or folder, newest first."""
    head = head_of(repo)
    for commit in repo.walk(head, SortMode.TOPOLOGICAL) if head else ():
        after = _id_at(commit.tree, path)
        if all(_id_at(parent.tree, path) != after for parent in commit.parents) and (commit.parents or after):
            author = Author(commit.author.name, commit.author.email)
            yield Commit(str(commit.id), author, commit.author.time, commit.message)


def as_text(text: str) -> str:
    """Text as a commit message can hold it."""
    lines = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    return "".join(char if char == "\n" or char.isprintable() else " " for char in lines)


def _as_line(text: str) -> str:
    clean = re.sub(r"[<>\s]+", " ", as_text(text)).strip(" .,:;\"'\\")  # what Git trims off a name itself
    return clean or "unknown"


def _id_at(tree: pygit2.Tree, path: str) -> pygit2.Oid | None:
    try:
        return tree[path].id if path else tree.id
    except KeyError:
        return None


def _lead(prefix: str) -> str:
    return f"{prefix}/" if prefix else ""


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "backslashreplace")
