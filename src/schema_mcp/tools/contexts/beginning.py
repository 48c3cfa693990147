"""Which contexts there are, and how one begins."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.domain.schema import Level, Mode, Subject
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.services import contexts, settings
from schema_mcp.services.contexts import Context
from schema_mcp.services.together import each
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class ListContexts(Shape):
    """Whose contexts."""

    registry: str | None = None
    """If not the default."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class ContextRow(Shape):
    """One context."""

    context: str
    """Its name."""

    subjects: int
    """Live subjects in the registry."""

    stored: int
    """Live subjects in the store."""

    level: str
    """Level in force for subjects that say nothing."""

    mode: Mode
    """Mode in force for subjects that say nothing."""

    listed: bool
    """Whether the registry lists it; it does from its first schema on."""


class ContextList(Shape):
    """Contexts of one registry and of the store."""

    contexts: tuple[ContextRow, ...]
    """A page of them."""

    total: int
    """How many there are."""

    registry: str
    """The registry that was asked."""

    cursor: str | None = None
    """Pass it to get the next page."""


_ROW_BYTES = 130


@tool(scope=Scope.READ, effect=Effect.READS)
async def list_contexts(workspace: Workspace, request: ListContexts) -> ContextList:
    """List the contexts of a registry and of the store, with subject counts, level and mode of each."""
    registry = workspace.registry(request.registry)
    found = await contexts.of(registry, workspace.store)
    query = f"list_contexts {registry.name}"
    cut = page(
        found,
        cursor=request.cursor,
        limit=request.limit,
        query=query,
        size=lambda one: _ROW_BYTES + len(one.name.encode()),
    )
    rows = await each(cut.items, lambda one: _row(registry, one))
    return ContextList(contexts=tuple(rows), total=cut.total, registry=registry.name, cursor=cut.cursor)


async def _row(registry: GuardedRegistry, one: Context) -> ContextRow:
    held = await contexts.in_force(registry, one.name)
    return ContextRow(
        context=shown_context(one.name),
        subjects=one.subjects,
        stored=one.stored,
        level=held.level,
        mode=held.mode,
        listed=one.listed,
    )


class CreateContext(Shape):
    """Which context."""

    context: str
    """Its name, for example `eu`."""

    registry: str | None = None
    """If not the default."""

    level: Level | None = None
    """If not the one in force."""

    reason: str = ""
    """Why."""


class ContextCreated(Shape):
    """A context as it begins."""

    context: str
    """Its name."""

    existed: bool
    """Whether it was there before; then nothing was done."""

    level: str
    """Its level."""

    commit: str | None = None
    """Git commit that declares it, shortened."""

    registry: str
    """Registry."""

    next: str
    """What comes next."""


@tool(scope=Scope.WRITE, effect=Effect.ADDS)
async def create_context(workspace: Workspace, request: CreateContext) -> ContextCreated:
    """Begin a context: declare it in the store and give it a level; it is listed from its first schema on."""
    registry = workspace.registry(request.registry)
    context = parse_context(request.context)
    held = await contexts.in_force(registry, context)
    if request.level and settings.loosens({settings.LEVEL: held.level}, {"level": request.level}):
        what = "create_context, with a level looser than the one in force,"
        workspace.caller.require(Scope.ADMIN, what)
        registry.require(Scope.ADMIN, what, Subject("", context))
    signed = workspace.signature("create_context", reason=request.reason)
    done = await contexts.create(workspace.ground, registry.name, context, request.level, signed)
    shown = shown_context(context)
    return ContextCreated(
        context=shown,
        existed=done.existed,
        level=done.level,
        commit=done.commit[:10] or None,
        registry=registry.name,
        next=f"update_config with context: {shown} changes its level."
        if done.existed
        else f"register_schema with context: {shown}; with its first schema the registry lists it.",
    )
