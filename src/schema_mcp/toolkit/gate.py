"""What a request to a registry's own REST face passes: allowed? run, and leave an audit line, as a tool's call does."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

from schema_mcp.domain.approval import Irreversible
from schema_mcp.domain.caller import UNBOUND, Caller, Scope
from schema_mcp.domain.errors import NotPermittedError, ReadOnlyError, SchemaMcpError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject
from schema_mcp.registries.permits import Permit
from schema_mcp.stores.audit import Entry
from schema_mcp.toolkit.recording import Witness, recorded, refused
from schema_mcp.toolkit.request import request_id
from schema_mcp.toolkit.tool import Effect
from schema_mcp.toolkit.workspace import Workspace

_MODE = "/mode"
_SETTINGS = ("/config", _MODE)
_TELLS_NOTHING = frozenset(
    {"/", "/schemas/types", "/v1/metadata/id", "/v1/metadata/version", "/v1/metadata/deployment"}
)
"""Endpoints that say nothing of what a registry holds."""


class Asking(Protocol):
    """A request, as the face sees it; see `interfaces/registry_api/gate.py`."""

    @property
    def registry(self) -> str: ...

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def endpoint(self) -> str: ...

    @property
    def places(self) -> tuple[Subject, ...]: ...

    @property
    def caller(self) -> Caller | None: ...

    @property
    def reached(self) -> Callable[[], tuple[Subject, ...]]: ...

    @property
    def deed(self) -> Irreversible | None: ...


class RegistryGate:
    """Asked before every request, told how it ended; holds for each registry what holds for the tools.

    Who does not have to say who he is, is the owner of the process.
    """

    def __init__(self, workspace: Workspace, owner: Caller) -> None:
        self._workspace = workspace
        self._owner = owner

    @asynccontextmanager
    async def read(self, asking: Asking) -> AsyncGenerator[None]:
        """Around what changes nothing."""
        entry = self._entry(asking, Effect.READS)
        await self._require(Scope.READ, asking, entry)
        async with recorded(entry, self._workspace.audit, writes=False):
            yield

    @asynccontextmanager
    async def write(self, asking: Asking) -> AsyncGenerator[Witness]:
        """Around what changes the registry: the lines are written where the change is made, off the event loop."""
        entry = self._entry(asking, Effect.DESTROYS if asking.method == "DELETE" else Effect.REPLACES)
        await self._require(_scope(asking), asking, entry)
        witness = Witness(entry, self._workspace.audit)
        try:
            yield witness
        except BaseException as error:
            await witness.never_began(error)
            raise

    async def _require(self, scope: Scope, asking: Asking, entry: Entry) -> None:
        caller = asking.caller or self._owner
        fleet = self._workspace.fleet
        try:
            if self._workspace.rates:
                self._workspace.rates.take(caller)
            caller.require(scope, f"{entry.tool} on {entry.registry}")
            closed_by = "" if scope is Scope.READ else fleet.get(entry.registry).closed_by
            if closed_by:
                raise ReadOnlyError(
                    f"{entry.registry} takes no writes: {closed_by}",
                    hint="Ask whoever runs this server.",
                    details={"layer": "registry"},
                )
            permit = Permit(entry.registry, caller, fleet.bounds.get(entry.registry, UNBOUND), scope)
            _require_at(permit, scope, asking)
            if asking.deed and asking.deed in fleet.connection(asking.registry).approvals:
                raise NotPermittedError(
                    f"{asking.deed} in {asking.registry} needs the approval of another person",
                    hint="Nothing was changed. The REST face has no way to ask for it: use the tools.",
                    details={"layer": "approval"},
                )
        except SchemaMcpError as error:
            await refused(entry, self._workspace.audit, error)
            raise

    def _entry(self, asking: Asking, effect: Effect) -> Entry:
        caller = asking.caller or self._owner
        entry = Entry(
            tool=f"{asking.method} {asking.path}"[:300],
            request_id=request_id(),
            caller=caller.name,
            scopes=tuple(sorted(caller.scopes)),
            effect=effect,
            registry=asking.registry,
            via="rest",
            client=caller.client[:200],
        )
        if not asking.places:
            return entry
        place = asking.places[0]
        context = "" if place.context == DEFAULT_CONTEXT else shown_context(place.context)
        return replace(entry, context=context[:200], subject=place.name[:200])


def _require_at(permit: Permit, scope: Scope, asking: Asking) -> None:
    if permit.holds_all(scope):
        return
    deed = f"{asking.method} {asking.endpoint}"
    if asking.endpoint in _TELLS_NOTHING:
        permit.require_any()
        return
    of_settings = scope is Scope.READ and asking.endpoint.startswith(_SETTINGS)
    places = asking.reached() or ((Subject(""),) if of_settings else ())
    if not places:
        permit.require_all(scope, deed)
    for place in places:
        if of_settings and not place.name:
            permit.require_context(place.context)  # told to whoever may read something in it
        else:
            permit.require(scope, place, deed)


def _scope(asking: Asking) -> Scope:
    """Taking away and switching modes is for admins, as with the tools that do it."""
    # By the endpoint and not by the path: `/contexts/.eu/mode` and `/%6dode` are the same thing.
    taking = asking.method == "DELETE" or asking.endpoint.startswith(_MODE)
    return Scope.ADMIN if taking else Scope.WRITE
