"""The files of the store as values and back: a public format, strict where it is read, gentle where it is rewritten.

Keys and their order: see the description of the store in the documentation. Keys that we do not know are kept.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schema_mcp.domain import layout
from schema_mcp.domain.allocation import Block
from schema_mcp.domain.errors import InvalidRequestError, StoreError
from schema_mcp.domain.layout import Place, context_folder, is_hash, subject_folder
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.domain.schema import Json, Level, Mode, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.stores.keys import Keys

_FOUR_BYTES: Final = range(-(1 << 31), 1 << 31)  # what the wire format gives an id


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version as the store keeps it, with what was true when it was made; `extra` are keys that others added."""

    version: Version
    level: Level | None
    targets: tuple[str, ...]
    created_at: str
    created_by: str
    description: str
    tags: tuple[str, ...]
    schema_hash: str
    extra: Json = field(default_factory=dict[str, Any], hash=False)


@dataclass(frozen=True, slots=True)
class SubjectWish:
    """What is wanted of a subject; None leaves it open."""

    level: Level | None = None
    mode: Mode | None = None
    targets: tuple[str, ...] | None = None
    owner: str | None = None
    tags: tuple[str, ...] | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ContextWish:
    """What is wanted of a context; `defaults` are a registry's other settings, as they travel."""

    level: Level | None = None
    mode: Mode | None = None
    defaults: Json | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class SubjectNote:
    """A subject.json: whose it is, its wish, and the keys we do not know."""

    subject: Subject
    wish: SubjectWish
    extra: Json = field(default_factory=dict[str, Any], hash=False)


@dataclass(frozen=True, slots=True)
class ContextNote:
    """A context.json: whose it is, its wish, and the keys we do not know."""

    context: str
    wish: ContextWish
    extra: Json = field(default_factory=dict[str, Any], hash=False)


@dataclass(frozen=True, slots=True)
class Ids:
    """How far ids may have been handed out, and the blocks that are set aside."""

    high_water: int = 0
    blocks: tuple[Block, ...] = ()


def read_metadata(content: bytes, text: str, place: Place) -> StoredVersion:
    """A version from its metadata.json and the text beside it; raises `StoreError` with the reason."""
    keys = Keys(content)
    context = _context_at(place, keys)
    version = Version(
        subject=Subject(_name_at(place, keys, needed=True), context),
        number=keys.needed("version", int),
        id=keys.needed("schemaId", int),
        schema=Schema(
            text=text,
            type=keys.word("schemaType", SchemaType) or SchemaType.AVRO,
            references=tuple(_reference(each) for each in keys.objects("references")),
            metadata=keys.object("metadata"),
            rule_set=keys.object("ruleSet"),
        ),
        deleted=keys.optional("deleted", bool) or False,
    )
    if version.number != place.number:
        raise StoreError(f"version is {version.number}, and the folder says v{place.number}")
    if version.id not in _FOUR_BYTES:
        raise StoreError(f"schemaId {version.id} does not fit into four bytes")
    return StoredVersion(
        version=version,
        level=keys.word("compatibilityMode", Level),
        targets=keys.texts("deploymentRegions") or (),
        created_at=keys.optional("createdAt", str) or "",
        created_by=keys.optional("createdBy", str) or "",
        description=keys.optional("description", str) or "",
        tags=keys.texts("tags") or (),
        schema_hash=keys.needed("schemaHash", str),
        extra=keys.left,
    )


def write_metadata(stored: StoredVersion) -> bytes:
    """A version's metadata.json."""
    version, schema = stored.version, stored.version.schema
    where_used = {"metadata": schema.metadata, "ruleSet": schema.rule_set, "deleted": version.deleted or None}
    known: Json = {
        "schemaId": version.id,
        "subject": version.subject.name,
        "version": version.number,
        "context": shown_context(version.subject.context),
        "schemaType": schema.type,
        "compatibilityMode": stored.level,
        "deploymentRegions": stored.targets,
        "createdAt": stored.created_at,
        "createdBy": stored.created_by,
        "description": stored.description,
        "tags": stored.tags,
        "schemaHash": stored.schema_hash,
        "references": [{"name": r.name, "subject": r.subject, "version": r.version} for r in schema.references],
    }
    extra = {key: value for key, value in stored.extra.items() if key not in known | where_used}
    return _written(known | _without_none(where_used) | extra)


