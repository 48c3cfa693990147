"""What every service that changes something stands on, and in whose name it does so."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.approval import Irreversible
from schema_mcp.domain.caller import Caller
from schema_mcp.registries.fleet import Fleet
from schema_mcp.stores.approvals import Approvals
from schema_mcp.stores.ids import Ledger
from schema_mcp.stores.journal import Journal
from schema_mcp.stores.schemastore import Author, SchemaStore

Report = Callable[[float, float | None, str], Awaitable[None]]
"""Progress of a call: how much is done, of how much (None when unknown), and a word about it."""


async def silent(done: float, total: float | None, message: str) -> None:
    """Progress that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Registries, store, ledger, journal and approvals of one server."""

    fleet: Fleet
    store: SchemaStore
    ledger: Ledger
    journal: Journal
    ids: IdSource
    clock: Callable[[], datetime]
    approvals: Approvals


@dataclass(frozen=True, slots=True)
class Signature:
    """In whose name a change is made, through what, and why: author, trailers and journal come from it."""

    caller: Caller
    tool: str
    request_id: str
    reason: str = ""
    plan: str = ""
    approved: frozenset[tuple[str, Irreversible]] = frozenset()
    """What of it somebody else has approved, by registry."""
    approval: str = ""
    """Under which request."""

    @property
    def author(self) -> Author:
        return Author(self.caller.name, self.caller.email)

    @property
    def trailers(self) -> dict[str, str]:
        """What Git keeps beside the message."""
        known = {"Tool": self.tool, "Plan": self.plan, "Reason": self.reason, "Request-Id": self.request_id}
        return {name: value for name, value in known.items() if value}
