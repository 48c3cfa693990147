"""Versions as they are kept: rows of SQLite read into `Version` values, and written.

Everything here names exactly one subject or id; searching other contexts is `finding.py`.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from schema_mcp.domain.identity import md5_of
from schema_mcp.domain.naming import parse_subject, resolve
from schema_mcp.domain.schema import Json, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.embedded.refusals import not_permitted
from schema_mcp.registries.embedded.session import Session

COLUMNS = "v.subject, v.number, v.id, v.deleted, v.ts, c.md5, c.type, c.text, c.refs, c.metadata, c.rule_set"
_SELECT = f"SELECT {COLUMNS} FROM versions v JOIN contents c ON c.key = v.content"  # noqa: S608 - our own words


def select(session: Session, condition: str, parameters: Iterable[Any]) -> Iterator[Version]:
    """Versions `v` with contents `c` for a condition of ours, read as they are asked for."""
    return map(version_of, session.sql.execute(f"{_SELECT} {condition}", tuple(parameters)))


def version_of(row: sqlite3.Row | tuple[Any, ...]) -> Version:
    subject, number, schema_id, deleted, ts, digest, kind, text, references, metadata, rule_set = row
    schema = Schema(text, SchemaType(kind), _references(references), _json(metadata), _json(rule_set))
    guid = str(uuid.UUID(bytes=digest))
    return Version(parse_subject(subject), number, schema_id, schema, guid, bool(deleted), ts)


def version(session: Session, subject: Subject, number: int, *, deleted: bool = False) -> Version | None:
    wanted = "WHERE v.subject = ? AND v.number = ? AND (v.deleted = 0 OR ?)"
    return next(select(session, wanted, (str(subject), number, deleted)), None)


def latest(session: Session, subject: Subject) -> Version | None:
    """The newest live version."""
    return next(newest_first(session, subject), None)


def newest_first(session: Session, subject: Subject, *, deleted: bool = False) -> Iterator[Version]:
    wanted = "WHERE v.subject = ? AND (v.deleted = 0 OR ?) ORDER BY v.number DESC"
    return select(session, wanted, (str(subject), deleted))


def perhaps_same(session: Session, subject: Subject, schema: Schema, *, deleted: bool = False) -> Iterator[Version]:
    """Versions that may be the same schema in another spelling, newest first.

    Another order of properties leaves a text as long as it was; only where references are used it may differ more.
    """
    wanted = """WHERE v.subject = ? AND (v.deleted = 0 OR ?) AND c.type = ?
                AND (length(c.text) = ? OR c.refs IS NOT NULL) ORDER BY v.number DESC"""
    return select(session, wanted, (str(subject), deleted, schema.type, len(schema.text)))


def numbers(session: Session, subject: Subject) -> list[tuple[int, bool]]:
    """Every version number of a subject, ascending, and whether it is soft-deleted."""
    rows = session.sql.execute("SELECT number, deleted FROM versions WHERE subject = ? ORDER BY number", [str(subject)])
    return [(number, bool(deleted)) for number, deleted in rows]


def next_number(session: Session, subject: Subject) -> int:
    """One above the highest kept, soft-deleted ones included."""
    (highest,) = session.sql.execute("SELECT max(number) FROM versions WHERE subject = ?", (str(subject),)).fetchone()
    return (highest or 0) + 1


def holder(session: Session, schema_id: int, context: str, subject: Subject | None = None) -> Version | None:
    """A version that an id leads to, of one subject if it is named; soft-deleted ones too."""
    wire = None if subject is None else str(subject)
    asked = (context, schema_id, wire)
    own = "WHERE v.context = ?1 AND v.id = ?2 AND (?3 IS NULL OR v.subject = ?3) ORDER BY v.subject, v.number LIMIT 1"
    found = next(select(session, own, asked), None)
    row = session.sql.execute(
        """SELECT subject, number FROM old_ids WHERE context = ?1 AND id = ?2 AND (?3 IS NULL OR subject = ?3)
           ORDER BY subject, number LIMIT 1""",
        asked,
    ).fetchone()
    if row and (found is None or row < (str(found.subject), found.number)):
        return next(select(session, "WHERE v.subject = ? AND v.number = ?", row), None)
    return found


def holders(session: Session, schema_id: int, context: str, *, deleted: bool = False) -> list[tuple[Subject, int]]:
    """The subjects and numbers that carry an id."""
    rows = session.sql.execute(
        """SELECT subject, number FROM versions WHERE context = ? AND id = ? AND (deleted = 0 OR ?)
           ORDER BY subject, number""",
        (context, schema_id, deleted),
    )
    return [(parse_subject(wire), number) for wire, number in rows]


def id_of(session: Session, digest: bytes, context: str) -> tuple[int, SchemaType] | None:
    """The id under which a context last took a content, and in which language, while a version still carries it."""
    row = session.sql.execute(
        """SELECT h.id, c.type FROM hashes h JOIN versions v ON v.context = h.context AND v.id = h.id
           JOIN contents c ON c.key = v.content AND c.md5 = h.md5
           WHERE h.md5 = ? AND h.context = ? LIMIT 1""",
        (digest, context),
    ).fetchone()
    return (row[0], SchemaType(row[1])) if row else None


def carriers(session: Session, schema_id: int, subject: Subject, *, deleted: bool = False) -> Iterator[Version]:
    """A subject's versions that carry an id, newest first."""
    wanted = """WHERE v.context = ? AND v.id = ? AND v.subject = ? AND (v.deleted = 0 OR ?)
                ORDER BY v.number DESC"""
    return select(session, wanted, (subject.context, schema_id, str(subject), deleted))


