"""How all registries stand against the store, one row each."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.drift import Kind
from schema_mcp.domain.naming import parse_context
from schema_mcp.services import sync
from schema_mcp.services.selection import Selection
from schema_mcp.services.sync import Standing
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.drift import NOT_LOOKED_AT

_MOST_NAMED = 5


class GetSyncStatus(Shape):
    """Which registries, and what of them."""

    registries: tuple[str, ...] = ()
    """Only these."""

    prefix: str = ""
    """Only names that begin so."""

    context: str | None = None
    """Only this context."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class State(StrEnum):
    """How a registry stands."""

    IN_SYNC = "in_sync"
    DRIFTED = "drifted"
    UNREACHABLE = "unreachable"


class LastApply(Shape):
    """The last run that wrote there."""

    task: str
    """Its id, for get_task."""

    kind: str
    """What it did."""

    status: str
    """How it ended."""

    at: str
    """When it last moved (UTC)."""


class RegistrySync(Shape):
    """One registry against the store."""

    registry: str
    """Which registry."""

    state: State
    """How it stands."""

    subjects: int | None = None
    """Live subjects there."""

    versions: int | None = None
    """Live versions there."""

    missing: int = 0
    """Versions it lacks."""

    extra: int = 0
    """Versions the store does not send there."""

    differing: int = 0
    """Versions with other content, metadata or id."""

    settings: int = 0
    """Settings that are not as the store declares."""

    cosmetic: int = 0
    """Differences of spelling, or known of the product."""

    oldest: datetime | None = None
    """When the oldest drift was first seen (UTC)."""

    importing: tuple[str, ...] = ()
    """Alarm: these are in mode IMPORT, where no check is made."""

    last_apply: LastApply | None = None
    """The last run that wrote there."""

    problem: str | None = None
    """Why it could not be looked at."""


class SyncStatus(Shape):
    """How registries stand against the store."""

    in_sync: bool
    """Whether every registry answered and holds what the store wants."""

    registries: tuple[RegistrySync, ...]
    """A page of registries; those that need somebody come first."""

    total: int
    """How many registries."""

    states: dict[str, int]
    """How many in each state."""

    counts: dict[str, int]
    """Disagreements by kind, over the registries that answered."""

    importing: int
    """How many contexts and subjects are in mode IMPORT."""

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
        if self.states.get(State.UNREACHABLE):
            return Status.ERROR
        return Status.DONE if self.in_sync else Status.PENDING


_NOT_LOOKED_AT = f"{NOT_LOOKED_AT} Modes of subjects other than those our own runs left open: get_registry_info."
_NEXT = {
    State.UNREACHABLE: "test_registry_connection tells why a registry does not answer.",
    State.DRIFTED: "detect_drift names each disagreement; reconcile_drift mends it.",
}


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_sync_status(workspace: Workspace, request: GetSyncStatus) -> SyncStatus:
    """Tell how each registry stands against the store: missing, extra, differing, oldest drift."""
    names = list(dict.fromkeys(request.registries or workspace.fleet.names))
    chosen = Selection(prefix=request.prefix, context=parse_context(request.context) if request.context else None)
    registries = [workspace.registry(name) for name in names]
    found = await sync.standings(workspace.ground, registries, workspace.sightings, chosen)
    rows = sorted((_row(one) for one in found), key=_urgency)
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=f"sync {names} {chosen}", size=weight)
    states = {state.value: number for state in State if (number := sum(row.state is state for row in rows))}
    return SyncStatus(
        in_sync=all(one.in_sync for one in found),
        registries=tuple(cut.items),
        total=cut.total,
        states=states,
        counts={kind.value: number for kind in Kind if (number := sum(one.counts.get(kind, 0) for one in found))},
        importing=sum(len(one.importing) for one in found),
        commit=(workspace.store.head or "")[:10] or None,
        not_looked_at=_NOT_LOOKED_AT,
        next=" ".join(said for state, said in _NEXT.items() if state in states),
        cursor=cut.cursor,
    )


def _urgency(row: RegistrySync) -> tuple[bool, bool, str]:
    return not row.importing, row.state is State.IN_SYNC, row.registry


def _row(one: Standing) -> RegistrySync:
    last = one.last_apply
    counts = one.counts
    return RegistrySync(
        registry=one.registry,
        state=State.UNREACHABLE if one.error else State.IN_SYNC if one.in_sync else State.DRIFTED,
        subjects=None if one.error else one.subjects,
        versions=None if one.error else one.versions,
        missing=counts.get(Kind.MISSING, 0),
        extra=counts.get(Kind.EXTRA, 0),
        differing=sum(counts.get(kind, 0) for kind in (Kind.CONTENT, Kind.METADATA, Kind.IDENTITY)),
        settings=counts.get(Kind.SETTINGS, 0),
        cosmetic=counts.get(Kind.COSMETIC, 0),
        oldest=one.oldest,
        importing=tuple(str(subject) for subject in one.importing[:_MOST_NAMED]),
        last_apply=LastApply(task=last.task, kind=last.kind, status=last.status, at=last.updated_at) if last else None,
        problem=str(one.error)[:300] if one.error else None,
    )
