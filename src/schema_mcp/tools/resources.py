"""What only resources and completion need: read like a tool, with its scope and its audit line, but listed nowhere."""

from base64 import b64encode
from typing import Any, Literal

import anyio

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.naming import checked_subject, parse_context, shown_context
from schema_mcp.domain.schema import SchemaType, Subject
from schema_mcp.services import application, export_task, tasks
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, references_of

MOST_CHARACTERS = 1_000_000
"""Of a text that a resource gives whole; a longer one is read in parts, by get_schema."""

MOST_NAMES = 100
_PATIENCE = 1.0
"""Seconds that a completion may take: nobody waits longer for it."""


class ReadText(Shape):
    """Which version to read whole."""

    registry: str | None = None
    """Registry; the store when left out."""

    context: str
    """Context."""

    subject: str
    """Subject."""

    version: int | Literal["latest"] = "latest"
    """Version."""


class WholeText(Shape):
    """A version, whole."""

    schema_text: str
    """Its text."""

    schema_type: SchemaType
    """Its language."""

    id: int
    """Schema id."""

    version: int
    """Version number."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    metadata: dict[str, Any] | None = None
    """Its metadata."""

    rule_set: dict[str, Any] | None = None
    """Its data-contract rules."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def read_text(workspace: Workspace, request: ReadText) -> WholeText:
    """Read a version whole, from a registry or from the store."""
    subject = checked_subject(request.subject, request.context)
    if request.registry is None:
        await workspace.store.refresh()
        stored = workspace.store.version(subject, request.version)
        found = stored.version if stored else None
    else:
        found = await workspace.reading(request.registry).version(subject, request.version)
    if found is None:
        raise NotFoundError(
            f"{request.registry or 'the store'} has no version {request.version} of {str(subject)[:200]!r}",
            hint="get_schema_versions or list_stored_schemas names what there is.",
        )
    if len(found.schema.text) > MOST_CHARACTERS:
        raise InvalidRequestError(
            f"The text has {len(found.schema.text)} characters, more than a resource gives",
            hint="get_schema reads it in parts.",
        )
    return WholeText(
        schema_text=found.schema.text,
        schema_type=found.schema.type,
        id=found.id,
        version=found.number,
        references=references_of(found.schema),
        metadata=found.schema.metadata,
        rule_set=found.schema.rule_set,
    )


class ReadExport(Shape):
    """Which part of an exported file."""

    task: str
    """The task that wrote it."""

    part: int = 1
    """Which part, from 1."""


class FilePart(Shape):
    """A part of a file."""

    data: str
    """Its bytes, in base64."""

    name: str
    """Name of the file."""

    parts: int
    """How many parts there are."""

    bytes: int
    """Size of the whole file."""

    sha256: str
    """Digest of the whole file."""


@tool(scope=Scope.READ, effect=Effect.READS, touches_registries=False)
async def read_export(workspace: Workspace, request: ReadExport) -> FilePart:
    """Read a part of a file that export_schemas wrote."""
    run = await application.task(workspace.journal, request.task)
    tasks.require_own(workspace.caller, run.owner, "Reading an export")
    found = await export_task.part_of(run, workspace.exports, request.part)
    data = b64encode(found.data).decode()
    return FilePart(data=data, name=found.name, parts=found.parts, bytes=found.size, sha256=found.digest)


class Complete(Shape):
    """What somebody has begun to write."""

    argument: Literal["registry", "context", "subject", "version", "task", "plan"]
    """What kind of name."""

    value: str
    """Its beginning."""

    registry: str | None = None
    """Registry, where that was said."""

    context: str | None = None
    """Context, where that was said."""

    subject: str | None = None
    """Subject, where that was said."""

    source: Literal["registry", "store"] = "registry"
    """Whose names."""


class Names(Shape):
    """What it may become."""

    names: tuple[str, ...]
    """At most a hundred, in order."""

    total: int
    """How many there are."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def complete(workspace: Workspace, request: Complete) -> Names:
    """Complete a name from what this caller may read; a registry that is slow or away completes nothing."""
    known: list[str] = []
    with anyio.move_on_after(_PATIENCE):
        known = await _known(workspace, request)
    found = [name for name in dict.fromkeys(known) if name.startswith(request.value)]
    return Names(names=tuple(found[:MOST_NAMES]), total=len(found))


async def _known(workspace: Workspace, request: Complete) -> list[str]:
    match request.argument:
        case "registry":
            return workspace.fleet.names
        case "task":
            return [run.task for run in await workspace.journal.runs(owner=workspace.caller.name)]
        case "plan":
            kept = await workspace.journal.plans()
            return [one.digest for one in kept if one.created_by == workspace.caller.name]
        case _ if request.source == "store":
            return await _of_store(workspace, request)
        case _:
            return await _of_registry(workspace, request)


async def _of_registry(workspace: Workspace, request: Complete) -> list[str]:
    """From memory where it can be: the whole list is asked for, which every further letter finds there."""
    registry = workspace.reading(request.registry)
    if request.argument == "context":
        return sorted(map(shown_context, await registry.contexts()))
    if request.argument == "version":
        return _numbers(await registry.numbers(_subject(request)))
    return _names(request, await registry.subjects(context=_context(request)))


async def _of_store(workspace: Workspace, request: Complete) -> list[str]:
    store = workspace.store
    await store.refresh()
    if request.argument == "context":
        return [shown_context(one) for one in store.contexts()]
    if request.argument == "version":
        return _numbers([one.number for one in store.records(_subject(request)) if not one.deleted])
    return _names(request, store.subjects(_context(request)))


def _context(request: Complete) -> str | None:
    return None if request.context is None else parse_context(request.context)


def _subject(request: Complete) -> Subject:
    return checked_subject(request.subject or "", request.context)


def _names(request: Complete, subjects: list[Subject]) -> list[str]:
    """Without their context where that was said already."""
    return sorted(one.name if request.context is not None else str(one) for one in subjects)


def _numbers(numbers: list[int]) -> list[str]:
    return ["latest", *map(str, sorted(numbers, reverse=True))] if numbers else []
