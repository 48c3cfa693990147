"""How ids are handed out: which number is next, how far ahead Git must stand, and where ledger and store disagree.

**The mark.** `SCHEMASTORE/ids.json` holds a high-water mark. Nothing is handed out or reserved above a mark that Git
already has; whoever meets the mark moves it ahead first, by a whole block, in a commit of its own or together with
other changes (pushed, where there is a remote), and only then goes on. So a ledger that was lost starts again above
the mark: ids that were handed out and never committed are skipped, never given to other content. A ledger also uses
only stretches over which it moved the mark itself, so two machines that share a remote never hand out one number.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schema_mcp.domain.errors import ConflictError, InvalidRequestError
from schema_mcp.domain.schema import Subject

FIRST_ID = 10_001
LAST_ID = 2_147_483_647  # the wire format gives an id four bytes, and registries read them as signed
MARK_STEP = 100
REGION_BLOCK = 1_000
MOST_RESERVED = 1_000_000
"""Ids of one block."""


class IdSource(StrEnum):
    """Who hands out ids."""

    LEDGER = "ledger"
    """We number, in one space for all contexts; the id is carried in."""

    REGISTRY = "registry"
    """The registry numbers; its id is read back."""


@dataclass(frozen=True, slots=True)
class IdRange:
    """The numbers one ledger may hand out: all from 10001 upwards, or a part of them.

    A `region` draws `block` numbers at a time from a ledger that it shares, and hands out those.
    """

    first: int = FIRST_ID
    last: int = LAST_ID
    region: str = ""
    block: int = REGION_BLOCK

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last <= LAST_ID:
            raise InvalidRequestError(
                f"{self.first} to {self.last} is not a range of ids", hint=f"Ids run from 1 to {LAST_ID}."
            )
        if not 1 <= self.block <= MOST_RESERVED:
            raise InvalidRequestError(
                f"A region cannot draw {self.block} ids at a time", hint=f"Let it draw 1 to {MOST_RESERVED}."
            )

    def floor(self, highest: int) -> int:
        """How far the numbers of the targets reach into ours; what lies beyond our range is somebody else's."""
        return highest if highest <= self.last else 0


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers set aside: for somebody who hands them out elsewhere, or drawn by a region of ours."""

    first: int
    last: int
    owner: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Numbers that were passed over and will never be handed out, since when and why."""

    first: int
    last: int
    at: str
    why: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """What an id is wanted for.

    `floor` is the highest id seen on any target registry: a new id lies above it, where it is in the ledger's range.
    `adopt_id` asks for one certain number, as a migration that keeps ids does.
    """

    subject: Subject
    number: int
    schema_hash: str
    schema_type: str
    floor: int = 0
    adopt_id: int | None = None


@dataclass(frozen=True, slots=True)
class Allocated:
    """The id of a content; `existing` says that it had it before."""

    id: int
    existing: bool
    schema_hash: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Held:
    """An id and the content it stands for; `registry` and `context` are empty where the ledger handed it out.

    `wanted` names the version it was first handed out for.
    """

    id: int
    schema_hash: str
    schema_type: str = ""
    created_at: str = ""
    registry: str = ""
    context: str = ""
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One version, its content and its id; `registry` names who made the id, empty for the ledger."""

    subject: Subject
    number: int
    schema_hash: str
    id: int
    schema_type: str = ""
    registry: str = ""
    created_at: str = ""

    @property
    def held(self) -> Held:
        context = self.subject.context if self.registry else ""
        return Held(self.id, self.schema_hash, self.schema_type, self.created_at, self.registry, context)


class Kind(StrEnum):
    """How a ledger and a store can disagree."""

    UNKNOWN = "unknown"
    """The store has a version that the ledger does not know."""

    UNCOMMITTED = "uncommitted"
    """The ledger gave an id to a version that the store does not have (yet)."""

    CONTENT = "content"
    """Both know the version, with different content."""

    ID = "id"
    """Both know the version, under different ids."""

    CLASH = "clash"
    """One id stands for two contents."""

    MARK = "mark"
    """The high-water marks differ."""

    BLOCKS = "blocks"
    """The store has reserved blocks that the ledger does not know."""

    RESERVED = "reserved"
    """The ledger has set numbers aside that the store does not know (yet)."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing that ledger and store, or two entries of the store, say differently."""

    kind: Kind
    reason: str
    subject: Subject | None = None
    number: int = 0

    @property
    def needs_rebuild(self) -> bool:
        """What is uncommitted waits for its commit, and a clash must be mended in Git; the rest, a rebuild settles."""
        return self.kind not in (Kind.UNCOMMITTED, Kind.RESERVED, Kind.CLASH)


