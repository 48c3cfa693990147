"""Pages about schemas: what each subject says of itself, found out once and handed to the writers of pages."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from anyio import to_thread

from schema_mcp.domain.documents import about
from schema_mcp.domain.documents.about import About, Past
from schema_mcp.domain.documents.fields import fields
from schema_mcp.domain.documents.page import Page
from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.schema import Version
from schema_mcp.services.ground import Report
from schema_mcp.services.holdings import Holding
from schema_mcp.services.resolution import whole
from schema_mcp.services.together import each
from schema_mcp.stores.schemastore import SchemaStore

_MOST_CHANGES = 50
_TOLD_EVERY = 100
_MARKUP = str.maketrans("", "", "`")


async def page(holding: Holding, report: Report) -> Page:
    """One page about everything that is held: each subject as of its last version, with the way there."""
    done = 0
    subjects = [list(several) for _, several in groupby(holding.versions, key=attrgetter("subject"))]
    finders = holding.finders

    async def complete(version: Version) -> Whole | str:
        try:
            return await whole(version.schema, version.subject, finders, number=version.number)
        except InvalidSchemaError as error:
            return str(error)

    async def told(several: list[Version]) -> About:
        nonlocal done
        done += 1
        if done % _TOLD_EVERY == 0:
            await report(done, len(subjects), f"{done:,} of {len(subjects):,} subjects written")
        wholes = [await complete(version) for version in several]
        return await to_thread.run_sync(_about, several, wholes, holding.side.store)

    title = str(subjects[0][0].subject) if len(subjects) == 1 else f"Schemas of {holding.side.name}"
    return about.page(title, await each(subjects, told))


def _about(several: Sequence[Version], wholes: Sequence[Whole | str], store: SchemaStore) -> About:
    parsed = [_parsed(one) for one in wholes]
    last, latest = several[-1], parsed[-1]
    is_readable = not isinstance(latest, str)
    return About(
        subject=last.subject,
        type=last.schema.type,
        text=last.schema.text,
        rows=fields(last.schema.type, latest) if is_readable else (),
        doc=_doc(last, latest) if is_readable else "",
        references=last.schema.references,
        history=[_past(version, place, several, parsed, store) for place, version in enumerate(several)],
        facts=list(_facts(last, store)),
        problem="" if is_readable else latest,
    )


def _parsed(complete: Whole | str) -> Any:
    """A parsed schema, or why there is none."""
    if isinstance(complete, str):
        return complete
    try:
        return parse(complete)
    except InvalidSchemaError as error:
        return str(error)


def _doc(version: Version, parsed: Any) -> str:
    named = format_of(version.schema.type).names(parsed)
    return next((one.doc for one in named if one.kind not in ("field", "symbol")), "")


def _past(version: Version, place: int, several: Sequence[Version], parsed: Sequence[Any], store: SchemaStore) -> Past:
    stored = store.version(version.subject, version.number)
    changes = ["the first version"] if place == 0 and version.number == 1 else []
    before = parsed[place - 1] if place else ""
    if not isinstance(before, str) and not isinstance(parsed[place], str):
        was, now = several[place - 1].schema.type, version.schema.type
        found = format_of(now).changes(before, parsed[place]) if was is now else []
        changes = [change.text.translate(_MARKUP) for change in found[:_MOST_CHANGES]]
        changes += [f"and {len(found) - _MOST_CHANGES} more"] if len(found) > _MOST_CHANGES else []
    at, by = (stored.created_at, stored.created_by) if stored else ("", "")
    return Past(version.number, version.id, changes, version.deleted, at, by)


def _facts(version: Version, store: SchemaStore) -> Iterator[tuple[str, str]]:
    stored, wish = store.version(version.subject, version.number), store.wish(version.subject)
    tags = (wish.tags or ()) + (stored.tags if stored else ())
    told = {
        "Description": wish.description or (stored.description if stored else ""),
        "Owner": wish.owner or "",
        "Tags": ", ".join(dict.fromkeys(tags)),
        "Level wanted": wish.level or "",
    }
    yield from ((name, value) for name, value in told.items() if value)
