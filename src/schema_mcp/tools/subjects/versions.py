"""The versions of a subject, and who carries a number or a text."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.identity import guid_of, schema_hash
from schema_mcp.domain.naming import checked_subject, parse_context, shown_context
from schema_mcp.domain.references import Place
from schema_mcp.domain.schema import SchemaType, Subject, Version
from schema_mcp.registries.contract import Basis, Capability, Registry
from schema_mcp.services import lookup
from schema_mcp.services.glances import versions_at
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, basis_of, schema_of


class GetSchemaVersions(Shape):
    """Which subject."""

    subject: str
    """Subject."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    context: str | None = None
    """Context."""

    deleted: bool = False
    """Deleted versions too."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class VersionRow(Shape):
    """One version."""

    version: int
    """Version number."""

    id: int
    """Schema id."""

    schema_type: SchemaType
    """Its language."""

    deleted: bool = False
    """Soft-deleted; in the store: retired."""

    characters: int
    """Length of its text."""

    references: int = 0
    """How many schemas it uses."""

    created_at: str = ""
    """When it was made (UTC), where that is known."""


class VersionList(Shape):
    """Versions of a subject."""

    versions: tuple[VersionRow, ...]
    """A page of them, oldest first."""

    total: int
    """How many there are."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    source: str
    """Where it was read: a registry's name, or `store`."""

    age: float | None = None
    """Seconds since the registry said so, when this is from memory."""

    stale: bool = False
    """From memory because the registry does not answer."""

    cursor: str | None = None
    """Pass it to get the next page."""


_ROW_BYTES = 160


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_schema_versions(workspace: Workspace, request: GetSchemaVersions) -> VersionList:
    """List the versions of a subject with ids, languages, sizes and dates, in a registry or in the store."""
    subject = checked_subject(request.subject, request.context)
    registry = None if request.source == "store" else workspace.reading(request.registry)
    numbers, source = await _numbers(workspace, request, subject, registry), registry.name if registry else "store"
    if not numbers:
        hint = "" if request.deleted else "With deleted: true soft-deleted ones are shown; "
        raise NotFoundError(f"{source} has no version of {str(subject)!r}", hint=f"{hint}list_subjects finds names.")
    query = f"versions {source} {subject} {request.deleted}"
    cut = page(numbers, cursor=request.cursor, limit=request.limit, query=query, size=lambda _: _ROW_BYTES)
    return VersionList(
        versions=tuple(await _rows(workspace, request, [(subject, number) for number in cut.items], registry)),
        total=cut.total,
        subject=subject.name,
        context=shown_context(subject.context),
        source=source,
        **basis_of(registry.basis if registry else Basis()),
        cursor=cut.cursor,
    )


async def _numbers(
    workspace: Workspace, request: GetSchemaVersions, subject: Subject, registry: Registry | None
) -> list[int]:
    if registry is None:
        await workspace.store.refresh()
        records = workspace.store.records(subject)
        return [one.number for one in records if request.deleted or not one.deleted]
    return await registry.numbers(subject, deleted=request.deleted)


async def _rows(
    workspace: Workspace, request: GetSchemaVersions, places: list[Place], registry: Registry | None
) -> list[VersionRow]:
    if registry is None:
        stored = [workspace.store.version(*place) for place in places]
        return [_row(one.version, one.created_at) for one in stored if one]
    deleted = request.deleted and Capability.SOFT_DELETE in registry.capabilities
    found = await versions_at(registry, places, deleted=deleted)
    return [_row(found[place], _date(found[place].timestamp)) for place in sorted(found)]


def _row(version: Version, created_at: str) -> VersionRow:
    return VersionRow(
        version=version.number,
        id=version.id,
        schema_type=version.schema.type,
        deleted=version.deleted,
        characters=len(version.schema.text),
        references=len(version.schema.references),
        created_at=created_at,
    )


def _date(milliseconds: int | None) -> str:
    if not milliseconds:
        return ""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="seconds")


class GetSubjectsBySchemaId(Shape):
    """Which number."""

    id: Annotated[int, Field(ge=0)]
    """Schema id."""

    registry: str | None = None
    """If not the default."""

    context: str | None = None
    """Only this context."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class HolderRow(Shape):
    """A version that carries it."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    version: int
    """Version."""

    id: int | None = None
    """Its id, where that was not what was asked."""

    deleted: bool = False
    """Soft-deleted."""