def mark_for(id: int, step: int = MARK_STEP) -> int:
    """The lowest mark that covers an id: marks move in whole blocks, so that few commits move them."""
    return -(-id // step) * step


def next_mark(mark: int, needed: int) -> int:
    """Where to move Git's mark, so that a ledger gains a stretch of its own up to at least `needed`."""
    return mark_for(max(needed, mark + 1))


def known_id(holders: Iterable[Held], rivals: Callable[[int], Iterable[Held]]) -> Held | None:
    """The id a content already has: the ledger's, else the lowest that a registry gave it and no other content has."""
    holders = sorted(holders, key=lambda held: (held.registry != "", held.id))
    for held in holders:
        if not held.registry or all(rival.schema_hash == held.schema_hash for rival in rivals(held.id)):
            return held
    return None


def free_run(
    after: int,
    count: int,
    *,
    within: IdRange,
    blocks: Sequence[Block],
    last_taken: Callable[[int, int], int | None],
) -> int:
    """The first of `count` numbers in a row above `after` that are neither reserved nor taken.

    `last_taken` answers for the highest taken number from one to another. Raises `ConflictError` at the range's end.
    """
    first = max(after + 1, within.first)
    while (last := first + count - 1) <= within.last:
        obstacle = max((block.last for block in blocks if block.first <= last and block.last >= first), default=None)
        obstacle = obstacle or last_taken(first, last)
        if obstacle is None:
            return first
        first = obstacle + 1
    raise ConflictError(
        f"No {count} ids are left above {after} in the range {within.first} to {within.last}",
        hint="Give this ledger another range in `ids:`.",
    )


def disagreements(known: Iterable[Entry], stored: Iterable[Entry]) -> list[Disagreement]:
    """Where the ledger's versions and the store's differ, in the order of the store."""
    stored = list(stored)
    ours = {(entry.subject, entry.number): entry for entry in known}
    found = list(clashes(stored))
    clashing = {(clash.subject, clash.number) for clash in found}
    for entry in stored:
        one = ours.pop((entry.subject, entry.number), None)
        if (entry.subject, entry.number) not in clashing:
            found += _difference(one, entry)
    found += [
        Disagreement(Kind.UNCOMMITTED, f"id {entry.id} is not in the store", entry.subject, entry.number)
        for entry in ours.values()
    ]
    return found


def clashes(entries: Iterable[Entry]) -> Iterable[Disagreement]:
    """Ids that stand for two contents, where one registry, or the ledger, would have given out both."""
    first: dict[tuple[str, str, int], Entry] = {}
    for entry in entries:
        held = entry.held
        other = first.setdefault((held.registry, held.context, held.id), entry)
        if other.schema_hash != entry.schema_hash:
            reason = f"id {entry.id} already stands for other content, in {other.subject} v{other.number}"
            yield Disagreement(Kind.CLASH, reason, entry.subject, entry.number)


def _difference(ours: Entry | None, stored: Entry) -> Iterable[Disagreement]:
    if ours is None:
        kind, reason = Kind.UNKNOWN, f"the ledger does not know this version (id {stored.id})"
    elif ours.schema_hash != stored.schema_hash:
        kind, reason = Kind.CONTENT, f"the ledger has content {ours.schema_hash}, the store {stored.schema_hash}"
    elif ours.id != stored.id:
        kind, reason = Kind.ID, f"the ledger has id {ours.id}, the store {stored.id}"
    else:
        return
    yield Disagreement(kind, reason, stored.subject, stored.number)
