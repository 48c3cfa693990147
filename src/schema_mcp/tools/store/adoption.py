"""Bring an existing registry into the store."""

from typing import Annotated, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import shown_context
from schema_mcp.services import adopting, adoption
from schema_mcp.services.adoption import Adoption
from schema_mcp.services.adoption_wishes import Terms
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.selected import Selected, selection_of


class AdoptRegistry(Selected):
    """Which registry, and which of its subjects; without `plan` only the preview is made."""

    registry: str | None = None
    """If not the default."""

    targets: tuple[str, ...] | None = None
    """For new subjects: registries meant for."""

    settings: bool = True
    """Take levels and modes along."""

    overwrite: bool = False
    """Its retirements and settings win."""

    skip_clashes: bool = False
    """Leave out subjects that clash."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """The preview's digest."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""


class FindingRow(Shape):
    """Something that does not come in as it is."""

    kind: Literal["clash", "left"]
    """`clash`: its subject cannot come in; `left`: it stays as it is, in the registry or in the store."""

    subject: str
    """Subject; empty for a whole context."""

    context: str
    """Context."""

    version: int | None = None
    """Version."""

    id: int | None = None
    """Its id."""

    reason: str
    """What is in the way."""

    hint: str = ""
    """The choices."""


class AdoptionTold(Shape):
    """What adopting the registry comes to."""

    done: bool
    """Whether it was carried out; a preview changes nothing."""

    registry: str
    """Registry."""

    versions: int
    """Versions that come in, soft-deleted ones included."""

    subjects: int
    """Their subjects."""

    retired: int
    """How many of them are soft-deleted there."""

    updated: int
    """Versions of the store that are retired, or live again."""

    same: int
    """Versions that the store has already."""

    settings: int
    """Subjects and contexts whose settings come in."""

    clashes: int
    """Versions that clash."""

    findings: tuple[FindingRow, ...]
    """A page of clashes, then of what is left."""

    total: int
    """How many findings."""

    cursor: str | None = None
    """Pass it to get the next page."""

    plan: str
    """Digest of the preview: pass it to carry it out."""

    commit: str | None = None
    """Git commit that holds it, shortened."""

    task: str | None = None
    """Task, while it is still going on."""

    next: str = ""
    """What comes next."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""

    @property
    def exit_code(self) -> int:
        if self.done:
            return Status.DONE
        if self.task:
            return Status.PENDING
        if self.next == _REFUSED:
            return Status.BLOCKED
        return Status.PENDING if self.versions or self.updated or self.settings else Status.DONE


_REFUSED = "Nothing can be adopted while something clashes: settle it, select without it, or pass skip_clashes: true."


@tool(scope=Scope.WRITE, effect=Effect.ADDS)
async def adopt_registry(workspace: Workspace, request: AdoptRegistry) -> AdoptionTold:
    """Bring an existing registry into the store in one commit; a preview first."""
    registry = workspace.registry(request.registry)
    for name in request.targets or ():
        workspace.fleet.connection(name)
    terms = Terms(request.overwrite, request.skip_clashes, request.settings, request.targets)
    selection = selection_of(request)
    if request.plan is None:
        seen = await adoption.survey(workspace.ground, registry, selection, terms, workspace.report)
        return _told(seen, request, workspace)
    signed = workspace.signature("adopt_registry", reason=request.reason, plan=request.plan)
    patience = workspace.patience if request.wait is None else request.wait
    run = await adopting.carry_out(
        workspace.ground, registry, selection, terms, signed, workspace.report, workspace.background, patience
    )
    if run.adopted is None:
        return _going_on(registry.name, request, run.task)
    return _told(run.adopted.adoption, request, workspace, commit=run.adopted.commit, notes=run.adopted.notes)


def _told(
    seen: Adoption,
    request: AdoptRegistry,
    workspace: Workspace,
    *,
    commit: str | None = None,
    notes: tuple[str, ...] = (),
) -> AdoptionTold:
    query = f"adopt {seen.digest}"
    cut = page(_findings(seen), cursor=request.cursor, limit=request.limit, query=query, size=weight)
    added = seen.added
    return AdoptionTold(
        done=commit is not None,
        registry=seen.registry,
        versions=len(added),
        subjects=len({stored.version.subject for stored in added}),
        retired=sum(stored.version.deleted for stored in added),
        updated=len(seen.updated),
        same=seen.same,
        settings=seen.wishes,
        clashes=len(seen.clashes),
        findings=tuple(cut.items),
        total=cut.total,
        cursor=cut.cursor,
        plan=seen.digest,
        commit=(commit or "")[:10] or None,
        next=_next(seen, done=commit is not None),
        notes=(*workspace.notes, *(notes or seen.notes)),
    )


def _next(seen: Adoption, *, done: bool) -> str:
    if done:
        return "plan_deployment and detect_drift tell how the registries stand now."
    if seen.refused:
        return _REFUSED
    if not seen.changes:
        return "The store has all of it."
    return "Call again with this plan to carry it out; only the store is written."


def _findings(seen: Adoption) -> list[FindingRow]:
    clashes = [FindingRow(kind="clash", **one.told()) for one in seen.clashes]
    left = [
        FindingRow(
            kind="left", subject=one.scope.name, context=shown_context(one.scope.context), reason=one.reason[:500]
        )
        for one in seen.left
    ]
    return [*clashes, *left]


def _going_on(registry: str, request: AdoptRegistry, task: str) -> AdoptionTold:
    return AdoptionTold(
        done=False,
        registry=registry,
        versions=0,
        subjects=0,
        retired=0,
        updated=0,
        same=0,
        settings=0,
        clashes=0,
        findings=(),
        total=0,
        plan=request.plan or "",
        task=task,
        next="It goes on: get_task tells when it is done.",
    )
