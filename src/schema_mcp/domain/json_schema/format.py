"""JSON Schema, as the engine asks for it."""

from collections.abc import Sequence

from schema_mcp.domain.formats import Change, Difference, Finding, Named, Rules
from schema_mcp.domain.json_schema import advice, compatibility, describe, lint, mend, silent
from schema_mcp.domain.json_schema.kinds import COMPATIBLE, sentence
from schema_mcp.domain.json_schema.schema import JsonSchema, parsed
from schema_mcp.domain.json_schema.steps import Found
from schema_mcp.domain.json_schema.text import write
from schema_mcp.domain.json_schema.words import plain
from schema_mcp.domain.schema import Dependency, SchemaType


class JsonSchemaFormat:
    """The one object behind `SchemaType.JSON`."""

    type = SchemaType.JSON

    def parse(self, text: str, dependencies: Sequence[Dependency] = (), *, new: bool = False) -> JsonSchema:
        """A document; a registry reads what it means only when it takes it as a new schema or compares it."""
        return parsed(text, dependencies, new=new)

    def normalized(self, parsed: JsonSchema) -> str:
        return write(parsed.document, sort=True)

    def resolved(self, parsed: JsonSchema) -> str:
        """References stay references."""
        return parsed.canonical

    def equivalent(self, one: JsonSchema, other: JsonSchema) -> bool:
        return one.canonical == other.canonical

    def differences(self, reader: JsonSchema, writer: JsonSchema, rules: Rules) -> list[Difference]:
        compatible = COMPATIBLE[rules.policy]
        outcome = compatibility.compare(writer.root, reader.root, rules)
        return [_difference(found, breaks=found.kind not in compatible) for found in outcome.found]

    def mended(self, parsed: JsonSchema, other: JsonSchema, difference: Difference, *, reads: bool) -> str | None:
        return mend.mended(parsed, other, difference, reads=reads)

    def lint(self, parsed: JsonSchema, text: str) -> list[Finding]:
        return lint.findings(parsed, text)

    def advice(self, parsed: JsonSchema) -> list[Finding]:
        return advice.advice(parsed)

    def lint_change(self, new: JsonSchema, old: JsonSchema) -> list[Finding]:
        return silent.findings(new, old)

    def changes(self, old: JsonSchema, new: JsonSchema) -> list[Change]:
        return describe.changes(old.root, new.root)

    def names(self, parsed: JsonSchema) -> list[Named]:
        return describe.names(parsed.root)


def _difference(found: Found, *, breaks: bool) -> Difference:
    path = "#/" if found.path == "#" else found.path
    words = plain(found.kind, path, breaks=breaks)
    return Difference(found.kind, path, breaks, sentence(found.kind, path), words)


JSON_SCHEMA = JsonSchemaFormat()
