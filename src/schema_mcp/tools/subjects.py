"""Tools about subjects and their versions: list, read, search, register."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.naming import checked_subject, parse_context, shown_context
from schema_mcp.domain.schema import Level, SchemaType, Subject, Version
from schema_mcp.services import registration, search
from schema_mcp.services.registration import Stop, Wanted
from schema_mcp.toolkit.paging import page, part
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, references_of, schema_of


class ListSubjects(Shape):
    """Which subjects to list."""

    registry: str | None = None
    """Registry; the default one when left out."""

    context: str | None = None
    """Only this context; `default` is the unnamed one."""

    prefix: str = ""
    """Only names that begin so."""

    deleted: bool = False
    """Soft-deleted subjects too."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 200
    """At most so many names."""

    cursor: str | None = None
    """Where the previous page ended."""


class SubjectList(Shape):
    """Subjects of one registry, a page of them."""

    subjects: tuple[str, ...]
    """Names; outside the default context as `:.context:name`."""

    total: int
    """How many there are altogether."""

    registry: str
    """The registry that was asked."""

    cursor: str | None = None
    """Pass it to get the next page."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def list_subjects(workspace: Workspace, request: ListSubjects) -> SubjectList:
    """List the subjects of a registry, by context and prefix, in pages."""
    registry = workspace.registry(request.registry)
    context = None if request.context is None else parse_context(request.context)
    found = await registry.subjects(context=context, prefix=request.prefix, deleted=request.deleted)
    query = f"list_subjects {registry.name} {context} {request.prefix} {request.deleted}"
    names = page([str(one) for one in found], cursor=request.cursor, limit=request.limit, query=query)
    return SubjectList(
        subjects=tuple(names.items),
        total=names.total,
        registry=registry.name,
        cursor=names.cursor,
        notes=workspace.notes,
    )


class GetSchema(Shape):
    """Which schema to read: a subject (and version), or an id."""

    registry: str | None = None
    """Registry; the default one when left out."""

    source: Literal["registry", "store"] = "registry"
    """Read from the registry, or from the store in Git."""

    subject: str | None = None
    """Subject to read."""

    context: str | None = None
    """Context of the subject or id."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Version number or `latest`."""

    id: int | None = None
    """Schema id, instead of a subject."""

    cursor: str | None = None
    """Where the text of the previous reply ended."""


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

    characters: int | None = None
    """Length of the whole text, when only a part is here."""

    cursor: str | None = None
    """Pass it to get the next part of the text."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def get_schema(workspace: Workspace, request: GetSchema) -> SchemaFound:
    """Read a schema by subject and version, or by id, from a registry or from the store."""
    version = await _found(workspace, request)
    known = version.number > 0
    source = "store" if request.source == "store" else workspace.registry(request.registry).name
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
        characters=text.total if text.is_part else None,
        cursor=text.cursor,
    )


async def _found(workspace: Workspace, request: GetSchema) -> Version:
    if (request.subject is None) == (request.id is None):
        raise InvalidRequestError("Name a subject or an id, and not both", hint="For example: subject: orders-value.")
    if request.subject is None:
        return await _by_id(workspace, request, request.id or 0)
    subject = checked_subject(request.subject, request.context)
    if request.source == "store":
        await workspace.store.refresh()
        stored = workspace.store.version(subject, request.version)
        if stored is None:
            held = [one.version.number for one in workspace.store.history(subject)]
            raise _no_version("the store", subject, request.version, held)
        return stored.version
    registry = workspace.registry(request.registry)
    version = await registry.version(subject, request.version)
    if version is None:
        raise _no_version(registry.name, subject, request.version, await registry.numbers(subject))
    return version


async def _by_id(workspace: Workspace, request: GetSchema, schema_id: int) -> Version:
    context = parse_context(request.context or "default")
    if request.source == "store":
        await workspace.store.refresh()
        return _stored_under(workspace, schema_id, context if request.context else None)
    registry = workspace.registry(request.registry)
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


class SearchSchemas(Shape):
    """What to look for."""

    query: Annotated[str, Field(min_length=1, max_length=200)]
    """Words: names, fields, types, docs, tags."""

    registries: tuple[str, ...] = ()
    """Only these registries; all, and the store, when left out."""

    prefix: str = ""
    """Only subjects that begin so."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    """At most so many hits."""

    cursor: str | None = None
    """Where the previous page ended."""


class Hit(Shape):
    """A subject that matches."""

    subject: str
    """Subject, with its context where that is not the default one."""

    version: int
    """Version that matches."""

    id: int
    """Its id."""

    found_in: tuple[str, ...]
    """Registries that have it, and `store`."""

    matches: tuple[str, ...]
    """What matched: field paths, names, docs."""


class Hits(Shape):
    """What was found, best first."""

    hits: tuple[Hit, ...]
    """A page of hits."""

    total: int
    """How many there are altogether."""

    searched: tuple[str, ...]
    """Where was looked."""

    unreachable: tuple[str, ...] = ()
    """Registries that did not answer; what they hold was not searched."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS, core=True)
