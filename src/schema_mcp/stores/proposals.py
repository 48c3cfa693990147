"""Branches for review: where a change waits until a person takes it into the store."""

import re
from dataclasses import dataclass
from typing import Final, Protocol, Self

import pygit2

from schema_mcp.domain.errors import ConflictError, InvalidRequestError
from schema_mcp.stores.repository import Proposal, Repository

# Stricter than Git: the name may come from an assistant and goes into a command line.
_NAME: Final = re.compile(r"(?!refs/|head$|[0-9a-f]{40}$)\w[\w./+-]{0,199}", re.ASCII | re.IGNORECASE)


class Upstream(Protocol):
    """Where the store is shared: what a `Remote` offers."""

    def on(self, branch: str) -> Self:
        """The same upstream, another branch, whose history people may rewrite as they like."""
        ...

    @property
    def known(self) -> str | None:
        """The commit that was there when we looked last."""
        ...

    def fetch(self) -> str | None:
        """The commit that is there now."""
        ...

    def push(self, commit: str) -> None:
        """Put a commit there; `ConflictError` where somebody was faster."""
        ...


@dataclass(frozen=True, slots=True)
class Review:
    """A proposal and where it is shared."""

    proposal: Proposal
    upstream: Upstream | None


def opened(repository: Repository, upstream: Upstream | None, branch: str) -> Review:
    """What a branch for review is now, here and upstream.

    One that does not exist yet starts at the store's head, and so does one that was merged, or deleted upstream.
    """
    reference = _reference(repository, branch)
    head = repository.head
    if head is None:
        raise ConflictError(
            "The store has no commit yet that a proposal could start from", hint="Leave out `branch` the first time."
        )
    there = upstream.on(branch) if upstream else None
    here = repository.tip(reference)
    base = _shared(repository, there, here, branch) if there else here
    if base is None or repository.is_part_of(base, head):
        base = head
    return Review(Proposal(reference, here, base), there)


def _shared(repository: Repository, there: Upstream, here: str | None, branch: str) -> str | None:
    """What upstream has, unless commits are here that it never had."""
    known = there.known
    now = there.fetch()
    if here in (None, known) or any(repository.is_part_of(str(here), one) for one in (now, repository.head) if one):
        return now
    raise ConflictError(
        f"{branch} has commits here that upstream does not have",
        hint="Push or delete that branch, or choose another name; nothing was changed.",
        details={"branch": branch},
    )


def _reference(repository: Repository, branch: str) -> str:
    reference = f"refs/heads/{branch}"
    if not _NAME.fullmatch(branch) or not pygit2.reference_is_valid_name(reference):
        raise InvalidRequestError(
            f"{branch[:200]!r} cannot name a branch for review", hint="Write, for example, `review/orders-value-v3`."
        )
    if repository.is_checked_out(branch):
        raise InvalidRequestError(
            f"{branch} is checked out, so a commit there would be no proposal",
            hint="Choose another name, or leave out `branch` to commit into the store.",
        )
    return reference
