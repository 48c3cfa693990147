"""Who references whom, through all levels."""

from typing import Annotated, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.graph import Edge, Graph, Node, mermaid
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.services import graph
from schema_mcp.services.judgement import Side
from schema_mcp.toolkit.paging import REPLY_BYTES, page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.references.places import shown, side_of
from schema_mcp.tools.shapes import basis_of

_MOST_CIRCLES = 10
_LONGEST_CIRCLE = 20
_LONGEST_DRAWING = REPLY_BYTES // 2


class GetReferences(Shape):
    """Where to begin, and which way to look."""

    subject: str
    """Subject."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Its version."""

    direction: Literal["uses", "used_by"] = "uses"
    """What it uses, or who uses it."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    context: str | None = None
    """Context."""

    depth: Annotated[int, Field(ge=1, le=100)] = 10
    """Most references away."""

    view: Literal["rows", "graph", "mermaid"] = "rows"
    """In order, as references, or drawn."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class PlaceRow(Shape):
    """One version."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    version: int
    """Version."""

    id: int | None = None
    """Schema id; none where it is missing."""

    depth: int
    """How many references away."""

    missing: bool = False
    """Referenced, and nobody has it."""


class ReferenceRow(Shape):
    """One reference: user and used as `subject vN`."""

    user: str
    """Who references."""

    used: str
    """What is referenced."""

    name: str
    """As the user's text calls it."""


class ReferencesFound(Shape):
    """A part of the graph."""

    versions: tuple[PlaceRow, ...] = ()
    """In the order to register them: a page."""

    references: tuple[ReferenceRow, ...] = ()
    """With view: graph, a page."""

    drawing: str | None = None
    """With view: mermaid."""

    total: int
    """How many rows there are."""

    circles: tuple[str, ...] = ()
    """Where references run in a circle."""

    missing: int = 0
    """How many references lead nowhere."""

    complete: bool
    """Whether nothing lies beyond the depth."""

    age: float | None = None
    """Seconds since the registry said so, when this is from memory."""

    stale: bool = False
    """From memory because the registry does not answer."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_references(workspace: Workspace, request: GetReferences) -> ReferencesFound:
    """Show what a schema references or who references it, through all levels: ordered, with circles, or drawn."""
    side = side_of(workspace, request.registry, request.source)
    subject = checked_subject(request.subject, request.context)
    start = await side.version(subject, request.version)
    walk = graph.uses if request.direction == "uses" else graph.users
    found = await walk(side, [start], request.depth)
    query = f"references {request.model_dump_json(exclude={'cursor', 'limit'})}"
    if request.view == "graph":
        edges = page(
            [_edge(one) for one in found.edges], cursor=request.cursor, limit=request.limit, query=query, size=weight
        )
        return _told(side, found, total=edges.total, references=tuple(edges.items), cursor=edges.cursor)
    if request.view == "mermaid":
        return _told(side, found, total=len(found.nodes), drawing=_drawn(found))
    order = [place for place in found.order if found.nodes[place].depth]
    rows = page(
        [_node(found.nodes[one]) for one in order], cursor=request.cursor, limit=request.limit, query=query, size=weight
    )
    return _told(side, found, total=rows.total, versions=tuple(rows.items), cursor=rows.cursor)


def _told(
    side: Side,
    found: Graph,
    *,
    total: int,
    versions: tuple[PlaceRow, ...] = (),
    references: tuple[ReferenceRow, ...] = (),
    drawing: str | None = None,
    cursor: str | None = None,
) -> ReferencesFound:
    return ReferencesFound(
        versions=versions,
        references=references,
        drawing=drawing,
        total=total,
        circles=tuple(" -> ".join(map(shown, one[:_LONGEST_CIRCLE])) for one in found.circles[:_MOST_CIRCLES]),
        missing=sum(node.is_missing for node in found.nodes.values()),
        complete=not found.is_cut,
        **basis_of(side.basis),
        cursor=cursor,
    )


def _drawn(found: Graph) -> str:
    drawing = mermaid(found)
    if len(drawing.encode()) > _LONGEST_DRAWING:
        raise InvalidRequestError(
            f"The graph of {len(found.nodes)} versions is too large to draw", hint="Lower depth, or use view: rows."
        )
    return drawing


def _node(node: Node) -> PlaceRow:
    subject, number = node.place
    return PlaceRow(
        subject=subject.name,
        context=shown_context(subject.context),
        version=number,
        id=node.id or None,
        depth=node.depth,
        missing=node.is_missing,
    )


def _edge(edge: Edge) -> ReferenceRow:
    return ReferenceRow(user=shown(edge.user), used=shown(edge.used), name=edge.name)
