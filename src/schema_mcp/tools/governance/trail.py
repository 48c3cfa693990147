"""Ask the audit trail."""

from dataclasses import fields
from typing import Annotated

from pydantic import AwareDatetime, Field

from schema_mcp.domain.caller import Scope
from schema_mcp.services import audit_query
from schema_mcp.services.audit_query import Question
from schema_mcp.stores.audit import Entry, Outcome
from schema_mcp.stores.clock import stamp
from schema_mcp.toolkit.paging import PAGE_BYTES
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace

Name = Annotated[str, Field(max_length=300)]


class QueryAudit(Shape):
    """Which lines; `*` stands for any text."""

    caller: Name | None = None
    """Who; * is any text."""

    tool: Name | None = None
    """Tool."""

    registry: Name | None = None
    """Registry."""

    subject: Name | None = None
    """Subject."""

    plan: Name | None = None
    """Digest."""

    code: Name | None = None
    """Error's."""

    outcome: Outcome | None = None
    """Outcome."""

    since: AwareDatetime | None = None
    """From."""

    until: AwareDatetime | None = None
    """Before."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class AuditLine(Shape):
    """One line of the trail."""

    seq: int
    """Its number in the chain."""

    at: str
    """When (UTC)."""

    caller: str = ""
    """Who."""

    via: str = ""
    """Interface."""

    client: str = ""
    """Program that was signed in."""

    scopes: tuple[str, ...] = ()
    """What he held."""

    tool: str
    """What was asked for."""

    effect: str = ""
    """What it does to the world."""

    registry: str = ""
    """Registry."""

    registries: tuple[str, ...] = ()
    """Several of them."""

    context: str = ""
    """Context."""

    subject: str = ""
    """Subject."""

    subjects: tuple[str, ...] = ()
    """Several of them."""

    plan: str = ""
    """Digest of the plan."""

    outcome: Outcome
    """How it ended; `started` is the intent of a write."""

    code: str = ""
    """Code of the error."""

    reason: str = ""
    """Why, as the caller said it."""

    duration_ms: float | None = None
    """How long it took."""

    request_id: str = ""
    """What ties intent and outcome together."""

    arguments_digest: str = ""
    """Equal arguments have equal ones."""


class AuditLines(Shape):
    """What the trail says."""

    lines: tuple[AuditLine, ...]
    """Newest first."""

    looked_at: int
    """Lines that were looked at for this page."""

    cursor: str | None = None
    """Where to go on; absent at the end."""

    next: str = ""
    """What comes next."""


@tool(scope=Scope.ADMIN, effect=Effect.READS, touches_registries=False)
async def query_audit(workspace: Workspace, request: QueryAudit) -> AuditLines:
    """Ask the audit trail who did or tried what, when, and how it ended; newest first."""
    said = request.model_dump(exclude_none=True, exclude={"since", "until", "limit", "cursor"})
    since, until = (stamp(one) if one else "" for one in (request.since, request.until))
    found = await audit_query.ask(
        workspace.audit,
        Question(said, since, until),
        workspace.caller,
        limit=request.limit,
        cursor=request.cursor,
    )
    lines = _that_fit([_line(entry) for entry in found.found])
    before = found.before if len(lines) == len(found.found) else lines[-1].seq
    return AuditLines(
        lines=lines,
        looked_at=found.looked_at,
        cursor=str(before) if before else None,
        next="There are older lines: go on with `cursor`." if before else "",
    )


def _that_fit(lines: list[AuditLine]) -> tuple[AuditLine, ...]:
    room = PAGE_BYTES
    for count, line in enumerate(lines):
        room -= weight(line)
        if room < 0 and count:
            return tuple(lines[:count])
    return tuple(lines)


_FIELDS = tuple(field.name for field in fields(Entry))


def _line(entry: Entry) -> AuditLine:
    return AuditLine(**{name: getattr(entry, name) for name in _FIELDS})
