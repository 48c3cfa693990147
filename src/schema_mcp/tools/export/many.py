"""Write many schemas out: a subject, a prefix, a context, a registry, or the store."""

from typing import Literal

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context
from schema_mcp.services import exporting, holdings
from schema_mcp.services.export import into_folder
from schema_mcp.services.exporting import Form
from schema_mcp.services.holdings import Extent
from schema_mcp.services.judgement import Side
from schema_mcp.services.selection import Selection
from schema_mcp.toolkit.paging import part
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import subjects_of

_MOST_NOTES = 20
_BUNDLES = frozenset({"zip", "tar.gz"})


class ExportSchemas(Shape):
    """What, and how; all of the registry when nothing is named."""

    format: Form
    """`zip`, `tar.gz`: a bundle for import_schemas."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    subjects: tuple[str, ...] = ()
    """Only these."""

    prefix: str = ""
    """Only names that begin so."""

    context: str | None = None
    """Only this context."""

    latest: bool = False
    """Latest versions only."""

    deleted: bool = False
    """Soft-deleted ones too."""

    to_file: bool = False
    """Into the export folder."""

    cursor: str | None = None
    """Last part's."""


class Exports(Shape):
    """The export."""

    text: str | None = None
    """The export itself, or a part of it when `cursor` is set."""

    file: str | None = None
    """The file it was written to, with all of it."""

    name: str
    """A fitting file name."""

    subjects: int
    """How many subjects are in it."""

    versions: int
    """How many versions."""

    deleted: int = 0
    """How many of them are soft-deleted."""

    settings: int = 0
    """How many scopes have their settings in it."""

    bytes: int
    """Its size."""

    sha256: str
    """Its digest."""

    source: str
    """Where it was read."""

    notes: tuple[str, ...] = ()
    """What was left out or is said differently, at most 20."""

    notes_total: int = 0
    """How many such notes there are."""

    next: str = ""
    """What can be done with it."""

    cursor: str | None = None
    """Pass it to get the next part."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def export_schemas(workspace: Workspace, request: ExportSchemas) -> Exports:
    """Export or back up many schemas: a bundle to restore, docs for people, Avro IDL, JSON."""
    registry = None if request.source == "store" else workspace.registry(request.registry)
    side = Side(registry.name if registry else "the store", workspace.store, registry)
    is_bundle = request.format in _BUNDLES
    extent = Extent(request.latest, deleted=request.deleted, settings=is_bundle)
    holding = await holdings.read(side, _selection(request), extent, workspace.report)
    done = await exporting.export(holding, request.format, workspace.clock())
    if request.to_file or not done.text:
        done = await into_folder(done, workspace.exports)
    text = part(done.text, cursor=request.cursor, query=f"export {request.model_dump_json(exclude={'cursor'})}")
    return Exports(
        text=None if done.path else text.text,
        file=str(done.path) if done.path else None,
        name=done.name,
        subjects=len({version.subject for version in holding.versions}),
        versions=len(holding.versions),
        deleted=sum(version.deleted for version in holding.versions),
        settings=len(holding.settings),
        bytes=len(done.data),
        sha256=done.digest,
        source=side.name,
        notes=done.notes[:_MOST_NOTES],
        notes_total=len(done.notes),
        next=_next(done.name, cut=text.is_part and not done.path, is_bundle=is_bundle),
        cursor=None if done.path else text.cursor,
    )


def _selection(request: ExportSchemas) -> Selection:
    context = parse_context(request.context) if request.context else None
    return Selection(subjects_of(request.subjects, request.context), request.prefix, context)


def _next(name: str, *, cut: bool, is_bundle: bool) -> str:
    if is_bundle:
        return f"import_schemas with path: {name} plans to restore it in any registry."
    return "to_file: true writes all of it at once." if cut else ""
