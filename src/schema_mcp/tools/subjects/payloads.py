"""Payloads: hold one against a schema, make one up."""

from typing import Annotated, Literal

from pydantic import Field

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.naming import checked_subject, parse_context
from schema_mcp.domain.schema import SchemaType
from schema_mcp.services import payloads
from schema_mcp.services.judgement import Side
from schema_mcp.toolkit.paging import part
from schema_mcp.toolkit.tool import Effect, Shape, tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.shapes import SchemaReference, basis_of, schema_of

_MOST_FAULTS = 20
_LONGEST_MESSAGE = 500
_LONGEST_DATA = 4_000


class OneSchema(Shape):
    """Which schema is meant, and how the payload is written."""

    subject: str | None = None
    """Subject."""

    version: Annotated[int, Field(ge=1)] | Literal["latest"] = "latest"
    """Its version."""

    registry: str | None = None
    """If not the default."""

    source: Literal["registry", "store"] = "registry"
    """Where to read."""

    context: str | None = None
    """Context."""

    schema_text: str | None = None
    """A text instead of a subject."""

    schema_type: SchemaType = SchemaType.AVRO
    """Its language."""

    references: tuple[SchemaReference, ...] = ()
    """Schemas the text uses."""

    encoding: payloads.Encoding = "json"
    """How the payload is written."""

    header: bool = False
    """Base64 with serializers' header."""

    message: str = ""
    """Message, if not the first."""


class ValidateData(OneSchema):
    """What to hold against which schema; with a header the id in it may stand for the schema."""

    payload: str
    """JSON text, or base64."""


class FaultRow(Shape):
    """One place where payload and schema disagree."""

    path: str
    """JSON Pointer into the payload; empty for all of it."""

    message: str
    """What is wrong there."""


class DataVerdict(Shape):
    """Whether the payload is of the schema."""

    valid: bool
    """The answer."""

    faults: tuple[FaultRow, ...] = ()
    """What is wrong, at most 20 rows; Avro and Protobuf stop at the first."""

    data: str | None = None
    """What the bytes were read as, cut when long."""

    id: int | None = None
    """Id of the schema."""

    version: int | None = None
    """Version of the subject."""

    age: float | None = None
    """Seconds since the registry said so, when this is from memory."""

    stale: bool = False
    """From memory because the registry does not answer."""

    @property
    def exit_code(self) -> int:
        return 0 if self.valid else 4


@tool(scope=Scope.READ, effect=Effect.READS)
async def validate_data(workspace: Workspace, request: ValidateData) -> DataVerdict:
    """Check a payload (JSON or the bytes on the wire) against a schema, with the place of each fault."""
    payload = payloads.Payload(request.payload, _encoding(request), request.header, request.message)
    side = _side(workspace, request)
    schema = await payloads.known(side, _wanted(request, payloads.header_id(payload)))
    verdict = await payloads.judge(schema, payload)
    return DataVerdict(
        valid=not verdict.faults,
        faults=tuple(
            FaultRow(path=one.path[:_LONGEST_MESSAGE], message=one.message[:_LONGEST_MESSAGE])
            for one in verdict.faults[:_MOST_FAULTS]
        ),
        data=verdict.data[:_LONGEST_DATA] or None,
        id=verdict.schema_id or None,
        version=schema.whole.number or None,
        **basis_of(side.basis),
    )


class GenerateExample(OneSchema):
    """Which schema, and how the example is to be written."""

    seed: Annotated[int, Field(ge=0, le=2**31)] = 0
    """Another seed, another example."""

    cursor: str | None = None
    """Last part's."""


class ExampleMade(Shape):
    """A payload of the schema."""

    payload: str
    """JSON text or base64, or a part of it when `cursor` is set."""

    encoding: payloads.Encoding
    """How it is written."""

    id: int | None = None
    """Id of the schema."""

    version: int | None = None
    """Version of the subject."""

    age: float | None = None
    """Seconds since the registry said so, when this is from memory."""

    stale: bool = False
    """From memory because the registry does not answer."""

    characters: int | None = None
    """Length of the whole payload, when only a part is here."""

    cursor: str | None = None
    """Pass it to get the next part."""


@tool(scope=Scope.READ, effect=Effect.READS)
async def generate_example(workspace: Workspace, request: GenerateExample) -> ExampleMade:
    """Make up a payload that is valid for a schema, as JSON or as the bytes on the wire."""
    side = _side(workspace, request)
    schema = await payloads.known(side, _wanted(request, 0))
    encoding = _encoding(request)
    made = await payloads.example(schema, request.seed, encoding, with_header=request.header, message=request.message)
    query = f"example {request.model_dump_json(exclude={'cursor'})}"
    piece = part(made.text, cursor=request.cursor, query=query)
    return ExampleMade(
        payload=piece.text,
        encoding=encoding,
        id=schema.schema_id or None,
        version=schema.whole.number or None,
        **basis_of(side.basis),
        characters=piece.total if piece.is_part else None,
        cursor=piece.cursor,
    )


def _encoding(request: OneSchema) -> payloads.Encoding:
    """A header stands before bytes, and those are written as base64."""
    return "base64" if request.header else request.encoding


def _side(workspace: Workspace, request: OneSchema) -> Side:
    if request.source == "store":
        return Side("the store", workspace.store, None)
    registry = workspace.reading(request.registry)
    return Side(registry.name, workspace.store, registry)


def _wanted(request: OneSchema, schema_id: int) -> payloads.Wanted:
    text = request.schema_text
    return payloads.Wanted(
        subject=checked_subject(request.subject, request.context) if request.subject else None,
        context=parse_context(request.context or "default"),
        text=None if text is None else schema_of(text, request.schema_type, request.references),
        number=request.version,
        schema_id=schema_id,
    )
