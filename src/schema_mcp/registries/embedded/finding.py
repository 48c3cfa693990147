"""Finding one version: by number, by id, by GUID; an unqualified name is searched in every context.

Source: registry semantics 1.2 and 1.9.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from schema_mcp.domain.contracts import has_properties
from schema_mcp.domain.identity import md5_of
from schema_mcp.domain.naming import ALL_CONTEXTS
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject, Version
from schema_mcp.registries.embedded import scopes, stored
from schema_mcp.registries.embedded.refusals import (
    invalid_version,
    schema_missing,
    subject_missing,
    version_missing,
)
from schema_mcp.registries.embedded.session import Session

LATEST = -1
_HIGHEST_NUMBER = 2**31 - 1
_NUMBER = re.compile(r"\s*\+?0*[1-9][0-9]{0,9}\s*")


@dataclass(frozen=True, slots=True)
class Asked:
    """A subject as it was asked for: with its context named, or open to all of them."""

    subject: Subject
    qualified: bool = True


def number_of(text: str) -> int:
    """The version number that a path means; `latest`, in any case, and -1 are the newest."""
    if text.lower() == "latest" or text == "-1":
        return LATEST
    if not _NUMBER.fullmatch(text) or int(text) > _HIGHEST_NUMBER:
        raise invalid_version(text)
    return int(text)


def version(session: Session, asked: Asked, number: int, *, deleted: bool = False) -> Version:
    """One version, of the first context that has it; 40401 or 40402 where none has."""
    for subject in places(session, asked):
        found = _numbered(session, subject, number, deleted=deleted)
        if found:
            return found
    if not exists(session, asked.subject, deleted=deleted):
        raise subject_missing(asked.subject)
    raise version_missing(number)


def _numbered(session: Session, subject: Subject, number: int, *, deleted: bool) -> Version | None:
    if number == LATEST:
        return stored.latest(session, subject)
    return stored.version(session, subject, number, deleted=deleted)


def by_metadata(session: Session, asked: Asked, pairs: Mapping[str, str], *, deleted: bool = False) -> Version:
    """The newest version whose metadata has all of some properties; one without metadata never has."""
    subject = followed(session, asked).subject
    if not exists(session, subject, deleted=deleted):
        raise subject_missing(subject)
    for found in stored.newest_first(session, subject, deleted=deleted):
        if has_properties(found.schema.metadata, pairs):
            return found
    raise schema_missing()


def followed(session: Session, asked: Asked) -> Asked:
    """What an alias means instead."""
    return replace(asked, subject=scopes.followed(session, asked.subject))


def exists(session: Session, subject: Subject, *, deleted: bool = False) -> bool:
    """Has the subject a version that the caller may see?"""
    return any(deleted or not gone for _, gone in stored.numbers(session, subject))


def places(session: Session, asked: Asked) -> Iterator[Subject]:
    """Where to look for a subject: the place named, then, if none was named, the other contexts."""
    yield asked.subject
    if not asked.qualified:
        yield from elsewhere(session, asked.subject)


def elsewhere(session: Session, subject: Subject) -> Iterator[Subject]:
    """The same name in every context but the default one."""
    for context in contexts(session):
        if context != DEFAULT_CONTEXT:
            yield Subject(subject.name, context)


def contexts(session: Session) -> list[str]:
    """The contexts that are listed: the default one always, the others from their first schema on."""
    rows = session.sql.execute("SELECT name FROM contexts WHERE listed ORDER BY name")
    return sorted({DEFAULT_CONTEXT, *(name for (name,) in rows)})


def by_id(session: Session, schema_id: int, asked: Asked | None = None) -> Version | None:
    """The version an id leads to, soft-deleted ones too.

    Without a subject the default context is meant; a whole context names itself; a qualified subject must hold the
    id; an unqualified one is searched everywhere, and at last the bare id in the default context is taken.
    """
    if asked is None:
        return stored.holder(session, schema_id, DEFAULT_CONTEXT)
    asked = followed(session, asked)
    subject = asked.subject
    if subject.context == ALL_CONTEXTS:
        return None
    if not subject.name:
        return stored.holder(session, schema_id, subject.context)
    if subject.context != DEFAULT_CONTEXT:
        return stored.holder(session, schema_id, subject.context, subject)
    # As recorded: a name qualified with the default context misses that context and goes on to the others.
    searched = elsewhere(session, subject) if asked.qualified else places(session, asked)
    for place in searched:
        found = stored.holder(session, schema_id, place.context, place)
        if found:
            return found
    return stored.holder(session, schema_id, DEFAULT_CONTEXT)


def needed_by_id(session: Session, schema_id: int, asked: Asked | None = None) -> Version:
    found = by_id(session, schema_id, asked)
    if found is None:
        raise schema_missing(schema_id)
    return found


def by_guid(session: Session, guid: str) -> Version:
    """The schema behind a GUID, of the default context first."""
    digest = _digest(guid)
    for context, schema_id in ids_of_guid(session, guid).items():
        for found in stored.select(
            session, "WHERE v.context = ? AND v.id = ? AND c.md5 = ? LIMIT 1", (context, schema_id, digest)
        ):
            return found
    raise schema_missing(guid)


def ids_of_guid(session: Session, guid: str) -> Mapping[str, int]:
    """The ids a schema has, or last had, by context."""
    rows = session.sql.execute("SELECT context, id FROM hashes WHERE md5 = ? ORDER BY context", (_digest(guid),))
    return dict(rows)


def same_content(
    session: Session, schema_id: int, asked: Asked | None = None, *, deleted: bool = False
) -> list[tuple[Subject, int]]:
    """Subjects and numbers that hold the schema an id leads to."""
    found = by_id(session, schema_id, asked)
    if found is None:
        raise schema_missing()
    context = found.subject.context
    # The registry goes by the content's last id, not by the id asked for: after imports the two may differ.
    known = stored.id_of(session, md5_of(found.schema), context)
    return stored.holders(session, known[0] if known else found.id, context, deleted=deleted)


def _digest(guid: str) -> bytes:
    try:
        return uuid.UUID(guid).bytes
    except ValueError:
        return b""
