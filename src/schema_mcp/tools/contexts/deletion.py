"""How a context ends: its subjects first, then itself."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import parse_context, shown_context
from schema_mcp.domain.schema import Mode
from schema_mcp.services import clearing, contexts
from schema_mcp.services.clearing import Chosen, Cleared
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class DeleteContext(Shape):
    """Which context; without `plan` only the preview is made."""

    context: str
    """Its name."""

    registry: str | None = None
    """If not the default."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Digest; without it a preview."""

    reason: str = ""
    """Why."""


class ContextDeletion(Shape):
    """What deleting a context takes away."""

    done: bool
    """Whether it was carried out; a preview changes nothing."""

    plan: str
    """Digest of the preview: pass it to carry it out."""

    context: str
    """Its name."""

    subjects: int
    """Live subjects in the way."""

    soft_deleted: int
    """Soft-deleted subjects in the way."""

    stored: int
    """Live subjects that the store wants there: a deployment brings the context back."""

    level: str | None = None
    """Level of its own that goes."""

    mode: Mode | None = None
    """Mode of its own that goes."""

    wish: bool
    """Whether its wish in the store goes."""

    commit: str | None = None
    """Git commit, shortened."""

    registry: str
    """Registry."""

    next: str = ""
    """What comes next."""


@tool(scope=Scope.ADMIN, effect=Effect.DESTROYS)
async def delete_context(workspace: Workspace, request: DeleteContext) -> ContextDeletion:
    """Delete an empty context with its settings; a preview first."""
    registry = workspace.registry(request.registry)
    seen = await contexts.preview(registry, workspace.store, parse_context(request.context))
    commit = ""
    if request.plan is not None:
        signed = workspace.signature("delete_context", reason=request.reason, plan=request.plan)
        commit = await contexts.delete(workspace.ground, seen, request.plan, signed)
    return ContextDeletion(
        done=request.plan is not None,
        plan=seen.digest,
        context=shown_context(seen.context),
        subjects=seen.live,
        soft_deleted=seen.soft_deleted,
        stored=seen.stored,
        level=contexts.level_of(seen.config),
        mode=seen.mode,
        wish=bool(seen.wish),
        commit=commit[:10] or None,
        registry=registry.name,
        next="" if request.plan else _next(seen),
    )


def _next(seen: contexts.Preview) -> str:
    if seen.live or seen.soft_deleted:
        return "It is not empty: clear_context_batch first, softly, then with permanent: true."
    return "Call again with this plan to carry it out."


class ClearContextBatch(DeleteContext):
    """Which context; without `plan` only the preview of the next batch is made."""

    prefix: str = ""
    """Only names that begin so."""

    permanent: bool = False
    """For good: the second step, after a soft deletion."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 200
    """Most subjects at a time."""


class ContextCleared(Shape):
    """A batch of subjects that goes."""

    done: bool
    """Whether it was carried out; a preview changes nothing."""

    plan: str
    """Digest of the preview: pass it to carry it out."""

    context: str
    """Context."""

    subjects: tuple[str, ...]
    """Subjects of the batch in the order of deletion, at most 100."""

    batch: int
    """Subjects in the batch."""

    versions: int
    """Versions in the batch."""

    total: int
    """Subjects to delete altogether, this batch included."""

    deleted: int = 0
    """Subjects deleted now."""

    referenced: tuple[str, ...] = ()
    """Subjects that something outside the batch references; they stand in the way; at most 20."""

    failed: tuple[str, ...] = ()
    """What was not deleted, and why; at most 20."""

    commit: str | None = None
    """Git commit that retires them, shortened."""

    registry: str
    """Registry."""

    next: str
    """What comes next."""

    @property
    def exit_code(self) -> int:
        return Status.ERROR if self.failed else Status.DONE


_MOST_NAMES = 100
_MOST_FAULTS = 20


@tool(scope=Scope.ADMIN, effect=Effect.DESTROYS)
async def clear_context_batch(workspace: Workspace, request: ClearContextBatch) -> ContextCleared:
    """Delete the subjects of a context, a batch at a time; a preview first."""
    registry = workspace.registry(request.registry)
    chosen = Chosen(parse_context(request.context), request.prefix, request.permanent, request.limit)
    seen = await clearing.preview(registry, chosen)
    if request.plan is None:
        return _cleared(seen, None)
    signed = workspace.signature("clear_context_batch", reason=request.reason, plan=request.plan)
    done = await clearing.carry_out(workspace.ground, seen, request.plan, signed, workspace.report)
    return _cleared(seen, done)


def _cleared(seen: clearing.Preview, done: Cleared | None) -> ContextCleared:
    failed = done.failed[:_MOST_FAULTS] if done else ()
    return ContextCleared(
        done=done is not None,
        plan=seen.digest,
        context=shown_context(seen.chosen.context),
        subjects=tuple(one.subject.name[:80] for one in seen.batch[:_MOST_NAMES]),
        batch=len(seen.batch),
        versions=seen.versions,
        total=seen.subjects,
        deleted=done.deleted if done else 0,
        referenced=tuple(str(one)[:100] for one in list(seen.users)[:_MOST_FAULTS]),
        failed=tuple(f"{subject}: {error}"[:200] for subject, error in failed),
        commit=(done.commit[:10] if done else "") or None,
        registry=seen.registry,
        next=_after_batch(seen, done),
    )


def _after_batch(seen: clearing.Preview, done: Cleared | None) -> str:
    if done is None:
        blocked = "Something references it: delete or change that first, or raise the limit."
        return blocked if seen.users else "Call again with this plan to carry it out."
    left = seen.subjects - done.deleted
    return f"{left} subjects are left: call again without plan for the next batch." if left else _EMPTY


_EMPTY = "Nothing of this kind is left there; delete_context takes a context away that is wholly empty."
