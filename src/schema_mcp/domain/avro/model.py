"""An Avro schema after parsing: types with their names resolved, and the JSON object each was read from.

The nodes are only changed while the parser ties recursive types together. What a comparison does not need
(docs, defaults, properties) is read from `raw` when somebody asks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

from schema_mcp.domain.avro.document import Raw
from schema_mcp.domain.avro.numbers import double_from_text


class Kind(StrEnum):
    """What a type is; upper-cased it is the registry's word for it."""

    NULL = "null"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    BYTES = "bytes"
    STRING = "string"
    ARRAY = "array"
    MAP = "map"
    UNION = "union"
    RECORD = "record"
    ENUM = "enum"
    FIXED = "fixed"


PRIMITIVES: Final = {
    kind.value: kind
    for kind in (
        Kind.NULL,
        Kind.BOOLEAN,
        Kind.INT,
        Kind.LONG,
        Kind.FLOAT,
        Kind.DOUBLE,
        Kind.BYTES,
        Kind.STRING,
    )
}

_TYPE_WORDS = frozenset({"doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"})
_FIELD_WORDS = frozenset({"default", "doc", "name", "order", "type", "aliases"})
_NUMERIC = frozenset({Kind.FLOAT, Kind.DOUBLE})

MISSING: Final = object()
"""Stands for a default that is not there; null is one."""


def _properties(raw: Raw, words: frozenset[str]) -> Raw:
    return {name: value for name, value in raw.items() if name not in words}


@dataclass(slots=True, eq=False)
class Primitive:
    """A type without parts. Each place in a schema has its own, as in Java: results are kept by place."""

    kind: Kind
    raw: Raw

    @property
    def properties(self) -> Raw:
        return _properties(self.raw, _TYPE_WORDS)


@dataclass(slots=True, eq=False)
class Array:
    kind: ClassVar[Kind] = Kind.ARRAY
    raw: Raw
    items: "Type"

    @property
    def properties(self) -> Raw:
        return _properties(self.raw, _TYPE_WORDS)


@dataclass(slots=True, eq=False)
class Map:
    kind: ClassVar[Kind] = Kind.MAP
    raw: Raw
    values: "Type"

    @property
    def properties(self) -> Raw:
        return _properties(self.raw, _TYPE_WORDS)


@dataclass(slots=True, eq=False)
class Union:
    kind: ClassVar[Kind] = Kind.UNION
    branches: list["Type"]


@dataclass(slots=True, eq=False)
class _Named:
    raw: Raw
    name: str
    namespace: str

    @property
    def full_name(self) -> str:
        return f"{self.namespace}.{self.name}" if self.namespace else self.name

    @property
    def doc(self) -> str | None:
        return text_of(self.raw, "doc")

    @property
    def aliases(self) -> list[str]:
        """Full names. One without a namespace takes the type's; `.Name` has none, and no namespaced type uses it."""
        return list(dict.fromkeys(self._qualified(alias) for alias in self.raw.get("aliases", ())))

    def _qualified(self, alias: str) -> str:
        space, dot, name = alias.rpartition(".")
        if space:
            return alias
        if dot:
            return f".{name}" if self.namespace else name
        return f"{self.namespace}.{name}" if self.namespace else name

    @property
    def properties(self) -> Raw:
        return _properties(self.raw, _TYPE_WORDS)


@dataclass(slots=True, eq=False)
class Record(_Named):
    kind: ClassVar[Kind] = Kind.RECORD
    fields: list["Field"] = field(default_factory=list["Field"])
    by_name: dict[str, "Field"] = field(default_factory=dict[str, "Field"])

    @property
    def is_error(self) -> bool:
        return self.raw["type"] == "error"


@dataclass(slots=True, eq=False)
class Enum(_Named):
    kind: ClassVar[Kind] = Kind.ENUM

    @property
    def symbols(self) -> list[str]:
        return self.raw["symbols"]

    @property
    def default(self) -> str | None:
        return text_of(self.raw, "default")

    @property
    def properties(self) -> Raw:
        return _properties(self.raw, _TYPE_WORDS | {"default"})


@dataclass(slots=True, eq=False)
class Fixed(_Named):
    kind: ClassVar[Kind] = Kind.FIXED

    @property
    def size(self) -> int:
        return self.raw["size"]


@dataclass(slots=True, eq=False)
class Undefined:
    """A name met before its type, until the end of the text tells what it is."""

    kind: ClassVar[Kind] = Kind.RECORD
    full_name: str


Named: TypeAlias = Record | Enum | Fixed
Type: TypeAlias = Primitive | Array | Map | Union | Named | Undefined


@dataclass(slots=True, eq=False)
class Field:
    name: str
    type: Type
    raw: Raw

    @property
    def doc(self) -> str | None:
        return text_of(self.raw, "doc")

    @property
    def default(self) -> Any:
        """The default as JSON, or MISSING. A text is taken as a number where the field is one, as in Java."""
        value = self.raw.get("default", MISSING)
        if isinstance(value, str) and self.type.kind in _NUMERIC:
            return double_from_text(value)
        return value

    @property
    def has_default(self) -> bool:
        return "default" in self.raw

    @property
    def order(self) -> str:
        return str(self.raw.get("order", "ascending")).lower()

    @property
    def aliases(self) -> list[str]:
        return list(dict.fromkeys(self.raw.get("aliases", ())))

    @property
    def properties(self) -> Raw:
        return _properties(self.raw, _FIELD_WORDS)


class Slot(NamedTuple):
    """The place where a type stands: what holds it (None for the root), and for a union's branch which one of
    them it is and where the union itself stands."""

    holder: Field | Array | Map | Union | None = None
    branch: int = 0
    outer: "Slot | None" = None


def text_of(raw: Raw, word: str) -> str | None:
    """A word's text; any other JSON value counts as absent, as in Java."""
    value = raw.get(word)
    return value if isinstance(value, str) else None


def branch_name(type_: Type) -> str:
    """What tells one branch of a union from another: the full name, or the kind."""
    return type_.kind if isinstance(type_, _UNNAMED) else type_.full_name


_UNNAMED = (Primitive, Array, Map, Union)


def parts(type_: Type) -> Sequence[Type]:
    """The types directly inside one."""
    match type_:
        case Array():
            return (type_.items,)
        case Map():
            return (type_.values,)
        case Union():
            return type_.branches
        case Record():
            return [field.type for field in type_.fields]
        case _:
            return ()


def reached(root: Type) -> Iterator[Type]:
    """A type and all within it, each once, in the order of the text; parts put in meanwhile count as well."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        type_ = waiting.pop()
        if id(type_) not in seen:
            seen.add(id(type_))
            yield type_
            waiting.extend(reversed(parts(type_)))
