"""Bytes read as a message into its JSON form.

Sources: the protocol buffers documentation, "Encoding" and "ProtoJSON Format".
"""

import base64
import math
import struct
from typing import Any, Final

from schema_mcp.domain.payloads import MAX_DEPTH, MAX_VALUES, FaultError
from schema_mcp.domain.protobuf.model import Enum
from schema_mcp.domain.protobuf.slots import BYTES, END, FIXED32, FIXED64, START, VARINT, Shape, Slot, Slots
from schema_mcp.domain.protobuf.wellknown import ANY, has_own_json, json_of
from schema_mcp.domain.protobuf.writing import PACKED

_MORE: Final = 0x80
_LOW_BITS: Final = 0x7F
_LONGEST_NUMBER: Final = 10
_SIGN: Final = {32: 1 << 31, 64: 1 << 63}
_BITS: Final = {"int32": 32, "sint32": 32, "uint32": 32}
_WIDTH: Final = {FIXED32: 4, FIXED64: 8}
_WIRE_NAMES: Final = {VARINT: "a number", FIXED64: "8 bytes", BYTES: "a length", START: "a group", FIXED32: "4 bytes"}


def read(slots: Slots, shape: Shape, data: bytes) -> Any:
    """The message that the bytes hold; raises `FaultError` with the place of a fault.

    Fields that the schema does not know are passed over, as every reader does.
    """
    return _Reader(slots).message(shape, data)


class _Cursor:
    """Bytes, and how far they are read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def is_at_end(self) -> bool:
        return self.at >= len(self.data)

    def varint(self) -> int:
        number = 0
        for position in range(_LONGEST_NUMBER):
            byte = self.take(1)[0]
            number |= (byte & _LOW_BITS) << (7 * position)
            if byte < _MORE:
                return number & (1 << 64) - 1
        raise FaultError("a number is longer than ten bytes")

    def key(self) -> tuple[int, int]:
        """A field's number and how it lies on the wire."""
        key = self.varint()
        if not key >> 3:
            raise FaultError("there is no field 0")
        return key >> 3, key & 7

    def take(self, length: int) -> bytes:
        if length > len(self.data) - self.at:
            raise FaultError(f"the data ends here: {length} bytes are wanted, {len(self.data) - self.at} are left")
        self.at += length
        return self.data[self.at - length : self.at]

    def value(self, wire: int, number: int, depth: int = 0) -> bytes:
        """The raw bytes of one value, whatever it means."""
        start = self.at
        if wire == VARINT:
            self.varint()
        elif wire == BYTES:
            return self.take(self.varint())
        elif wire in _WIDTH:
            return self.take(_WIDTH[wire])
        elif wire == START and depth < MAX_DEPTH:
            return self._group(number, depth)
        else:
            raise FaultError(f"there is no wire type {wire}" if wire > FIXED32 else "a group ends that did not begin")
        return self.data[start : self.at]

    def _group(self, number: int, depth: int) -> bytes:
        start = self.at
        while True:
            end = self.at
            key = self.varint()
            if key & 7 == END:
                if key >> 3 != number:
                    raise FaultError("a group ends that did not begin")
                return self.data[start:end]
            self.value(key & 7, key >> 3, depth + 1)


