"""Avro data as JSON and as bytes, behind the one contract of payloads."""

from collections.abc import Sequence
from typing import Any, Final

from schema_mcp.domain.avro.example import example
from schema_mcp.domain.avro.reading import read
from schema_mcp.domain.avro.schema import AvroSchema
from schema_mcp.domain.avro.writing import written
from schema_mcp.domain.payloads import Fault, FaultError


class AvroPayloads:
    """The JSON form is that of the Avro specification, "JSON Encoding"; a union's value may leave its branch out."""

    def faults(self, parsed: AvroSchema, value: Any, message: str) -> list[Fault]:
        try:
            self.written(parsed, value, message)
        except FaultError as error:
            return [error.fault]
        return []

    def read(self, parsed: AvroSchema, data: bytes, message: str) -> Any:
        del message
        return read(parsed.root, data)

    def written(self, parsed: AvroSchema, value: Any, message: str) -> bytes:
        del message
        return written(parsed.root, value)

    def example(self, parsed: AvroSchema, seed: int, message: str) -> Any:
        del message
        return example(parsed.root, seed)

    def message_at(self, parsed: AvroSchema, indexes: Sequence[int]) -> str:
        del parsed, indexes
        return ""

    def indexes_of(self, parsed: AvroSchema, message: str) -> tuple[int, ...]:
        del parsed, message
        return ()


AVRO: Final = AvroPayloads()
