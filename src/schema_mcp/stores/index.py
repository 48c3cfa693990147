"""Everything the store holds at one commit, in memory and without the texts: which versions, ids, wishes, findings."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeAlias, TypeVar

from schema_mcp.domain.layout import Place
from schema_mcp.domain.schema import SchemaType, Subject
from schema_mcp.stores.files import ContextNote, Ids, SubjectNote

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Finding:
    """A file that is not as the store needs it, and why: it is left out, and the rest stays readable."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """One version as the index knows it; its text and metadata stay in Git, under two blob ids."""

    subject: Subject
    number: int
    id: int
    type: SchemaType
    schema_hash: str
    deleted: bool
    place: Place
    schema_blob: str
    metadata_blob: str


Found: TypeAlias = Record | SubjectNote | ContextNote | Ids | Finding
"""What one unit of the store (a version's folder, or a file beside them) turned out to be."""


@dataclass(slots=True)
class Index:
    """What one commit holds. An index that others can see never changes: the next one starts as its copy."""

    commit: str | None = None
    units: dict[str, Found] = field(default_factory=dict[str, Found])
    subjects: dict[Subject, tuple[Record, ...]] = field(default_factory=dict[Subject, tuple[Record, ...]])
    ids: dict[int, tuple[Record, ...]] = field(default_factory=dict[int, tuple[Record, ...]])
    hashes: dict[str, tuple[Record, ...]] = field(default_factory=dict[str, tuple[Record, ...]])
    subject_notes: dict[Subject, SubjectNote] = field(default_factory=dict[Subject, SubjectNote])
    context_notes: dict[str, ContextNote] = field(default_factory=dict[str, ContextNote])
    numbers: Ids = field(default_factory=Ids)

    def copy(self) -> "Index":
        return Index(
            commit=self.commit,
            units=dict(self.units),
            subjects=dict(self.subjects),
            ids=dict(self.ids),
            hashes=dict(self.hashes),
            subject_notes=dict(self.subject_notes),
            context_notes=dict(self.context_notes),
            numbers=self.numbers,
        )

    def put(self, unit: str, found: Found | None) -> None:
        """Let a unit be what was found there now; None where nothing of ours is left."""
        old = self.units.pop(unit, None)
        if old is not None:
            self._count(old, out=True)
        if found is not None:
            self.units[unit] = found
            self._count(found, out=False)

    def _count(self, found: Found, *, out: bool) -> None:
        match found:
            case Record():
                _recount(self.subjects, found.subject, found, out=out)
                _recount(self.ids, found.id, found, out=out)
                _recount(self.hashes, found.schema_hash, found, out=out)
            case SubjectNote():
                _set(self.subject_notes, found.subject, None if out else found)
            case ContextNote():
                _set(self.context_notes, found.context, None if out else found)
            case Ids():
                self.numbers = Ids() if out else found
            case Finding():
                pass


def _recount(table: dict[_Key, tuple[Record, ...]], key: _Key, record: Record, *, out: bool) -> None:
    others = tuple(one for one in table.get(key, ()) if one != record)
    records = others if out else (*others, record)
    if len(records) > 1:  # mostly there is one, and a whole store takes three times as many
        records = tuple(sorted(records, key=attrgetter("subject", "number")))
    _set(table, key, records or None)


def _set(table: dict[_Key, _Value], key: _Key, value: _Value | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
