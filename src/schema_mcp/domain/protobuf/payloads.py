"""Protobuf data as JSON and as bytes, behind the one contract of payloads."""

from collections.abc import Sequence
from typing import Any, Final

from schema_mcp.domain.payloads import Fault, FaultError
from schema_mcp.domain.protobuf.example import example
from schema_mcp.domain.protobuf.model import Message
from schema_mcp.domain.protobuf.reading import read
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.slots import Slots
from schema_mcp.domain.protobuf.types import join
from schema_mcp.domain.protobuf.writing import written


class ProtobufPayloads:
    """One file has many messages; the first is meant where none is named."""

    def faults(self, parsed: ProtobufSchema, value: Any, message: str) -> list[Fault]:
        try:
            self.written(parsed, value, message)
        except FaultError as error:
            return [error.fault]
        return []

    def read(self, parsed: ProtobufSchema, data: bytes, message: str) -> Any:
        slots = Slots(parsed.types)
        return read(slots, slots.own(message), data)

    def written(self, parsed: ProtobufSchema, value: Any, message: str) -> bytes:
        slots = Slots(parsed.types)
        return written(slots, slots.own(message), value)

    def example(self, parsed: ProtobufSchema, seed: int, message: str) -> Any:
        slots = Slots(parsed.types)
        return example(slots, slots.own(message), seed)

    def message_at(self, parsed: ProtobufSchema, indexes: Sequence[int]) -> str:
        messages, names = parsed.file.messages, list[str]()
        for index in indexes:
            if not 0 <= index < len(messages):
                raise FaultError(f"the header names message {list(indexes)}, and the file has none there")
            names.append(messages[index].name)
            messages = messages[index].messages
        return join(parsed.file.package or "", ".".join(names))

    def indexes_of(self, parsed: ProtobufSchema, message: str) -> tuple[int, ...]:
        package = parsed.file.package or ""
        name = Slots(parsed.types).own(message).name.removeprefix(f"{package}." if package else "")
        return _indexes(parsed.file.messages, name)


def _indexes(messages: Sequence[Message], name: str) -> tuple[int, ...]:
    head, _, rest = name.partition(".")
    index = [message.name for message in messages].index(head)
    return (index, *(_indexes(messages[index].messages, rest) if rest else ()))


PROTOBUF: Final = ProtobufPayloads()
