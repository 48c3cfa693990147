"""The normalised form of a file: one text for all spellings of the same thing.

Types by their full names, fields by number, constants by number and name, imports and options sorted, ranges one
by one, `repeated XEntry` as `map<>`, and `syntax = "proto2"` left out; messages keep their order.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from schema_mcp.domain.protobuf.model import (
    Bare,
    Constant,
    Enum,
    Extend,
    Extensions,
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

_scientific = re.compile(r"-?[0-9]+(?:\.[0-9]*)?[eE]-?[0-9]{1,3}").fullmatch

_Tagged = TypeVar("_Tagged", Field, Group)


def normalized_file(file: File, types: Types) -> File:
    """The file in its normalised form."""
    return _Normalizer(types).file(file)


class _Normalizer:
    def __init__(self, types: Types) -> None:
        self._types = types

    def file(self, file: File) -> File:
        package = file.package or ""
        return File(
            None if file.syntax == "proto2" else file.syntax,
            file.package,
            tuple(sorted(set(file.imports))),
            tuple(sorted(set(file.public_imports))),
            (),
            _options(file.options),
            tuple(self._message(message, package) for message in file.messages),
            tuple(_enum(enum) for enum in file.enums),
            tuple(self._extend(extend, package) for extend in file.extends),
            tuple(self._service(service, package) for service in file.services),
        )

    def _message(self, message: Message, outer: str) -> Message:
        scope = join(outer, message.name)
        inner: list[Message] = []
        for nested in message.messages:  # a loop, so that deep nesting costs one frame a level
            if not nested.is_map_entry:
                inner.append(self._message(nested, scope))  # noqa: PERF401
        return Message(
            message.name,
            self._fields(message.fields, scope),
            self._oneofs(message.oneofs, scope),
            _by_tag(self._group(group, scope) for group in message.groups),
            tuple(inner),
            tuple(_enum(enum) for enum in message.enums),
            _reserved(message.reserved),
            _extensions(message.extensions),
            tuple(self._extend(extend, scope) for extend in message.extends),
            _options(message.options),
        )

    def _oneofs(self, oneofs: Iterable[OneOf], scope: str) -> tuple[OneOf, ...]:
        done = (
            OneOf(
                oneof.name,
                self._fields(oneof.fields, scope),
                _by_tag(self._group(group, scope) for group in oneof.groups),
                _options(oneof.options),
            )
            for oneof in oneofs
        )
        return tuple(sorted(done, key=_first_tag))

    def _fields(self, fields: Iterable[Field], scope: str) -> tuple[Field, ...]:
        return _by_tag(self._field(field, scope) for field in fields)

    def _field(self, field: Field, scope: str) -> Field:
        type_ = self._entry_as_map(field, scope) or self._type(field.type, scope)
        return replace(
            field,
            type=type_,
            label=None if type_.startswith("map<") else field.label,
            options=_options(field.options),
            default=None if field.default is None else _value(field.default),
            doc="",
        )

    def _type(self, type_: str, scope: str) -> str:
        if found := map_type(type_):
            return f"map<{self._type(found.key, scope)}, {self._type(found.value, scope)}>"
        return self._types.qualified(type_, scope)

    def _entry_as_map(self, field: Field, scope: str) -> str | None:
        """`map<k, v>` for a repeated field whose message is a map entry."""
        if field.label is not Label.REPEATED:
            return None
        entry = self._types.entry(field.type, scope)
        return entry and f"map<{entry.key}, {entry.value}>"

    def _group(self, group: Group, scope: str) -> Group:
        return replace(group, fields=self._fields(group.fields, scope), doc="")

    def _extend(self, extend: Extend, scope: str) -> Extend:
        return Extend(self._type(extend.name, scope), self._fields(extend.fields, scope))

    def _service(self, service: Service, scope: str) -> Service:
        rpcs = tuple(self._rpc(rpc, scope) for rpc in service.rpcs)
        return Service(service.name, rpcs, _options(service.options))

    def _rpc(self, rpc: Rpc, scope: str) -> Rpc:
        return replace(
            rpc,
            request=self._type(rpc.request, scope),
            response=self._type(rpc.response, scope),
            options=_options(rpc.options),
            doc="",
        )


def _enum(enum: Enum) -> Enum:
    constants = (Constant(one.name, one.tag, _options(one.options)) for one in enum.constants)
    return Enum(
        enum.name,
        tuple(sorted(constants, key=lambda constant: (constant.tag, constant.name))),
        _options(enum.options),
        _reserved(enum.reserved),
    )


def _by_tag(items: Iterable[_Tagged]) -> tuple[_Tagged, ...]:
    return tuple(sorted(items, key=lambda item: item.tag))


def _first_tag(oneof: OneOf) -> int:
    return min((member.tag for member in (*oneof.fields, *oneof.groups)), default=0)


def _reserved(reserved: Iterable[Reserved]) -> tuple[Reserved, ...]:
    """Each number and range on its own, sorted, and the names behind them."""
    values = [value for one in reserved for value in one.values]
    ranges = sorted((value for value in values if not isinstance(value, str)), key=_span)
    names = sorted(value for value in values if isinstance(value, str))
    return tuple(Reserved((value,)) for value in (*ranges, *names))


def _extensions(extensions: Iterable[Extensions]) -> tuple[Extensions, ...]:
    single = (Extensions((value,), _options(one.options)) for one in extensions for value in one.values)
    return tuple(sorted(single, key=lambda one: _span(one.values[0])))


def _span(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _options(options: tuple[Option, ...]) -> tuple[Option, ...]:
    """Sorted by name, the parts of one message option put together."""
    if not options:
        return ()
    whole = [Option(option.name, _value(option.value)) for option in options if not option.path]
    parts: dict[str, dict[str, Value]] = {}
    for option in options:
        if option.path:
            _put(parts.setdefault(option.name, {}), option.path.split("."), _value(option.value))
    merged = (Option(name, values) for name, values in parts.items())
    return tuple(sorted((*whole, *merged), key=lambda option: option.name.strip("()")))


def _put(into: dict[str, Value], path: list[str], value: Value) -> None:
    name, *rest = path
    if not rest:
        into[name] = value
        return
    inner = into.get(name)
    into[name] = deeper = dict(inner) if isinstance(inner, dict) else {}
    _put(deeper, rest, value)


def _value(value: Value) -> Value:
    """Numbers without exponent; the rest as it is."""
    match value:
        case Bare(text) if _scientific(text):
            return Bare(format(Decimal(text), "f"))
        case str() | Bare():
            return value
        case tuple():
            return tuple(_value(item) for item in value)
        case _:
            return {name: _value(item) for name, item in value.items()}
