"""Register a schema."""

from typing import Any, Literal

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.domain.schema import Level, SchemaType
from schema_mcp.services import registration
from schema_mcp.services.registration import Stop, Wanted
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, schema_of


class RegisterSchema(Shape):
    """What to register, and where."""

    subject: str
    """Such as `orders-value`."""

    schema_text: str
    """The schema itself."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    registry: str | None = None
    """If not the default."""

    context: str | None = None
    """If not the default."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    metadata: dict[str, Any] | None = None
    """Part of the identity."""

    rule_set: dict[str, Any] | None = None
    """Part of the identity."""

    level: Level | None = None
    """Proved beside the one in force."""

    description: str = ""
    """What it is for."""

    tags: tuple[str, ...] = ()
    """Labels."""

    reason: str = ""
    """Why."""

    stop_after: Stop | None = None
    """Stop early, after this."""

    dry_run: bool = False
    """Prove only."""


class Registered(Shape):
    """How far it came."""

    outcome: Literal["proved", "allocated", "committed", "registered", "unchanged"]
    """What was done; `unchanged`: it was there already."""

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

    registry: str
    """Registry meant."""

    next: str = ""
    """What comes next."""

    notes: tuple[str, ...] = ()
    """What to know about this answer."""


@tool(scope=Scope.WRITE, effect=Effect.ADDS, core=True)
async def register_schema(workspace: Workspace, request: RegisterSchema) -> Registered:
    """Register a schema once it is proven compatible: prove, allocate the id, commit to Git, deploy."""
    subject = checked_subject(request.subject, request.context)
    registry = workspace.registry(request.registry)
    stop = Stop.PROOF if request.dry_run else request.stop_after
    wanted = Wanted(
        registry=registry.name,
        subject=subject,
        schema=schema_of(
            request.schema_text, request.schema_type, request.references, request.metadata, request.rule_set
        ),
        level=request.level,
        description=request.description,
        tags=request.tags,
    )
    signed = workspace.signature("register_schema", reason=request.reason)
    done = await registration.register(workspace.ground, wanted, signed, stop, workspace.report)
    return Registered(
        outcome=_outcome(done, stop),
        subject=subject.name,
        context=shown_context(subject.context),
        version=done.number,
        id=done.id,
        level=done.level,
        commit=done.commit[:10] or None,
        registry=registry.name,
        next=_next(done, stop, workspace),
        notes=(*workspace.notes, *done.notes),
    )


def _outcome(
    done: registration.Registered, stop: Stop | None
) -> Literal["proved", "allocated", "committed", "registered", "unchanged"]:
    if stop is Stop.PROOF:
        return "proved"
    if done.existing and stop is not Stop.ID:
        return "unchanged"
    if stop is Stop.ID:
        return "allocated"
    return "committed" if stop is Stop.COMMIT else "registered"


def _next(done: registration.Registered, stop: Stop | None, workspace: Workspace) -> str:
    if stop is not None:
        return "Call again without stop_after to go on."
    if done.deployed and len(workspace.fleet.writable) > 1:
        return "plan_deployment takes it to the other registries."
    return ""
