"""Whether a text is a schema."""

from typing import Any, Literal

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError, SchemaMcpError
from schema_mcp.domain.naming import checked_subject
from schema_mcp.domain.schema import SchemaType, Subject
from schema_mcp.services import validation
from schema_mcp.services.judgement import Side
from schema_mcp.services.validation import Valid
from schema_mcp.toolkit.paging import part
from schema_mcp.toolkit.status import Status
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, schema_of


class ValidateSchema(Shape):
    """Which text."""

    schema_text: str
    """The schema itself."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    subject: str | None = None
    """Subject it is meant for."""

    context: str | None = None
    """Context of its references."""

    registry: str | None = None
    """Registry with the referenced schemas."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    metadata: dict[str, Any] | None = None
    """Its metadata."""

    rule_set: dict[str, Any] | None = None
    """Its data-contract rules."""

    form: Literal["canonical", "normalized"] = "canonical"
    """Which text to reply with."""

    cursor: str | None = None
    """Last part's."""


class LintRow(Shape):
    """Something worth saying that makes no schema invalid."""

    rule: str
    """Name of the rule."""

    path: str
    """Where."""

    message: str
    """What."""


class SchemaValidated(Shape):
    """Whether a text is a schema, and how a registry would keep it."""

    valid: bool
    """Whether a registry would take it as a new schema."""

    error: str = ""
    """Why not."""

    hint: str = ""
    """What to do about it."""

    schema_text: str = ""
    """The text as a registry keeps it, or a part of it when `cursor` is set."""

    is_canonical: bool = False
    """Whether the given text is kept as it is."""

    is_normalized: bool = False
    """Whether normalising would change nothing more."""

    guid: str = ""
    """Name of the content, the same in every context."""

    schema_hash: str = ""
    """SHA-256 of the content."""

    findings: tuple[LintRow, ...] = ()
    """What else is worth saying, at most 20 rows."""

    findings_total: int = 0
    """How many there are."""

    cursor: str | None = None
    """Pass it to get the next part of the text."""

    @property
    def exit_code(self) -> int:
        return Status.DONE if self.valid else Status.ERROR


_MOST_FINDINGS = 20


@tool(scope=Scope.READ, effect=Effect.READS)
async def validate_schema(workspace: Workspace, request: ValidateSchema) -> SchemaValidated:
    """Check offline whether a text is a valid schema: canonical text, GUID, hash and lint findings."""
    subject = checked_subject(request.subject or "unnamed", request.context)
    try:
        schema = schema_of(
            request.schema_text, request.schema_type, request.references, request.metadata, request.rule_set
        )
    except InvalidRequestError as error:  # metadata or rules of another shape: that, too, is a verdict here
        return _refused(error)
    registry = workspace.registry(request.registry)
    if request.references:
        await workspace.store.refresh()
    done = await validation.examine(schema, subject, Side(registry.name, workspace.store, registry))
    return _refused(done) if isinstance(done, SchemaMcpError) else _told(done, request, subject)


def _refused(error: SchemaMcpError) -> SchemaValidated:
    return SchemaValidated(valid=False, error=str(error)[:1_000], hint=error.hint[:500])


def _told(done: Valid, request: ValidateSchema, subject: Subject) -> SchemaValidated:
    kept = done.canonical if request.form == "canonical" else done.normalized
    query = f"validate {subject} {done.schema_hash} {request.form}"
    text = part(kept.text, cursor=request.cursor, query=query)
    return SchemaValidated(
        valid=True,
        schema_text=text.text,
        is_canonical=done.canonical.text == request.schema_text,
        is_normalized=done.canonical == done.normalized,
        guid=done.guid,
        schema_hash=done.schema_hash,
        findings=tuple(
            LintRow(rule=one.rule, path=one.path[:100], message=one.message[:200])
            for one in done.findings[:_MOST_FINDINGS]
        ),
        findings_total=len(done.findings),
        cursor=text.cursor,
    )
