"""Put schemas into the store, and change what it says of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.domain.schema import Level, SchemaType
from schema_mcp.services import amending, storing
from schema_mcp.services.amending import Amendment, Row
from schema_mcp.services.storing import Wanted
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, schema_of

_LONGEST = 2_000
_MOST_ROWS = 100


class StoreSchema(Shape):
    """What to store."""

    subject: str
    """Subject."""

    schema_text: str
    """The schema itself."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    context: str | None = None
    """Context."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    metadata: dict[str, Any] | None = None
    """Metadata of the schema."""

    rule_set: dict[str, Any] | None = None
    """Data-contract rules."""

    level: Level | None = None
    """Proved beside the one in force."""

    targets: tuple[str, ...] | None = None
    """Registries meant for."""

    owner: str | None = None
    """Who answers for it."""

    description: str = ""
    """What it is for."""

    tags: tuple[str, ...] = ()
    """Labels."""

    branch: str | None = None
    """Branch for review."""

    reason: str = ""
    """Why."""

    dry_run: bool = False
    """Prove only."""


class StoredSchema(Shape):
    """What the store has now."""

    outcome: Literal["stored", "proposed", "proved", "unchanged"]
    """What was done; `proposed`: on a branch, `unchanged`: it was there already."""

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

    branch: str | None = None
    """Branch it waits on."""

    next: str = ""
    """What comes next."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""


@tool(scope=Scope.WRITE, effect=Effect.ADDS)
async def store_schema(workspace: Workspace, request: StoreSchema) -> StoredSchema:
    """Put a schema into the Git store, proven and numbered, or onto a branch for review; no registry is written."""
    subject = checked_subject(request.subject, request.context)
    for name in request.targets or ():
        workspace.fleet.connection(name)
    wanted = Wanted(
        subject=subject,
        schema=schema_of(
            request.schema_text, request.schema_type, request.references, request.metadata, request.rule_set
        ),
        level=request.level,
        description=request.description,
        tags=request.tags,
        owner=request.owner,
        targets=request.targets,
        branch=request.branch,
    )
    signed = workspace.signature("store_schema", reason=request.reason)
    done = await storing.store(workspace.ground, wanted, signed, dry_run=request.dry_run)
    return StoredSchema(
        outcome=_outcome(done, request),
        subject=subject.name,
        context=shown_context(subject.context),
        version=done.number,
        id=done.id,
        level=done.level,
        commit=done.commit[:10] or None,
        branch=request.branch,
        next=_next(done, request, workspace),
        notes=(*workspace.notes, *done.notes),
    )


def _outcome(done: storing.Stored, request: StoreSchema) -> Literal["stored", "proposed", "proved", "unchanged"]:
    if done.existing:
        return "unchanged"
    if request.dry_run:
        return "proved"
    return "proposed" if request.branch else "stored"


def _next(done: storing.Stored, request: StoreSchema, workspace: Workspace) -> str:
    if request.dry_run and not done.existing:
        return "Call again without dry_run to store it."
    if request.branch:
        return review(workspace, request.branch)
    return "" if done.existing else "plan_deployment takes it to the registries."


def review(workspace: Workspace, branch: str) -> str:
    """How a proposal gets into the store."""
    main = workspace.store.repository.branch
    if workspace.store.upstream is not None:
        return f"It is pushed: open a pull request from {branch} into {main}. Once merged, plan_deployment takes it on."
    return f"Review it with `git log -p {main}..{branch}`; merged into {main}, plan_deployment takes it on."


class UpdateStoredSchema(Shape):
    """What to change; what is left out stays."""

    subject: str
    """Subject."""

    context: str | None = None
    """Context."""

    version: Annotated[int, Field(ge=1)] | None = None
    """This version, not the subject."""

    description: Annotated[str, Field(max_length=_LONGEST)] | None = None
    """What it is for."""

    tags: tuple[str, ...] | None = None
    """Labels."""

    owner: str | None = None
    """Who answers for it."""

    targets: tuple[str, ...] | None = None
    """Registries meant for."""

    level: Level | None = None
    """Level."""

    retired: bool | None = None
    """Retire it; false takes it back."""

    clear: tuple[Literal["description", "tags", "owner", "targets", "level", "mode"], ...] = ()
    """Say nothing of these any more."""

    branch: str | None = None
    """Branch for review."""

    reason: str = ""
    """Why."""

    dry_run: bool = False
    """Show only."""


class ChangedRow(Shape):
    """One thing that changes."""

    field: str
    """What."""

    version: int | None = None
    """Of which version; none: of the subject."""

    before: str | bool | tuple[str, ...] | None = None
    """What was said; nothing where nothing was."""

    after: str | bool | tuple[str, ...] | None = None
    """What is said now."""


class UpdatedSchema(Shape):
    """What changed in the store."""

    outcome: Literal["changed", "proposed", "would change", "unchanged"]
    """What was done."""

    changes: tuple[ChangedRow, ...]
    """Exactly what, at most 100 rows."""

    total: int
    """How many changes."""

    subject: str
    """Subject."""

    context: str
    """Context."""

    commit: str | None = None
    """Git commit, shortened."""

    branch: str | None = None
    """Branch it waits on."""

    next: str = ""
    """What comes next."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""


@tool(scope=Scope.WRITE, effect=Effect.REPLACES, touches_registries=False)
async def update_stored_schema(workspace: Workspace, request: UpdateStoredSchema) -> UpdatedSchema:
    """Change what the store says of a subject or version: description, tags, owner, targets, level, retirement."""
    subject = checked_subject(request.subject, request.context)
    for name in request.targets or ():
        workspace.fleet.connection(name)
    wanted = Amendment(
        subject=subject,
        number=request.version,
        description=request.description,
        tags=request.tags,
        owner=request.owner,
        targets=request.targets,
        level=request.level,
        retired=request.retired,
        clear=request.clear,
        branch=request.branch,
    )
    signed = workspace.signature("update_stored_schema", reason=request.reason)
    done = await amending.amend(workspace.ground, wanted, signed, dry_run=request.dry_run)
    return UpdatedSchema(
        outcome=_changed(done, request),
        changes=tuple(_row(row) for row in done.rows[:_MOST_ROWS]),
        total=len(done.rows),
        subject=subject.name,
        context=shown_context(subject.context),
        commit=done.commit[:10] or None,
        branch=request.branch,
        next=_after(done, request, workspace),
        notes=(*workspace.notes, *done.notes),
    )


def _changed(
    done: amending.Amended, request: UpdateStoredSchema
) -> Literal["changed", "proposed", "would change", "unchanged"]:
    if not done.rows:
        return "unchanged"
    if request.dry_run:
        return "would change"
    return "proposed" if request.branch else "changed"


def _row(row: Row) -> ChangedRow:
    return ChangedRow(field=row.field, version=row.number or None, before=_cut(row.before), after=_cut(row.after))


def _cut(value: Any) -> Any:
    return f"{value[: _LONGEST // 4]}…" if isinstance(value, str) and len(value) > _LONGEST // 4 else value


def _after(done: amending.Amended, request: UpdateStoredSchema, workspace: Workspace) -> str:
    if not done.rows:
        return ""
    if request.dry_run:
        return "Call again without dry_run to change it."
    if request.branch:
        return review(workspace, request.branch)
    deployed = {row.field for row in done.rows} & {"retired", "targets", "level", "mode"}
    return "plan_deployment carries it to the registries." if deployed else ""
