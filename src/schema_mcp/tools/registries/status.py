"""How registries are, and whether they answer."""

from dataclasses import asdict, replace
from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import RegistryError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.schema import Mode
from schema_mcp.registries.contract import Capability, Circuit, Figures
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import settings, status
from schema_mcp.services.status import MODES_ASKED, Probe
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class GetRegistryInfo(Shape):
    """Which registry."""

    registry: str | None = None
    """If not the default."""

    modes_asked: Annotated[int, Field(ge=0, le=100_000)] = MODES_ASKED
    """Most subjects asked for a mode IMPORT left on."""


class AddressRow(Shape):
    """One address of a registry."""

    host: str
    """Its host."""

    problem: str = ""
    """The last failure."""

    rests_for: float = 0
    """Seconds for which it is left alone."""

    circuit: Circuit = Circuit.CLOSED
    """Whether it is asked: `open` not for now, `half_open` once, to see."""


class Remembered(Shape):
    """What is remembered of a registry for those who only read."""

    hits: int
    """Answers from memory."""

    misses: int
    """Questions that the registry was asked."""

    stale: int
    """Answers given from memory because it did not answer."""

    entries: int
    """Answers in memory."""

    bytes: int
    """About how much they take."""

    oldest: float
    """Seconds since the oldest was given."""


class RegistryInfo(Shape):
    """What a registry is and holds."""

    registry: str
    """Its name."""

    product: str
    """What it says it is."""

    version: str
    """Its version."""

    mode: Mode
    """Mode in force for the default context."""

    level: str
    """Compatibility level in force for the default context."""

    writable: bool
    """Whether this server may write to it."""

    closed_by: str = ""
    """What forbids writes."""

    subjects: int
    """Subjects with a live version."""

    soft_deleted: int
    """Subjects that are soft-deleted as a whole."""

    contexts: tuple[str, ...]
    """Its contexts, at most 50."""

    contexts_total: int
    """How many contexts."""

    in_import: tuple[str, ...]
    """Subjects and contexts in mode IMPORT, where only given ids can be registered; at most 50."""

    in_import_total: int
    """How many of them."""

    modes_unasked: int
    """Subjects whose mode was not looked at."""

    cannot: tuple[Capability, ...] = ()
    """What this kind of registry cannot do."""

    addresses: tuple[AddressRow, ...] = ()
    """How each address does, where that is known."""

    cache: Remembered | None = None
    """What is remembered of it."""

    next: str = ""
    """What comes next."""


_MOST = 50


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_registry_info(workspace: Workspace, request: GetRegistryInfo) -> RegistryInfo:
    """Read a registry's product, version, mode, level, counts and health, and which subjects were left in IMPORT."""
    registry = workspace.registry(request.registry)
    try:
        found = await status.of(registry, workspace.journal, modes_asked=request.modes_asked)
    except RegistryError as error:
        error.details["addresses"] = [one.model_dump(mode="json") for one in _addresses(registry)]
        raise
    return RegistryInfo(
        registry=registry.name,
        product=found.info.product,
        version=found.info.version,
        mode=found.mode,
        level=found.level,
        writable=not registry.closed_by,
        closed_by=registry.closed_by,
        subjects=found.subjects,
        soft_deleted=found.soft_deleted,
        contexts=tuple(shown_context(one)[:100] for one in found.contexts[:_MOST]),
        contexts_total=len(found.contexts),
        in_import=tuple(settings.scope_name(scope)[:100] for scope in found.importing[:_MOST]),
        in_import_total=len(found.importing),
        modes_unasked=found.unasked,
        cannot=tuple(sorted(set(Capability) - registry.capabilities)),
        addresses=_addresses(registry),
        cache=_remembered(registry.figures),
        next="update_mode with mode: inherit puts a mode back, once no import runs." if found.importing else "",
    )


def _addresses(registry: GuardedRegistry) -> tuple[AddressRow, ...]:
    return tuple(
        AddressRow(host=one.host, problem=one.problem, rests_for=round(one.rests_for, 1), circuit=one.circuit)
        for one in registry.health
    )


def _remembered(figures: Figures | None) -> Remembered | None:
    if figures is None:
        return None
    return Remembered(**asdict(replace(figures, oldest=round(figures.oldest, 1))))


class ConnectionsToTest(Shape):
    """Which registries to try."""

    registry: str | None = None
    """All when left out."""

    wait: Annotated[float, Field(gt=0, le=60)] = 10
    """Seconds to wait for each."""


class ConnectionRow(Shape):
    """How one registry answered."""

    registry: str
    """Which."""

    ok: bool
    """Whether it answers and lets us read."""

    milliseconds: float
    """How long it took."""

    product: str = ""
    """What it says it is."""

    version: str = ""
    """Its version."""

    code: str = ""
    """Code of the error."""

    error: str = ""
    """What happened."""

    hint: str = ""
    """What to do next."""


class ConnectionsTested(Shape):
    """Which registries answer."""

    ok: bool
    """Whether all do."""

    registries: tuple[ConnectionRow, ...]
    """Those that do not come first; at most 50."""

    total: int
    """How many were tried."""

    failed: int
    """How many do not answer."""

    @property
    def exit_code(self) -> int:
        return Status.DONE if self.ok else Status.ERROR


@tool(scope=Scope.READ, effect=Effect.READS)
async def test_registry_connection(workspace: Workspace, request: ConnectionsToTest) -> ConnectionsTested:
    """Try whether registries answer and let us in, how fast, and what goes wrong."""
    names = workspace.fleet.names if request.registry is None else [request.registry]
    found = await status.probe(workspace.fleet, names, request.wait)
    rows = sorted(map(_row, found), key=lambda row: row.ok)
    failed = sum(not row.ok for row in rows)
    return ConnectionsTested(ok=not failed, registries=tuple(rows[:_MOST]), total=len(rows), failed=failed)


def _row(one: Probe) -> ConnectionRow:
    told = ConnectionRow(registry=one.registry, ok=one.error is None, milliseconds=round(one.seconds * 1_000, 1))
    if one.error is not None:
        said = {"code": one.error.code, "error": str(one.error)[:300], "hint": one.error.hint[:200]}
        return told.model_copy(update=said)
    return told.model_copy(update={"product": one.info.product, "version": one.info.version} if one.info else {})
