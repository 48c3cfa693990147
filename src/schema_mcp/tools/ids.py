"""Tools about ids: allocate, look up."""

from typing import Annotated, Any

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, parse_context, shown_context
from schema_mcp.domain.schema import SchemaType
from schema_mcp.services import id_allocation
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, schema_of


class AllocateId(Shape):
    """The content an id is wanted for."""

    subject: str
    """Subject."""

    version: Annotated[int, Field(ge=1)]
    """Version number it is meant for."""

    schema_text: str
    """The schema itself."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    context: str | None = None
    """Context."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses; version -1 is the latest."""

    metadata: dict[str, Any] | None = None
    """Part of the identity."""

    rule_set: dict[str, Any] | None = None
    """Part of the identity."""


class AllocatedId(Shape):
    """The id of a content, for ever."""

    id: int
    """Schema id."""

    existing: bool
    """Whether the content had it before."""

    schema_hash: str
    """SHA-256 of the content."""

    created_at: str
    """When it was first handed out (UTC)."""


@tool(scope=Scope.WRITE, effect=Effect.ADDS, core=True)
async def allocate_id(workspace: Workspace, request: AllocateId) -> AllocatedId:
    """Allocate the schema id of a content ahead of its registration; the same content always gets the same id."""
    subject = checked_subject(request.subject, request.context)
    schema = schema_of(request.schema_text, request.schema_type, request.references, request.metadata, request.rule_set)
    signed = workspace.signature("allocate_id")
    done = await id_allocation.allocate_for(workspace.ground, subject, request.version, schema, signed)
    return AllocatedId(id=done.id, existing=done.existing, schema_hash=done.schema_hash, created_at=done.created_at)


class LookupId(Shape):
    """Which id."""

    id: Annotated[int, Field(ge=0)]
    """Schema id."""

    context: str | None = None
    """Context to look in; every one when left out."""


class IdHolder(Shape):
    """A version that carries the id."""

    where: str
    """`store`, or a registry."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    version: int
    """Version."""


class IdFound(Shape):
    """What an id stands for, and where it is deployed."""

    id: int
    """The id."""

    holders: tuple[IdHolder, ...]
    """Versions that carry it, at most 100."""

    total: int
    """How many there are."""

    schema_hashes: tuple[str, ...]
    """Contents the ledger knows under it; more than one is a clash."""

    unreachable: tuple[str, ...] = ()
    """Registries that did not answer."""


_MOST_HOLDERS = 100


@tool(scope=Scope.READ, effect=Effect.READS)
async def lookup_id(workspace: Workspace, request: LookupId) -> IdFound:
    """Find what a schema id stands for, in store and ledger, and in which registries it is deployed."""
    context = parse_context(request.context) if request.context else None
    found = await id_allocation.lookup(workspace.ground, request.id, context)
    holders = tuple(
        IdHolder(where=where, subject=subject.name, context=shown_context(subject.context), version=number)
        for where, subject, number in found.holders[:_MOST_HOLDERS]
    )
    return IdFound(
        id=request.id,
        holders=holders,
        total=len(found.holders),
        schema_hashes=found.hashes,
        unreachable=found.unreachable,
    )
