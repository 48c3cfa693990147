"""Ask for the yes of another person, give it, and see which there are."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import shown_context
from schema_mcp.services import approvals
from schema_mcp.stores.approvals import Approval, State
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace


class Decision(StrEnum):
    """Yes or no."""

    APPROVE = "approve"
    REFUSE = "refuse"


class ApprovalSaid(Shape):
    """How a request stands."""

    approval: str
    """Its id."""

    state: State
    """How it stands."""

    plan: str
    """Digest of what is to be done."""

    summary: str
    """What that is."""

    expires_at: str
    """When it ends, decided or not (UTC)."""

    next: str = ""
    """What comes next."""


class ApprovalShown(ApprovalSaid):
    """A request, and all that is known of it."""

    deeds: tuple[str, ...]
    """What of it cannot be undone."""

    registries: tuple[str, ...]
    """Where."""

    contexts: tuple[str, ...]
    """In which contexts."""

    requester: str
    """Who asked; only he can use it, and he cannot decide it."""

    reason: str = ""
    """Why."""

    decided_by: str | None = None
    """Who decided."""

    comment: str | None = None
    """What was said to it."""

    task: str | None = None
    """Task it was used for."""


class RequestApproval(Shape):
    """What is to be approved."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Digest: a plan's, or the refusal's."""

    reason: Annotated[str, Field(max_length=1_000)] = ""
    """Why."""


@tool(scope=Scope.WRITE, effect=Effect.ADDS, touches_registries=False)
async def request_approval(workspace: Workspace, request: RequestApproval) -> ApprovalSaid:
    """Ask another person to approve what cannot be undone, where a refusal says so."""
    found = await approvals.request(workspace.ground, request.plan, workspace.caller, request.reason)
    return _said(workspace, found)


class ReviewApproval(Shape):
    """Which request, and what of it."""

    approval: str
    """Its id."""

    decision: Decision
    """The answer."""

    reason: Annotated[str, Field(max_length=1_000)] = ""
    """Why."""


@tool(scope=Scope.ADMIN, effect=Effect.REPLACES, touches_registries=False)
async def review_approval(workspace: Workspace, request: ReviewApproval) -> ApprovalSaid:
    """Approve or refuse what somebody else has asked for; nobody decides his own request."""
    yes = request.decision is Decision.APPROVE
    found = await approvals.review(
        workspace.ground, request.approval, workspace.caller, approve=yes, comment=request.reason
    )
    return _said(workspace, found)


class ListApprovals(Shape):
    """Which requests."""

    state: State | None = None
    """How they stand."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class ApprovalList(Shape):
    """Requests, the newest first."""

    total: int
    """How many there are."""

    approvals: tuple[ApprovalShown, ...]
    """Newest first."""

    cursor: str | None = None
    """Where the next page begins."""

    next: str = ""
    """What comes next."""


@tool(scope=Scope.READ, effect=Effect.READS, touches_registries=False)
async def list_approvals(workspace: Workspace, request: ListApprovals) -> ApprovalList:
    """List requests for approval: what waits, who decided, what was used."""
    found = [_shown(workspace, one) for one in await workspace.approvals.all() if _is_shown(workspace, one)]
    chosen = [one for one in found if request.state in (None, one.state)]
    query = f"approvals {request.state} {workspace.caller.name}"
    cut = page(chosen, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    waiting = sum(one.state is State.WAITING for one in chosen)
    return ApprovalList(
        total=cut.total,
        approvals=tuple(cut.items),
        cursor=cut.cursor,
        next=f"{waiting} wait: a person with the scope admin decides with review_approval." if waiting else "",
    )


def _is_shown(workspace: Workspace, one: Approval) -> bool:
    return approvals.is_shown(workspace.fleet, one)


_NEXT = {
    State.WAITING: "Another person decides with review_approval over HTTP, or merges a commit with the trailer "
    f"`{approvals.TRAILER}:` and the digest of the plan.",
    State.APPROVED: "Call the tool again with the plan: it works once, for the one who asked.",
}


def _said(workspace: Workspace, one: Approval) -> ApprovalSaid:
    state = one.state(workspace.approvals.now)
    return ApprovalSaid(
        approval=one.id,
        state=state,
        plan=one.act.digest,
        summary=one.act.summary,
        expires_at=one.expires_at,
        next=_NEXT.get(state, ""),
    )


def _shown(workspace: Workspace, one: Approval) -> ApprovalShown:
    return ApprovalShown(
        **_said(workspace, one).model_dump(exclude={"next"}),
        deeds=tuple(sorted({deed.value for _, deed in one.act.deeds})),
        registries=one.act.registries,
        contexts=tuple(shown_context(context) for context in one.act.contexts),
        requester=one.requester,
        reason=one.reason,
        decided_by=one.decided_by or None,
        comment=one.comment or None,
        task=one.task or None,
    )
