"""Who changed what in the store."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, parse_context
from schema_mcp.domain.schema import Subject
from schema_mcp.services import history
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace

_MOST_CHANGES = 20


class GetSchemaHistory(Shape):
    """Of what; without a subject or context of the whole store."""

    subject: str | None = None
    """Subject."""

    context: str | None = None
    """Of the subject, or whole."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    """Most commits."""

    cursor: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    """Last page's."""


class HistoryRow(Shape):
    """One commit."""

    commit: str
    """Its id, shortened."""

    at: str
    """When (UTC)."""

    author: str
    """Who."""

    message: str
    """Its first line."""

    changes: tuple[str, ...]
    """What changed, in words, at most 20."""

    total: int | None = None
    """How many changes, where there are more."""

    renamed_from: str | None = None
    """Folder that the subject was moved from."""

    reason: str | None = None
    """Why."""

    tool: str | None = None
    """Tool that made it; none: somebody by hand."""

    plan: str | None = None
    """Plan it belongs to, shortened."""

    request_id: str | None = None
    """Request, as in the audit."""


class SchemaHistory(Shape):
    """History from Git."""

    commits: tuple[HistoryRow, ...]
    """A page, newest first."""

    head: str | None = None
    """Commit that was read from, shortened."""

    cursor: str | None = None
    """Pass it to get older ones."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""


_PAUSED = "Older commits were not looked at yet: each takes its time in a store of this size. Pass the cursor to go on."
_SHALLOW = (
    "This clone is shallow: its oldest commit passes for the maker of all. `git fetch --unshallow` gets the rest."
)


@tool(scope=Scope.READ, effect=Effect.READS, touches_registries=False)
async def get_schema_history(workspace: Workspace, request: GetSchemaHistory) -> SchemaHistory:
    """Tell from Git who changed a subject, a context or the store, when, why, and what changed in the schemas."""
    told = await history.of(
        workspace.store, _scope(request), after=request.cursor, limit=request.limit, report=workspace.report
    )
    rows = [_row(event) for event in told.events]
    # Commits are never numbered: the next page begins behind the last one that fits.
    cut = page(rows, cursor=None, limit=request.limit, query="history", size=weight)
    last = told.events[len(cut.items) - 1].commit if cut.items else None
    return SchemaHistory(
        commits=tuple(cut.items),
        head=(workspace.store.head or "")[:10] or None,
        cursor=last if cut.cursor else told.after,
        notes=tuple(note for note, is_so in ((_SHALLOW, told.shallow), (_PAUSED, told.paused)) if is_so),
    )


def _scope(request: GetSchemaHistory) -> Subject | None:
    if request.subject is not None:
        return checked_subject(request.subject, request.context)
    return Subject("", parse_context(request.context)) if request.context else None


def _row(event: history.Event) -> HistoryRow:
    trailers = event.trailers
    shown = event.changes[:_MOST_CHANGES]
    return HistoryRow(
        commit=event.commit[:10],
        at=event.at,
        author=f"{event.author} <{event.email}>"[:200],
        message=event.message,
        changes=shown,
        total=event.total if event.total > len(shown) else None,
        renamed_from=event.renamed_from or None,
        reason=trailers.get("Reason"),
        tool=trailers.get("Tool"),
        plan=trailers.get("Plan", "")[:12] or None,
        request_id=trailers.get("Request-Id"),
    )
