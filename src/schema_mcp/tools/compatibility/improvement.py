"""What could be better about a schema."""

from typing import Annotated, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.naming import checked_subject
from schema_mcp.domain.schema import SchemaType, Subject
from schema_mcp.services import improvement
from schema_mcp.services.judgement import Question, Side, sides_of
from schema_mcp.toolkit.paging import page
from schema_mcp.toolkit.tool import Effect, Shape, tool, weight
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, schema_of


class SuggestImprovements(Shape):
    """Which schema to look at, a version or a text, and the estate whose customs count."""

    subject: str | None = None
    """Subject."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    context: str | None = None
    """Context."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Which version."""

    schema_text: str | None = None
    """A text instead of a version."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas it uses."""

    prefix: str = ""
    """Whose customs count."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Most rows."""

    cursor: str | None = None
    """Last page's."""


class ImprovementRow(Shape):
    """One thing that could be better."""

    rule: str
    """Its name: `naming`, `common_field`, `docs`, `nullable_default`, `enum_default` …"""

    path: str
    """Where."""

    message: str
    """What, and how."""

    safe: bool
    """Whether the edit breaks nobody at any level."""


class ImprovementsSuggested(Shape):
    """What could be better about a schema."""

    improvements: tuple[ImprovementRow, ...]
    """A page of them, by rule."""

    total: int
    """How many there are."""

    estate: int
    """How many other schemas the customs were read from; below 3 there are none."""

    field_style: str | None = None
    """How the estate writes its fields."""

    type_style: str | None = None
    """How it writes its types."""

    next: str
    """What comes next."""

    cursor: str | None = None
    """Pass it to get the next page."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def suggest_improvements(workspace: Workspace, request: SuggestImprovements) -> ImprovementsSuggested:
    """Suggest what to improve in a schema: naming, docs, common fields, nullable unions, enum defaults."""
    registry = workspace.registry(request.registry) if request.source == "registry" else None
    side = Side(registry.name if registry else "the store", workspace.store, registry)
    subject = checked_subject(request.subject, request.context) if request.subject else None
    whole = (await sides_of(side, _question(request, subject)))[0]
    seen = await improvement.suggested(side, whole, subject, request.prefix)
    rows = [ImprovementRow(rule=o.rule, path=o.path[:300], message=o.message[:500], safe=o.safe) for o in seen.found]
    query = f"improvements {request.model_dump_json(exclude={'cursor', 'limit'})}"
    cut = page(rows, cursor=request.cursor, limit=request.limit, query=query, size=weight)
    return ImprovementsSuggested(
        improvements=tuple(cut.items),
        total=cut.total,
        estate=seen.customs.schemas,
        field_style=seen.customs.field_style,
        type_style=seen.customs.type_style,
        next="check_compatibility proves the edited text before register_schema." if rows else "Nothing to improve.",
        cursor=cut.cursor,
    )


def _question(request: SuggestImprovements, subject: Subject | None) -> Question:
    if request.schema_text is not None:
        new = schema_of(request.schema_text, request.schema_type, request.references)
        return Question(subject, new, new)
    if subject is None:
        raise InvalidRequestError("Nothing says which schema is meant", hint="Give a subject, or a schema_text.")
    return Question(subject, request.version, request.version)
