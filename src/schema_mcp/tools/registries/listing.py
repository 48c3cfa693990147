"""Which registries there are."""

from urllib.parse import urlsplit

from schema_mcp.domain.caller import Scope
from schema_mcp.registries.contract import Connection
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace


class ListRegistries(Shape):
    """Nothing to choose."""


class RegistryRow(Shape):
    """One configured registry."""

    name: str
    """Name to use in other calls."""

    backend: str
    """Kind of registry."""

    where: str
    """Host, or `embedded`."""

    writable: bool
    """Whether this server may write to it."""

    default: bool
    """Whether it is meant when no registry is named."""


class RegistryList(Shape):
    """The configured registries."""

    registries: tuple[RegistryRow, ...]
    """In the order of the configuration, as many as a reply holds."""

    others: tuple[str, ...] = ()
    """The names of the rest."""

    ids: str
    """Who hands out ids: our `ledger`, or the `registry`."""

    notes: tuple[str, ...] = ()
    """What to know about this set-up."""


_MOST_ROWS = 60


@tool(scope=Scope.READ, effect=Effect.READS, core=True, touches_registries=False)
async def list_registries(workspace: Workspace, _: ListRegistries) -> RegistryList:
    """List the registries this server knows, the default one, and which can be written to."""
    fleet = workspace.fleet
    rows = tuple(
        RegistryRow(
            name=name,
            backend=connection.backend,
            where=_where(connection),
            writable=name in fleet.writable,
            default=name == fleet.default,
        )
        for name, connection in fleet.connections.items()
    )
    shown = page(rows, cursor=None, limit=_MOST_ROWS, query="", size=weight).items
    others = tuple(row.name for row in rows[len(shown) :])
    return RegistryList(registries=tuple(shown), others=others, ids=workspace.ids, notes=workspace.notes)


def _where(connection: Connection) -> str:
    # A URL may carry a password: only hosts are told.
    hosts = [urlsplit(url).hostname or "" for url in connection.urls]
    return ", ".join(hosts) or connection.backend
