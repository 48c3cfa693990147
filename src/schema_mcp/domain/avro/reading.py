"""Bytes read as Avro data into its JSON form, never more of it than the bytes can hold.

Sources: Avro 1.12, "Binary Encoding" and "JSON Encoding".
"""

import math
import struct
from typing import Any, Final

from schema_mcp.domain.avro.model import Array, Enum, Fixed, Kind, Map, Record, Type, Union, branch_name
from schema_mcp.domain.payloads import MAX_DEPTH, MAX_VALUES, FaultError

_MORE: Final = 0x80
_LOW_BITS: Final = 0x7F
_LONGEST_NUMBER: Final = 10
_MAX_DEPTH: Final = MAX_DEPTH // 2  # the JSON form of a branch is one level more
_BITS: Final = {Kind.INT: 31, Kind.LONG: 63}


def read(root: Type, data: bytes) -> Any:
    """The value that the bytes hold, all of them; raises `FaultError` with the place of a fault."""
    reader = _Reader(data)
    value = reader.value(root)
    if reader.at < len(data):
        raise FaultError(f"{len(data) - reader.at} bytes are left over after the value")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._way: list[str | int] = []
        self._left = MAX_VALUES

    def value(self, type_: Type) -> Any:  # noqa: PLR0911 - a table of kinds
        self._left -= 1
        if self._left < 0:
            raise self._fault(f"more than {MAX_VALUES:,} values")
        if len(self._way) > _MAX_DEPTH:
            raise self._fault(f"nested more than {_MAX_DEPTH} levels deep")
        match type_:
            case Record():
                return {field.name: self._inside(field.name, field.type) for field in type_.fields}
            case Array():
                return [self._inside(index, type_.items) for index in self._blocks()]
            case Map():
                return dict(self._member(type_) for _ in self._blocks())
            case Union():
                return self._branch(type_)
            case Enum():
                return self._symbol(type_)
            case Fixed():
                return self._bytes(type_.size).decode("latin-1")
            case _:
                return self._plain(type_.kind)

    def _inside(self, step: str | int, type_: Type) -> Any:
        self._way.append(step)
        value = self.value(type_)
        self._way.pop()
        return value

    def _blocks(self) -> Any:
        """Indexes of the items of an array or map, block by block."""
        index = 0
        while count := self._number():
            if count < 0:
                count = -count
                self._number()  # the block's size in bytes, for those who want to skip it
            for _ in range(count):
                yield index
                index += 1

    def _member(self, map_: Map) -> tuple[str, Any]:
        name = self._text()
        return name, self._inside(name, map_.values)

    def _branch(self, union: Union) -> Any:
        index = self._number()
        if not 0 <= index < len(union.branches):
            raise self._fault(f"the union has {len(union.branches)} branches, and the data names number {index}")
        branch = union.branches[index]
        value = self.value(branch)
        return None if branch.kind is Kind.NULL else {branch_name(branch): value}

    def _symbol(self, enum: Enum) -> str:
        index = self._number()
        if not 0 <= index < len(enum.symbols):
            raise self._fault(f"{enum.full_name} has {len(enum.symbols)} symbols, and the data names number {index}")
        return enum.symbols[index]

    def _plain(self, kind: Kind) -> Any:  # noqa: PLR0911 - a table of kinds
        match kind:
            case Kind.NULL:
                return None
            case Kind.BOOLEAN:
                return self._boolean()
            case Kind.INT | Kind.LONG:
                return self._integer(kind)
            case Kind.FLOAT:
                return _finite(struct.unpack("<f", self._bytes(4))[0])
            case Kind.DOUBLE:
                return _finite(struct.unpack("<d", self._bytes(8))[0])
            case Kind.BYTES:
                return self._bytes(self._number()).decode("latin-1")
            case _:
                return self._text()

    def _boolean(self) -> bool:
        found = self._bytes(1)[0]
        if found > 1:
            raise self._fault(f"a boolean is 0 or 1, not {found}")
        return bool(found)

    def _integer(self, kind: Kind) -> int:
        value = self._number()
        if not -(2 ** _BITS[kind]) <= value < 2 ** _BITS[kind]:
            raise self._fault(f"{value} does not fit into {kind}")
        return value

    def _text(self) -> str:
        try:
            return self._bytes(self._number()).decode()
        except UnicodeDecodeError:
            raise self._fault("the text is not UTF-8") from None

    def _bytes(self, length: int) -> bytes:
        if length < 0:
            raise self._fault(f"a length of {length}")
        if self.at + length > len(self._data):
            left = len(self._data) - self.at
            raise self._fault(f"the data ends here: {length} bytes are wanted, {left} are left")
        self.at += length
        return self._data[self.at - length : self.at]

    def _number(self) -> int:
        number = 0
        for position in range(_LONGEST_NUMBER):
            byte = self._bytes(1)[0]
            number |= (byte & _LOW_BITS) << (7 * position)
            if byte < _MORE:
                return (number >> 1) ^ -(number & 1)
        raise self._fault("a number is longer than ten bytes")

    def _fault(self, message: str) -> FaultError:
        return FaultError(message, self._way)


def _finite(number: float) -> float | str:
    """A number, or the word that stands for it where JSON has none."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
