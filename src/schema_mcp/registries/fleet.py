"""The registries of a workspace: by name, opened at first use, guarded always."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache

from schema_mcp.domain.caller import UNBOUND, Bound, Caller, Scope
from schema_mcp.domain.errors import NotFoundError
from schema_mcp.registries.cache import CachedRegistry
from schema_mcp.registries.contract import Connection, Registry
from schema_mcp.registries.disk import disk_at
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.registries.memory import Memory
from schema_mcp.registries.pacing import Clock
from schema_mcp.registries.permits import Permit, PermittedRegistry

TTL = 60
"""Seconds for which a registry's answer to a reader counts, unless `cache` says otherwise."""

_SERVED = 1_000
"""Callers whose fleet is kept for their next call."""

Opener = Callable[[Connection], Registry]
"""Makes a backend's object from its connection; `registries.plugins.open_registry` in the product."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A registry with its memory, if it has one, and the guard through which all writes go."""

    inner: Registry
    memory: Memory | None
    guarded: GuardedRegistry


class Fleet:
    """All registries of one server. Nobody reaches a backend but through `get` and `reading`, so behind its guard.

    `copies` is the folder for what may be remembered on disk; without it nothing is, whatever a connection says.
    `bounds` hold for everybody, by registry.
    """

    def __init__(
        self,
        connections: Iterable[Connection],
        *,
        default: str,
        opener: Opener,
        read_only: bool = False,
        copies: Path | None = None,
        clock: Clock | None = None,
        bounds: Mapping[str, Bound] | None = None,
    ) -> None:
        self.connections: Mapping[str, Connection] = {connection.name: connection for connection in connections}
        self.default = default
        self.read_only = read_only
        self.bounds = bounds or {}
        self._opener = opener
        self._copies = copies
        self._clock = clock or Clock()
        self._open: dict[str, _Opened] = {}
        self._served: LRUCache[tuple[Caller, Scope], PermittedFleet] = LRUCache(_SERVED)

    @property
    def whole(self) -> "Fleet":
        """All registries as the server itself knows them: for its own duties, never to show or change by request."""
        return self

    def permitted(self, caller: Caller, asks: Scope) -> "Fleet":
        """The registries as a caller may use them, through a tool that needs a scope."""
        if caller.grants is None and not self.bounds:
            return self
        known = self._served.get((caller, asks))
        if known is None:
            known = self._served[caller, asks] = PermittedFleet(self, caller, asks)
        return known

    @property
    def names(self) -> list[str]:
        """Every name, in the order of the configuration."""
        return list(self.connections)

    @property
    def writable(self) -> list[str]:
        """The names that neither `readonly: true` nor `--read-only` closes."""
        return [] if self.read_only else [name for name, one in self.connections.items() if not one.readonly]

    @property
    def opened(self) -> Mapping[str, GuardedRegistry]:
        """The registries that somebody has asked for so far; opens none."""
        return {name: one.guarded for name, one in self._open.items()}

    def connection(self, name: str | None = None) -> Connection:
        """The settings of a registry; raises `NotFoundError` that lists what is known."""
        wanted = name or self.default
        if wanted not in self.connections:
            near = difflib.get_close_matches(wanted, self.connections, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise NotFoundError(f"No registry named {wanted[:80]!r}", hint=f"Known: {', '.join(self.names)}.{guess}")
        return self.connections[wanted]

    def get(self, name: str | None = None) -> GuardedRegistry:
        """The registry of that name, the default one when left out; every answer is the registry's own, of now."""
        return self._opened(name).guarded

    def reading(self, name: str | None = None) -> GuardedRegistry:
        """The same registry for one reader, whose answers may come from memory; its `basis` tells.

        For what is only shown. Whatever decides a write, compares or proves asks `get`.
        """
        opened = self._opened(name)
        if opened.memory is None:
            return opened.guarded
        cached = CachedRegistry(opened.inner, opened.memory)
        return GuardedRegistry(cached, closed_by=opened.guarded.closed_by, sealed=self.connection(name).approvals)

    def _opened(self, name: str | None) -> _Opened:
        connection = self.connection(name)
        if connection.name not in self._open:
            inner, memory = self._opener(connection), self._memory(connection)
            behind = CachedRegistry(inner, memory, fresh=True) if memory else inner
            closed_by, sealed = self._closed_by(connection), connection.approvals
            guarded = GuardedRegistry(behind, closed_by=closed_by, sealed=sealed)
            self._open[connection.name] = _Opened(inner, memory, guarded)
        return self._open[connection.name]

    def _memory(self, connection: Connection) -> Memory | None:
        """What an embedded registry says costs nothing, and needs no memory."""
        ttl = float(connection.options.get("cache_ttl", TTL))
        if not connection.urls or ttl <= 0:
            return None
        disk = disk_at(self._copies, connection) if self._copies and connection.options.get("cache_disk") else None
        return Memory(ttl, clock=self._clock, disk=disk)

    def _closed_by(self, connection: Connection) -> str:
        """Which setting forbids writes, or nothing: the server's own comes first."""
        if self.read_only:
            return "the server runs with --read-only"
        return "registries.yaml says readonly: true" if connection.readonly else ""

    async def close(self) -> None:
        """Close what was opened; whoever opens it closes it."""
        for opened in self._open.values():
            await opened.guarded.close()
        self._open.clear()


class PermittedFleet(Fleet):
    """A fleet as one caller may use it: what he may not read is not listed, and refused when it is named."""

    def __init__(self, whole: Fleet, caller: Caller, asks: Scope) -> None:
        permits = {name: Permit(name, caller, whole.bounds.get(name, UNBOUND), asks) for name in whole.connections}
        seen = [one for one in whole.connections.values() if permits[one.name].sees_registry]
        super().__init__(
            seen, default=whole.default, opener=_opens_nothing, read_only=whole.read_only, bounds=whole.bounds
        )
        self._whole = whole
        self._permits = permits

    @property
    def whole(self) -> Fleet:
        return self._whole

    def permitted(self, caller: Caller, asks: Scope) -> Fleet:
        return self._whole.permitted(caller, asks)

    @property
    def writable(self) -> list[str]:
        open_ones = self._whole.writable
        return [name for name in self.connections if name in open_ones and self._permits[name].writes_somewhere]

    def connection(self, name: str | None = None) -> Connection:
        found = self._whole.connection(name) if (name or self.default) in self._permits else super().connection(name)
        self._permits[found.name].require_any()
        return found

    def get(self, name: str | None = None) -> GuardedRegistry:
        known = self.connection(name).name
        return PermittedRegistry(self._whole.get(known), self._permits[known])

    def reading(self, name: str | None = None) -> GuardedRegistry:
        known = self.connection(name).name
        return PermittedRegistry(self._whole.reading(known), self._permits[known])

    async def close(self) -> None:
        """The whole fleet is closed by whoever opened it."""


def _opens_nothing(connection: Connection) -> Registry:
    raise AssertionError(connection.name)