async def search_schemas(workspace: Workspace, request: SearchSchemas) -> Hits:
    """Find schemas by names, fields, types, docs and tags, over every registry and the store."""
    found = await search.find(
        workspace.index, workspace.fleet, workspace.store, request.query, request.registries, request.prefix
    )
    query = f"search {request.query} {request.registries} {request.prefix}"
    hits = [
        Hit(subject=str(one.subject), version=one.number, id=one.id, found_in=one.found_in, matches=one.matches)
        for one in found.hits
    ]
    cut = page(hits, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return Hits(
        hits=tuple(cut.items),
        total=cut.total,
        searched=found.searched,
        unreachable=found.unreachable,
        cursor=cut.cursor,
    )


class RegisterSchema(Shape):
    """What to register, and where."""

    subject: str
    """Subject, for example `orders-value`."""

    schema_text: str
    """The schema itself."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    registry: str | None = None
    """Registry; the default one when left out."""

    context: str | None = None
    """Context; the default one when left out."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    metadata: dict[str, Any] | None = None
    """Metadata, part of the schema's identity."""

    rule_set: dict[str, Any] | None = None
    """Data-contract rules, part of the schema's identity."""

    level: Level | None = None
    """Also prove this level, beside the one in force."""

    description: str = ""
    """What the version is for, kept in the store."""

    tags: tuple[str, ...] = ()
    """Labels, kept in the store."""

    reason: str = ""
    """Why, kept in the commit."""

    stop_after: Stop | None = None
    """Stop early: after the proof, the id or the commit."""

    dry_run: bool = False
    """Prove only; the same as stop_after: proof."""


class Registered(Shape):
    """How far it came."""

    outcome: Literal["proved", "allocated", "committed", "registered", "unchanged"]
    """What was done; `unchanged`: it was there already."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    version: int
    """Version number (the next one, when only proved)."""

    id: int | None = None
    """Schema id on the wire."""

    level: Level
    """The level it was proved at."""

    commit: str | None = None
    """Git commit that holds it, shortened."""

    registry: str
    """Registry meant."""

    next: str = ""
    """What comes next."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""


@tool(scope=Scope.WRITE, effect=Effect.ADDS, core=True)
async def register_schema(workspace: Workspace, request: RegisterSchema) -> Registered:
    """Register a schema once it is proven compatible: prove, allocate the id, commit to Git, deploy."""
    subject = checked_subject(request.subject, request.context)
    registry = workspace.registry(request.registry)
    stop = Stop.PROOF if request.dry_run else request.stop_after
    wanted = Wanted(
        registry=registry.name,
        subject=subject,
        schema=schema_of(
            request.schema_text, request.schema_type, request.references, request.metadata, request.rule_set
        ),
        level=request.level,
        description=request.description,
        tags=request.tags,
    )
    signed = workspace.signature("register_schema", reason=request.reason)
    done = await registration.register(workspace.ground, wanted, signed, stop, workspace.report)
    return Registered(
        outcome=_outcome(done, stop),
        subject=subject.name,
        context=shown_context(subject.context),
        version=done.number,
        id=done.id,
        level=done.level,
        commit=done.commit[:10] or None,
        registry=registry.name,
        next=_next(done, stop, workspace),
        notes=workspace.notes,
    )


def _outcome(
    done: registration.Registered, stop: Stop | None
) -> Literal["proved", "allocated", "committed", "registered", "unchanged"]:
    if stop is Stop.PROOF:
        return "proved"
    if done.existing and stop is not Stop.ID:
        return "unchanged"
    if stop is Stop.ID:
        return "allocated"
    return "committed" if stop is Stop.COMMIT else "registered"


def _next(done: registration.Registered, stop: Stop | None, workspace: Workspace) -> str:
    if stop is not None:
        return "Call again without stop_after to go on."
    if done.deployed and len(workspace.fleet.writable) > 1:
        return "plan_deployment takes it to the other registries."
    return ""
