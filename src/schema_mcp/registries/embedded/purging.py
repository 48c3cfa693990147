"""Taking versions out for good, and what goes with them."""

from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import Subject
from schema_mcp.registries.embedded import stored
from schema_mcp.registries.embedded.references import is_referenced
from schema_mcp.registries.embedded.refusals import not_permitted, referenced
from schema_mcp.registries.embedded.session import Session


def purge(session: Session, subject: Subject, number: int) -> None:
    """Remove one version; a text that nothing holds any more goes too, but its id is never given again.

    The last version takes the subject's config and mode with it.
    """
    wire = str(subject)
    stored.remove(session, subject, number)
    left = session.sql.execute("SELECT 1 FROM versions WHERE subject = ? LIMIT 1", (wire,)).fetchone()
    if left is None and subject.name:
        session.sql.execute("DELETE FROM configs WHERE scope = ?", (wire,))
        session.sql.execute("DELETE FROM modes WHERE scope = ?", (wire,))


def empty_for_import(session: Session, scope: Subject) -> None:
    """Make room for an import: refused where live versions stand, soft-deleted ones are purged."""
    condition = "subject = ?1" if scope.name else "context = ?1 OR ?1 = '.__GLOBAL'"
    key = str(scope) if scope.name else scope.context
    rows = session.sql.execute(
        f"SELECT subject, number, deleted FROM versions WHERE {condition}",  # noqa: S608 - our own words
        (key,),
    ).fetchall()
    if not all(deleted for _, _, deleted in rows):
        raise not_permitted("Cannot import since found existing subjects")
    doomed = [(parse_subject(wire), number) for wire, number, _ in rows]
    for subject, number in doomed:
        if is_referenced(session, subject, number, deleted=True, outside=[str(one) for one, _ in doomed]):
            raise referenced(subject, number)
    for subject, number in doomed:
        purge(session, subject, number)
