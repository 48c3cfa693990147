"""Tools about ids: allocate, look up, reserve, audit."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import Field

from schema_mcp.domain.allocation import MOST_RESERVED, Block
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.id_audit import Trouble, Verdict
from schema_mcp.domain.naming import checked_subject, parse_context, shown_context
from schema_mcp.domain.schema import SchemaType
from schema_mcp.services import id_allocation, id_audit
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, schema_of


class AllocateId(Shape):
    """The content an id is wanted for."""

    subject: str
    """Subject."""

    version: Annotated[int, Field(ge=1)]
    """Version it is meant for."""

    schema_text: str
    """The schema itself."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    context: str | None = None
    """Context."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

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
    """Allocate a schema's id ahead of its registration; the same content always gets the same id."""
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
    """Only this context."""


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

    told: str = ""
    """What became of an id that the store does not have, as far as the ledger remembers."""

    unreachable: tuple[str, ...] = ()
    """Registries that did not answer."""

    @property
    def exit_code(self) -> int:
        return Status.ERROR if self.unreachable else Status.DONE


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
        told=found.told,
        unreachable=found.unreachable,
    )


class ReserveIds(Shape):
    """How many ids, for whom; without a count the blocks that are set aside are listed."""

    count: Annotated[int, Field(ge=1, le=MOST_RESERVED)] | None = None
    """How many."""

    owner: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\r\n\t]+$")] | None = None
    """Who hands them out."""

    reason: str = ""
    """Why."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """Most blocks of a page."""

    cursor: str | None = None
    """Last page's."""


class BlockRow(Shape):
    """Ids set aside."""

    first: int
    """The first."""

    last: int
    """The last."""

    owner: str
    """For whom: somebody elsewhere, or a region of this ledger."""

    in_git: bool
    """Whether the store knows; a region's blocks are the ledger's own business."""


class IdsReserved(Shape):
    """A block, and those there are."""

    reserved: BlockRow | None = None
    """The new block."""

    commit: str | None = None
    """Commit that holds it, shortened."""

    blocks: tuple[BlockRow, ...]
    """A page of all blocks, the highest first."""

    total: int
    """How many there are."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.ADMIN, effect=Effect.ADDS, touches_registries=False)
async def reserve_id_block(workspace: Workspace, request: ReserveIds) -> IdsReserved:
    """Set a block of ids aside for somebody who hands them out elsewhere; without a count, list the blocks."""
    if (request.count is None) != (request.owner is None):
        raise InvalidRequestError(
            "A block needs a count and an owner", hint="Pass both, or neither to list the blocks there are."
        )
    made: tuple[Block, str] | None = None
    if request.count is not None and request.owner is not None:
        signed = workspace.signature("reserve_id_block", reason=request.reason)
        made = await id_allocation.reserve(workspace.ground, request.count, request.owner, signed)
    blocks, stored = await id_allocation.blocks(workspace.ground)
    rows = [_block_row(one, stored) for one in sorted(blocks, key=lambda one: -one.last)]
    cut = page(rows, cursor=request.cursor, limit=request.limit, query="blocks", size=weight)
    return IdsReserved(
        reserved=_block_row(made[0], stored) if made else None,
        commit=made[1][:10] if made else None,
        blocks=tuple(cut.items),
        total=cut.total,
        cursor=cut.cursor,
    )


def _block_row(block: Block, stored: Collection[Block]) -> BlockRow:
    return BlockRow(first=block.first, last=block.last, owner=block.owner, in_git=block in stored)


class AuditIds(Shape):
    """Where to read."""

    registries: tuple[str, ...] = ()
    """All when left out."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """Most findings of a page."""

    cursor: str | None = None
    """Last page's."""


class IdFinding(Shape):
    """What is the matter with an id, or with a run of them."""

    kind: Trouble
    """What."""

    first: int
    """The id."""

    last: int | None = None
    """The last of a run."""

    reason: str
    """Why."""

    explained: bool
    """Whether it is in order as it is."""


class IdsAudited(Shape):
    """Whether ledger, store and registries tell one story."""

    sound: bool
    """Whether nothing is wrong where it was looked."""

    findings: tuple[IdFinding, ...]
    """A page of what was found; what is wrong comes first, explained gaps last."""

    total: int
    """How many there are."""

    counts: dict[str, int]
    """How many of each kind."""

    ids: int
    """How many ids were seen."""

    looked_at: tuple[str, ...]
    """What was compared."""

    unreachable: dict[str, str] = Field(default_factory=dict)
    """Registries that were not looked at, and why."""

    commit: str | None = None
    """Git commit of the store, shortened."""

    next: str = ""
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""

    @property
    def exit_code(self) -> int:
        if self.unreachable:
            return Status.ERROR
        return Status.DONE if self.sound else Status.PENDING


@tool(scope=Scope.READ, effect=Effect.READS)
async def audit_ids(workspace: Workspace, request: AuditIds) -> IdsAudited:
    """Compare ledger, store and all registries id by id: every clash, every gap with its reason, every orphan."""
    names = request.registries or workspace.fleet.names
    registries = [workspace.registry(name) for name in dict.fromkeys(names)]
    found = await id_audit.audit(workspace.ground, registries, workspace.report)
    query = f"audit {names} {workspace.store.head}"
    rows = [_finding(one) for one in found.verdicts]
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return IdsAudited(
        sound=found.is_sound,
        findings=tuple(cut.items),
        total=cut.total,
        counts=found.counts,
        ids=found.ids,
        looked_at=found.looked_at,
        unreachable={name: why[:200] for name, why in list(found.unanswered.items())[:_MOST_UNREACHABLE]},
        commit=(workspace.store.head or "")[:10] or None,
        next="" if found.is_sound else _NEXT,
        cursor=cut.cursor,
    )


_MOST_UNREACHABLE = 20
_NEXT = (
    "Clash or double: the content that came later needs an id of its own, in a new version. Orphan: adopt_registry "
    "brings a registry's ids into the store; the next write teaches the ledger what the store has."
)


def _finding(one: Verdict) -> IdFinding:
    last = one.last if one.last != one.first else None
    return IdFinding(kind=one.trouble, first=one.first, last=last, reason=one.reason[:500], explained=one.explained)
