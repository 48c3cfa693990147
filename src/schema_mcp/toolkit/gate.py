"""What a request to a registry's own REST face passes: allowed? run, and leave an audit line, as a tool's call does."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import ReadOnlyError, SchemaMcpError
from schema_mcp.stores.audit import Entry
from schema_mcp.toolkit.call import new_request_id
from schema_mcp.toolkit.recording import Witness, recorded, refused
from schema_mcp.toolkit.tool import Effect
from schema_mcp.toolkit.workspace import Workspace


class RegistryGate:
    """Asked before every request, told how it ended; holds for each registry what holds for the tools."""

    def __init__(self, workspace: Workspace, caller: Caller) -> None:
        self._workspace = workspace
        self._caller = caller

    @asynccontextmanager
    async def read(self, registry: str, method: str, path: str) -> AsyncGenerator[None]:
        """Around what changes nothing."""
        entry = self._entry(registry, method, path, Effect.READS)
        await self._require(Scope.READ, entry)
        async with recorded(entry, self._workspace.audit, writes=False):
            yield

    @asynccontextmanager
    async def write(self, registry: str, method: str, path: str) -> AsyncGenerator[Witness]:
        """Around what changes the registry: the lines are written where the change is made, off the event loop."""
        entry = self._entry(registry, method, path, Effect.DESTROYS if method == "DELETE" else Effect.REPLACES)
        await self._require(_scope(method, path), entry)
        witness = Witness(entry, self._workspace.audit)
        try:
            yield witness
        except BaseException as error:
            await witness.never_began(error)
            raise

    async def _require(self, scope: Scope, entry: Entry) -> None:
        try:
            self._caller.require(scope, f"{entry.tool} on {entry.registry}")
            closed_by = "" if scope is Scope.READ else self._workspace.registry(entry.registry).closed_by
            if closed_by:
                raise ReadOnlyError(
                    f"{entry.registry} takes no writes: {closed_by}", hint="Ask whoever runs this server."
                )
        except SchemaMcpError as error:
            await refused(entry, self._workspace.audit, error)
            raise

    def _entry(self, registry: str, method: str, path: str, effect: Effect) -> Entry:
        return Entry(
            tool=f"{method} {path}"[:300],
            request_id=new_request_id(),
            caller=self._caller.name,
            scopes=tuple(sorted(self._caller.scopes)),
            effect=effect,
            registry=registry,
        )


def _scope(method: str, path: str) -> Scope:
    """Taking away and switching modes is for admins, as with the tools that do it."""
    return Scope.ADMIN if method == "DELETE" or path.startswith("/mode") else Scope.WRITE
