"""Data in its JSON form, held against a message and written as bytes.

Sources: the protocol buffers documentation, "Encoding" and "ProtoJSON Format".
"""

import base64
import binascii
import struct
from decimal import Decimal
from typing import Any, Final, TypeGuard, cast

from schema_mcp.domain.payloads import MAX_DEPTH, MAX_VALUES, FaultError, shown
from schema_mcp.domain.protobuf.model import Enum
from schema_mcp.domain.protobuf.slots import BYTES, END, Shape, Slot, Slots
from schema_mcp.domain.protobuf.wellknown import ANY, NULL, VALUE, fields_of, has_own_json

NOT_FINITE: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
"""Numbers that JSON has none for."""

SIGNED: Final = {"int32": 31, "int64": 63, "sint32": 31, "sint64": 63, "sfixed32": 31, "sfixed64": 63}
UNSIGNED: Final = {"uint32": 32, "uint64": 64, "fixed32": 32, "fixed64": 64}
PACKED: Final = {
    "double": "<d",
    "float": "<f",
    "fixed32": "<I",
    "fixed64": "<Q",
    "sfixed32": "<i",
    "sfixed64": "<q",
}
"""How numbers of a fixed width lie in memory."""

_WRAP: Final = 1 << 64
_MORE: Final = 0x80
_LOW_BITS: Final = 0x7F
_ENUM_BITS: Final = 31
_LARGEST_FLOAT: Final = 3.4028235677973366e38  # what is larger rounds to infinity


def written(slots: Slots, shape: Shape, value: Any) -> bytes:
    """The bytes of a message; raises `FaultError` with the place where the value is not of it."""
    return _Writer(slots).message(shape, value)


