"""What can be changed in the store, and the files that each change becomes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from schema_mcp.domain import layout
from schema_mcp.domain.allocation import Block
from schema_mcp.domain.errors import ConflictError, InvalidSchemaError, NotFoundError
from schema_mcp.domain.layout import (
    CONTEXT_FILE,
    IDS_FILE,
    METADATA_FILE,
    SCHEMA_FILES,
    SUBJECT_FILE,
    Kind,
    Place,
)
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.stores.files import (
    ContextNote,
    ContextWish,
    Ids,
    StoredVersion,
    SubjectNote,
    SubjectWish,
    write_context,
    write_ids,
    write_metadata,
    write_subject,
)
from schema_mcp.stores.index import Finding, Found, Index, Record

Files: TypeAlias = dict[str, bytes | None]
"""What becomes of paths below the store's folder; None removes a file."""


@dataclass(frozen=True, slots=True)
class AddVersion:
    """A new version. The same one twice is no change; another content in its place is refused."""

    stored: StoredVersion


@dataclass(frozen=True, slots=True)
class UpdateVersion:
    """Other metadata for a version that is there: description, tags, targets, deleted. Its content stays."""

    stored: StoredVersion


@dataclass(frozen=True, slots=True)
class RemoveVersion:
    """No trace of a version outside history."""

    subject: Subject
    number: int


@dataclass(frozen=True, slots=True)
class SetWish:
    """What is wanted of a subject, in place of what was wanted before."""

    subject: Subject
    wish: SubjectWish


@dataclass(frozen=True, slots=True)
class SetContextWish:
    """What is wanted of a context, in place of what was wanted before."""

    context: str
    wish: ContextWish


@dataclass(frozen=True, slots=True)
class ClaimId:
    """No file of its own, but a condition of the others: the id means this content alone, and it has no other id."""

    id: int
    schema_hash: str


@dataclass(frozen=True, slots=True)
class SetMark:
    """Ids up to here may have been handed out; a mark never falls."""

    mark: int


@dataclass(frozen=True, slots=True)
class ReserveBlock:
    """Ids that somebody else hands out."""

    block: Block


Change: TypeAlias = (
    AddVersion | UpdateVersion | RemoveVersion | SetWish | SetContextWish | ClaimId | SetMark | ReserveBlock
)


