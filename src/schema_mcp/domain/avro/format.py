"""Avro as the engine asks for it."""

from collections.abc import Sequence
from typing import Final

from schema_mcp.domain.avro import advice, compatibility, describe, lint, mend, messages, silent
from schema_mcp.domain.avro.schema import AvroSchema, parsed
from schema_mcp.domain.formats import Change, Difference, Finding, Named, Rules
from schema_mcp.domain.schema import Dependency, SchemaType


class AvroFormat:
    """The Avro rules; every release and policy of Confluent decides alike here."""

    type = SchemaType.AVRO

    def parse(self, text: str, dependencies: Sequence[Dependency] = (), *, new: bool = False) -> AvroSchema:
        return parsed(text, dependencies, new=new)

    def normalized(self, parsed: AvroSchema) -> str:
        return parsed.normalized

    def resolved(self, parsed: AvroSchema) -> str:
        return parsed.resolved

    def equivalent(self, one: AvroSchema, other: AvroSchema) -> bool:
        """`one` is looked up, `other` is stored; only the stored one may be the one that uses references."""
        if one.dependencies and not other.dependencies:
            return False
        return one.canonical == other.canonical or one.comparable == other.comparable

    def differences(self, reader: AvroSchema, writer: AvroSchema, rules: Rules) -> list[Difference]:
        del rules
        return [messages.difference(found) for found in compatibility.clashes(reader.root, writer.root)]

    def mended(self, parsed: AvroSchema, other: AvroSchema, difference: Difference, *, reads: bool) -> str | None:
        return mend.mended(parsed, other, difference, reads=reads)

    def lint(self, parsed: AvroSchema, text: str) -> list[Finding]:
        del text
        return lint.findings(parsed)

    def advice(self, parsed: AvroSchema) -> list[Finding]:
        return advice.advice(parsed)

    def lint_change(self, new: AvroSchema, old: AvroSchema) -> list[Finding]:
        return silent.findings(new.root, old.root)

    def changes(self, old: AvroSchema, new: AvroSchema) -> list[Change]:
        return describe.changes(old.root, new.root)

    def names(self, parsed: AvroSchema) -> list[Named]:
        return describe.names(parsed.root)


AVRO: Final = AvroFormat()
