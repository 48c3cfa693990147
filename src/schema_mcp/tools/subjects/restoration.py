"""Bring deleted subjects and versions back."""

from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.domain.plan import Plan
from schema_mcp.domain.schema import Subject
from schema_mcp.services import restoration
from schema_mcp.services.restoration import Restored
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace


class RestoreSubject(Shape):
    """What to bring back; without `plan` only the preview is made."""

    subject: str
    """Subject."""

    registry: str | None = None
    """If not the default."""

    context: str | None = None
    """Context."""

    version: Annotated[int, Field(ge=1)] | None = None
    """Only this version."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Digest; without it a preview."""

    reason: str = ""
    """Why."""


class RestoredRow(Shape):
    """One version."""

    version: int
    """Version number."""

    id: int | None = None
    """Id it keeps."""

    why: str
    """Where it comes from, or what stands against it."""

    hint: str = ""
    """What would let it through."""


class Restoration(Shape):
    """Deleted versions that come back as they were."""

    done: bool
    """Whether it was carried out; a preview changes nothing."""

    plan: str
    """Digest of the preview: pass it to carry it out."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    versions: tuple[RestoredRow, ...]
    """What comes back, at most 50 rows."""

    total: int
    """How many versions come back."""

    blocked: tuple[RestoredRow, ...] = ()
    """What cannot, at most 20 rows."""

    blocked_total: int = 0
    """How many cannot."""

    commit: str | None = None
    """Git commit that calls them live again, shortened."""

    registry: str
    """Registry."""

    notes: tuple[str, ...]
    """What to know about it."""

    next: str = ""
    """What comes next."""

    @property
    def exit_code(self) -> int:
        return 4 if self.blocked_total else 0


_MOST_ROWS, _MOST_BLOCKED = 50, 20
_NOTES = (
    "Meanwhile the subject is in mode IMPORT: other producers are refused there, and nothing is checked.",
    "Levels and modes that went with a permanent deletion do not come back.",
)


@tool(scope=Scope.ADMIN, effect=Effect.ADDS)
async def restore_subject(workspace: Workspace, request: RestoreSubject) -> Restoration:
    """Bring deleted versions back under their numbers and ids; a preview first."""
    subject = checked_subject(request.subject, request.context)
    registry = workspace.registry(request.registry)
    if request.plan is None:
        return _told(await restoration.preview(registry, workspace.store, subject, request.version), None, subject)
    signed = workspace.signature("restore_subject", reason=request.reason, plan=request.plan)
    place = registry.name, subject, request.version
    done = await restoration.restore(workspace.ground, place, request.plan, signed, workspace.report)
    return _told(done.plan, done, subject)


def _told(plan: Plan, done: Restored | None, subject: Subject) -> Restoration:
    rows = [RestoredRow(version=one.number, id=one.id, why=one.reason) for one in plan.steps]
    blocked = [RestoredRow(version=one.number, why=one.reason, hint=one.hint) for one in plan.blocked]
    return Restoration(
        done=done is not None,
        plan=plan.digest,
        subject=subject.name,
        context=shown_context(subject.context),
        versions=tuple(rows[:_MOST_ROWS]),
        total=len(rows),
        blocked=tuple(blocked[:_MOST_BLOCKED]),
        blocked_total=len(blocked),
        commit=(done.commit[:10] if done else "") or None,
        registry=str(plan.request["registry"]),
        notes=_NOTES,
        next="" if done or not rows else "Call again with this plan to carry it out.",
    )
