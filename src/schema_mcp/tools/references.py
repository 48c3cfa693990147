"""Tools about references between schemas: who uses whom, who is affected, one text instead of many, bump them all."""

from typing import Annotated, Literal

from anyio import to_thread
from pydantic import Field

from schema_mcp.domain import bundles
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.graph import Edge, Graph, Node, mermaid
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.domain.plan import to_text
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import SchemaType
from schema_mcp.services import graph, impact, reference_update
from schema_mcp.services.judgement import Side
from schema_mcp.toolkit.paging import REPLY_BYTES, page, part
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.planning import PlanMade, plan_told, registries_of

_MOST_CIRCLES = 10
_LONGEST_CIRCLE = 20
_LONGEST_DRAWING = REPLY_BYTES // 2
_MOST_NAMED = 50


class GetReferences(Shape):
    """Where to begin, and which way to look."""

    subject: str
    """Subject."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Its version."""

    direction: Literal["uses", "used_by"] = "uses"
    """What it uses, or who uses it."""

    registry: str | None = None
    """Registry, if not the default one."""

    source: Literal["registry", "store"] = "registry"
    """Where to look."""

    context: str | None = None
    """Context."""

    depth: Annotated[int, Field(ge=1, le=100)] = 10
    """How many references away at most."""

    view: Literal["rows", "graph", "mermaid"] = "rows"
    """Versions in the order to register them; the references between them; a drawing."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """At most so many rows."""

    cursor: str | None = None
    """Where the last page ended."""


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

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_references(workspace: Workspace, request: GetReferences) -> ReferencesFound:
    """Show what a schema references or who references it, through all levels: ordered, with circles, or drawn."""
    side = _side(workspace, request.registry, request.source)
    subject = checked_subject(request.subject, request.context)
    start = await side.version(subject, request.version)
    walk = graph.uses if request.direction == "uses" else graph.users
    found = await walk(side, [start], request.depth)
    query = f"references {request.model_dump_json(exclude={'cursor', 'limit'})}"
    if request.view == "graph":
        edges = page(
            [_edge(one) for one in found.edges], cursor=request.cursor, limit=request.limit, query=query, size=weight
        )
        return _told(found, total=edges.total, references=tuple(edges.items), cursor=edges.cursor)
    if request.view == "mermaid":
        return _told(found, total=len(found.nodes), drawing=_drawn(found))
    order = [place for place in found.order if found.nodes[place].depth]
    rows = page(
        [_node(found.nodes[one]) for one in order], cursor=request.cursor, limit=request.limit, query=query, size=weight
    )
    return _told(found, total=rows.total, versions=tuple(rows.items), cursor=rows.cursor)


def _told(
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
        circles=tuple(" -> ".join(map(_shown, one[:_LONGEST_CIRCLE])) for one in found.circles[:_MOST_CIRCLES]),
        missing=sum(node.is_missing for node in found.nodes.values()),
        complete=not found.is_cut,
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
    return ReferenceRow(user=_shown(edge.user), used=_shown(edge.used), name=edge.name)


def _shown(place: Place) -> str:
    return f"{place[0]} v{place[1]}"


class AnalyzeImpact(Shape):
    """What is going to change."""

    subject: str
    """Subject."""

    version: Annotated[int, Field(ge=1)] | None = None
    """Its version; any of them when left out."""

    context: str | None = None
    """Context."""

    registries: tuple[str, ...] = ()
    """Registries to look at; all of them when left out."""

    depth: Annotated[int, Field(ge=1, le=100)] = 10
    """How many references away at most."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """At most so many rows."""

    cursor: str | None = None
    """Where the last page ended."""


class AffectedRow(Shape):
    """A version that uses what changes."""

    registry: str
    """Where."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    version: int
    """Version."""

    id: int
    """Schema id."""

    depth: int
    """How many references away."""

    through: str
    """What it references itself."""

    latest: bool
    """Whether its subject has nothing newer."""


class ReachRow(Shape):
    """One registry's share."""

    registry: str
    """Which registry."""

    versions: tuple[int, ...]
    """Versions of the subject it has, the newest 50."""

    subjects: int
    """Other subjects affected there."""

    affected: int
    """Versions affected there."""

    complete: bool
    """Whether nothing lies beyond the depth."""


