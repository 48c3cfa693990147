"""What a `.proto` file says, as values: the tree that parsing makes and printing takes.

The sections of a message are kept apart (fields, oneofs, nested messages, ...) because a registry prints them
apart; the order inside a section is the author's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

MAX_TAG = 536_870_911
"""The largest field number; printed as `max` at the end of a range."""

SCALARS = frozenset(
    (
        "bool",
        "bytes",
        "double",
        "fixed32",
        "fixed64",
        "float",
        "int32",
        "int64",
        "sfixed32",
        "sfixed64",
        "sint32",
        "sint64",
        "string",
        "uint32",
        "uint64",
    )
)


class Label(StrEnum):
    """What may stand in front of a field."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Bare:
    """An option value without quotes: a number, a boolean, an enum constant."""

    text: str


Value: TypeAlias = str | Bare | tuple["Value", ...] | Mapping[str, "Value"]
"""An option's value: a string, a bare word, a list or a message."""

Range: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Option:
    """One option; `name` as written, with its parentheses (`(unit)`), `path` what follows it (`owner`)."""

    name: str
    value: Value
    path: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field; `default` and `json_name` look like options in the text but are not."""

    name: str
    type: str
    tag: int
    label: Label | None = None
    options: tuple[Option, ...] = ()
    default: Value | None = None
    json_name: str | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A proto2 group: a field and a message in one."""

    name: str
    tag: int
    label: Label | None = None
    fields: tuple[Field, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Fields of which at most one is set."""

    name: str
    fields: tuple[Field, ...] = ()
    groups: tuple[Group, ...] = ()
    options: tuple[Option, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Reserved:
    """Numbers, ranges and names that nobody may use again."""

    values: tuple[int | Range | str, ...]


@dataclass(frozen=True, slots=True)
class Extensions:
    """Numbers that others may use in `extend`."""

    values: tuple[int | Range, ...]
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Extend:
    """Fields added to a message from outside."""

    name: str
    fields: tuple[Field, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Constant:
    """One value of an enum."""

    name: str
    tag: int
    options: tuple[Option, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum with its constants in the author's order."""

    name: str
    constants: tuple[Constant, ...] = ()
    options: tuple[Option, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message with everything declared inside it."""

    name: str
    fields: tuple[Field, ...] = ()
    oneofs: tuple[OneOf, ...] = ()
    groups: tuple[Group, ...] = ()
    messages: tuple["Message", ...] = ()
    enums: tuple[Enum, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    extensions: tuple[Extensions, ...] = ()
    extends: tuple[Extend, ...] = ()
    options: tuple[Option, ...] = ()
    doc: str = ""

    @property
    def is_map_entry(self) -> bool:
        """Is this the message that stands behind a `map<>` field in a descriptor?"""
        return any(option.name == "map_entry" and option.value == Bare("true") for option in self.options)


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method of a service."""

    name: str
    request: str
    response: str
    request_streaming: bool = False
    response_streaming: bool = False
    options: tuple[Option, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service; kept and printed, never compared."""

    name: str
    rpcs: tuple[Rpc, ...] = ()
    options: tuple[Option, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A whole `.proto` file."""

    syntax: str | None = None
    package: str | None = None
    imports: tuple[str, ...] = ()
    public_imports: tuple[str, ...] = ()
    weak_imports: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    messages: tuple[Message, ...] = ()
    enums: tuple[Enum, ...] = ()
    extends: tuple[Extend, ...] = ()
    services: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True)
class MapType:
    """The two types inside `map<key, value>`."""

    key: str
    value: str


def map_type(text: str) -> MapType | None:
    """The key and value of a field type written `map<key, value>`, or None for any other type."""
    if not text.startswith("map<"):
        return None
    key, _, value = text[4:-1].partition(", ")
    return MapType(key, value)
