"""From a file descriptor, which Kafka's serialisers register as base64, to a `File`.

The numbers are those of google/protobuf/descriptor.proto. Map fields stay `repeated XEntry`, as the registry
keeps them; the oneof that stands behind a proto3 `optional` goes.
"""

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterable, Sequence

from schema_mcp.domain.protobuf import builtin_options
from schema_mcp.domain.protobuf.fields import MAX_DEPTH
from schema_mcp.domain.protobuf.model import (
    MAX_TAG,
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
    Range,
    Reserved,
    Rpc,
    Service,
    Value,
)
from schema_mcp.domain.protobuf.scanner import unescaped
from schema_mcp.domain.protobuf.wire import Record, WireError

TYPE_NAMES = (
    *(None, "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string", "group"),
    *(None, "bytes", "uint32", None, "sfixed32", "sfixed64", "sint32", "sint64"),
)
"""Scalar types by their number in a descriptor; None where `type_name` says more."""

_GROUP = 10
_DEFAULT_VALUE, _ONEOF_INDEX, _PROTO3_OPTIONAL = 7, 9, 17
LABELS = {1: Label.OPTIONAL, 2: Label.REQUIRED, 3: Label.REPEATED}


def decoded_text(text: str) -> File | None:
    """The file in a base64 descriptor, or None when the text is none."""
    try:
        return _Decoder().file(Record(base64.b64decode(text.strip(), validate=True)))
    except (binascii.Error, WireError, ValueError):
        return None


class _Decoder:
    def __init__(self) -> None:
        self._proto3 = False
        self._depth = 0

    def file(self, record: Record) -> File:
        syntax = record.text(12) or None
        if syntax not in (None, "proto2", "proto3"):
            raise WireError(f"{syntax} is not supported")
        self._proto3 = syntax == "proto3"
        imports, public, weak = record.texts(3), set(record.numbers(10)), set(record.numbers(11))
        return File(
            syntax,
            record.text(2) or None,
            tuple(path for index, path in enumerate(imports) if index not in public | weak),
            tuple(path for index, path in enumerate(imports) if index in public),
            tuple(path for index, path in enumerate(imports) if index in weak),
            builtin_options.FILE.decoded(record.record(8)),
            tuple(self._message(one) for one in record.records(4)),
            tuple(_enum(one) for one in record.records(5)),
            self._extends(record.records(7)),
            tuple(_service(one) for one in record.records(6)),
        )

    def _message(self, record: Record) -> Message:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise WireError(f"messages nested deeper than {MAX_DEPTH}")
        nested: list[Message] = []
        for one in record.records(3):  # a loop, so that deep nesting costs one frame a level
            nested.append(self._message(one))  # noqa: PERF401
        self._depth -= 1
        fields = record.records(2)
        groups = {one.text(6).rpartition(".")[2] for one in fields if one.number(5) == _GROUP}
        bodies = {message.name: message for message in nested if message.name in groups}
        outside = [one for one in fields if not _is_member(one)]
        return Message(
            record.text(1),
            tuple(self._field(one) for one in outside if one.number(5) != _GROUP),
            self._oneofs(record, fields, bodies),
            tuple(self._group(one, bodies) for one in outside if one.number(5) == _GROUP),
            tuple(message for message in nested if message.name not in bodies),
            tuple(_enum(one) for one in record.records(4)),
            _reserved(record.records(9), record.texts(10), inclusive=False),
            tuple(Extensions((_range(one, inclusive=False),)) for one in record.records(5)),
            self._extends(record.records(6)),
            builtin_options.MESSAGE.decoded(record.record(7)),
        )

    def _oneofs(self, record: Record, fields: Sequence[Record], bodies: dict[str, Message]) -> tuple[OneOf, ...]:
        """The oneofs with their members; those that only stand behind a proto3 `optional` are not the author's."""
        members: dict[int, list[Record]] = defaultdict(list)
        hidden: set[int] = set()
        for one in fields:
            if _is_member(one):
                members[one.number(_ONEOF_INDEX)].append(one)
            elif _ONEOF_INDEX in one:
                hidden.add(one.number(_ONEOF_INDEX))
        return tuple(
            OneOf(
                oneof.text(1),
                tuple(self._field(one) for one in members[index] if one.number(5) != _GROUP),
                tuple(self._group(one, bodies) for one in members[index] if one.number(5) == _GROUP),
            )
            for index, oneof in enumerate(record.records(8))
            if members[index] or index not in hidden
        )

    def _field(self, record: Record) -> Field:
        type_ = record.text(6) or _scalar(record.number(5))
        return Field(
            record.text(1),
            type_,
            record.number(3),
            self._label(record),
            builtin_options.FIELD.decoded(record.record(8)),
            _default(record.text(7), type_) if _DEFAULT_VALUE in record else None,
            record.text(10) or None,
        )

    def _label(self, record: Record) -> Label | None:
        """The label as an author writes it: none in a oneof, and in proto3 only where it says something."""
        if _is_member(record):
            return None
        label = LABELS.get(record.number(4, default=1), Label.OPTIONAL)
        if self._proto3 and label is Label.OPTIONAL and not record.number(_PROTO3_OPTIONAL):
            return None
        return label

    def _group(self, record: Record, bodies: dict[str, Message]) -> Group:
        name = record.text(6).rpartition(".")[2]
        fields = bodies[name].fields if name in bodies else ()
        return Group(name, record.number(3), self._label(record), fields)

    def _extends(self, records: Iterable[Record]) -> tuple[Extend, ...]:
        extended: dict[str, list[Field]] = {}
        for record in records:
            extended.setdefault(record.text(2), []).append(self._field(record))
        return tuple(Extend(name, tuple(fields)) for name, fields in extended.items())


