"""Write one version out."""

from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.domain.schema import Version
from schema_mcp.services import exporting, holdings
from schema_mcp.services.export import into_folder
from schema_mcp.services.exporting import Form
from schema_mcp.services.holdings import Extent, Holding
from schema_mcp.services.judgement import Side
from schema_mcp.services.selection import Selection
from schema_mcp.toolkit.paging import part
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace

_TELLS_HISTORY = frozenset({"markdown", "html", "confluence"})


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

    format: Form = "raw"
    """`raw`: the text alone."""

    to_file: bool = False
    """Into the export folder."""

    cursor: str | None = None
    """Last part's."""


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

    bytes: int
    """Its size."""

    source: str
    """Where it was read."""

    notes: tuple[str, ...] = ()
    """What the format says differently."""

    link: str | None = None
    """Resource with the whole text of the schema, where only a part is here."""

    cursor: str | None = None
    """Pass it to get the next part."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def export_schema(workspace: Workspace, request: ExportSchema) -> Export:
    """Export a schema version as text, docs, Avro IDL or JSON, into the reply or a file."""
    subject = checked_subject(request.subject, request.context)
    registry = None if request.source == "store" else workspace.registry(request.registry)
    side = Side(registry.name if registry else "store", workspace.store, registry)
    version = await side.version(subject, request.version)
    holding = Holding(side, [version])
    if request.format in _TELLS_HISTORY:
        every = await holdings.read(side, Selection((subject,)), Extent(), workspace.report)
        holding = Holding(side, [one for one in every.versions if one.number <= version.number])
    done = await exporting.export(holding, request.format, workspace.clock())
    if request.to_file or not done.text:
        done = await into_folder(done, workspace.exports)
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
        bytes=len(done.data),
        source=side.name,
        notes=done.notes[:_MOST_NOTES],
        link=_link(side, version) if text.is_part and not done.path else None,
        cursor=None if done.path else text.cursor,
    )


_MOST_NOTES = 20


def _link(side: Side, version: Version) -> str:
    subject = version.subject
    place = "/".join(quote(one, safe="") for one in (shown_context(subject.context), subject.name, str(version.number)))
    return f"schema://{quote(side.name, safe='')}/{place}" if side.registry else f"store://{place}"
