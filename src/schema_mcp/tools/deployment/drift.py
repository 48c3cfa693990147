"""Where registries differ from the store."""

from collections import Counter
from datetime import datetime
from typing import TypeAlias

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.drift import Drift
from schema_mcp.domain.drift import Kind as DriftKind
from schema_mcp.domain.naming import shown_context
from schema_mcp.services import drift
from schema_mcp.services.drift import Sides
from schema_mcp.services.selection import Selection
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.selected import Selected, selection_of


class DetectDrift(Selected):
    """Where to look for drift."""

    registry: str | None = None
    """If not the default."""

    registries: tuple[str, ...] = ()
    """Several instead."""


class DriftRow(Shape):
    """One disagreement."""

    registry: str
    """Where."""

    subject: str
    """Which subject."""

    context: str
    """Its context."""

    version: int | None = None
    """Which version; none where it concerns the subject."""

    kind: DriftKind
    """What kind."""

    detail: str
    """What the two sides have."""

    since: datetime | None = None
    """When it was first seen (UTC)."""

    rule: str | None = None
    """Habit of the product that explains it."""


class DriftFound(Shape):
    """Where registries differ from the store."""

    in_sync: bool
    """Whether nothing differs, spelling aside."""

    drift: tuple[DriftRow, ...]
    """A page of disagreements; cosmetic ones come last."""

    total: int
    """How many there are, cosmetic ones included."""

    counts: dict[str, int]
    """How many of each kind."""

    registries: tuple[str, ...]
    """What was looked at."""

    commit: str | None = None
    """Git commit compared with, shortened."""

    not_looked_at: str
    """What this answer does not speak of."""

    next: str = ""
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""

    @property
    def exit_code(self) -> int:
        return 0 if self.in_sync else 3


_Row: TypeAlias = tuple[str, Drift, datetime | None]

NOT_LOOKED_AT = "Settings that the store does not declare, and soft-deleted versions."
_NEXT = "reconcile_drift mends it, in either direction; plan_deployment shows what deploying would do."


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def detect_drift(workspace: Workspace, request: DetectDrift) -> DriftFound:
    """Compare registries with the store: missing, extra and differing versions, ids and declared settings."""
    chosen = selection_of(request)
    names = request.registries or (workspace.registry(request.registry).name,)
    registries = [workspace.registry(name) for name in dict.fromkeys(names)]
    found = await drift.swept(registries, workspace.store, chosen)
    rows = [row for sides in found for row in await _rows(workspace, sides, chosen)]
    rows.sort(key=lambda row: row[1].kind is DriftKind.COSMETIC)
    in_sync = all(sides.in_sync for sides in found)
    query = f"drift {names} {chosen}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=lambda row: weight(_shown(*row)))
    return DriftFound(
        in_sync=in_sync,
        drift=tuple(_shown(*row) for row in cut.items),
        total=cut.total,
        counts=Counter(one.kind.value for _, one, _ in rows),
        registries=tuple(registry.name for registry in registries),
        commit=(workspace.store.head or "")[:10] or None,
        not_looked_at=NOT_LOOKED_AT,
        next="" if in_sync else _NEXT,
        cursor=cut.cursor,
    )


async def _rows(workspace: Workspace, sides: Sides, chosen: Selection) -> list[_Row]:
    since = await drift.ages(sides, workspace.sightings, chosen, workspace.clock())
    return [(sides.registry, one, since.get(one)) for one in sides.drift]


def _shown(registry: str, one: Drift, since: datetime | None) -> DriftRow:
    return DriftRow(
        registry=registry,
        subject=one.subject.name,
        context=shown_context(one.subject.context),
        version=one.number or None,
        kind=one.kind,
        detail=one.detail,
        since=since,
        rule=one.rule or None,
    )
