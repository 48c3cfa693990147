"""Write many schemas out: a subject, a prefix, a context, a registry, or the store."""

import sys
from typing import Annotated, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context
from schema_mcp.services import export_task
from schema_mcp.services.export import Exported
from schema_mcp.services.export_task import Order
from schema_mcp.services.exporting import Form
from schema_mcp.services.holdings import Extent, Holding
from schema_mcp.services.judgement import Side
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Status
from schema_mcp.toolkit.links import link
from schema_mcp.toolkit.paging import TEXT_CHARACTERS, part
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import subjects_of

_MOST_NOTES = 20
_BUNDLES = frozenset({"zip", "tar.gz"})
_GOES_ON = "get_task tells how far it is and, in the end, the file; cancel_task ends it."


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

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    cursor: str | None = None
    """Last part's."""


class Exports(Shape):
    """The export, or the task that writes it."""

    status: Status | None = None
    """Set while it goes on."""

    task: str | None = None
    """Its id, for get_task."""

    text: str | None = None
    """The export itself, or a part of it when `cursor` is set."""

    file: str | None = None
    """The file it was written to, with all of it."""

    link: str | None = None
    """Resource with the file's first part."""

    name: str = ""
    """A fitting file name."""

    subjects: int = 0
    """How many subjects are in it."""

    versions: int = 0
    """How many versions."""

    deleted: int = 0
    """How many of them are soft-deleted."""

    settings: int = 0
    """How many scopes have their settings in it."""

    bytes: int = 0
    """Its size."""

    sha256: str = ""
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

    @property
    def exit_code(self) -> int:
        return 3 if self.status else 0


@tool(scope=Scope.READ, effect=Effect.READS)
async def export_schemas(workspace: Workspace, request: ExportSchemas) -> Exports:
    """Export or back up many schemas: a bundle to restore, docs for people, Avro IDL, JSON."""
    order = _order(workspace, request)
    patience = workspace.patience if request.wait is None else request.wait
    running = await export_task.carry_out(
        workspace.ground, order, workspace.caller, workspace.report, workspace.background, patience
    )
    if running.done is None or running.holding is None:
        return Exports(status=Status.RUNNING, task=running.task, source=order.side.name, next=_GOES_ON)
    return _told(request, running.task, running.holding, running.done)


def _order(workspace: Workspace, request: ExportSchemas) -> Order:
    registry = None if request.source == "store" else workspace.registry(request.registry)
    side = Side(registry.name if registry else "the store", workspace.store, registry)
    extent = Extent(request.latest, deleted=request.deleted, settings=request.format in _BUNDLES)
    longest = sys.maxsize if request.cursor else TEXT_CHARACTERS  # who asks for a part has the file
    return Order(side, _selection(request), extent, request.format, workspace.exports, longest, request.to_file)


def _told(request: ExportSchemas, task: str, holding: Holding, done: Exported) -> Exports:
    text = part(done.text, cursor=request.cursor, query=f"export {request.model_dump_json(exclude={'cursor', 'wait'})}")
    is_shown = bool(done.text) and not request.to_file
    return Exports(
        task=task if done.path else None,
        text=text.text if is_shown else None,
        file=str(done.path) if done.path else None,
        link=link("export", task, 1) if done.path else None,
        name=done.name,
        subjects=len({version.subject for version in holding.versions}),
        versions=len(holding.versions),
        deleted=sum(version.deleted for version in holding.versions),
        settings=len(holding.settings),
        bytes=len(done.data),
        sha256=done.digest,
        source=holding.side.name,
        notes=done.notes[:_MOST_NOTES],
        notes_total=len(done.notes),
        next=f"import_schemas with path: {done.name} plans to restore it." if request.format in _BUNDLES else "",
        cursor=text.cursor if is_shown else None,
    )


def _selection(request: ExportSchemas) -> Selection:
    context = parse_context(request.context) if request.context else None
    return Selection(subjects_of(request.subjects, request.context), request.prefix, context)