class Draft:
    """Changes on top of what the store holds, one after the other, and the files that they become together.

    Raises `ConflictError` for a change that does not fit what is there, `InvalidSchemaError` for one that no reader
    could take.
    """

    def __init__(self, index: Index, hash_of: Callable[[Schema], str]) -> None:
        self.files: Files = {}
        self._index = index.copy()
        self._hash_of = hash_of

    def apply(self, change: Change) -> None:
        match change:
            case AddVersion(stored):
                self._add(stored)
            case UpdateVersion(stored):
                self._update(stored)
            case RemoveVersion(subject, number):
                self._remove(subject, number)
            case SetWish(subject, wish):
                self._set_wish(subject, wish)
            case SetContextWish(context, wish):
                self._set_context_wish(context, wish)
            case ClaimId(id, schema_hash):
                self._refuse_claimed(id, schema_hash)
            case SetMark(mark):
                self._set_ids(Ids(max(mark, self._index.numbers.high_water), self._index.numbers.blocks))
            case ReserveBlock(block):
                self._set_ids(_with(block, self._index.numbers))

    def _add(self, stored: StoredVersion) -> None:
        version = stored.version
        unit = self._free_unit(version.subject, version.number)
        there = self._record(version.subject, version.number)
        if there is not None and (there.schema_hash, there.id) == (stored.schema_hash, version.id):
            return
        if there is not None:
            raise ConflictError(
                f"{version.subject} v{version.number} is in the store already, with other content (id {there.id})",
                hint="Versions never change: read the store again and take the next number.",
                details={"subject": str(version.subject), "version": version.number, "id": there.id, "path": unit},
            )
        self._refuse_false_hash(stored)
        self.files[f"{unit}/{SCHEMA_FILES[version.schema.type]}"] = _encoded(version.schema.text)
        self._write(unit, stored)

    def _update(self, stored: StoredVersion) -> None:
        version = stored.version
        there = self._known(version.subject, version.number)
        if (there.schema_hash, there.id) != (stored.schema_hash, version.id):
            raise ConflictError(
                f"{version.subject} v{version.number} cannot get other content or another id",
                hint="Versions never change: add a new one.",
            )
        self._write(layout.version_path(version.subject, version.number), stored)

    def _write(self, unit: str, stored: StoredVersion) -> None:
        version = stored.version
        self.files[f"{unit}/{METADATA_FILE}"] = write_metadata(stored)
        record = Record(
            subject=version.subject,
            number=version.number,
            id=version.id,
            type=version.schema.type,
            schema_hash=stored.schema_hash,
            deleted=version.deleted,
            place=Place(Kind.METADATA),
            schema_blob="",
            metadata_blob="",
        )
        self._index.put(unit, record)

    def _remove(self, subject: Subject, number: int) -> None:
        there = self._known(subject, number)
        unit = layout.version_path(subject, number)
        self.files[f"{unit}/{METADATA_FILE}"] = None
        self.files[f"{unit}/{SCHEMA_FILES[there.type]}"] = None
        self._index.put(unit, None)

    def _set_wish(self, subject: Subject, wish: SubjectWish) -> None:
        there = self._index.subject_notes.get(subject)
        note = SubjectNote(subject, wish, there.extra if there else {})
        self._set(f"{layout.subject_path(subject)}/{SUBJECT_FILE}", write_subject(note), note)

    def _set_context_wish(self, context: str, wish: ContextWish) -> None:
        there = self._index.context_notes.get(context)
        note = ContextNote(context, wish, there.extra if there else {})
        self._set(f"{layout.context_folder(context)}/{CONTEXT_FILE}", write_context(note), note)

    def _set_ids(self, ids: Ids) -> None:
        self._set(IDS_FILE, write_ids(ids), ids)

    def _set(self, path: str, content: bytes | None, found: Found) -> None:
        self._refuse_unreadable(path)
        self.files[path] = content
        self._index.put(path, found if content is not None else None)

    def _free_unit(self, subject: Subject, number: int) -> str:
        unit = layout.version_path(subject, number)
        self._refuse_unreadable(unit)
        return unit

    def _refuse_unreadable(self, unit: str) -> None:
        found = self._index.units.get(unit)
        if isinstance(found, Finding):
            raise ConflictError(
                f"{found.path} is there and cannot be read: {found.reason}",
                hint="Mend or remove it with a commit of your own, then try again.",
                details={"path": found.path},
            )

    def _refuse_false_hash(self, stored: StoredVersion) -> None:
        if self._hash_of(stored.version.schema) != stored.schema_hash:
            raise InvalidSchemaError(
                f"The hash given for {stored.version.subject} is not its content's",
                hint="Hash what is to be stored: the canonical text, references, metadata and rules.",
            )

    def _refuse_claimed(self, id: int, schema_hash: str) -> None:
        """Two ledgers of one store may number at once: what one has committed, the other sees here."""
        taken = next((one for one in self._index.ids.get(id, ()) if one.schema_hash != schema_hash), None)
        if taken:
            raise ConflictError(
                f"Id {id} stands for other content in the store ({taken.subject} v{taken.number})",
                hint="Somebody else was faster: try again, and another id is taken.",
                details={"id": id},
            )
        for one in self._index.hashes.get(schema_hash, ()):
            if one.id != id and all(other.schema_hash == schema_hash for other in self._index.ids[one.id]):
                raise ConflictError(
                    f"The content has id {one.id} in the store already ({one.subject} v{one.number}), not {id}",
                    hint=f"Somebody else was faster: try again, and id {one.id} is taken.",
                    details={"id": one.id},
                )

    def _known(self, subject: Subject, number: int) -> Record:
        self._refuse_unreadable(layout.version_path(subject, number))
        there = self._record(subject, number)
        if there is None:
            raise NotFoundError(f"The store has no {subject} v{number}", hint="Its history shows which there are.")
        return there

    def _record(self, subject: Subject, number: int) -> Record | None:
        return next((one for one in self._index.subjects.get(subject, ()) if one.number == number), None)


def _with(block: Block, ids: Ids) -> Ids:
    taken = next((one for one in ids.blocks if one.first <= block.last and block.first <= one.last), None)
    if taken == block:
        return ids
    if taken is not None:
        raise ConflictError(
            f"Ids {block.first} to {block.last} overlap the block {taken.first} to {taken.last} of {taken.owner}",
            hint="Read the store again and take numbers above its mark.",
        )
    return Ids(ids.high_water, (*ids.blocks, block))


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidSchemaError("The text holds half of a surrogate pair, which UTF-8 cannot carry") from error
