"""From a `File` to the base64 file descriptor that `format=serialized` asks for.

As the registry does it: the file is called `default`, a label is written only where the author wrote one, and types
are called as in the text.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field

from schema_mcp.domain.protobuf import builtin_options
from schema_mcp.domain.protobuf.builtin_options import OptionTable
from schema_mcp.domain.protobuf.decoder import LABELS, TYPE_NAMES
from schema_mcp.domain.protobuf.model import (
    Bare,
    Constant,
    Enum,
    Extend,
    Field,
    File,
    Group,
    Label,
    Message,
    OneOf,
    Option,
    Reserved,
    Rpc,
    Service,
    Value,
    map_type,
)
from schema_mcp.domain.protobuf.types import Types, join
from schema_mcp.domain.protobuf.wire import encoded_all, encoded_bytes, encoded_number

_NAME = "default"
_TYPE_NUMBERS = {name: number for number, name in enumerate(TYPE_NAMES) if name}
_LABEL_NUMBERS = {label: number for number, label in LABELS.items()}
_MESSAGE, _ENUM, _GROUP = 11, 14, 10
_BYTE = 256


def encoded_text(file: File, types: Types) -> str:
    """The descriptor of a file as base64 text."""
    return base64.b64encode(_Encoder(file, types).file()).decode()


@dataclass(slots=True)
class _Body:
    """The parts of one message descriptor while they are put together."""

    scope: str
    fields: list[bytes] = field(default_factory=list[bytes])
    nested: list[bytes] = field(default_factory=list[bytes])
    oneofs: list[bytes] = field(default_factory=list[bytes])
    hidden_oneofs: list[tuple[int, Field]] = field(default_factory=list[tuple[int, Field]])


class _Encoder:
    def __init__(self, file: File, types: Types) -> None:
        self._file = file
        self._types = types

    def file(self) -> bytes:
        file, package = self._file, self._file.package or ""
        imports = (*file.imports, *file.public_imports)
        public = range(len(file.imports), len(imports))
        return b"".join(
            (
                encoded_bytes(1, _NAME),
                encoded_bytes(2, package) if package else b"",
                encoded_all(3, imports),
                encoded_all(4, [self._message(message, package) for message in file.messages]),
                encoded_all(5, map(_enum, file.enums)),
                encoded_all(6, map(_service, file.services)),
                self._extends(7, file.extends, package),
                _options(8, builtin_options.FILE, file.options),
                b"".join(encoded_number(10, index) for index in public),
                encoded_bytes(12, file.syntax) if file.syntax == "proto3" else b"",
            )
        )

    def _message(self, message: Message, outer: str) -> bytes:
        body = _Body(join(outer, message.name))
        for one in message.fields:
            self._add(body, one)
        for group in message.groups:
            self._add_group(body, group)
        for oneof in message.oneofs:
            self._add_oneof(body, oneof)
        for nested in message.messages:
            body.nested.append(self._message(nested, body.scope))
        self._add_hidden_oneofs(body)
        return b"".join(
            (
                encoded_bytes(1, message.name),
                encoded_all(2, body.fields),
                encoded_all(3, body.nested),
                encoded_all(4, map(_enum, message.enums)),
                encoded_all(5, (_range(value, 1) for one in message.extensions for value in one.values)),
                self._extends(6, message.extends, body.scope),
                _options(7, builtin_options.MESSAGE, message.options),
                encoded_all(8, body.oneofs),
                *_reserved(message.reserved, 9, 1),
            )
        )

    def _add(self, body: _Body, one: Field, oneof: int | None = None) -> None:
        """A field; a map brings its entry message along, a proto3 `optional` a oneof of its own."""
        if found := map_type(one.type):
            entry = _entry(one.name, found.key, found.value)
            body.nested.append(self._message(entry, body.scope))
            one = Field(one.name, entry.name, one.tag, Label.REPEATED, one.options)
            body.fields.append(self._field(one, body.scope, type_number=_MESSAGE))
        elif one.label is Label.OPTIONAL and self._file.syntax == "proto3":
            body.hidden_oneofs.append((len(body.fields), one))
            body.fields.append(b"")
        else:
            body.fields.append(self._field(one, body.scope, oneof=oneof))

    def _add_hidden_oneofs(self, body: _Body) -> None:
        """The oneofs behind proto3 `optional` fields come after the author's."""
        for place, one in body.hidden_oneofs:
            encoded = self._field(one, body.scope, oneof=len(body.oneofs))
            body.fields[place] = encoded + encoded_number(17, 1)
            body.oneofs.append(encoded_bytes(1, f"_{one.name}"))

    def _add_oneof(self, body: _Body, oneof: OneOf) -> None:
        index = len(body.oneofs)
        body.oneofs.append(encoded_bytes(1, oneof.name))
        for one in oneof.fields:
            self._add(body, one, index)
        for group in oneof.groups:
            self._add_group(body, group, index)

    def _add_group(self, body: _Body, group: Group, oneof: int | None = None) -> None:
        body.nested.append(self._message(Message(group.name, group.fields), body.scope))
        one = Field(group.name.lower(), group.name, group.tag, group.label)
        body.fields.append(self._field(one, body.scope, oneof=oneof, type_number=_GROUP))

    def _field(
        self,
        one: Field,
        scope: str,
        *,
        oneof: int | None = None,
        extendee: str = "",
        type_number: int | None = None,
    ) -> bytes:
        scalar = _TYPE_NUMBERS.get(one.type)
        return b"".join(
            (
                encoded_bytes(1, one.name),
                encoded_bytes(2, extendee) if extendee else b"",
                encoded_number(3, one.tag),
                encoded_number(4, _LABEL_NUMBERS[one.label]) if one.label else b"",
                encoded_number(5, type_number or scalar or self._named(one.type, scope)),
                b"" if scalar else encoded_bytes(6, one.type),
                b"" if one.default is None else encoded_bytes(7, _default(one.default, one.type)),
                _options(8, builtin_options.FIELD, one.options),
                b"" if oneof is None else encoded_number(9, oneof),
                encoded_bytes(10, one.json_name) if one.json_name else b"",
            )
        )

    def _named(self, type_: str, scope: str) -> int:
        definition = self._types.resolve(type_, scope)
        return _ENUM if definition and definition.is_enum else _MESSAGE

    def _extends(self, number: int, extends: Iterable[Extend], scope: str) -> bytes:
        return encoded_all(
            number,
            (self._field(one, scope, extendee=extend.name) for extend in extends for one in extend.fields),
        )


