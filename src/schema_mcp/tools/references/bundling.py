"""One text instead of many."""

from typing import Annotated, Literal

from anyio import to_thread
from pydantic import Field

from schema_mcp.domain import bundles
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject
from schema_mcp.domain.schema import SchemaType
from schema_mcp.toolkit.paging import part
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.references.places import side_of
from schema_mcp.tools.shapes import basis_of

_MOST_NAMED = 50


class BundleSchema(Shape):
    """Which schema to bundle."""

    subject: str
    """Subject."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Its version."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    context: str | None = None
    """Context."""

    cursor: str | None = None
    """Last part's."""


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

    age: float | None = None
    """Seconds since the registry said so, when this is from memory."""

    stale: bool = False
    """From memory because the registry does not answer."""

    cursor: str | None = None
    """Pass it to get the next part."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def bundle_schema(workspace: Workspace, request: BundleSchema) -> Bundle:
    """Make one self-contained schema: all that it references is put into its text."""
    side = side_of(workspace, request.registry, request.source)
    version = await side.version(checked_subject(request.subject, request.context), request.version)
    whole = await side.whole_of(version)
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
        **basis_of(side.basis),
        cursor=piece.cursor,
    )
