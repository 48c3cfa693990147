"""Where references are looked for, and how a place is written."""

from schema_mcp.domain.references import Place
from schema_mcp.services.judgement import Side
from schema_mcp.toolkit.workspace import Workspace


def side_of(workspace: Workspace, registry: str | None, source: str) -> Side:
    """The store, or a registry whose answers may be from memory: what is only shown."""
    if source == "store":
        return Side("the store", workspace.store, None)
    found = workspace.reading(registry)
    return Side(found.name, workspace.store, found)


def shown(place: Place) -> str:
    """A version as replies write it."""
    return f"{place[0]} v{place[1]}"