class Impact(Shape):
    """Who is affected by a change."""

    registries: tuple[ReachRow, ...]
    """What was asked, each with its counts."""

    affected: tuple[AffectedRow, ...]
    """Nearest first: a page."""

    total: int
    """How many rows there are."""

    next: str
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def analyze_impact(workspace: Workspace, request: AnalyzeImpact) -> Impact:
    """Show who is affected by a change of a shared schema: its users, direct or not, in every registry."""
    subject = checked_subject(request.subject, request.context)
    names = dict.fromkeys(request.registries or workspace.fleet.names)
    registries = [workspace.registry(name) for name in names]
    found = await impact.analyze(registries, workspace.store, subject, request.version, request.depth)
    rows = [_affected(one) for reach in found for one in reach.affected]
    query = f"impact {request.model_dump_json(exclude={'cursor', 'limit'})}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return Impact(
        registries=tuple(_reach(one) for one in found),
        affected=tuple(cut.items),
        total=cut.total,
        next="plan_reference_update takes the users to a new version." if rows else "Nothing references it.",
        cursor=cut.cursor,
    )


def _reach(reach: impact.Reach) -> ReachRow:
    return ReachRow(
        registry=reach.registry,
        versions=reach.versions[-_MOST_NAMED:],
        subjects=reach.subjects,
        affected=len(reach.affected),
        complete=not reach.is_cut,
    )


def _affected(one: impact.Affected) -> AffectedRow:
    subject, number = one.place
    return AffectedRow(
        registry=one.registry,
        subject=subject.name,
        context=shown_context(subject.context),
        version=number,
        id=one.id,
        depth=one.depth,
        through=_shown(one.through),
        latest=one.is_latest,
    )


class BundleSchema(Shape):
    """Which schema to bundle."""

    subject: str
    """Subject."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Its version."""

    registry: str | None = None
    """Registry, if not the default one."""

    source: Literal["registry", "store"] = "registry"
    """Where to look."""

    context: str | None = None
    """Context."""

    cursor: str | None = None
    """Where the last part ended."""


class Bundle(Shape):
    """One schema that needs no others."""

    schema_text: str
    """The text, or a part of it when `cursor` is set."""

    schema_type: SchemaType
    """Its language."""

    version: int
    """Version it is made from."""

    inside: tuple[str, ...] = ()
    """What was taken in, at most 50 names."""

    total: int
    """How many schemas were taken in."""

    characters: int | None = None
    """Length of the whole text, when only a part is here."""

    cursor: str | None = None
    """Pass it to get the next part."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def bundle_schema(workspace: Workspace, request: BundleSchema) -> Bundle:
    """Make one self-contained schema: all that it references is put into its text."""
    side = _side(workspace, request.registry, request.source)
    version = await side.version(checked_subject(request.subject, request.context), request.version)
    whole = await side.whole(version.schema, version.subject, version.number)
    text = await to_thread.run_sync(bundles.bundled, whole)
    query = f"bundle {request.model_dump_json(exclude={'cursor'})} {version.number}"
    piece = part(text, cursor=request.cursor, query=query)
    inside = dict.fromkeys(f"{one.subject} v{one.version}" for one in whole.dependencies)
    return Bundle(
        schema_text=piece.text,
        schema_type=version.schema.type,
        version=version.number,
        inside=tuple(inside)[:_MOST_NAMED],
        total=len(inside),
        characters=piece.total if piece.is_part else None,
        cursor=piece.cursor,
    )


class PlanReferenceUpdate(Shape):
    """Which shared schema moves on."""

    subject: str
    """The shared subject."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Version everybody is to use."""

    schema_text: str | None = None
    """A new text of the shared schema, registered first."""

    context: str | None = None
    """Context."""

    registries: tuple[str, ...] = ()
    """Exactly these; every writable one when left out."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """At most so many rows."""

    cursor: str | None = None
    """Where the last page ended."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def plan_reference_update(workspace: Workspace, request: PlanReferenceUpdate) -> PlanMade:
    """Plan taking every user of a shared schema to a new version of it, in order, each checked; apply_plan does it."""
    subject = checked_subject(request.subject, request.context)
    number = "latest" if request.schema_text is not None else request.version
    wanted = reference_update.Wanted(subject, number, request.schema_text)
    names = registries_of(workspace, request.registries)
    made = await reference_update.plan(workspace.fleet, workspace.store, workspace.ids, wanted, names)
    await workspace.journal.keep_plan(made.digest, to_text(made), workspace.caller.name)
    return plan_told(made, names, cursor=request.cursor, limit=request.limit)


def _side(workspace: Workspace, registry: str | None, source: str) -> Side:
    if source == "store":
        return Side("the store", workspace.store, None)
    found = workspace.registry(registry)
    return Side(found.name, workspace.store, found)
