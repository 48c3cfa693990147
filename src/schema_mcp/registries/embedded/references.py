"""Who uses whom: references pinned to numbers, followed to their texts, and asked for backwards.

Source: registry semantics 1.7. Resolution is depth first, and the first occurrence of a name wins.
"""

from collections.abc import Sequence
from dataclasses import replace

from schema_mcp.domain.engine import Whole
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.schema import Dependency, Reference, Schema, Subject, Version
from schema_mcp.registries.embedded import stored
from schema_mcp.registries.embedded.refusals import Refusal, invalid_schema
from schema_mcp.registries.embedded.session import Session

LATEST = -1
_DEEPEST = 200


def pinned(session: Session, subject: Subject, schema: Schema) -> Schema:
    """The schema with each reference to the latest version turned into that version's number."""
    if all(reference.version != LATEST for reference in schema.references):
        return schema
    return replace(schema, references=tuple(_pinned(session, subject, one) for one in schema.references))


def _pinned(session: Session, parent: Subject, reference: Reference) -> Reference:
    if reference.version != LATEST:
        return reference
    found = stored.latest(session, resolve(reference.subject, parent))
    if found is None:
        raise _unresolved(reference)
    return replace(reference, version=found.number)


def whole(session: Session, subject: Subject, schema: Schema, *, number: int = 0, deleted: bool = False) -> Whole:
    """A schema with the texts it references; with `deleted` soft-deleted ones are found too.

    Raises 42201 where a reference leads nowhere.
    """
    if not schema.references:
        return Whole(schema, number=number)
    found: dict[str, Dependency] = {}
    _collect(session, subject, schema, found, (), deleted=deleted)
    return Whole(schema, tuple(found.values()), number)


def whole_of(session: Session, found: Version) -> Whole:
    """A kept version with the texts it references."""
    return whole(session, found.subject, found.schema, number=found.number, deleted=True)


def _collect(
    session: Session,
    parent: Subject,
    schema: Schema,
    found: dict[str, Dependency],
    trail: tuple[tuple[Subject, int], ...],
    *,
    deleted: bool,
) -> None:
    for reference in schema.references:
        if reference.name in found:
            continue
        target = _target(session, parent, reference, deleted=deleted)
        here = (target.subject, target.number)
        # Only an import can make a circle: it may replace what others already reference.
        if here in trail or len(trail) >= _DEEPEST:
            raise invalid_schema(f"References go in a circle, or too deep, at {target.subject} {target.number}")
        _collect(session, target.subject, target.schema, found, (*trail, here), deleted=deleted)
        if reference.name not in found:
            found[reference.name] = Dependency(reference.name, target.schema.text, str(target.subject), target.number)


def _target(session: Session, parent: Subject, reference: Reference, *, deleted: bool) -> Version:
    found = stored.version(session, resolve(reference.subject, parent), reference.version, deleted=deleted)
    if found is None:
        raise _unresolved(reference)
    return found


def _unresolved(reference: Reference) -> Refusal:
    return invalid_schema(
        f'No schema reference found for subject "{reference.subject}" and version {reference.version}'
    )


def is_referenced(
    session: Session, subject: Subject, number: int, *, deleted: bool = False, outside: Sequence[str] = ()
) -> bool:
    """Does another version use this one? Soft-deleted users count with `deleted`, those of `outside` never."""
    rows = session.sql.execute(
        """SELECT v.subject FROM referrals r JOIN versions v USING (subject, number)
           WHERE r.target = ? AND r.target_number = ? AND (v.deleted = 0 OR ?)""",
        (str(subject), number, deleted),
    )
    return any(wire not in outside for (wire,) in rows)


def referrers(session: Session, subject: Subject, number: int, *, deleted: bool = False) -> list[int]:
    """Ids of the schemas that use a version, of all contexts together: each context's ids ascend."""
    rows = session.sql.execute(
        """SELECT DISTINCT v.context, v.id FROM referrals r JOIN versions v USING (subject, number)
           WHERE r.target = ? AND r.target_number = ? AND (v.deleted = 0 OR ?) ORDER BY v.context, v.id""",
        (str(subject), number, deleted),
    )
    return [schema_id for _, schema_id in rows]