def read_subject(content: bytes, place: Place) -> SubjectNote:
    """A subject's wish from its subject.json; raises `StoreError` with the reason."""
    keys = Keys(content)
    subject = Subject(_name_at(place, keys), _context_at(place, keys))
    wish = SubjectWish(
        level=keys.word("level", Level),
        mode=keys.word("mode", Mode),
        targets=keys.texts("targets"),
        owner=keys.optional("owner", str),
        tags=keys.texts("tags"),
        description=keys.optional("description", str),
    )
    return SubjectNote(subject, wish, keys.left)


def write_subject(note: SubjectNote) -> bytes | None:
    """A subject's subject.json; None where it would say nothing."""
    wish, subject = note.wish, note.subject
    wanted = {
        "level": wish.level,
        "mode": wish.mode,
        "targets": wish.targets,
        "owner": wish.owner,
        "tags": wish.tags,
        "description": wish.description,
    }
    said = _without_none(wanted) | note.extra
    name = {"subject": subject.name} if is_hash(subject_folder(subject.name)) else {}
    return _written(name | _context_key(subject.context) | said) if said else None


def read_context(content: bytes, place: Place) -> ContextNote:
    """A context's wish from its context.json; raises `StoreError` with the reason."""
    keys = Keys(content)
    context = _context_at(place, keys)
    wish = ContextWish(keys.word("level", Level), keys.word("mode", Mode), keys.object("defaults"))
    return ContextNote(context, wish, keys.left)


def write_context(note: ContextNote) -> bytes | None:
    """A context's context.json; None where it would say nothing."""
    wish = note.wish
    said = _without_none({"level": wish.level, "mode": wish.mode, "defaults": wish.defaults}) | note.extra
    return _written(_context_key(note.context) | said) if said else None


def read_ids(content: bytes) -> Ids:
    """The mark and the reserved blocks of ids.json."""
    keys = Keys(content)
    blocks = tuple(_block(each) for each in keys.objects("reserved"))
    return Ids(keys.optional("highWater", int) or 0, blocks)


def write_ids(ids: Ids) -> bytes:
    """The ids.json of the store."""
    blocks = [{"from": block.first, "to": block.last, "owner": block.owner} for block in ids.blocks]
    return _written({"highWater": ids.high_water, "reserved": blocks})


def _context_at(place: Place, keys: Keys) -> str:
    claimed = keys.optional("context", str)
    told = layout.context_in(place.context) if claimed is None else parse_context(claimed)
    return _belonging(told, place.context, context_folder)


def _name_at(place: Place, keys: Keys, *, needed: bool = False) -> str:
    claimed = keys.needed("subject", str) if needed else keys.optional("subject", str)
    told = layout.name_in(place.subject) if claimed is None else claimed
    return _belonging(told, place.subject, subject_folder)


def _belonging(name: str | None, folder: str, folder_of: Callable[[str], str]) -> str:
    """The name, if it belongs into this folder: no two folders can then claim one subject."""
    if name is None:
        raise StoreError(f"the folder {folder} does not tell a name, so the name has to stand in the file")
    if folder_of(name) != folder:
        raise StoreError(f"it speaks of {name!r}, whose folder is {folder_of(name)} and not {folder}")
    return name


def _context_key(context: str) -> Json:
    return {"context": shown_context(context)} if is_hash(context_folder(context)) else {}


def _reference(value: Json) -> Reference:
    keys = Keys(value)
    return Reference(keys.needed("name", str), keys.needed("subject", str), keys.needed("version", int))


def _block(value: Json) -> Block:
    keys = Keys(value)
    return Block(keys.needed("from", int), keys.needed("to", int), keys.optional("owner", str) or "")


def _written(value: Json) -> bytes:
    dump: Callable[..., str] = json.dumps
    try:
        return (dump(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:  # half of a surrogate pair travels only escaped
        return (dump(value, indent=2, allow_nan=False) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"This cannot be written as JSON: {error}") from error


def _without_none(value: Mapping[str, Any]) -> Json:
    return {key: each for key, each in value.items() if each is not None}
