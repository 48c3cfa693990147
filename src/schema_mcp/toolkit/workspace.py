"""What a tool may touch."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.caller import Caller
from schema_mcp.registries.fleet import Fleet
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.stores.audit import Audit
from schema_mcp.stores.ids import Ledger
from schema_mcp.stores.journal import Journal
from schema_mcp.stores.schemastore import SchemaStore

Report = Callable[[float, float | None, str], Awaitable[None]]
"""Progress of a call: how much is done, of how much (None when unknown), and a word about it."""


async def _silent(done: float, total: float | None, message: str) -> None:
    """Progress that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything a tool may touch, opened once by `app.py`; `for_call` gives each call its own caller.

    `notes` are said in every reply that depends on them (for instance: nothing is configured, this is the user's data
    folder); `disabled` maps a tool that is switched off to the flag that turns it on.
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
    read_only: bool = False
    notes: tuple[str, ...] = ()
    request_id: str = ""
    report: Report = _silent

    def registry(self, name: str | None = None) -> GuardedRegistry:
        """A registry by name, the default one when left out; raises `NotFoundError` with the known names."""
        return self.fleet.get(name)

    def for_call(self, caller: Caller, request_id: str, report: Report | None = None) -> "Workspace":
        """The same workspace, asked by this caller."""
        return replace(self, caller=caller, request_id=request_id, report=report or _silent)
