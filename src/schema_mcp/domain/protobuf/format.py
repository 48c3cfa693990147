"""Protobuf behind the one contract of schema languages."""

from collections.abc import Sequence

from schema_mcp.domain.formats import Change, Difference, Finding, Named, Rules
from schema_mcp.domain.protobuf.advice import advice
from schema_mcp.domain.protobuf.compatibility import Comparison
from schema_mcp.domain.protobuf.describe import changes, names
from schema_mcp.domain.protobuf.encoder import encoded_text
from schema_mcp.domain.protobuf.lint import lint
from schema_mcp.domain.protobuf.lint_change import lint_change
from schema_mcp.domain.protobuf.mend import mended
from schema_mcp.domain.protobuf.schema import ProtobufSchema, read_schema
from schema_mcp.domain.protobuf.validity import require_valid
from schema_mcp.domain.schema import Dependency, SchemaType


class ProtobufFormat:
    """Protobuf as Confluent's registry reads it (Square Wire's parser, Confluent's rules)."""

    type = SchemaType.PROTOBUF

    def parse(self, text: str, dependencies: Sequence[Dependency] = (), *, new: bool = False) -> ProtobufSchema:
        schema = read_schema(text, dependencies)
        if new:
            require_valid(schema.file, schema.types)
        return schema

    def normalized(self, parsed: ProtobufSchema) -> str:
        return parsed.normalized

    def resolved(self, parsed: ProtobufSchema) -> str:
        return parsed.canonical

    def equivalent(self, one: ProtobufSchema, other: ProtobufSchema) -> bool:
        return one.canonical == other.canonical

    def serialized(self, parsed: ProtobufSchema) -> str:
        """The schema as a base64 file descriptor (`format=serialized`)."""
        return encoded_text(parsed.file, parsed.types)

    def differences(self, reader: ProtobufSchema, writer: ProtobufSchema, rules: Rules) -> list[Difference]:
        return Comparison(reader.types, writer.types, rules.semantics).differences()

    def mended(
        self, parsed: ProtobufSchema, other: ProtobufSchema, difference: Difference, *, reads: bool
    ) -> str | None:
        return mended(parsed, other, difference, reads=reads)

    def lint(self, parsed: ProtobufSchema, text: str) -> list[Finding]:
        return lint(parsed, text)

    def advice(self, parsed: ProtobufSchema) -> list[Finding]:
        return advice(parsed)

    def lint_change(self, new: ProtobufSchema, old: ProtobufSchema) -> list[Finding]:
        return lint_change(new, old)

    def changes(self, old: ProtobufSchema, new: ProtobufSchema) -> list[Change]:
        return changes(old, new)

    def names(self, parsed: ProtobufSchema) -> list[Named]:
        return names(parsed)


PROTOBUF = ProtobufFormat()