def _scalar(number: int) -> str:
    name = TYPE_NAMES[number] if 0 <= number < len(TYPE_NAMES) else None
    if name is None:
        raise WireError("a field has no type")
    return name


def _is_member(record: Record) -> bool:
    """Does the field stand in a oneof that the author wrote?"""
    return _ONEOF_INDEX in record and not record.number(_PROTO3_OPTIONAL)


def _default(text: str, type_: str) -> Value:
    match type_:
        case "string":
            return text
        case "bytes":
            return unescaped(text)
        case _:
            return Bare(text)


def _enum(record: Record) -> Enum:
    constants = (
        Constant(one.text(1), one.number(2), builtin_options.CONSTANT.decoded(one.record(3)))
        for one in record.records(2)
    )
    return Enum(
        record.text(1),
        tuple(constants),
        builtin_options.ENUM.decoded(record.record(3)),
        _reserved(record.records(4), record.texts(5), inclusive=True),
    )


def _service(record: Record) -> Service:
    rpcs = tuple(
        Rpc(one.text(1), one.text(2), one.text(3), bool(one.number(5)), bool(one.number(6)), _rpc_options(one))
        for one in record.records(2)
    )
    return Service(record.text(1), rpcs, builtin_options.SERVICE.decoded(record.record(3)))


def _rpc_options(record: Record) -> tuple[Option, ...]:
    return builtin_options.RPC.decoded(record.record(4))


def _reserved(ranges: Iterable[Record], names: Iterable[str], *, inclusive: bool) -> tuple[Reserved, ...]:
    numbers = tuple(Reserved((_range(one, inclusive=inclusive),)) for one in ranges)
    return (*numbers, *(Reserved((name,)) for name in names))


def _range(record: Record, *, inclusive: bool) -> int | Range:
    """Messages count the end of a range as outside of it, enums as inside."""
    first, last = record.number(1), record.number(2) - (0 if inclusive else 1)
    if first == last:
        return first
    return first, min(last, MAX_TAG)
