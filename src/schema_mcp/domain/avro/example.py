"""Data made up for an Avro schema: of the schema by construction, finite, the same for the same seed."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from schema_mcp.domain.avro.logical import logical_of, logical_problem
from schema_mcp.domain.avro.model import (
    Array,
    Enum,
    Fixed,
    Kind,
    Map,
    Primitive,
    Record,
    Type,
    Union,
    branch_name,
    parts,
    reached,
)
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.payloads import MAX_DEPTH

_SHALLOW: Final = 6
"""From this depth on whatever can end, ends."""

_MOST_VALUES: Final = 20_000
_MAX_DEPTH: Final = MAX_DEPTH // 2  # the JSON form of a branch is one level more
_LONGEST_FIXED: Final = 100_000
_WORDS: Final = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor")
_NEVER: Final = 1_000_000


def example(root: Type, seed: int) -> Any:
    """A value in its JSON form; raises `InvalidRequestError` where none is finite, or none of a bearable size."""
    return _Maker(_heights(root), Random(seed)).value(root, 0)  # noqa: S311 - not for secrets


def _heights(root: Type) -> dict[int, int]:
    """For every type, how deep its lowest value is; `_NEVER` for one that contains itself whatever is chosen."""
    types = list(reached(root))
    heights = {id(type_): _NEVER for type_ in types}
    moved = True
    while moved:
        moved = False
        for type_ in reversed(types):
            lowest = _height(type_, heights)
            if lowest < heights[id(type_)]:
                heights[id(type_)], moved = lowest, True
    return heights


def _height(type_: Type, heights: dict[int, int]) -> int:
    inner = [heights[id(part)] for part in parts(type_)]
    match type_:
        case Record():
            return min(max(inner, default=0) + 1, _NEVER)
        case Union():
            return min(inner, default=_NEVER)
        case _:
            return 0


class _Maker:
    def __init__(self, heights: dict[int, int], random: Random) -> None:
        self._heights = heights
        self._random = random
        self._left = _MOST_VALUES

    def value(self, type_: Type, depth: int) -> Any:  # noqa: PLR0911 - a table of kinds
        self._refuse(type_, depth)
        match type_:
            case Record():
                return {field.name: self.value(field.type, depth + 1) for field in type_.fields}
            case Array():
                return [self.value(type_.items, depth + 1) for _ in range(self._count(type_.items, depth))]
            case Map():
                names = _WORDS[: self._count(type_.values, depth)]
                return {name: self.value(type_.values, depth + 1) for name in names}
            case Union():
                branch = self._branch(type_, depth)
                value = self.value(branch, depth)
                return None if branch.kind is Kind.NULL else {branch_name(branch): value}
            case Enum():
                return self._symbol(type_)
            case Fixed():
                return self._fixed(type_)
            case Primitive():
                return self._plain(type_)
            case _:
                raise InvalidRequestError(f"{type_.full_name} is not defined")

    def _refuse(self, type_: Type, depth: int) -> None:
        self._left -= 1
        if self._heights[id(type_)] >= _NEVER:
            raise InvalidRequestError("No data can be of this schema: a part of it contains itself, or has no choices")
        if self._left < 0 or depth > _MAX_DEPTH:
            raise InvalidRequestError(
                "The smallest example of this schema would be too large",
                hint=f"The bounds are {_MOST_VALUES:,} values and {_MAX_DEPTH} levels.",
            )

    def _count(self, part: Type, depth: int) -> int:
        deep = depth >= _SHALLOW or self._heights[id(part)] >= _NEVER or self._left < _MOST_VALUES // 2
        return 0 if deep else self._random.randint(1, 2)

    def _branch(self, union: Union, depth: int) -> Type:
        if depth >= _SHALLOW or self._left < _MOST_VALUES // 2:
            return min(union.branches, key=lambda branch: self._heights[id(branch)])
        finite = [branch for branch in union.branches if self._heights[id(branch)] < _NEVER]
        telling = [branch for branch in finite if branch.kind is not Kind.NULL]
        return self._random.choice(telling or finite)

    def _symbol(self, enum: Enum) -> str:
        if not enum.symbols:
            raise InvalidRequestError(f"No data can be of this schema: {enum.full_name} has no symbols")
        return self._random.choice(enum.symbols)

    def _fixed(self, fixed: Fixed) -> str:
        if fixed.size > _LONGEST_FIXED:
            raise InvalidRequestError(f"{fixed.full_name} has {fixed.size:,} bytes, too many for an example")
        return self._random.randbytes(fixed.size).decode("latin-1")

    def _plain(self, type_: Primitive) -> Any:
        made = _LOGICAL.get(logical_of(type_) or "") if not logical_problem(type_) else None
        return (made or _PLAIN[type_.kind])(self._random)


def _uuid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _moment(per_second: int) -> Callable[[Random], int]:
    """Some time in the years 2020 to 2030."""
    return lambda random: random.randint(1_577_836_800, 1_893_456_000) * per_second


_LOGICAL: Final[dict[str, Callable[[Random], Any]]] = {
    "uuid": _uuid,
    "decimal": lambda random: chr(random.randint(1, 9)),
    "date": lambda random: random.randint(18_262, 21_915),
    "time-millis": lambda random: random.randrange(86_400_000),
    "time-micros": lambda random: random.randrange(86_400_000_000),
    "timestamp-millis": _moment(1_000),
    "timestamp-micros": _moment(1_000_000),
    "timestamp-nanos": _moment(1_000_000_000),
    "local-timestamp-millis": _moment(1_000),
    "local-timestamp-micros": _moment(1_000_000),
    "local-timestamp-nanos": _moment(1_000_000_000),
}

_PLAIN: Final[dict[Kind, Callable[[Random], Any]]] = {
    Kind.NULL: lambda _: None,
    Kind.BOOLEAN: lambda random: random.random() < 0.5,  # noqa: PLR2004 - a coin
    Kind.INT: lambda random: random.randint(1, 1_000),
    Kind.LONG: lambda random: random.randint(1, 1_000_000),
    Kind.FLOAT: lambda random: random.randint(1, 4_000) / 4,
    Kind.DOUBLE: lambda random: random.randint(1, 100_000) / 100,
    Kind.BYTES: lambda random: random.choice(_WORDS),
    Kind.STRING: lambda random: random.choice(_WORDS),
}
