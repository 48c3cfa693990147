"""Move a subject, a context or a whole registry: first the preview, then the move."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.plan import Action
from schema_mcp.services import application, migration
from schema_mcp.services.kept import kept_plan
from schema_mcp.services.migration import Clash, Manner, Migration
from schema_mcp.stores.journal import Status
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.deployment.selected import Selected, selection_of
from schema_mcp.tools.migration.planning import Move, Risk, context_of, counted, made, risk_of
from schema_mcp.tools.tasks import state_of


class MigrateSchemas(Move):
    """What to move, from where to where, and how."""

    keep_ids: bool | None = None
    """If the target can."""

    target_prefix: str | None = None
    """What `prefix` becomes."""

    deleted: bool = False
    """Soft-deleted versions too."""

    settings: bool = True
    """Levels and modes too."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """The preview's digest."""

    wait: Annotated[float, Field(ge=0, le=3_600)] | None = None
    """Seconds to wait."""

    reason: str = ""
    """Why."""


class MoveRow(Shape):
    """One version, or one setting."""

    subject: str
    """Its name on the target; empty for a whole context."""

    context: str
    """Its context there."""

    version: int | None = None
    """Which version."""

    id: int | None = None
    """The id that goes there."""

    found: str
    """What the target holds there (`free`: it goes there); for a setting what is done, or why it is not."""

    detail: str | None = None
    """Details, and the choices there are."""


class Moved(Shape):
    """What a migration would do, or how far it is."""

    status: Status | None = None
    """How the move stands; none for a preview: nothing has been written."""

    task: str | None = None
    """Its id, for get_task and rollback_change."""

    plan: str | None = None
    """Digest of the plan."""

    done: int = 0
    """Steps done."""

    total: int
    """Steps altogether."""

    error: str | None = None
    """What stopped it, and what to do."""

    risk: Risk | None = None
    """`high`: something is blocked or ids are lost; `medium`: it lands beside what is there, or settings change."""

    clashes: dict[str, int] | None = None
    """What the target holds where versions want to go, and how often."""

    blocked: int = 0
    """How many versions and settings stay behind."""

    rows: tuple[MoveRow, ...] = ()
    """Each version, id and setting: a page of them, what stays behind first."""

    warnings: tuple[str, ...] = ()
    """What is lost, and what else to know before it."""

    next: str
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page of rows."""

    @property
    def exit_code(self) -> int:
        if self.status is not None:
            return {Status.SUCCEEDED: 0, Status.RUNNING: 3}.get(self.status, 1)
        return 4 if self.blocked else 3 if self.total else 0


@tool(scope=Scope.ADMIN, effect=Effect.REPLACES)
async def migrate_schemas(workspace: Workspace, request: MigrateSchemas) -> Moved:
    """Move a subject, context or registry: first a preview, then with its `plan` the move."""
    manner = Manner(
        context_of(request.target_context), request.target_prefix, deleted=request.deleted, settings=request.settings
    )
    if request.plan is None:
        return await _previewed(workspace, request, manner)
    await _refuse_other(workspace, request, manner)
    return await applied(workspace, "migrate_schemas", request.plan, request.reason, request.wait)


async def applied(
    workspace: Workspace, tool: str, plan: str, reason: str, wait: float | None, warnings: tuple[str, ...] = ()
) -> Moved:
    """Carry a plan of this set out."""
    signed = workspace.signature(tool, reason=reason, plan=plan)
    patience = workspace.patience if wait is None else wait
    run = await application.apply(workspace.ground, plan, signed, workspace.report, workspace.background, patience)
    state = state_of(run)
    failed = [f"{one.registry}: {one.error} {one.hint or ''}".strip() for one in state.registries if one.error]
    undo = f"get_task with task: {run.task} tells more; rollback_change takes it back."
    return Moved(
        status=run.status,
        task=run.task,
        plan=plan,
        done=run.done,
        total=run.total,
        error=" ".join(failed) or None,
        warnings=warnings,
        next=state.next or undo,
    )


async def _previewed(workspace: Workspace, request: MigrateSchemas, manner: Manner) -> Moved:
    workspace.registry(request.target).require_writable()
    done = await made(workspace, request, keep_ids=await _keeps_ids(workspace, request), manner=manner)
    return shown(done, request, f"migrate_schemas with the same arguments and plan: {done.plan.digest}")


def shown(made: Migration, request: Selected, following: str, warnings: tuple[str, ...] = ()) -> Moved:
    """A plan as a preview carries it."""
    rows = list(_rows(made))
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=made.plan.digest, size=weight)
    nothing = "Nothing can be done before what stays behind is decided." if made.plan.blocked else "Nothing to do."
    return Moved(
        plan=made.plan.digest,
        total=len(made.plan.steps),
        risk=risk_of(made),
        clashes=counted(made),
        blocked=len(made.plan.blocked),
        rows=tuple(cut.items),
        warnings=(*made.plan.warnings, *warnings),
        next=following if made.plan.steps else nothing,
        cursor=cut.cursor,
    )


def _rows(made: Migration) -> Iterator[MoveRow]:
    """What stays behind, with its choices; then what goes, in its order; then what is there already."""
    for one in made.plan.blocked:
        yield _row(one.subject.name, one.subject.context, one.number, 0, one.reason, one.hint)
    for step in made.plan.steps:
        if step.action is not Action.REGISTER:
            said = step.value or step.reason
            yield _row(step.subject.name, step.subject.context, step.number, 0, step.action.value, said)
    for clash in (Clash.FREE, Clash.SAME):
        for (subject, number), schema_id, met, detail in made.map:
            if met is clash:
                yield _row(subject.name, subject.context, number, schema_id, met.value, detail)


def _row(name: str, context: str, number: int, schema_id: int, found: str, detail: str) -> MoveRow:
    return MoveRow(
        subject=name,
        context=shown_context(context),
        version=number or None,
        id=schema_id or None,
        found=found,
        detail=detail or None,
    )


async def _keeps_ids(workspace: Workspace, request: MigrateSchemas) -> bool:
    if request.keep_ids is not None:
        return request.keep_ids
    target = workspace.registry(request.target)
    await target.info()  # what a product can do is known once it has answered
    return migration.keeps_ids(target)


async def _refuse_other(workspace: Workspace, request: MigrateSchemas, manner: Manner) -> None:
    """The plan has to be the preview of this very call, whatever else may be kept."""
    kept = await kept_plan(workspace.journal, str(request.plan))
    source, target = workspace.registry(request.source).name, workspace.registry(request.target).name
    asked = migration.request_of(source, target, selection_of(request), manner)
    differing = sorted(name for name, value in asked.items() if kept.request.get(name) != value)
    if request.keep_ids is not None and kept.request.get("keep_ids") != request.keep_ids:
        differing.append("keep_ids")
    if kept.kind != migration.KIND or differing:
        other = f"it differs in {', '.join(differing)}" if kept.kind == migration.KIND else f"it is a {kept.kind}"
        raise InvalidRequestError(
            f"That plan is no preview of this call: {other}",
            hint="Call without `plan`, and pass its digest together with the same arguments.",
        )