class SubjectsFound(Shape):
    """Who carries a schema id."""

    subjects: tuple[HolderRow, ...]
    """A page of versions."""

    total: int
    """How many there are."""

    registry: str
    """The registry that was asked."""

    age: float | None = None
    """Seconds since the registry said so, when this is from memory."""

    stale: bool = False
    """From memory because the registry does not answer."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def get_subjects_by_schema_id(workspace: Workspace, request: GetSubjectsBySchemaId) -> SubjectsFound:
    """Find the subjects and versions of a registry that carry a schema id: what a number on the wire stands for."""
    registry = workspace.reading(request.registry)
    context = parse_context(request.context) if request.context else None
    found = await lookup.holders(registry, request.id, context)
    if not found:
        where = f" in context {shown_context(context)}" if context else ""
        raise NotFoundError(
            f"{registry.name} has no version with id {request.id}{where}",
            hint="lookup_id looks in the store, the ledger and every registry.",
        )
    rows = [
        HolderRow(
            subject=one.subject.name,
            context=shown_context(one.subject.context),
            version=one.number,
            deleted=one.deleted,
        )
        for one in found
    ]
    query = f"holders {registry.name} {request.id} {context}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return SubjectsFound(
        subjects=tuple(cut.items),
        total=cut.total,
        registry=registry.name,
        **basis_of(registry.basis),
        cursor=cut.cursor,
    )


class LookupSchema(Shape):
    """Which schema."""

    schema_text: str | None = None
    """The schema itself."""

    guid: str | None = None
    """Instead of the text."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    subject: str | None = None
    """Only this subject."""

    registry: str | None = None
    """If not the default."""

    context: str | None = None
    """Context."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    metadata: dict[str, Any] | None = None
    """Part of the identity, if given."""

    rule_set: dict[str, Any] | None = None
    """Part of the identity, if given."""

    normalize: bool = False
    """Find it in another spelling, too."""

    cursor: str | None = None
    """Last page's."""


class SchemaLookedUp(Shape):
    """Who holds a schema."""

    found: bool
    """Whether anybody does."""

    holders: tuple[HolderRow, ...]
    """A page of versions."""

    total: int
    """How many there are."""

    guid: str
    """Name of the content, the same in every context."""

    schema_hash: str
    """SHA-256 of the content."""

    registry: str
    """The registry that was asked."""

    cursor: str | None = None
    """Pass it to get the next page."""


_HOLDERS = 100


@tool(scope=Scope.READ, effect=Effect.READS)
async def lookup_schema(workspace: Workspace, request: LookupSchema) -> SchemaLookedUp:
    """Find the id and version of a schema text or GUID, under this subject or any: is it registered already."""
    registry = workspace.registry(request.registry)
    scope = _scope(request)
    matches = await _matches(workspace, request, registry, scope)
    digest = schema_hash(matches.schema)
    rows = [_holder(one) for one in matches.versions]
    cut = page(
        rows,
        cursor=request.cursor,
        limit=_HOLDERS,
        query=f"lookup {registry.name} {scope} {digest} {request.normalize}",
        size=weight,
    )
    return SchemaLookedUp(
        found=bool(rows),
        holders=tuple(cut.items),
        total=cut.total,
        guid=guid_of(matches.schema),
        schema_hash=digest,
        registry=registry.name,
        cursor=cut.cursor,
    )


async def _matches(
    workspace: Workspace, request: LookupSchema, registry: Registry, scope: Subject | None
) -> lookup.Matches:
    match request.schema_text, request.guid:
        case str(text), None:
            told = schema_of(text, request.schema_type, request.references, request.metadata, request.rule_set)
            return await lookup.of_text(registry, workspace.store, scope, told, normalize=request.normalize)
        case None, str(guid):
            schema = await workspace.reading(request.registry).by_guid(guid.lower())
            if schema is None:
                raise NotFoundError(f"{registry.name} has no schema with GUID {guid}", hint="Ask another registry.")
            return await lookup.of_schema(registry, scope, schema)
        case _:
            raise InvalidRequestError("Nothing says which schema is meant", hint="Give schema_text or guid, not both.")


def _scope(request: LookupSchema) -> Subject | None:
    if request.subject:
        return checked_subject(request.subject, request.context)
    return Subject("", parse_context(request.context)) if request.context else None


def _holder(version: Version) -> HolderRow:
    return HolderRow(
        subject=version.subject.name,
        context=shown_context(version.subject.context),
        version=version.number,
        id=version.id,
        deleted=version.deleted,
    )
