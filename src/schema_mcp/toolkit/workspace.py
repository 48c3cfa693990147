"""What a tool may touch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from anyio.abc import TaskGroup

from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services.checkup import Recovery
from schema_mcp.services.ground import Ground, Report, Signature, silent
from schema_mcp.services.search import Index
from schema_mcp.stores.approvals import Approvals
from schema_mcp.stores.audit import Audit
from schema_mcp.stores.ids import Ledger
from schema_mcp.stores.journal import Journal
from schema_mcp.stores.schemastore import SchemaStore
from schema_mcp.stores.sightings import Sightings
from schema_mcp.toolkit.listing import Listing
from schema_mcp.toolkit.places import guarded
from schema_mcp.toolkit.rates import Rates


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything a tool may touch, opened once by `app.py`; `for_call` gives each call its own caller.

    `notes` are said in every reply that depends on them (for instance: nothing is configured, this is the user's data
    folder); `listings` is the directory of tools, switched-off ones too.
    """

    fleet: Fleet
    store: SchemaStore
    ledger: Ledger
    journal: Journal
    audit: Audit
    ids: IdSource
    state: Path
    exports: Path
    clock: Callable[[], datetime]
    caller: Caller
    index: Index
    sightings: Sightings
    approvals: Approvals
    background: TaskGroup | None = None
    """Where long work goes on after its call was answered; None carries it out within the call."""

    patience: float | None = None
    """Seconds a call waits for its own long work before it answers with a task; None waits for the end."""

    recovery: Recovery = field(default_factory=Recovery)
    rates: Rates | None = None
    """How often each caller may ask; None sets no limit."""

    read_only: bool = False
    notes: tuple[str, ...] = ()
    listings: Mapping[str, Listing] = field(default_factory=dict[str, Listing])
    request_id: str = ""
    report: Report = silent

    def registry(self, name: str | None = None) -> GuardedRegistry:
        """A registry by name, the default one when left out; raises `NotFoundError` with the known names."""
        return self.fleet.get(name)

    def reading(self, name: str | None = None) -> GuardedRegistry:
        """A registry for what is only shown: its answers may come from memory, and `basis` tells."""
        return self.fleet.reading(name)

    @property
    def ground(self) -> Ground:
        """What services that change something stand on."""
        return Ground(self.fleet, self.store, self.ledger, self.journal, self.ids, self.clock, self.approvals)

    def signature(self, tool: str, *, reason: str = "", plan: str = "") -> Signature:
        """In whose name, and why, this call changes something."""
        return Signature(self.caller, tool, self.request_id, reason=reason, plan=plan)

    def for_call(
        self, caller: Caller, request_id: str, report: Report | None = None, asks: Scope = Scope.READ
    ) -> "Workspace":
        """The same workspace, asked by this caller through a tool with a scope: with what he may use."""
        fleet, store = self.fleet.permitted(caller, asks), guarded(self.store, caller)
        return replace(self, caller=caller, request_id=request_id, report=report or silent, fleet=fleet, store=store)