class _Writer:
    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._way: list[str | int] = []
        self._left = MAX_VALUES

    def message(self, shape: Shape, value: Any) -> bytes:
        self._left -= 1
        if self._left < 0 or len(self._way) > MAX_DEPTH // 2:
            raise self._fault("too many values, or nested too deep")
        if shape.body is None:
            raise self._fault(f"what {shape.name} holds is not known here")
        if has_own_json(shape.name):
            return self._fields(shape, self._translated(shape.name, value), is_own=True)
        if not _is_object(value):
            raise self._fault(f"expected an object for {shape.name}, found {shown(value)}")
        return self._any(shape, value) if shape.name == ANY else self._fields(shape, value)

    def _translated(self, name: str, value: Any) -> dict[str, Any]:
        try:
            return fields_of(name, value)
        except FaultError as error:
            raise self._fault(str(error)) from None

    def _any(self, shape: Shape, value: dict[str, Any]) -> bytes:
        url = value.get("@type")
        inner = self._slots.named(url.rpartition("/")[2]) if isinstance(url, str) else None
        if inner is None:
            raise self._fault("an Any names its message in `@type`, and that message has to be in sight")
        rest = {name: member for name, member in value.items() if name != "@type"}
        if has_own_json(inner.name):
            rest = rest.get("value")
        body = base64.b64encode(self.message(inner, rest)).decode()
        return self._fields(shape, {"typeUrl": url, "value": body})

    def _fields(self, shape: Shape, value: dict[str, Any], *, is_own: bool = False) -> bytes:
        """`is_own` says that the names are not in the data but ours, so they stay out of the way to a fault."""
        given = self._given(shape, value)
        out = bytearray()
        for slot in self._slots.of(shape).values():
            if slot.number in given:
                name, member = given[slot.number]
                steps = [] if is_own else [name]
                self._way += steps
                out += self._field(slot, member)
                del self._way[len(self._way) - len(steps) :]
            elif slot.required:
                self._way.append(slot.json_name)
                raise self._fault("the field is required and missing")
        return bytes(out)

    def _given(self, shape: Shape, value: dict[str, Any]) -> dict[int, tuple[str, Any]]:
        """What is set, by field number; a field goes by its JSON name or its own."""
        by_name = {name: slot for slot in self._slots.of(shape).values() for name in (slot.name, slot.json_name)}
        given: dict[int, tuple[str, Any]] = {}
        taken: dict[str, str] = {}
        for name, member in value.items():
            slot = by_name.get(name)
            if slot is None:
                self._way.append(name)
                raise self._fault(f"{shape.name} has no such field")
            if member is None and not _takes_null(slot):
                continue
            if slot.number in given or (slot.oneof and taken.setdefault(slot.oneof, name) != name):
                self._way.append(name)
                what = f"of the oneof {slot.oneof} only one may be set" if slot.oneof else "the field is there twice"
                raise self._fault(what)
            given[slot.number] = (name, member)
        return given

    def _field(self, slot: Slot, value: Any) -> bytes:
        if slot.entry:
            return self._entries(slot, slot.entry, value)
        if not slot.repeated:
            return _key(slot, slot.wire) + self._single(slot, value)
        if not isinstance(value, list):
            raise self._fault(f"expected an array, found {shown(value)}")
        parts = [self._inside(index, slot, item) for index, item in enumerate(cast("list[Any]", value))]
        if slot.is_packable and self._slots.is_proto3:
            return _key(slot, BYTES) + _lengthed(b"".join(parts)) if parts else b""
        return b"".join(_key(slot, slot.wire) + part for part in parts)

    def _entries(self, slot: Slot, entry: tuple[Slot, Slot], value: Any) -> bytes:
        if not _is_object(value):
            raise self._fault(f"expected an object for a map, found {shown(value)}")
        key_slot, value_slot = entry
        out = b""
        for name, member in value.items():
            self._way.append(name)
            key = _key(key_slot, key_slot.wire) + self._single(key_slot, _map_key(key_slot.scalar, name))
            inner = _key(value_slot, value_slot.wire) + self._single(value_slot, member)
            self._way.pop()
            out += _key(slot, BYTES) + _lengthed(key + inner)
        return out

    def _inside(self, step: str | int, slot: Slot, value: Any) -> bytes:
        self._way.append(step)
        found = self._single(slot, value)
        self._way.pop()
        return found

    def _single(self, slot: Slot, value: Any) -> bytes:
        if slot.message:
            body = self.message(slot.message, value)
            return body + varint(slot.number << 3 | END) if slot.is_group else _lengthed(body)
        if slot.enum:
            return varint(self._constant(slot.enum, value) % _WRAP)
        return self._scalar(slot.scalar, value)

    def _constant(self, enum: Enum, value: Any) -> int:
        if isinstance(value, str):
            found = next((one.tag for one in enum.constants if one.name == value), None)
            if found is None:
                raise self._fault(f"{shown(value)} is no constant of {enum.name}")
            return found
        if enum.name == NULL.rpartition(".")[2] and value is None:
            return 0
        return self._whole(value, -(2**_ENUM_BITS), 2**_ENUM_BITS, f"a constant of {enum.name}")

    def _scalar(self, kind: str, value: Any) -> bytes:
        match kind:
            case "bool":
                if not isinstance(value, bool):
                    raise self._fault(f"expected bool, found {shown(value)}")
                return varint(int(value))
            case "string":
                return _lengthed(self._text(value))
            case "bytes":
                return _lengthed(self._bytes(value))
            case "float" | "double":
                return struct.pack(PACKED[kind], self._float(kind, value))
            case _:
                return self._integer(kind, value)

    def _integer(self, kind: str, value: Any) -> bytes:
        low, high = (-(2 ** SIGNED[kind]), 2 ** SIGNED[kind]) if kind in SIGNED else (0, 2 ** UNSIGNED[kind])
        number = self._whole(value, low, high, kind)
        if kind in PACKED:
            return struct.pack(PACKED[kind], number)
        return varint(_zigzag(number) if kind.startswith("sint") else number % _WRAP)

    def _whole(self, value: Any, low: int, high: int, kind: str) -> int:
        number = _int_of(value)
        if number is None:
            raise self._fault(f"expected {kind}, found {shown(value)}")
        if not low <= number < high:
            raise self._fault(f"{shown(value)} does not fit into {kind}")
        return number

    def _float(self, kind: str, value: Any) -> float:
        number = _float_of(value)
        if number is None:
            raise self._fault(f"expected {kind}, found {shown(value)}")
        if kind == "float" and value not in NOT_FINITE and abs(number) >= _LARGEST_FLOAT:
            raise self._fault(f"{shown(value)} does not fit into float")
        return number

    def _text(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise self._fault(f"expected string, found {shown(value)}")
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise self._fault("the text holds half of a surrogate pair") from None

    def _bytes(self, value: Any) -> bytes:
        try:
            if isinstance(value, str):
                plain = value.replace("-", "+").replace("_", "/").rstrip("=")
                return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except (binascii.Error, ValueError):
            pass
        raise self._fault(f"expected bytes in base64, found {shown(value)}")

    def _fault(self, message: str) -> FaultError:
        return FaultError(message, self._way)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _takes_null(slot: Slot) -> bool:
    is_value = slot.message is not None and slot.message.name == VALUE
    return not slot.repeated and (is_value or (slot.enum is not None and slot.name == "null_value"))


def _map_key(kind: str, name: str) -> Any:
    return {"true": True, "false": False}.get(name, name) if kind == "bool" else name


def _int_of(value: Any) -> int | None:
    try:
        number = Decimal(value) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
    except ArithmeticError:
        return None
    if number is None or not number.is_finite() or abs(number) >= _WRAP or number != number.to_integral_value():
        return None
    return int(number)


def _float_of(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) != float("inf") and number == number else None  # noqa: PLR0124 - NaN differs from itself


def _key(slot: Slot, wire: int) -> bytes:
    return varint(slot.number << 3 | wire)


def _lengthed(data: bytes) -> bytes:
    return varint(len(data)) + data


def _zigzag(number: int) -> int:
    return (number << 1) ^ (number >> 63)


def varint(number: int) -> bytes:
    """A number from 0 on, seven bits to the byte."""
    out = bytearray()
    while number >= _MORE:
        out.append(number & _LOW_BITS | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)
