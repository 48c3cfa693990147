"""Deleting: softly first, then for good.

Source: registry semantics 1.7. A soft delete asks only live users, a permanent one the soft-deleted ones too.
"""

from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject
from schema_mcp.registries.embedded import purging, scopes, stored
from schema_mcp.registries.embedded.finding import LATEST
from schema_mcp.registries.embedded.references import is_referenced
from schema_mcp.registries.embedded.refusals import (
    context_not_empty,
    method_not_allowed,
    referenced,
    subject_missing,
    subject_not_soft_deleted,
    subject_soft_deleted,
    version_missing,
    version_not_soft_deleted,
    version_soft_deleted,
)
from schema_mcp.registries.embedded.session import Session


def delete_subject(session: Session, subject: Subject, *, permanent: bool = False) -> list[int]:
    """Delete every version; answers their numbers."""
    subject = scopes.followed(session, subject)
    found = stored.numbers(session, subject)
    if not found:
        raise subject_missing(subject)
    scopes.check_writable(session, subject)
    live = [number for number, deleted in found if not deleted]
    if permanent and live:
        raise subject_not_soft_deleted(subject)
    if not permanent and not live:
        raise subject_soft_deleted(subject)
    doomed = [number for number, _ in found] if permanent else live
    for number in doomed:
        if is_referenced(session, subject, number, deleted=permanent, outside=[str(subject)]):
            raise referenced(subject, number)
    for number in doomed:
        _delete(session, subject, number, permanent=permanent)
    return doomed


def delete_version(session: Session, subject: Subject, number: int, *, permanent: bool = False) -> int:
    """Delete one version; answers its number. The latest is the latest live one, also for a permanent delete."""
    subject = scopes.followed(session, subject)
    found = dict(stored.numbers(session, subject))
    if not found:
        raise subject_missing(subject)
    scopes.check_writable(session, subject)
    if number == LATEST:
        number = max((one for one, deleted in found.items() if not deleted), default=LATEST)
    if number not in found:
        raise version_missing(number)
    if permanent and not found[number]:
        raise version_not_soft_deleted(subject, number)
    if not permanent and found[number]:
        raise version_soft_deleted(subject, number)
    if is_referenced(session, subject, number, deleted=permanent):
        raise referenced(subject, number)
    _delete(session, subject, number, permanent=permanent)
    return number


def delete_context(session: Session, context: str) -> None:
    """Take an empty context off the list; its config, mode and id counter stay."""
    if context == DEFAULT_CONTEXT:
        raise method_not_allowed()
    if session.sql.execute("SELECT 1 FROM versions WHERE context = ? LIMIT 1", (context,)).fetchone():
        raise context_not_empty(context)
    session.sql.execute("UPDATE contexts SET listed = 0 WHERE name = ?", (context,))


def _delete(session: Session, subject: Subject, number: int, *, permanent: bool) -> None:
    if permanent:
        purging.purge(session, subject, number)
        return
    session.sql.execute("UPDATE versions SET deleted = 1 WHERE subject = ? AND number = ?", (str(subject), number))
