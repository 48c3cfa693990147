"""What the store says at one commit: subjects, versions, ids, wishes, findings, answered from memory."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Literal

from schema_mcp.domain.allocation import Block
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.files import ContextWish, StoredVersion, SubjectWish
from schema_mcp.stores.index import Finding, Index, Record
from schema_mcp.stores.shelf import Shelf

_BY_NAME = attrgetter("name", "context")  # the order that subjects have, compared four times as fast


class View:
    """The store at one commit; texts that are not at hand are read from Git, by `read`."""

    def __init__(self, index: Index, read: Callable[[Record], StoredVersion], shelf: Shelf) -> None:
        self._index = index
        self._read = read
        self._shelf = shelf

    @property
    def head(self) -> str | None:
        """The commit that the answers come from; None before the first one."""
        return self._index.commit

    def still(self) -> "View":
        """The same answers from now on, whatever is committed meanwhile."""
        return View(self._index, self._read, self._shelf)

    def contexts(self) -> list[str]:
        """Contexts with a subject or a wish."""
        index = self._index
        return sorted({subject.context for subject in index.subjects} | index.context_notes.keys())

    def subjects(self, context: str | None = None) -> list[Subject]:
        """Subjects with a version, of one context or of all."""
        found = [subject for subject in self._index.subjects if context in (None, subject.context)]
        return sorted(found, key=_BY_NAME)

    def records(self, subject: Subject) -> Sequence[Record]:
        """A subject's versions without their texts, oldest first; much cheaper than `history`."""
        return self._index.subjects.get(subject, ())

    def history(self, subject: Subject) -> list[StoredVersion]:
        """A subject's versions, oldest first, retired ones included."""
        return [self._stored(record) for record in self.records(subject)]

    def version(self, subject: Subject, number: int | Literal["latest"]) -> StoredVersion | None:
        """One version; the latest is the highest that is not retired."""
        records = reversed(self.records(subject))
        fits = (one for one in records if one.number == number or (number == "latest" and not one.deleted))
        record = next(fits, None)
        return self._stored(record) if record else None

    def holders(self, schema_hash: str) -> Sequence[Record]:
        """Every version with this content."""
        return self._index.hashes.get(schema_hash, ())

    def by_id(self, schema_id: int) -> Sequence[Record]:
        """Every version under this id; ids that registries made mean different contents in different contexts."""
        return self._index.ids.get(schema_id, ())

    def wish(self, subject: Subject) -> SubjectWish:
        """What is wanted of a subject; all open where nobody has said anything."""
        note = self._index.subject_notes.get(subject)
        return note.wish if note else SubjectWish()

    def context_wish(self, context: str) -> ContextWish:
        """What is wanted of a context; all open where nobody has said anything."""
        note = self._index.context_notes.get(context)
        return note.wish if note else ContextWish()

    def wishes(self) -> dict[Subject, SubjectWish]:
        """Every wish for a subject, also for subjects that have no version yet."""
        return {subject: note.wish for subject, note in self._index.subject_notes.items()}

    def high_water(self) -> int:
        """The mark up to which ids may have been handed out; 0 without one."""
        return self._index.numbers.high_water

    def blocks(self) -> tuple[Block, ...]:
        """Ids that others hand out."""
        return self._index.numbers.blocks

    def findings(self) -> list[Finding]:
        """Files that are not as the store needs them; everything else is readable nevertheless."""
        found = [unit for unit in self._index.units.values() if isinstance(unit, Finding)]
        return sorted(found, key=lambda finding: finding.path)

    def _stored(self, record: Record) -> StoredVersion:
        kept = self._shelf.get(record)
        if kept is None:
            kept = self._read(record)
            self._shelf.put(record, kept)
        return kept
