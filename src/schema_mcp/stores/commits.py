"""Branches, commits and their authors, as libgit2 has them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pygit2
from pygit2.enums import ReferenceType, SortMode

from schema_mcp.domain.errors import ConflictError, NotFoundError, StoreError


@dataclass(frozen=True, slots=True)
class Author:
    """Whose commit it is."""

    name: str
    email: str

    def signed(self, at: float) -> pygit2.Signature:
        """The author as a commit can hold one: neither line breaks nor angle brackets, never empty."""
        return pygit2.Signature(_as_line(self.name), _as_line(self.email), int(at), 0)


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as history tells it; `at` is seconds since the epoch."""

    id: str
    author: Author
    at: int
    message: str

    @property
    def shown(self) -> str:
        """Who made it, when and why, in a few words."""
        day = datetime.fromtimestamp(self.at, UTC).date().isoformat()
        return f"{self.author.name} on {day} ({self.id[:10]}, “{self.message.partition(chr(10))[0][:80]}”)"


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
    return tip_of(repo, "HEAD")


def tip_of(repo: pygit2.Repository, reference: str) -> str | None:
    """The commit that a branch points at; None where there is no such branch."""
    try:
        return str(repo.lookup_reference(reference).resolve().target)
    except KeyError:
        return None


def is_checked_out(repo: pygit2.Repository, branch: str) -> bool:
    """Does a HEAD stand on this branch: ours, or that of another working tree?"""
    own = repo.lookup_reference("HEAD")
    if str(own.target).lower() == f"refs/heads/{branch}".lower():  # one and the same on some file systems
        return True
    there = repo.branches.local.get(branch)
    return there is not None and there.is_checked_out()


def is_part_of(repo: pygit2.Repository, commit: str, head: str) -> bool:
    """Is a commit among another one's history, or that one itself?"""
    return commit == head or repo.descendant_of(head, commit)


def commit_at(repo: pygit2.Repository, commit: str) -> pygit2.Commit:
    """A commit by its id; raises `NotFoundError` where the repository does not have it."""
    try:
        return repo[commit].peel(pygit2.Commit)
    except (KeyError, ValueError) as error:
        raise NotFoundError(f"The repository has no commit {commit}", hint="Was its history rewritten?") from error


def tree_of(repo: pygit2.Repository, commit: str | None) -> bytes | None:
    """The id of a commit's tree; None for no commit at all."""
    return commit_at(repo, commit).tree_id.raw if commit else None


def merge_base(repo: pygit2.Repository, head: str | None, upstream: str) -> str | None:
    """Where two commits parted; None for no commit, which is where everything begins."""
    commit_at(repo, upstream)
    found = repo.merge_base(head, upstream) if head else None
    if head and found is None:
        raise StoreError(
            "The upstream's history has nothing in common with this repository's",
            hint="Is it the right upstream? Clone it elsewhere and compare.",
        )
    return str(found) if found else None


def line(repo: pygit2.Repository, base: str, head: str) -> list[pygit2.Commit]:
    """The commits after `base` up to `head`, oldest first; a merge among them is more than we can make again."""
    walker = repo.walk(head, SortMode.TOPOLOGICAL | SortMode.REVERSE)
    walker.hide(base)
    found = list(walker)
    if any(len(commit.parents) != 1 for commit in found):
        raise StoreError(
            "Upstream and this repository have both moved on, and there is a merge among the commits here",
            hint="Bring them together by hand (`git pull`), then try again.",
        )
    return found


def both_changed(path: str, theirs: Commit, ours: Commit) -> ConflictError:
    return ConflictError(
        f"{path} was changed upstream and here, each in its own way: there by {theirs.shown}, here by {ours.shown}",
        hint="Bring the two together by hand (`git pull --rebase`), then try again.",
        details={"path": path, "theirs": theirs.id, "ours": ours.id},
    )


def odd_change(path: str) -> StoreError:
    return StoreError(
        f"{path} is, or becomes, a link or a submodule, which the store does not touch",
        hint="Bring your working tree in line by hand (`git pull`), then try again.",
    )


def ancestors(repo: pygit2.Repository, head: str | None, base: str | None = None) -> Iterator[pygit2.Commit]:
    """A commit and all before it, newest first; without those that lead to `base`."""
    if head is None:
        return iter(())
    walker = repo.walk(head, SortMode.TOPOLOGICAL)
    if base is not None:
        walker.hide(base)
    return iter(walker)


def told(commit: pygit2.Commit) -> Commit:
    """A commit as history tells it."""
    author = Author(commit.author.name, commit.author.email)
    return Commit(str(commit.id), author, commit.author.time, commit.message)


def as_text(text: str) -> str:
    """Text as a commit message can hold it."""
    lines = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    return "".join(char if char == "\n" or char.isprintable() else " " for char in lines)


def _as_line(text: str) -> str:
    clean = re.sub(r"[<>\s]+", " ", as_text(text)).strip(" .,:;\"'\\")  # what Git trims off a name itself
    return clean or "unknown"
