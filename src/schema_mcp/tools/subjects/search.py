"""Find schemas by what is in them."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.services import search
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import basis_of


class SearchSchemas(Shape):
    """What to look for."""

    query: Annotated[str, Field(min_length=1, max_length=200)]
    """Words to find."""

    registries: tuple[str, ...] = ()
    """Only these; else all and the store."""

    prefix: str = ""
    """Only names that begin so."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    """Most hits."""

    cursor: str | None = None
    """Last page's."""


class Hit(Shape):
    """A subject that matches."""

    subject: str
    """Subject, with its context where that is not the default one."""

    version: int
    """Version that matches."""

    id: int
    """Its id."""

    found_in: tuple[str, ...]
    """Registries that have it, and `store`."""

    matches: tuple[str, ...]
    """What matched: field paths, names, docs."""


class Hits(Shape):
    """What was found, best first."""

    hits: tuple[Hit, ...]
    """A page of hits."""

    total: int
    """How many there are altogether."""

    searched: tuple[str, ...]
    """Where was looked."""

    unreachable: tuple[str, ...] = ()
    """Registries that did not answer; what they hold was not searched."""

    remembered: tuple[str, ...] = ()
    """Registries that did not answer; what they held when last seen was searched."""

    age: float | None = None
    """Seconds since the oldest of what was searched was listed."""

    stale: bool = False
    """Some registry does not answer and was searched from memory."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def search_schemas(workspace: Workspace, request: SearchSchemas) -> Hits:
    """Find schemas by names, fields, types, docs and tags, over every registry and the store."""
    found = await search.find(
        workspace.index, workspace.fleet, workspace.store, request.query, request.registries, request.prefix
    )
    query = f"search {request.query} {request.registries} {request.prefix}"
    cut = page(
        found.hits, cursor=request.cursor, limit=request.limit, query=query, size=lambda one: weight(_shown(one))
    )
    return Hits(
        hits=tuple(map(_shown, cut.items)),
        total=cut.total,
        searched=found.searched,
        unreachable=found.unreachable,
        remembered=found.remembered,
        **basis_of(found.basis),
        cursor=cut.cursor,
    )


def _shown(one: search.Hit) -> Hit:
    return Hit(subject=str(one.subject), version=one.number, id=one.id, found_in=one.found_in, matches=one.matches)
