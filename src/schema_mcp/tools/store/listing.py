"""What the store holds."""

from collections.abc import Sequence
from typing import Annotated

from anyio import to_thread
from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Level, SchemaType, Subject
from schema_mcp.stores.schemastore import Record
from schema_mcp.stores.view import View
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace

_MOST_FINDINGS = 10


class ListStoredSchemas(Shape):
    """Which subjects."""

    prefix: str = ""
    """Beginning of the name."""

    query: str = ""
    """Part of name or description."""

    context: str | None = None
    """Context."""

    owner: str | None = None
    """Owner."""

    tag: str | None = None
    """Tag, of the subject or its latest version."""

    target: str | None = None
    """Registry it is meant for."""

    retired: bool = False
    """Those that are wholly retired, instead."""

    branch: str | None = None
    """Branch for review to read."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class StoredRow(Shape):
    """One subject."""

    subject: str
    """Subject."""

    context: str | None = None
    """Context, if not the default one."""

    versions: int
    """Live versions."""

    retired: int | None = None
    """Retired versions."""

    latest: int
    """Latest version; of retired ones the last."""

    id: int
    """Its id."""

    schema_type: SchemaType
    """Its language."""

    level: Level | None = None
    """Level wished for."""

    targets: tuple[str, ...] | None = None
    """Registries it is meant for; left out: every one."""

    owner: str | None = None
    """Who answers for it."""

    tags: tuple[str, ...] | None = None
    """Labels of the subject."""


class BadFile(Shape):
    """A file that cannot be used."""

    path: str
    """Where it is."""

    reason: str
    """What is wrong with it."""


class StoredList(Shape):
    """Subjects of the store."""

    subjects: tuple[StoredRow, ...]
    """A page of them, by context and name."""

    total: int
    """How many there are."""

    versions: int
    """How many live versions they have."""

    bad_files: tuple[BadFile, ...] = ()
    """Files that cannot be used, at most 10; the rest is listed nevertheless."""

    bad_total: int = 0
    """How many of those."""

    commit: str | None = None
    """Commit that was read, shortened."""

    cursor: str | None = None
    """Pass it to get the next page."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""


@tool(scope=Scope.READ, effect=Effect.READS, touches_registries=False)
async def list_stored_schemas(workspace: Workspace, request: ListStoredSchemas) -> StoredList:
    """List what the Git store holds: subjects with versions, ids, targets, owners, tags; and files that are wrong."""
    await workspace.store.refresh()
    view = await workspace.store.proposal(request.branch) if request.branch else workspace.store
    chosen = await to_thread.run_sync(_chosen, view, request)
    query = f"stored {request.model_dump_json(exclude={'cursor', 'limit'})}"
    cut = page(
        chosen,
        cursor=request.cursor,
        limit=request.limit,
        query=query,
        size=lambda subject: weight(_row(view, subject)),
    )
    bad = view.findings()
    return StoredList(
        subjects=tuple(_row(view, subject) for subject in cut.items),
        total=cut.total,
        versions=sum(not record.deleted for subject in chosen for record in view.records(subject)),
        bad_files=tuple(BadFile(path=one.path[:300], reason=one.reason[:300]) for one in bad[:_MOST_FINDINGS]),
        bad_total=len(bad),
        commit=(view.head or "")[:10] or None,
        cursor=cut.cursor,
        notes=workspace.notes,
    )


def _chosen(view: View, request: ListStoredSchemas) -> list[Subject]:
    context = parse_context(request.context) if request.context else None
    return sorted(
        (one for one in view.subjects(context) if _fits(view, one, request)), key=lambda one: (one.context, one.name)
    )


def _fits(view: View, subject: Subject, request: ListStoredSchemas) -> bool:
    wish, records = view.wish(subject), view.records(subject)
    word = request.query.lower()
    return (
        subject.name.startswith(request.prefix)
        and all(record.deleted for record in records) == request.retired
        and (not word or word in subject.name.lower() or word in (wish.description or "").lower())
        and request.owner in (None, wish.owner)
        and (request.target is None or wish.targets is None or request.target in wish.targets)
        and (request.tag is None or _has_tag(view, subject, request.tag))
    )


def _has_tag(view: View, subject: Subject, tag: str) -> bool:
    if tag in (view.wish(subject).tags or ()):
        return True
    stored = view.version(subject, _latest(view.records(subject)).number)
    return stored is not None and tag in stored.tags


def _latest(records: Sequence[Record]) -> Record:
    return max(records, key=lambda record: (not record.deleted, record.number))


def _row(view: View, subject: Subject) -> StoredRow:
    records, wish = view.records(subject), view.wish(subject)
    live = sum(not record.deleted for record in records)
    latest = _latest(records)
    return StoredRow(
        subject=subject.name,
        context=shown_context(subject.context) if subject.context != DEFAULT_CONTEXT else None,
        versions=live,
        retired=len(records) - live or None,
        latest=latest.number,
        id=latest.id,
        schema_type=latest.type,
        level=wish.level,
        targets=wish.targets,
        owner=wish.owner,
        tags=wish.tags,
    )
