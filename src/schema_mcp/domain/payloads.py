"""Data against schemas, in the three languages: read, written, checked and made up, with the place of a fault.

The header is that of Confluent's serializers: a zero, four bytes of schema id and, for Protobuf, which message of the
file it is (zigzag numbers with their count before them; a lone zero is the first message).
"""

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any, Final, NoReturn, Protocol, cast

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.schema import SchemaType

LARGEST_PAYLOAD: Final = 5_000_000
"""Bytes or characters; a larger payload is refused before it is looked at."""

MAX_DEPTH: Final = 200
"""How deep a payload may nest."""

MAX_VALUES: Final = 500_000
"""How many values are looked at in one payload."""

_MAGIC: Final = 0
_HEADER: Final = struct.Struct(">bI")
_MORE: Final = 0x80
_LOW_BITS: Final = 0x7F
_MAX_INDEXES: Final = 100
_LARGEST_EXPONENT: Final = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where data and schema disagree; `path` is a JSON Pointer into the data."""

    path: str
    message: str


class FaultError(ValueError):
    """Data that is not of its schema. `way` leads from the root to the place."""

    def __init__(self, message: str, way: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.fault = Fault(pointer(way), message)


class Payloads(Protocol):
    """What one schema language knows about data. Faults are raised as `FaultError`, but for those of `faults`."""

    def faults(self, parsed: Any, value: Any, message: str) -> list[Fault]:
        """Where a JSON value is not of the schema."""
        ...

    def read(self, parsed: Any, data: bytes, message: str) -> Any:
        """The JSON value that bytes stand for."""
        ...

    def written(self, parsed: Any, value: Any, message: str) -> bytes:
        """The bytes of a JSON value."""
        ...

    def example(self, parsed: Any, seed: int, message: str) -> Any:
        """A JSON value of the schema, the same one for the same seed."""
        ...

    def message_at(self, parsed: Any, indexes: Sequence[int]) -> str:
        """The message that the indexes of a header mean."""
        ...

    def indexes_of(self, parsed: Any, message: str) -> tuple[int, ...]:
        """What a header says about a message; nothing where the language has one type for each schema."""
        ...


_LANGUAGES: Final = {
    SchemaType.AVRO: ("schema_mcp.domain.avro.payloads", "AVRO"),
    SchemaType.JSON: ("schema_mcp.domain.json_schema.payloads", "JSON"),
    SchemaType.PROTOBUF: ("schema_mcp.domain.protobuf.payloads", "PROTOBUF"),
}


def payloads_of(kind: SchemaType) -> Payloads:
    """What a language knows about data."""
    module, name = _LANGUAGES[kind]
    return cast("Payloads", getattr(import_module(module), name))


def pointer(way: Sequence[str | int]) -> str:
    """A JSON Pointer (RFC 6901); the root is empty."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in way)


@dataclass(frozen=True, slots=True)
class Framed:
    """Bytes with what their header said."""

    body: bytes
    schema_id: int
    indexes: tuple[int, ...] = ()


def unframed(data: bytes, kind: SchemaType) -> Framed:
    """Take the header off; raises `FaultError` where there is none."""
    if len(data) < _HEADER.size or data[0] != _MAGIC:
        raise FaultError("there is no header: it is a zero byte and four bytes of schema id")
    _, schema_id = _HEADER.unpack_from(data)
    if kind is not SchemaType.PROTOBUF:
        return Framed(data[_HEADER.size :], schema_id)
    count, at = _zigzag(data, _HEADER.size)
    if not 0 <= count <= _MAX_INDEXES:
        raise FaultError(f"the header names a message by {count} indexes")
    indexes: list[int] = []
    for _ in range(count):
        index, at = _zigzag(data, at)
        indexes.append(index)
    return Framed(data[at:], schema_id, tuple(indexes) or (0,))


def framed(body: bytes, schema_id: int, indexes: Sequence[int] = ()) -> bytes:
    """Put the header before the bytes of a payload."""
    said = b""
    if indexes:
        said = b"\0" if tuple(indexes) == (0,) else b"".join(map(_zigzagged, (len(indexes), *indexes)))
    return _HEADER.pack(_MAGIC, schema_id) + said + body


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for position in range(10):
        if at + position >= len(data):
            break
        byte = data[at + position]
        number |= (byte & _LOW_BITS) << (7 * position)
        if byte < _MORE:
            return (number >> 1) ^ -(number & 1), at + position + 1
    raise FaultError("the header ends in the middle of a number")


def _zigzagged(index: int) -> bytes:
    number, out = index << 1, bytearray()
    while number >= _MORE:
        out.append(number & _LOW_BITS | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_json(text: str) -> Any:
    """The one JSON value of a text; raises `FaultError`."""
    try:
        value = json.loads(text, parse_float=_decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError) as error:
        raise FaultError(f"not JSON: {error}") from None
    except RecursionError:
        raise FaultError(_TOO_DEEP) from None
    _check_depth(value)
    return value


_TOO_DEEP: Final = f"nested more than {MAX_DEPTH} levels deep"


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inner(one)]
        if not level:
            return
    raise FaultError(_TOO_DEEP)


def _inner(value: Any) -> list[Any]:
    members: Iterable[Any] = ()
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).values()
    elif isinstance(value, list):
        members = cast("list[Any]", value)
    return [one for one in members if isinstance(one, dict | list)]


def _decimal(digits: str) -> Decimal:
    number = Decimal(digits)
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(f"the exponent of {digits[:40]} is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def json_text(value: Any) -> str:
    """A JSON value as text."""
    return json.dumps(value, default=_number, ensure_ascii=False)


def _number(value: Any) -> Any:
    if not isinstance(value, Decimal):
        raise TypeError(type(value).__name__)
    if abs(value.adjusted()) > _LARGEST_EXPONENT:
        return str(value)
    return int(value) if value == value.to_integral_value() else float(value)


def shown(value: Any) -> str:
    """A value in a message, as much of it as helps."""
    text = json_text(value)
    return text if len(text) <= 60 else f"{text[:60]}…"  # noqa: PLR2004 - characters that fit a line


def refuse_large(size: int) -> None:
    """Raise `InvalidRequestError` for a payload beyond the bound."""
    if size > LARGEST_PAYLOAD:
        raise InvalidRequestError(
            f"The payload has {size:,} characters; {LARGEST_PAYLOAD:,} is the bound",
            hint="Check one record of it at a time.",
        )
