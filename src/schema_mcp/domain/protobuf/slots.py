"""A message as data sees it: its fields with their kinds found out, by number and by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schema_mcp.domain.payloads import FaultError
from schema_mcp.domain.protobuf.lint import json_name
from schema_mcp.domain.protobuf.model import (
    SCALARS,
    Enum,
    Field,
    Group,
    Label,
    MapType,
    Message,
    map_type,
)
from schema_mcp.domain.protobuf.types import OWN, Definition, Types, join
from schema_mcp.domain.protobuf.wellknown import built_in

VARINT, FIXED64, BYTES, START, END, FIXED32 = range(6)
"""Wire types."""

_WIDE = {"double": FIXED64, "fixed64": FIXED64, "sfixed64": FIXED64}
_NARROW = {"float": FIXED32, "fixed32": FIXED32, "sfixed32": FIXED32}
_WIRE: Mapping[str, int] = {**_WIDE, **_NARROW, "string": BYTES, "bytes": BYTES}


@dataclass(frozen=True, slots=True)
class Slot:
    """One field: a scalar, a message or an enum; `entry` holds key and value of a map."""

    name: str
    json_name: str
    number: int
    scalar: str = ""
    message: "Shape | None" = None
    enum: Enum | None = None
    repeated: bool = False
    required: bool = False
    oneof: str = ""
    entry: "tuple[Slot, Slot] | None" = None
    is_group: bool = False

    @property
    def wire(self) -> int:
        if self.is_group:
            return START
        if self.message or self.entry:
            return BYTES
        return _WIRE.get(self.scalar, VARINT)

    @property
    def is_packable(self) -> bool:
        return self.repeated and self.wire not in (BYTES, START)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One message; without a body it is a built-in one that nothing is known of."""

    name: str
    body: Message | None


class Slots:
    """The fields of all messages in sight, found out once."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._known: dict[str, dict[int, Slot]] = {}
        self._shapes: dict[str, Shape] = {}
        self.is_proto3 = types.own.syntax == "proto3"

    def of(self, shape: Shape) -> dict[int, Slot]:
        """Fields by number."""
        if shape.name not in self._known:
            found = self._all(shape.body, shape.name) if shape.body else ()
            self._known[shape.name] = {slot.number: slot for slot in found}
        return self._known[shape.name]

    def named(self, name: str) -> Shape | None:
        """A message by its full name, if it is in sight."""
        found = self._types.resolve(f".{name}", "")
        return self._shape(found) if found and not found.is_enum else None

    def own(self, name: str) -> Shape:
        """A message of the file: by its name, with or without the package; the first one where none is named."""
        file = self._types.own
        if not file.messages:
            raise FaultError("the file has no message")
        wanted = name.removeprefix(".") or file.messages[0].name
        package = file.package or ""
        for full in (wanted, join(package, wanted)):
            found = self._types.resolve(f".{full}", "")
            if found and found.origin == OWN and not found.is_enum:
                return self._shape(found)
        known = ", ".join(join(package, one.name) for one in file.messages[:20])
        raise FaultError(f"the file has no message {wanted[:200]}; it has: {known}")

    def _shape(self, definition: Definition) -> Shape:
        name = definition.full_name
        if name not in self._shapes:
            body = definition.body or built_in().get(name)
            self._shapes[name] = Shape(name, body if isinstance(body, Message) else None)
        return self._shapes[name]

    def _all(self, message: Message, scope: str) -> Iterator[Slot]:
        for field in message.fields:
            yield self._slot(field, scope)
        for group in message.groups:
            yield self._group(group, scope)
        for oneof in message.oneofs:
            for field in oneof.fields:
                yield self._slot(field, scope, oneof.name)
            for group in oneof.groups:
                yield self._group(group, scope, oneof.name)

    def _group(self, group: Group, scope: str, oneof: str = "") -> Slot:
        name = group.name.lower()
        full = join(scope, group.name)
        shape = self._shapes.setdefault(full, Shape(full, Message(group.name, group.fields)))
        repeated, required = group.label is Label.REPEATED, group.label is Label.REQUIRED
        return Slot(
            name, name, group.tag, message=shape, repeated=repeated, required=required, oneof=oneof, is_group=True
        )

    def _slot(self, field: Field, scope: str, oneof: str = "") -> Slot:
        found = map_type(field.type) or self._types.entry(field.type, scope)
        if found:
            return self._map(field, found, scope)
        scalar, message, enum = self._kind(field, scope)
        return Slot(
            field.name,
            json_name(field),
            field.tag,
            scalar,
            message,
            enum,
            repeated=field.label is Label.REPEATED,
            required=field.label is Label.REQUIRED,
            oneof=oneof,
        )

    def _map(self, field: Field, found: MapType, scope: str) -> Slot:
        key = self._slot(Field("key", found.key, 1), scope)
        value = self._slot(Field("value", found.value, 2), scope)
        return Slot(field.name, json_name(field), field.tag, repeated=True, entry=(key, value))

    def _kind(self, field: Field, scope: str) -> tuple[str, Shape | None, Enum | None]:
        if field.type in SCALARS:
            return field.type, None, None
        definition = self._types.resolve(field.type, scope)
        if definition is None:
            raise FaultError(f"the type {field.type} of {scope}.{field.name} is not known")
        if not definition.is_enum:
            return "", self._shape(definition), None
        body = definition.body or built_in().get(definition.full_name)
        return "", None, body if isinstance(body, Enum) else Enum(definition.full_name)
