"""List subjects and read schemas."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.naming import checked_subject, parse_context, shown_context
from schema_mcp.domain.schema import SchemaType, Subject, Version
from schema_mcp.registries.contract import Basis, Registry
from schema_mcp.toolkit.links import schema_link, store_link
from schema_mcp.toolkit.paging import page, part
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, basis_of, references_of


class ListSubjects(Shape):
    """Which subjects to list."""

    registry: str | None = None
    """If not the default."""

    context: str | None = None
    """Only this context."""

    prefix: str = ""
    """Only names that begin so."""

    deleted: bool = False
    """Soft-deleted subjects too."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 200
    """Most names."""

    cursor: str | None = None
    """Last page's."""


class SubjectList(Shape):
    """Subjects of one registry, a page of them."""

    subjects: tuple[str, ...]
    """Names; outside the default context as `:.context:name`."""

    total: int
    """How many there are altogether."""

    registry: str
    """The registry that was asked."""

    age: float | None = None
    """Seconds since it said so, when this is from memory."""

    stale: bool = False
    """From memory because the registry does not answer."""

    cursor: str | None = None
    """Pass it to get the next page."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def list_subjects(workspace: Workspace, request: ListSubjects) -> SubjectList:
    """List the subjects of a registry, by context and prefix, in pages."""
    registry = workspace.reading(request.registry)
    context = None if request.context is None else parse_context(request.context)
    found = await registry.subjects(context=context, prefix=request.prefix, deleted=request.deleted)
    query = f"list_subjects {registry.name} {context} {request.prefix} {request.deleted}"
    names = page([str(one) for one in found], cursor=request.cursor, limit=request.limit, query=query)
    return SubjectList(
        subjects=tuple(names.items),
        total=names.total,
        registry=registry.name,
        **basis_of(registry.basis),
        cursor=names.cursor,
        notes=workspace.notes,
    )


class GetSchema(Shape):
    """Which schema to read: a subject (and version), or an id."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    subject: str | None = None
    """Subject to read."""

    context: str | None = None
    """Context."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Which version."""

    id: int | None = None
    """Schema id, instead of a subject."""

    cursor: str | None = None
    """Last part's."""


class SchemaFound(Shape):
    """One schema."""

    schema_text: str
    """The schema, or a part of it when `cursor` is set."""

    schema_type: SchemaType
    """Its language."""

    id: int
    """Schema id."""

    subject: str | None = None
    """Subject; missing when only an id is known."""

    context: str = "default"
    """Context."""

    version: int | None = None
    """Version number."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    metadata: dict[str, Any] | None = None
    """Its metadata."""

    rule_set: dict[str, Any] | None = None
    """Its data-contract rules."""

    source: str
    """Where it was read: a registry's name, or `store`."""

    age: float | None = None
    """Seconds since the registry said so, when this is from memory."""

    stale: bool = False
    """From memory because the registry does not answer."""

    characters: int | None = None
    """Length of the whole text, when only a part is here."""

    cursor: str | None = None
    """Pass it to get the next part of the text."""

    link: str | None = None
    """Resource that has the whole text, when only a part is here."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def get_schema(workspace: Workspace, request: GetSchema) -> SchemaFound:
    """Read a schema by subject and version, or by id, from a registry or from the store."""
    registry = None if request.source == "store" else workspace.reading(request.registry)
    version = await _found(workspace, request, registry)
    known = version.number > 0
    source = registry.name if registry else "store"
    query = f"get_schema {source} {version.subject} {version.number} {version.id}"
    text = part(version.schema.text, cursor=request.cursor, query=query)
    return SchemaFound(
        schema_text=text.text,
        schema_type=version.schema.type,
        id=version.id,
        subject=version.subject.name if known else None,
        context=shown_context(version.subject.context),
        version=version.number if known else None,
        references=references_of(version.schema),
        metadata=version.schema.metadata,
        rule_set=version.schema.rule_set,
        source=source,
        **basis_of(registry.basis if registry else Basis()),
        characters=text.total if text.is_part else None,
        cursor=text.cursor,
        link=_link(version, registry) if text.is_part and known else None,
    )


def _link(version: Version, registry: Registry | None) -> str:
    if registry is None:
        return store_link(version.subject, version.number)
    return schema_link(registry.name, version.subject, version.number)


async def _found(workspace: Workspace, request: GetSchema, registry: Registry | None) -> Version:
    if (request.subject is None) == (request.id is None):
        raise InvalidRequestError("Name a subject or an id, and not both", hint="For example: subject: orders-value.")
    if request.subject is None:
        return await _by_id(workspace, request, request.id or 0, registry)
    subject = checked_subject(request.subject, request.context)
    if registry is None:
        await workspace.store.refresh()
        stored = workspace.store.version(subject, request.version)
        if stored is None:
            held = [one.version.number for one in workspace.store.history(subject)]
            raise _no_version("the store", subject, request.version, held)
        return stored.version
    version = await registry.version(subject, request.version)
    if version is None:
        raise _no_version(registry.name, subject, request.version, await registry.numbers(subject))
    return version


async def _by_id(workspace: Workspace, request: GetSchema, schema_id: int, registry: Registry | None) -> Version:
    context = parse_context(request.context or "default")
    if registry is None:
        await workspace.store.refresh()
        return _stored_under(workspace, schema_id, context if request.context else None)
    schema = await registry.schema(schema_id, context=context)
    if schema is None:
        raise NotFoundError(
            f"{registry.name} has no schema with id {schema_id} in context {shown_context(context)}",
            hint=f"Contexts there: {', '.join(map(shown_context, await registry.contexts()))}.",
        )
    holders = await registry.holders(schema_id, context=context, deleted=True)
    subject, number = holders[0] if holders else (Subject("", context), 0)
    return Version(subject, number, schema_id, schema)


def _stored_under(workspace: Workspace, schema_id: int, context: str | None) -> Version:
    for record in workspace.store.by_id(schema_id):
        stored = workspace.store.version(record.subject, record.number)
        if stored is not None and context in (None, record.subject.context):
            return stored.version
    raise NotFoundError(f"The store has no schema with id {schema_id}", hint="search_schemas finds names and fields.")


def _no_version(where: str, subject: Subject, number: int | str, known: list[int]) -> NotFoundError:
    if not known:
        return NotFoundError(
            f"{where} has no subject {str(subject)!r}", hint="list_subjects or search_schemas finds names."
        )
    return NotFoundError(
        f"{where} has no version {number} of {str(subject)!r}", hint=f"Versions: {', '.join(map(str, known[-50:]))}."
    )
