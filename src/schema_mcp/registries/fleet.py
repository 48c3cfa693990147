"""The registries of a workspace: by name, opened at first use, guarded always."""

import difflib
from collections.abc import Callable, Iterable, Mapping

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.registries.contract import Connection, Registry
from schema_mcp.registries.guard import GuardedRegistry

Opener = Callable[[Connection], Registry]
"""Makes a backend's object from its connection; `registries.plugins.open_registry` in the product."""


class Fleet:
    """All registries of one server. Nobody reaches a backend except through `get`, so nobody passes the guard by."""

    def __init__(
        self, connections: Iterable[Connection], *, default: str, opener: Opener, read_only: bool = False
    ) -> None:
        self.connections: Mapping[str, Connection] = {connection.name: connection for connection in connections}
        self.default = default
        self.read_only = read_only
        self._opener = opener
        self._open: dict[str, GuardedRegistry] = {}

    @property
    def names(self) -> list[str]:
        """Every name, in the order of the configuration."""
        return list(self.connections)

    @property
    def writable(self) -> list[str]:
        """The names that neither `readonly: true` nor `--read-only` closes."""
        return [] if self.read_only else [name for name, one in self.connections.items() if not one.readonly]

    def connection(self, name: str | None = None) -> Connection:
        """The settings of a registry; raises `NotFoundError` that lists what is known."""
        wanted = name or self.default
        if wanted not in self.connections:
            near = difflib.get_close_matches(wanted, self.connections, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise NotFoundError(f"No registry named {wanted[:80]!r}", hint=f"Known: {', '.join(self.names)}.{guess}")
        return self.connections[wanted]

    def get(self, name: str | None = None) -> GuardedRegistry:
        """The registry of that name, the default one when left out, behind its guard."""
        connection = self.connection(name)
        if connection.name not in self._open:
            self._open[connection.name] = GuardedRegistry(
                self._opener(connection), closed_by=self._closed_by(connection)
            )
        return self._open[connection.name]

    def _closed_by(self, connection: Connection) -> str:
        """Which setting forbids writes, or nothing: the server's own comes first."""
        if self.read_only:
            return "the server runs with --read-only"
        return "registries.yaml says readonly: true" if connection.readonly else ""

    async def close(self) -> None:
        """Close what was opened; whoever opens it closes it."""
        for registry in self._open.values():
            await registry.close()
        self._open.clear()
