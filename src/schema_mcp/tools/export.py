"""Tools that write schemas out."""

from typing import Annotated, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.services import export
from schema_mcp.services.judgement import Side
from schema_mcp.toolkit.paging import part
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class ExportSchema(Shape):
    """Which version, and how."""

    subject: str
    """Subject."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    context: str | None = None
    """Context."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Which version."""

    format: export.Format = "raw"
    """`raw`: the text alone; `json`: with id, references, metadata and rules."""

    to_file: bool = False
    """Write a file in the export folder."""

    cursor: str | None = None
    """Last part's cursor."""


class Export(Shape):
    """The export."""

    text: str | None = None
    """The export itself, or a part of it when `cursor` is set."""

    file: str | None = None
    """The file it was written to."""

    name: str
    """A fitting file name."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    version: int
    """Version."""

    id: int
    """Schema id."""

    sha256: str
    """Digest of the whole export."""

    source: str
    """Where it was read."""

    cursor: str | None = None
    """Pass it to get the next part."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def export_schema(workspace: Workspace, request: ExportSchema) -> Export:
    """Export a schema version, as text or with all that belongs to it, into the reply or a file."""
    subject = checked_subject(request.subject, request.context)
    registry = None if request.source == "store" else workspace.registry(request.registry)
    side = Side(registry.name if registry else "store", workspace.store, registry)
    version = await side.version(subject, request.version)
    done = export.written(version, request.format)
    if request.to_file:
        done = await export.into_folder(done, workspace.exports)
    query = f"export {side.name} {subject} {version.number} {request.format}"
    text = part(done.text, cursor=request.cursor, query=query)
    return Export(
        text=None if done.path else text.text,
        file=str(done.path) if done.path else None,
        name=done.name,
        subject=subject.name,
        context=shown_context(subject.context),
        version=version.number,
        id=version.id,
        sha256=done.digest,
        source=side.name,
        cursor=None if done.path else text.cursor,
    )
