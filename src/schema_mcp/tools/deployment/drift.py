"""Where registries differ from the store."""

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.drift import Drift
from schema_mcp.domain.drift import Kind as DriftKind
from schema_mcp.domain.naming import shown_context
from schema_mcp.services import drift
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.selected import Selected, selection_of


class DetectDrift(Selected):
    """Where to look for drift."""

    registry: str | None = None
    """One registry; the default one when left out."""

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


_NOT_LOOKED_AT = "Settings that the store does not declare, and soft-deleted versions."


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def detect_drift(workspace: Workspace, request: DetectDrift) -> DriftFound:
    """Compare registries with the store: missing, extra and differing versions, ids and declared settings."""
    chosen = selection_of(request)
    names = request.registries or (workspace.registry(request.registry).name,)
    registries = [workspace.registry(name) for name in dict.fromkeys(names)]
    found = await drift.detect_in(registries, workspace.store, chosen)
    rows = [
        _drift_row(name, one) for name, one in sorted(found, key=lambda pair: (not pair[1].matters, pair[0], pair[1]))
    ]
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.kind] = counts.get(row.kind, 0) + 1
    in_sync = not any(one.matters for _, one in found)
    query = f"drift {names} {chosen}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return DriftFound(
        in_sync=in_sync,
        drift=tuple(cut.items),
        total=cut.total,
        counts=counts,
        registries=tuple(registry.name for registry in registries),
        commit=(workspace.store.head or "")[:10] or None,
        not_looked_at=_NOT_LOOKED_AT,
        next="" if in_sync else "plan_deployment shows what would bring the registry to the store.",
        cursor=cut.cursor,
    )


def _drift_row(registry: str, one: Drift) -> DriftRow:
    return DriftRow(
        registry=registry,
        subject=one.subject.name,
        context=shown_context(one.subject.context),
        version=one.number or None,
        kind=one.kind,
        detail=one.detail,
    )
