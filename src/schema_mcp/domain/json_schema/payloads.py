"""JSON data and JSON Schema, behind the one contract of payloads."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from schema_mcp.domain.json_schema.example import example
from schema_mcp.domain.json_schema.instance import Instance
from schema_mcp.domain.payloads import Fault, FaultError, json_text, read_json
from schema_mcp.domain.schema import Dependency


class JsonSchema(Protocol):
    """A document with the texts it refers to."""

    document: Any
    dependencies: tuple[Dependency, ...]


class JsonPayloads:
    """On the wire JSON data is JSON text."""

    def faults(self, parsed: JsonSchema, value: Any, message: str) -> list[Fault]:
        del message
        return Instance(parsed.document, parsed.dependencies).faults(value)

    def read(self, parsed: JsonSchema, data: bytes, message: str) -> Any:
        del parsed, message
        try:
            return read_json(data.decode())
        except UnicodeDecodeError:
            raise FaultError("the data is not UTF-8") from None

    def written(self, parsed: JsonSchema, value: Any, message: str) -> bytes:
        del parsed, message
        return json_text(value).encode("utf-8", "surrogatepass")

    def example(self, parsed: JsonSchema, seed: int, message: str) -> Any:
        del message
        return example(parsed.document, parsed.dependencies, seed)

    def message_at(self, parsed: JsonSchema, indexes: Sequence[int]) -> str:
        del parsed, indexes
        return ""

    def indexes_of(self, parsed: JsonSchema, message: str) -> tuple[int, ...]:
        del parsed, message
        return ()


JSON: Final = JsonPayloads()
