"""Data in its JSON form, held against an Avro schema and written as bytes.

Sources: Avro 1.12, "Binary Encoding" and "JSON Encoding".
"""

import struct
from decimal import Decimal
from typing import Any, Final

from schema_mcp.domain.avro.document import is_list, is_object
from schema_mcp.domain.avro.model import Array, Enum, Fixed, Kind, Map, Record, Type, Union, branch_name
from schema_mcp.domain.payloads import MAX_VALUES, FaultError, shown

NOT_FINITE: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
"""Numbers that JSON has none for, as Java writes them."""

_BITS: Final = {Kind.INT: 31, Kind.LONG: 63}
_MORE: Final = 0x80
_LOW_BITS: Final = 0x7F
_LARGEST_FLOAT: Final = 3.4028235677973366e38  # what is larger rounds to infinity


def written(root: Type, value: Any) -> bytes:
    """The bytes of a value; raises `FaultError` with the place where it is not of the type."""
    writer = _Writer()
    writer.write(root, value)
    return bytes(writer.out)


class _Writer:
    def __init__(self) -> None:
        self.out = bytearray()
        self._way: list[str | int] = []
        self._left = MAX_VALUES

    def write(self, type_: Type, value: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise self._fault(f"more than {MAX_VALUES:,} values to look at")
        match type_:
            case Record():
                self._record(type_, value)
            case Array():
                self._array(type_, value)
            case Map():
                self._map(type_, value)
            case Union():
                self._union(type_, value)
            case Enum():
                if value not in type_.symbols:
                    raise self._fault(f"{shown(value)} is no symbol of {type_.full_name}")
                self._number(type_.symbols.index(value))
            case Fixed():
                self._fixed(type_, value)
            case _:
                self._plain(type_.kind, value)

    def _inside(self, step: str | int, type_: Type, value: Any) -> None:
        self._way.append(step)
        self.write(type_, value)
        self._way.pop()

    def _record(self, record: Record, value: Any) -> None:
        if not is_object(value):
            raise self._expected(f"an object for the record {record.full_name}", value)
        for field in record.fields:
            if field.name not in value:
                default = "; its default is for readers, a writer sends every field" if field.has_default else ""
                self._way.append(field.name)
                raise self._fault(f"the field is missing{default}")
            self._inside(field.name, field.type, value[field.name])
        for name in value:
            if name not in record.by_name:
                self._way.append(name)
                raise self._fault(f"{record.full_name} has no such field")

    def _array(self, array: Array, value: Any) -> None:
        if not is_list(value):
            raise self._expected("an array", value)
        if value:
            self._number(len(value))
        for index, item in enumerate(value):
            self._inside(index, array.items, item)
        self._number(0)

    def _map(self, map_: Map, value: Any) -> None:
        if not is_object(value):
            raise self._expected("an object for a map", value)
        if value:
            self._number(len(value))
        for name, member in value.items():
            self._text(name)
            self._inside(name, map_.values, member)
        self._number(0)

    def _union(self, union: Union, value: Any) -> None:
        """The branch that the value names, else the first one that takes it as it is."""
        if is_object(value) and len(value) == 1:
            name, inner = next(iter(value.items()))
            for index, branch in enumerate(union.branches):
                if branch_name(branch) == name and not _has_field(union, name):
                    self._number(index)
                    self._inside(name, branch, inner)
                    return
        fitting = [branch for branch in union.branches if _may_be(branch, value)]
        if len(fitting) == 1:
            self._number(union.branches.index(fitting[0]))
            self.write(fitting[0], value)
            return
        for branch in fitting:
            if self._tried(union.branches.index(branch), branch, value):
                return
        names = ", ".join(branch_name(branch) for branch in union.branches[:20])
        raise self._fault(f"{shown(value)} is none of: {names}; a branch is named as in {_tagged(union)}")

    def _tried(self, index: int, branch: Type, value: Any) -> bool:
        length, depth = len(self.out), len(self._way)
        try:
            self._number(index)
            self.write(branch, value)
        except FaultError:
            del self.out[length:], self._way[depth:]
            return False
        return True

    def _fixed(self, fixed: Fixed, value: Any) -> None:
        data = self._bytes(value)
        if len(data) != fixed.size:
            raise self._fault(f"{fixed.full_name} takes {fixed.size} bytes, not {len(data)}")
        self.out += data

    def _plain(self, kind: Kind, value: Any) -> None:
        match kind:
            case Kind.NULL if value is None:
                return
            case Kind.BOOLEAN if isinstance(value, bool):
                self.out.append(value)
            case Kind.INT | Kind.LONG if _whole(value) is not None:
                self._integer(kind, int(value))
            case Kind.FLOAT | Kind.DOUBLE if _number_of(value) is not None:
                self._float(kind, value)
            case Kind.STRING if isinstance(value, str):
                self._text(value)
            case Kind.BYTES:
                data = self._bytes(value)
                self._number(len(data))
                self.out += data
            case _:
                raise self._expected(kind.value, value)

    def _integer(self, kind: Kind, value: int) -> None:
        bound = 2 ** _BITS[kind]
        if not -bound <= value < bound:
            raise self._fault(f"{shown(value)} does not fit into {kind}")
        self._number(value)

    def _float(self, kind: Kind, value: Any) -> None:
        number = _number_of(value)
        if kind is Kind.FLOAT:
            if number is None or (value not in NOT_FINITE and abs(number) >= _LARGEST_FLOAT):
                raise self._fault(f"{shown(value)} does not fit into float")
            self.out += struct.pack("<f", number)
        else:
            self.out += struct.pack("<d", number)

    def _bytes(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise self._expected("bytes as a string, one character for each", value)
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError:
            raise self._fault("bytes are written with the characters \\u0000 to \\u00ff") from None

    def _text(self, value: str) -> None:
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise self._fault("the text holds half of a surrogate pair") from None
        self._number(len(data))
        self.out += data

    def _number(self, value: int) -> None:
        left = (value << 1) ^ (value >> 63)
        while left >= _MORE:
            self.out.append(left & _LOW_BITS | _MORE)
            left >>= 7
        self.out.append(left)

    def _expected(self, what: str, value: Any) -> FaultError:
        return self._fault(f"expected {what}, found {shown(value)}")

    def _fault(self, message: str) -> FaultError:
        return FaultError(message, self._way)


def _whole(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, Decimal) and abs(value) < 2**64 and value == int(value) else None


def _number_of(value: Any) -> float | None:
    if isinstance(value, str):
        return NOT_FINITE.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _may_be(branch: Type, value: Any) -> bool:  # noqa: PLR0911 - a table of kinds
    """Could the value be of the branch, as far as one look tells?"""
    match branch.kind:
        case Kind.RECORD | Kind.MAP:
            return is_object(value)
        case Kind.ARRAY:
            return is_list(value)
        case Kind.NULL:
            return value is None
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.STRING | Kind.BYTES | Kind.ENUM | Kind.FIXED:
            return isinstance(value, str)
        case Kind.INT | Kind.LONG:
            return _whole(value) is not None
        case _:
            return _number_of(value) is not None


def _has_field(union: Union, name: str) -> bool:
    """Is the name that of a branch and of a record's only field? Then the bare value is meant."""
    return any(isinstance(one, Record) and len(one.fields) == 1 and name in one.by_name for one in union.branches)


def _tagged(union: Union) -> str:
    names = [branch_name(branch) for branch in union.branches if branch.kind is not Kind.NULL]
    return f'{{"{names[0]}": …}}' if names else "null"
