"""The protobuf wire format, as far as file descriptors use it: numbers, strings and messages inside messages."""

from collections import defaultdict
from collections.abc import Iterable

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_WIDTH = {_FIXED64: 8, _FIXED32: 4}
_MAX_VARINT_BYTES = 10
_MORE = 0x80
_LOW_BITS = 0x7F
_SIGN = 1 << 63
_WRAP = 1 << 64


class WireError(ValueError):
    """The bytes are not a protobuf message."""


class Record:
    """One message as it lies on the wire: for each field number the values in order."""

    def __init__(self, data: bytes) -> None:
        self._values: dict[int, list[int | bytes]] = defaultdict(list)
        at = 0
        while at < len(data):
            key, at = _varint(data, at)
            if not key >> 3:
                raise WireError("there is no field 0")
            value, at = _value(data, at, key & 7)
            self._values[key >> 3].append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._values

    def numbers(self, number: int) -> list[int]:
        """A repeated integer field, packed or not."""
        found: list[int] = []
        for value in self._values.get(number, ()):
            found += [_signed(value)] if isinstance(value, int) else _unpacked(value)
        return found

    def number(self, number: int, default: int = 0) -> int:
        """An integer field; the last value wins."""
        values = self.numbers(number)
        return values[-1] if values else default

    def texts(self, number: int) -> list[str]:
        """A repeated string field."""
        try:
            return [value.decode() for value in self._lengthed(number)]
        except UnicodeDecodeError as error:
            raise WireError("a string is not UTF-8") from error

    def text(self, number: int, default: str = "") -> str:
        """A string field; the last value wins."""
        values = self.texts(number)
        return values[-1] if values else default

    def records(self, number: int) -> list["Record"]:
        """A repeated message field."""
        return [Record(value) for value in self._lengthed(number)]

    def record(self, number: int) -> "Record":
        """A message field; an absent one is empty, and the parts of a repeated one are put together."""
        return Record(b"".join(self._lengthed(number)))

    def _lengthed(self, number: int) -> list[bytes]:
        values = self._values.get(number, [])
        found = [value for value in values if isinstance(value, bytes)]
        if len(found) != len(values):
            raise WireError(f"field {number} should hold bytes")
        return found


def _value(data: bytes, at: int, kind: int) -> tuple[int | bytes, int]:
    if kind == _VARINT:
        return _varint(data, at)
    if kind == _BYTES:
        length, at = _varint(data, at)
    elif kind in _FIXED_WIDTH:
        length = _FIXED_WIDTH[kind]
    else:
        raise WireError(f"unknown wire type {kind}")
    if at + length > len(data):
        raise WireError("the message ends in the middle of a field")
    return data[at : at + length], at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for position, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
        number |= (byte & _LOW_BITS) << (7 * position)
        if byte < _MORE:
            return number, at + position + 1
    raise WireError("the message ends in the middle of a number")


def _signed(number: int) -> int:
    return number - _WRAP if number >= _SIGN else number


def _unpacked(data: bytes) -> list[int]:
    found: list[int] = []
    at = 0
    while at < len(data):
        number, at = _varint(data, at)
        found.append(_signed(number))
    return found


def encoded_number(number: int, value: int) -> bytes:
    """An integer field."""
    return _encoded_varint(number << 3 | _VARINT) + _encoded_varint(value % _WRAP)


def encoded_bytes(number: int, value: str | bytes) -> bytes:
    """A string or message field."""
    data = value.encode() if isinstance(value, str) else value
    return _encoded_varint(number << 3 | _BYTES) + _encoded_varint(len(data)) + data


def encoded_all(number: int, values: Iterable[str | bytes]) -> bytes:
    """A repeated string or message field."""
    return b"".join(encoded_bytes(number, value) for value in values)


def _encoded_varint(value: int) -> bytes:
    data = bytearray()
    while value >= _MORE:
        data.append(value & _LOW_BITS | _MORE)
        value >>= 7
    data.append(value)
    return bytes(data)
