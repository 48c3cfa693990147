"""Lists: subjects, version numbers, schemas in bulk.

Source: registry semantics 1.2 (prefixes), 1.7 (deleted ones) and 1.9 (pages).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from schema_mcp.domain.naming import ALL_CONTEXTS, parse_subject
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject, Version
from schema_mcp.registries.embedded import finding, scopes, stored
from schema_mcp.registries.embedded.refusals import subject_missing
from schema_mcp.registries.embedded.session import Paging, Session

T = TypeVar("T")
EVERYWHERE = f":{ALL_CONTEXTS}:"


@dataclass(frozen=True, slots=True)
class Page:
    offset: int = 0
    limit: int = -1

    def of(self, things: Sequence[T], paging: Paging) -> list[T]:
        limit = paging.limit(self.limit)
        return list(things[self.offset : self.offset + limit if limit > 0 else None])


@dataclass(frozen=True, slots=True)
class Shown:
    """Which soft-deleted ones a list shows; `only_deleted` beats `deleted`."""

    deleted: bool = False
    only_deleted: bool = False
    as_negative: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Which versions a bulk listing gives; `after` a subject and number goes on where another one ended."""

    prefix: str = ""
    deleted: bool = False
    latest_only: bool = False
    rule_type: str = ""
    aliases: bool = False
    after: tuple[str, int] = ("", 0)


@dataclass(frozen=True, slots=True)
class Listed:
    """A version with the other names of its subject."""

    version: Version
    aliases: tuple[str, ...] = ()


def subjects(session: Session, prefix: str, shown: Shown, page: Page) -> list[str]:
    """Subjects in wire form, sorted; only those wholly soft-deleted count as deleted."""
    condition, parameters = _prefixed(prefix)
    rows = session.sql.execute(
        f"""SELECT subject FROM versions v WHERE {condition}
            GROUP BY subject HAVING min(deleted) = ? OR min(deleted) = ?
            ORDER BY subject LIMIT ? OFFSET ?""",  # noqa: S608 - our own words
        (
            *parameters,
            shown.only_deleted,
            shown.deleted or shown.only_deleted,
            session.settings.subjects.limit(page.limit),
            page.offset,
        ),
    )
    return [wire for (wire,) in rows]


def numbers(session: Session, subject: Subject, shown: Shown, page: Page) -> list[int]:
    """Version numbers, ascending; soft-deleted ones as negative numbers if asked for."""
    found = stored.numbers(session, subject)
    if all(deleted for _, deleted in found) and not (found and (shown.deleted or shown.only_deleted)):
        raise subject_missing(subject)
    if shown.as_negative:
        listed = [-number if deleted else number for number, deleted in found]
    elif shown.only_deleted:
        listed = [number for number, deleted in found if deleted]
    else:
        listed = [number for number, deleted in found if shown.deleted or not deleted]
    return page.of(listed, session.settings.versions)


def contexts(session: Session, prefix: str, page: Page) -> list[str]:
    return page.of([name for name in finding.contexts(session) if name.startswith(prefix)], Paging())


def schemas(session: Session, wanted: Filter, page: Page) -> list[Listed]:
    """Versions in bulk, by subject and number."""
    known: Mapping[str, tuple[str, ...]] = _other_names(session) if wanted.aliases else {}
    condition, parameters = _prefixed(wanted.prefix)
    meant = [wire for wire, names in known.items() if any(_starts(name, wanted.prefix) for name in names)]
    marks = ", ".join("?" * len(meant))
    found = stored.select(
        session,
        f"""WHERE ({condition} OR v.subject IN ({marks})) AND (v.subject, v.number) > (?, ?)
            AND (v.deleted = 0 OR ?)
            AND (NOT ? OR v.number = (SELECT max(w.number) FROM versions w
                                      WHERE w.subject = v.subject AND (w.deleted = 0 OR ?)))
            AND (? = '' OR has_rule_type(c.rule_set, ?))
            ORDER BY v.subject, v.number LIMIT ? OFFSET ?""",  # noqa: S608 - our own words
        (
            *parameters,
            *meant,
            *wanted.after,
            wanted.deleted,
            wanted.latest_only,
            wanted.deleted,
            wanted.rule_type,
            wanted.rule_type,
            session.settings.schemas.limit(page.limit),
            page.offset,
        ),
    )
    return [Listed(version, known.get(str(version.subject), ())) for version in found]


def _other_names(session: Session) -> Mapping[str, tuple[str, ...]]:
    """The aliases of each subject that has some, in wire form."""
    found: dict[str, tuple[str, ...]] = {}
    for alias, subject in scopes.aliases(session):
        found[str(subject)] = tuple(sorted((*found.get(str(subject), ()), str(alias))))
    return found


def _prefixed(prefix: str) -> tuple[str, tuple[str, ...]]:
    """The condition for a subject prefix: of all contexts, of one, or of the default one."""
    if prefix == EVERYWHERE:
        return "1", ()
    if prefix.startswith(EVERYWHERE):
        bare = "CASE v.context WHEN '.' THEN v.subject ELSE substr(v.subject, length(v.context) + 3) END"
        name = prefix.removeprefix(EVERYWHERE)
        return f"substr({bare}, 1, length(?)) = ?", (name, name)
    wire, context = _wire_prefix(prefix)
    if context is None:
        return f"v.subject >= ? AND v.subject < ? || {_LAST}", (wire, wire)
    return f"v.context = ? AND v.subject >= ? AND v.subject < ? || {_LAST}", (context, wire, wire)


_LAST = "char(1114111, 1114111)"  # sorts behind every continuation of a prefix


def _wire_prefix(prefix: str) -> tuple[str, str | None]:
    """A prefix as stored subjects begin, and the context it is meant in; None where the prefix itself says."""
    subject = parse_subject(prefix)
    if not prefix.startswith(":."):
        return prefix, DEFAULT_CONTEXT
    if subject.context == DEFAULT_CONTEXT and prefix.startswith(":.:"):
        return subject.name, DEFAULT_CONTEXT
    return prefix, None


def _starts(name: str, prefix: str) -> bool:
    wire, context = _wire_prefix(prefix)
    if prefix.startswith(EVERYWHERE):
        return parse_subject(name).name.startswith(prefix.removeprefix(EVERYWHERE))
    return name.startswith(wire) and context in (None, parse_subject(name).context)
