"""Surgery on a file: find a message or a field by its place, and get the file with it changed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from schema_mcp.domain.protobuf.matching import Placed, placed_fields
from schema_mcp.domain.protobuf.model import (
    Enum,
    Extend,
    Field,
    File,
    Group,
    Label,
    Message,
    OneOf,
    Range,
    Reserved,
    map_type,
)
from schema_mcp.domain.protobuf.types import join

NewType = Callable[[str, str], str]
"""From a type name and its scope to the name that shall stand there."""


_Item = TypeVar("_Item", Message, Enum)


def message_at(file: File, names: Sequence[str]) -> Message | None:
    """The message with this path of names."""
    messages: Sequence[Message] = file.messages
    found = None
    for name in names:
        found = next((message for message in messages if message.name == name), None)
        if found is None:
            return None
        messages = found.messages
    return found


def with_message(file: File, names: Sequence[str], change: Callable[[Message], Message]) -> File:
    """The file with the message at this path changed; the messages around it are put together again outwards."""
    around: list[Message] = []
    for depth in range(1, len(names) + 1):
        message = message_at(file, names[:depth])
        if message is None:
            return file
        around.append(message)
    changed = change(around.pop())
    for name, outer in zip(reversed(names[1:]), reversed(around), strict=True):
        changed = replace(outer, messages=_exchanged_message(outer.messages, name, changed))
    return replace(file, messages=_exchanged_message(file.messages, names[0], changed))


def _exchanged_message(messages: Iterable[Message], name: str, new: Message) -> tuple[Message, ...]:
    return tuple(new if message.name == name else message for message in messages)


def with_definition(file: File, names: Sequence[str], body: Message | Enum, index: int) -> File:
    """The file with a message or enum added at this path, at this place among its like."""
    if len(names) == 1:
        if isinstance(body, Enum):
            return replace(file, enums=_inserted(file.enums, body, index))
        return replace(file, messages=_inserted(file.messages, body, index))
    return with_message(file, names[:-1], lambda message: _with_nested(message, body, index))


def _with_nested(message: Message, body: Message | Enum, index: int) -> Message:
    if isinstance(body, Enum):
        return replace(message, enums=_inserted(message.enums, body, index))
    return replace(message, messages=_inserted(message.messages, body, index))


def _inserted(items: tuple[_Item, ...], item: _Item, index: int) -> tuple[_Item, ...]:
    return (*items[:index], item, *items[index:])


def without_message(file: File, names: Sequence[str]) -> File:
    """The file without the message at this path."""
    *outer, name = names
    if not outer:
        return replace(file, messages=_without(file.messages, name))
    return with_message(file, outer, lambda message: replace(message, messages=_without(message.messages, name)))


def _without(messages: Iterable[Message], name: str) -> tuple[Message, ...]:
    return tuple(message for message in messages if message.name != name)


def field_of(message: Message, tag: int) -> Placed | None:
    """The field with this number; of several the last counts, as in the comparison."""
    return next((placed for placed in reversed(placed_fields(message)) if placed.field.tag == tag), None)


def without_field(message: Message, tag: int) -> Message:
    """The message without the fields of this number; a oneof that loses its last member goes, too."""
    oneofs = (replace(oneof, fields=_but(oneof.fields, tag)) for oneof in message.oneofs)
    return replace(
        message,
        fields=_but(message.fields, tag),
        oneofs=tuple(oneof for oneof in oneofs if oneof.fields or oneof.groups),
    )


def _but(fields: Iterable[Field], tag: int) -> tuple[Field, ...]:
    return tuple(field for field in fields if field.tag != tag)


def with_placed(file: File, names: Sequence[str], placed: Placed) -> File:
    """The file with this field, labelled as its place allows, in the message at this path."""
    field = _fitting(placed.field, syntax=file.syntax, in_oneof=placed.oneof is not None)
    return with_message(file, names, lambda message: with_field(message, Placed(field, placed.oneof)))


def with_field(message: Message, placed: Placed) -> Message:
    """The message with this field at this place, instead of any other of its number."""
    tag = placed.field.tag
    here = field_of(message, tag)
    if here and here.oneof == placed.oneof:
        return _exchanged(message, placed)
    message = unreserved(without_field(message, tag), tag, placed.field.name)
    if placed.oneof is None:
        return replace(message, fields=_by_tag((*message.fields, placed.field)))
    if all(oneof.name != placed.oneof for oneof in message.oneofs):
        return replace(message, oneofs=(*message.oneofs, OneOf(placed.oneof, (placed.field,))))
    return replace(
        message,
        oneofs=tuple(
            replace(oneof, fields=_by_tag((*oneof.fields, placed.field))) if oneof.name == placed.oneof else oneof
            for oneof in message.oneofs
        ),
    )


def _exchanged(message: Message, placed: Placed) -> Message:
    def exchange(fields: Iterable[Field]) -> tuple[Field, ...]:
        return tuple(placed.field if field.tag == placed.field.tag else field for field in fields)

    oneofs = tuple(replace(oneof, fields=exchange(oneof.fields)) for oneof in message.oneofs)
    return replace(message, fields=exchange(message.fields), oneofs=oneofs)


def _by_tag(fields: Iterable[Field]) -> tuple[Field, ...]:
    """A new field goes in by number when the others are in that order, else to the end."""
    *others, new = fields
    tags = [field.tag for field in others]
    return tuple(sorted((*others, new), key=lambda field: field.tag)) if tags == sorted(tags) else (*others, new)


def unreserved(message: Message, tag: int, name: str) -> Message:
    """The message with this number and name free for use again."""
    reserved = (
        Reserved(tuple(part for value in one.values for part in _apart(value, tag, name))) for one in message.reserved
    )
    return replace(message, reserved=tuple(one for one in reserved if one.values))


def _apart(value: int | Range | str, tag: int, name: str) -> list[int | Range | str]:
    if isinstance(value, str):
        return [] if value == name else [value]
    first, last = (value, value) if isinstance(value, int) else value
    if not first <= tag <= last:
        return [value]
    parts = (first, tag - 1), (tag + 1, last)
    return [low if low == high else (low, high) for low, high in parts if low <= high]


def _fitting(field: Field, *, syntax: str | None, in_oneof: bool) -> Field:
    """The field with a label that its new surroundings allow."""
    if in_oneof or field.type.startswith("map<"):
        return replace(field, label=None)
    if syntax == "proto3":
        return replace(field, label=None) if field.label is Label.REQUIRED else field
    return field if field.label else replace(field, label=Label.OPTIONAL)


def relabelled(message: Message, syntax: str | None) -> Message:
    """The message, and those nested in it, with the labels that another syntax allows."""

    def field(one: Field) -> Field:
        return _fitting(one, syntax=syntax, in_oneof=False)

    def group(one: Group) -> Group:
        label = one.label if one.label and one.label is not Label.REQUIRED else Label.OPTIONAL
        return replace(one, label=label, fields=tuple(map(field, one.fields)))

    def extend(one: Extend) -> Extend:
        return replace(one, fields=tuple(map(field, one.fields)))

    nested: list[Message] = []
    for inner in message.messages:
        nested.append(relabelled(inner, syntax))  # noqa: PERF401 - one frame a level
    return replace(
        message,
        fields=tuple(map(field, message.fields)),
        groups=tuple(map(group, message.groups)),
        extends=tuple(map(extend, message.extends)),
        messages=tuple(nested),
    )


def with_types(message: Message, outer: str, new_type: NewType) -> Message:
    """The message with every type name in it, also in nested messages, put through `new_type`."""
    scope = join(outer, message.name)

    def field(one: Field) -> Field:
        return replace(one, type=mapped_type(one.type, scope, new_type))

    def group(one: Group) -> Group:
        return replace(one, fields=tuple(map(field, one.fields)))

    def oneof(one: OneOf) -> OneOf:
        return replace(one, fields=tuple(map(field, one.fields)), groups=tuple(map(group, one.groups)))

    def extend(one: Extend) -> Extend:
        return Extend(new_type(one.name, scope), tuple(map(field, one.fields)), one.doc)

    nested: list[Message] = []
    for inner in message.messages:
        nested.append(with_types(inner, scope, new_type))  # noqa: PERF401 - one frame a level
    return replace(
        message,
        fields=tuple(map(field, message.fields)),
        oneofs=tuple(map(oneof, message.oneofs)),
        groups=tuple(map(group, message.groups)),
        extends=tuple(map(extend, message.extends)),
        messages=tuple(nested),
    )


def mapped_type(type_: str, scope: str, new_type: NewType) -> str:
    """A type put through `new_type`, a map with each of its parts."""
    if found := map_type(type_):
        return f"map<{found.key}, {mapped_type(found.value, scope, new_type)}>"
    return new_type(type_, scope)