def _service(service: Service) -> bytes:
    options = _options(3, builtin_options.SERVICE, service.options)
    return encoded_bytes(1, service.name) + encoded_all(2, map(_rpc, service.rpcs)) + options


def _rpc(rpc: Rpc) -> bytes:
    return b"".join(
        (
            encoded_bytes(1, rpc.name),
            encoded_bytes(2, rpc.request),
            encoded_bytes(3, rpc.response),
            _options(4, builtin_options.RPC, rpc.options),
            encoded_number(5, 1) if rpc.request_streaming else b"",
            encoded_number(6, 1) if rpc.response_streaming else b"",
        )
    )


def _entry(name: str, key: str, value: str) -> Message:
    """The message behind `map<key, value> some_name`: SomeNameEntry."""
    title = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    fields = (Field("key", key, 1, Label.OPTIONAL), Field("value", value, 2, Label.OPTIONAL))
    return Message(f"{title}Entry", fields, options=(Option("map_entry", Bare("true")),))


def _enum(enum: Enum) -> bytes:
    return b"".join(
        (
            encoded_bytes(1, enum.name),
            encoded_all(2, map(_constant, enum.constants)),
            _options(3, builtin_options.ENUM, enum.options),
            *_reserved(enum.reserved, 4, 0),
        )
    )


def _constant(constant: Constant) -> bytes:
    options = _options(3, builtin_options.CONSTANT, constant.options)
    return encoded_bytes(1, constant.name) + encoded_number(2, constant.tag) + options


def _reserved(reserved: Iterable[Reserved], number: int, beyond: int) -> Iterable[bytes]:
    values = [value for one in reserved for value in one.values]
    yield encoded_all(number, [_range(value, beyond) for value in values if not isinstance(value, str)])
    yield encoded_all(number + 1, [value for value in values if isinstance(value, str)])


def _range(value: int | tuple[int, int], beyond: int) -> bytes:
    """A range; messages count the end as outside of it (`beyond` = 1), enums as inside."""
    first, last = (value, value) if isinstance(value, int) else value
    return encoded_number(1, first) + encoded_number(2, last + beyond)


def _options(number: int, table: OptionTable, options: Iterable[Option]) -> bytes:
    encoded = table.encoded(options)
    return encoded_bytes(number, encoded) if encoded else b""


def _default(value: Value, type_: str) -> str:
    if isinstance(value, Bare):
        return value.text
    text = value if isinstance(value, str) else ""
    return "".join(_escaped(character) for character in text) if type_ == "bytes" else text


def _escaped(character: str) -> str:
    if character in '\\"':
        return f"\\{character}"
    if " " <= character <= "~":
        return character
    code = ord(character)
    data = bytes([code]) if code < _BYTE else character.encode()
    return "".join(f"\\{byte:03o}" for byte in data)
