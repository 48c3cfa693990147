"""Why something may not be done."""

import difflib
from collections.abc import Iterator

from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.naming import checked_subject, parse_context
from schema_mcp.domain.schema import Subject
from schema_mcp.services import access
from schema_mcp.services.access import Deed, Gate
from schema_mcp.toolkit.listing import Listing
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class ExplainAccess(Shape):
    """Who wants to do what, where; who is always the caller."""

    tool: str
    """Tool that you want to call."""

    registry: str | None = None
    """If not the default."""

    subject: str | None = None
    """Subject it is about."""

    context: str | None = None
    """Its context."""


class GateRow(Shape):
    """One thing that has to let the call through."""

    gate: str
    """As refusals name it in `layer`."""

    opens: bool
    """Whether it does."""

    why: str
    """What it goes by."""

    who: str = ""
    """Who can change that; said where need be."""


class AccessExplained(Shape):
    """Whether the caller may do it, and why."""

    allowed: bool
    """Whether every gate opens; what a schema itself is refused for is not known here."""

    gates: tuple[GateRow, ...]
    """Every gate, closed ones first."""

    registry: str
    """Registry that was asked about."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def explain_access(workspace: Workspace, request: ExplainAccess) -> AccessExplained:
    """Explain why you may or may not call a tool on a registry or subject, and who can change that."""
    registry = workspace.fleet.whole.connection(request.registry).name
    place = registry, _scope(request)
    found = await access.gates(
        _deed(workspace, request.tool), workspace.caller, workspace.fleet, workspace.store, place
    )
    rows = sorted(map(_row, [*_of_rate(workspace), *found]), key=lambda row: (row.opens, not row.who))
    return AccessExplained(allowed=all(row.opens for row in rows), gates=tuple(rows), registry=registry)


def _of_rate(workspace: Workspace) -> Iterator[Gate]:
    """Open, as this very call shows; one call too many says how long to wait."""
    if workspace.rates:
        why = f"{workspace.caller.name} may make {workspace.rates.per_minute} calls a minute"
        yield Gate("rate", opens=True, why=why, who="Whoever runs this server (--rate-limit)")


def _scope(request: ExplainAccess) -> Subject:
    if request.subject:
        return checked_subject(request.subject, request.context)
    return Subject("", parse_context(request.context or "default"))


def _deed(workspace: Workspace, name: str) -> Deed:
    listing = workspace.listings.get(name)
    if listing is None:
        near = difflib.get_close_matches(name, workspace.listings, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "find_tool finds the tool for a job."
        raise NotFoundError(f"There is no tool {name[:80]!r}", hint=hint)
    return _as_deed(listing, workspace.ids)


def _as_deed(listing: Listing, ids: IdSource) -> Deed:
    carries = ids is IdSource.LEDGER
    return Deed(listing.name, listing.scope, listing.writes, listing.touches_registries, listing.off, carries)


def _row(gate: Gate) -> GateRow:
    return GateRow(
        gate=gate.name, opens=gate.opens, why=gate.why, who=gate.who if gate.sometimes or not gate.opens else ""
    )
