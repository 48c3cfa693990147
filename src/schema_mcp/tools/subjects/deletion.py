"""Delete versions and subjects: a preview first, then the preview's digest."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.services import deletion
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class DeleteSubject(Shape):
    """Which subject; without `plan` only the preview is made."""

    subject: str
    """Subject."""

    registry: str | None = None
    """If not the default."""

    context: str | None = None
    """Context."""

    permanent: bool = False
    """For good: what is soft-deleted already."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Digest; without it a preview."""

    reason: str = ""
    """Why."""


class DeleteSchemaVersion(DeleteSubject):
    """Which version; without `plan` only the preview is made."""

    version: Annotated[int, Field(ge=1)]
    """Version number."""


class DoomedRow(Shape):
    """One version that goes."""

    version: int
    """Version number."""

    id: int
    """Its id."""

    deleted: bool = False
    """Soft-deleted already."""

    referenced_by: tuple[int, ...] = ()
    """Ids of schemas that reference it."""

    shared_with: tuple[str, ...] = ()
    """Other subjects that carry the same id."""


class Deletion(Shape):
    """What a deletion takes away."""

    done: bool
    """Whether it was carried out; a preview changes nothing."""

    plan: str
    """Digest of the preview: pass it to carry it out."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    versions: tuple[DoomedRow, ...]
    """What goes, at most 100 rows."""

    total: int
    """How many versions go."""

    aliases: tuple[str, ...] = ()
    """Subjects whose alias leads here."""

    not_looked_at: str | None = None
    """What this preview does not speak of."""

    restorable: str
    """How it could be undone."""

    commit: str | None = None
    """Git commit that retires it, shortened."""

    registry: str
    """Registry."""

    next: str = ""
    """What comes next."""


_MOST_ROWS = 100
_NOT_LOOKED_AT = "Aliases: the context has too many subjects to ask each of them for its configuration."


@tool(scope=Scope.ADMIN, effect=Effect.DESTROYS)
async def delete_subject(workspace: Workspace, request: DeleteSubject) -> Deletion:
    """Delete a whole subject from a registry; a preview of all that hangs on it first."""
    return await _delete(workspace, request, None)


@tool(scope=Scope.ADMIN, effect=Effect.DESTROYS)
async def delete_schema_version(workspace: Workspace, request: DeleteSchemaVersion) -> Deletion:
    """Delete one version from a registry; a preview of all that hangs on it first."""
    return await _delete(workspace, request, request.version)


async def _delete(workspace: Workspace, request: DeleteSubject, number: int | None) -> Deletion:
    registry = workspace.registry(request.registry)
    subject = checked_subject(request.subject, request.context)
    seen = await deletion.preview(registry, workspace.store, subject, number, permanent=request.permanent)
    if request.plan is None:
        return _told(seen, done=False, commit="")
    signed = workspace.signature(_tool_name(number), reason=request.reason, plan=request.plan)
    commit = await deletion.carry_out(workspace.ground, seen, request.plan, signed)
    return _told(seen, done=True, commit=commit)


def _tool_name(number: int | None) -> str:
    return "delete_subject" if number is None else "delete_schema_version"


def _told(seen: deletion.Preview, *, done: bool, commit: str) -> Deletion:
    rows = tuple(
        DoomedRow(
            version=one.number,
            id=one.id,
            deleted=one.deleted,
            referenced_by=one.referrers[:20],
            shared_with=one.shared_with[:20],
        )
        for one in seen.versions[:_MOST_ROWS]
    )
    return Deletion(
        done=done,
        plan=seen.digest,
        subject=seen.subject.name,
        context=shown_context(seen.subject.context),
        versions=rows,
        total=len(seen.versions),
        aliases=(seen.aliases or ())[:_MOST_ROWS],
        not_looked_at=_NOT_LOOKED_AT if seen.aliases is None else None,
        restorable=_restorable(seen),
        commit=commit[:10] or None,
        registry=seen.registry,
        next=_next(seen, done=done),
    )


def _restorable(seen: deletion.Preview) -> str:
    if not seen.permanent:
        return "A soft delete: the versions stay readable by id, and can be registered again under the same id."
    kept = set(seen.stored) >= {one.number for one in seen.versions}
    return "The store keeps every version with its id." if kept else "Nothing keeps these versions: they are gone."


def _next(seen: deletion.Preview, *, done: bool) -> str:
    if done:
        return ""
    if seen.referrers:
        return "It is referenced: delete or change the referrers first."
    return "Call again with this plan to carry it out."
