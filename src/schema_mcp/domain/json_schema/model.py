"""What a schema becomes before it is compared: the rules look at these classes, not at keywords.

One JSON object may become one class, or several joined in an `allOf` that nobody wrote: a type beside an `enum` is a
`String` and an `Enum`.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeAlias

from schema_mcp.domain.json_schema.patterns import Pattern

Limit: TypeAlias = int | Decimal

UNSET: Final = object()
"""No default given; `null` is a default like any other."""


class Criterion(StrEnum):
    """How many members of a combined schema must hold."""

    ALL = "allOf"
    ANY = "anyOf"
    ONE = "oneOf"


@dataclass(slots=True, eq=False)
class Schema:
    """What every class carries. `raw` is the JSON it was read from, which also tells where it stands."""

    raw: Any
    id: str | None = None
    title: str | None = None
    description: str | None = None
    default: Any = UNSET
    is_bytes: bool = False
    """Kafka Connect wrote it for bytes, and reads it back whatever its type."""

    @property
    def has_default(self) -> bool:
        return self.default is not UNSET


class Anything(Schema):
    """`true`, `{}`, or nothing but keywords that no rule looks at."""

    __slots__ = ()


class Nothing(Schema):
    """`false`."""

    __slots__ = ()


class Boolean(Schema):
    __slots__ = ()


class Null(Schema):
    __slots__ = ()


class Conditional(Schema):
    """`if`, `then`, `else`: known to be there, never compared."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class String(Schema):
    limits: dict[str, Limit] = field(default_factory=dict[str, Limit])
    pattern: str | None = None


@dataclass(slots=True, eq=False)
class Number(Schema):
    limits: dict[str, Limit] = field(default_factory=dict[str, Limit])
    integer: bool = False
    multiple_of: Limit | None = None


@dataclass(slots=True, eq=False)
class Array(Schema):
    limits: dict[str, Limit] = field(default_factory=dict[str, Limit])
    unique: bool = False
    items: Schema | None = None
    prefix: list[Schema] = field(default_factory=list[Schema])
    additional: "Schema | bool" = True
    unevaluated: "Schema | bool | None" = None


@dataclass(slots=True, eq=False)
class Object(Schema):
    limits: dict[str, Limit] = field(default_factory=dict[str, Limit])
    properties: dict[str, Schema] = field(default_factory=dict[str, Schema])
    required: frozenset[str] = frozenset()
    patterns: dict[Pattern, Schema] = field(default_factory=dict[Pattern, Schema])
    additional: "Schema | bool" = True
    unevaluated: "Schema | bool | None" = None
    needs: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """`dependencies` that list names: where the first is, the others must be."""
    implies: dict[str, Schema] = field(default_factory=dict[str, Schema])
    """`dependencies` that are schemas."""


@dataclass(slots=True, eq=False)
class Enum(Schema):
    values: frozenset[str] = frozenset()
    """Each value as normalised JSON text: `1` and `1.0` are two values."""


@dataclass(slots=True, eq=False)
class Const(Schema):
    value: str = ""


@dataclass(slots=True, eq=False)
class Combined(Schema):
    criterion: Criterion = Criterion.ALL
    members: list[Schema] = field(default_factory=list[Schema])


@dataclass(slots=True, eq=False)
class Not(Schema):
    inner: Schema = field(default_factory=lambda: Schema(None))


@dataclass(slots=True, eq=False)
class Reference(Schema):
    uri: str = ""
    target: Schema | None = None
    place: int = 0
    """What two references have in common when their target is one thing to the registry."""
