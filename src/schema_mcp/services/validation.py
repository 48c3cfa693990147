"""Is a text a schema, and what would a registry make of it? Offline, but for the schemas it references."""

from dataclasses import dataclass

from anyio import to_thread

from schema_mcp.domain.engine import Whole, canonical, format_of, parse
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError, SchemaMcpError
from schema_mcp.domain.formats import Finding
from schema_mcp.domain.identity import guid_of, schema_hash
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.services.judgement import Side


@dataclass(frozen=True, slots=True)
class Valid:
    """What a registry would make of a schema, and what lint says of it."""

    canonical: Schema
    normalized: Schema
    guid: str
    schema_hash: str
    findings: list[Finding]


async def examine(schema: Schema, subject: Subject, side: Side) -> Valid | SchemaMcpError:
    """The schema as a registry would keep it, or the reason why none would.

    Raises `RegistryError` where a referenced schema has to be asked for and the registry does not answer.
    """
    try:
        complete = await side.whole(schema, subject)
        return await to_thread.run_sync(_examined, complete)
    except (InvalidSchemaError, InvalidRequestError) as error:
        return error


def _examined(whole: Whole) -> Valid:
    kept = canonical(whole, new=True)
    return Valid(
        canonical=kept,
        normalized=canonical(whole, normalize=True, new=True),
        guid=guid_of(kept),
        schema_hash=schema_hash(kept),
        findings=format_of(kept.type).lint(parse(whole, new=True), whole.schema.text),
    )