class _Reader:
    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._way: list[str | int] = []
        self._left = MAX_VALUES

    def message(self, shape: Shape, data: bytes) -> Any:
        if len(self._way) > MAX_DEPTH // 2:
            raise self._fault(f"nested more than {MAX_DEPTH // 2} levels deep")
        fields = self._fields(shape, data)
        try:
            return json_of(shape.name, fields) if has_own_json(shape.name) else self._opened(shape, fields)
        except FaultError as error:
            raise self._fault(str(error)) from None

    def _opened(self, shape: Shape, fields: dict[str, Any]) -> Any:
        """An Any whose message is in sight shows it."""
        url = fields.get("typeUrl", "")
        inner = self._slots.named(url.rpartition("/")[2]) if shape.name == ANY else None
        if inner is None or inner.body is None:
            return fields
        value = self.message(inner, base64.b64decode(fields.get("value", "")))
        return {"@type": url, "value": value} if has_own_json(inner.name) else {"@type": url, **value}

    def _fields(self, shape: Shape, data: bytes) -> dict[str, Any]:
        found: dict[int, list[bytes]] = {}
        slots = self._slots.of(shape)
        cursor = _Cursor(data)
        while not cursor.is_at_end:
            number, part = self._next(cursor, slots)
            if number in slots:
                self._clear_oneof(slots, slots[number], found)
                found.setdefault(number, []).extend(part)
        for slot in slots.values():
            if slot.required and slot.number not in found:
                self._way.append(slot.json_name)
                raise self._fault("the field is required and missing")
        return {slots[number].json_name: self._named(slots[number], parts) for number, parts in found.items()}

    def _next(self, cursor: _Cursor, slots: dict[int, Slot]) -> tuple[int, list[bytes]]:
        """The next field's number, and the raw bytes of its values."""
        self._left -= 1
        if self._left < 0:
            raise self._fault(f"more than {MAX_VALUES:,} values")
        try:
            number, wire = cursor.key()
            raw = cursor.value(wire, number)
        except FaultError as error:
            raise self._fault(str(error)) from None
        slot = slots.get(number)
        if slot is None or wire == slot.wire:
            return number, [raw]
        if wire == BYTES and slot.is_packable:
            return number, self._unpacked(slot, raw)
        self._way.append(slot.json_name)
        raise self._fault(f"field {number} comes as {_WIRE_NAMES.get(wire, wire)}, and the schema says {_kind(slot)}")

    def _unpacked(self, slot: Slot, raw: bytes) -> list[bytes]:
        cursor, parts = _Cursor(raw), list[bytes]()
        while not cursor.is_at_end:
            self._left -= 1
            try:
                parts.append(cursor.value(slot.wire, slot.number))
            except FaultError as error:
                self._way.append(slot.json_name)
                raise self._fault(str(error)) from None
        return parts

    def _clear_oneof(self, slots: dict[int, Slot], slot: Slot, found: dict[int, list[bytes]]) -> None:
        """The last field of a oneof wins."""
        if slot.oneof:
            for other in [number for number in found if slots[number].oneof == slot.oneof and number != slot.number]:
                del found[other]

    def _named(self, slot: Slot, parts: list[bytes]) -> Any:
        self._way.append(slot.json_name)
        value = self._value(slot, parts)
        self._way.pop()
        return value

    def _value(self, slot: Slot, parts: list[bytes]) -> Any:
        if slot.entry:
            return dict(self._entry(slot.entry, part) for part in parts)
        if not slot.repeated:
            # The parts of a message are put together, of everything else the last one wins.
            return self._single(slot, b"".join(parts) if slot.message else parts[-1])
        values: list[Any] = []
        for index, part in enumerate(parts):
            self._way.append(index)
            values.append(self._single(slot, part))
            self._way.pop()
        return values

    def _entry(self, entry: tuple[Slot, Slot], data: bytes) -> tuple[str, Any]:
        key, value = entry
        found: dict[int, list[bytes]] = {}
        cursor = _Cursor(data)
        while not cursor.is_at_end:
            number, part = self._next(cursor, {1: key, 2: value})
            found.setdefault(number, []).extend(part)
        name = self._single(key, found.get(1, [_zero(key)])[-1])
        text = str(name).lower() if isinstance(name, bool) else str(name)
        self._way.append(text)
        inner = self._single(value, b"".join(found.get(2, [])) if value.message else found.get(2, [_zero(value)])[-1])
        self._way.pop()
        return text, inner

    def _single(self, slot: Slot, raw: bytes) -> Any:
        if slot.message:
            return self.message(slot.message, raw)
        if slot.enum:
            return _constant(slot.enum, _signed(_Cursor(raw).varint(), 64))
        return self._scalar(slot.scalar, raw)

    def _scalar(self, kind: str, raw: bytes) -> Any:
        match kind:
            case "bool":
                return bool(_Cursor(raw).varint())
            case "string":
                return self._text(raw)
            case "bytes":
                return base64.b64encode(raw).decode()
            case "float" | "double":
                return _finite(struct.unpack(PACKED[kind], raw)[0])
            case _:
                return _integer(kind, raw)

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self._fault("the text is not UTF-8") from None

    def _fault(self, message: str) -> FaultError:
        return FaultError(message, self._way)


def _integer(kind: str, raw: bytes) -> int | str:
    if kind in PACKED:
        number = struct.unpack(PACKED[kind], raw)[0]
    else:
        found, bits = _Cursor(raw).varint(), _BITS.get(kind, 64)
        found &= (1 << bits) - 1
        number = found if kind.startswith("u") else _unzigzag(found) if kind.startswith("s") else _signed(found, bits)
    return str(number) if kind.endswith("64") else number


def _constant(enum: Enum, number: int) -> str | int:
    return next((one.name for one in enum.constants if one.tag == number), number)


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >= _SIGN[bits] else number


def _unzigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


def _zero(slot: Slot) -> bytes:
    return b"" if slot.wire == BYTES else b"\0" * _WIDTH.get(slot.wire, 1)


def _finite(number: float) -> float | str:
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _kind(slot: Slot) -> str:
    return (
        "a map" if slot.entry else slot.message.name if slot.message else slot.enum.name if slot.enum else slot.scalar
    )