def highest_id(session: Session, context: str) -> int:
    row = session.sql.execute("SELECT highest FROM contexts WHERE name = ?", (context,)).fetchone()
    return row[0] if row else 0


def keep(session: Session, found: Version) -> None:
    """Write a version, in the place of one with the same number if there is one; counter and hash follow."""
    schema, context, wire = found.schema, found.subject.context, str(found.subject)
    digest = md5_of(schema)
    content = _content(session, digest, schema)
    session.sql.execute(
        "INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?, 0, ?)",
        (wire, found.number, context, found.id, content, session.now),
    )
    session.sql.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", (digest, context, found.id))
    session.sql.execute(
        """INSERT INTO contexts VALUES (?, ?, 1)
           ON CONFLICT (name) DO UPDATE SET highest = max(highest, excluded.highest), listed = 1""",
        (context, found.id),
    )
    for reference in schema.references:
        target = resolve(reference.subject, found.subject)
        session.sql.execute(
            "INSERT OR IGNORE INTO referrals VALUES (?, ?, ?, ?)",
            (str(target), reference.version, wire, found.number),
        )


def remove(session: Session, subject: Subject, number: int) -> None:
    """Take a version out; a content that no version holds any more goes with it."""
    _take_out(session, subject, number)
    session.sql.execute(
        "DELETE FROM old_ids WHERE context = ? AND subject = ? AND number = ?", (subject.context, str(subject), number)
    )


def displace(session: Session, version: Version, schema_id: int) -> None:
    """Make room for an import under the same number; as recorded, the id that stood there leads to what comes."""
    _take_out(session, version.subject, version.number)
    if version.id != schema_id:
        session.sql.execute(
            "INSERT OR IGNORE INTO old_ids VALUES (?, ?, ?, ?)",
            (version.subject.context, version.id, str(version.subject), version.number),
        )


def _take_out(session: Session, subject: Subject, number: int) -> None:
    wire = str(subject)
    (content,) = session.sql.execute(
        "DELETE FROM versions WHERE subject = ? AND number = ? RETURNING content", (wire, number)
    ).fetchone()
    session.sql.execute("DELETE FROM referrals WHERE subject = ? AND number = ?", (wire, number))
    session.sql.execute(
        "DELETE FROM contents WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM versions WHERE content = ?1)", (content,)
    )


def _content(session: Session, digest: bytes, schema: Schema) -> int:
    values = (
        digest,
        schema.type,
        schema.text,
        _packed(schema.references),
        _text(schema.metadata),
        _text(schema.rule_set),
    )
    inserted = session.sql.execute(
        """INSERT INTO contents (md5, type, text, refs, metadata, rule_set) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (md5, type) DO NOTHING RETURNING key""",
        values,
    ).fetchone()
    if inserted:
        return inserted[0]
    known = session.sql.execute("SELECT key, text FROM contents WHERE md5 = ? AND type = ?", (digest, schema.type))
    key, text = known.fetchone()
    # MD5 is the registry's key, but texts that share one can be made on purpose.
    if text != schema.text:
        raise not_permitted("Another schema has the same hash")
    return key


def _references(packed: str | None) -> tuple[Reference, ...]:
    return tuple(Reference(*one) for one in json.loads(packed)) if packed else ()


def _packed(references: tuple[Reference, ...]) -> str | None:
    return json.dumps([[one.name, one.subject, one.version] for one in references]) if references else None


def _json(text: str | None) -> Json | None:
    return None if text is None else json.loads(text)


def _text(value: Json | None) -> str | None:
    return None if value is None else json.dumps(value)
