"""Changes that the compatibility check passes in silence and that a consumer may still trip over."""

from collections.abc import Iterable, Iterator

from schema_mcp.domain.formats import Finding
from schema_mcp.domain.protobuf.compatibility import ENCODING, shape_of
from schema_mcp.domain.protobuf.lint import json_name, span
from schema_mcp.domain.protobuf.matching import (
    Match,
    Placed,
    enum_pairs,
    is_repeated,
    matched,
    matched_fields,
    matched_types,
    message_pairs,
    moved_messages,
)
from schema_mcp.domain.protobuf.model import Enum, Field, File, Label, Message, Range, Reserved, Service
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.types import Types, join

_WIDTH = {"bool": 1, "int32": 32, "uint32": 32, "sint32": 32, "int64": 64, "uint64": 64, "sint64": 64}


def lint_change(new: ProtobufSchema, old: ProtobufSchema) -> list[Finding]:
    """What a consumer of the old schema should hear about the new one."""
    types = matched_types(old.file, new.file)
    findings = [*_file(old.file, new.file)]
    for found, before, now in message_pairs(types):
        scopes = join(old.file.package or "", found.name), found.full_name
        findings += _Fields(found.name, (old.types, scopes[0]), (new.types, scopes[1])).findings(before, now)
    for found, before, now in enum_pairs(types):
        findings += _enum(found.name, before, now)
    return [*findings, *_services(old.file.services, new.file.services)]


def _file(old: File, new: File) -> Iterator[Finding]:
    if (old.syntax or "proto2") != (new.syntax or "proto2"):
        text = "another syntax changes which fields tell absent from empty, and how unknown enum values are kept"
        yield Finding("syntax-changed", "", text)
    for name, was, is_now in moved_messages(old, new):
        text = f"message `{name}` moved from position {was} to {is_now}; records carry that position"
        yield Finding("message-moved", name, text)


class _Fields:
    """The fields of one message in two versions, each with the types in sight and the message's scope."""

    def __init__(self, path: str, old: tuple[Types, str], new: tuple[Types, str]) -> None:
        self._path = path
        self._old = old
        self._new = new

    def findings(self, old: Message, new: Message) -> Iterator[Finding]:
        fields = matched_fields(old, new)
        yield from self._freed(fields, old, new)
        for before, now in fields.both:
            yield from self._field(before, now)
        groups = matched(old.groups, new.groups, lambda group: group.tag)
        if groups.removed or any(before.fields != now.fields for before, now in groups.both):
            yield Finding("group-changed", self._path, "groups are not compared; check by hand what this change breaks")
        if len(new.extensions) < len(old.extensions):
            yield Finding("extensions-removed", self._path, "extension ranges are not compared; others may use them")

    def _freed(self, fields: Match[Placed], old: Message, new: Message) -> Iterator[Finding]:
        kept = _numbers(new.reserved)
        for placed in fields.removed:
            if not _is_in(placed.field.tag, kept):
                text = f"number {placed.field.tag} is free again; reserve it, or a later field may misread old records"
                yield Finding("number-not-reserved", f"{self._path}.{placed.field.name}", text)
        for placed in fields.added:
            if _is_in(placed.field.tag, _numbers(old.reserved)):
                text = (
                    f"number {placed.field.tag} was reserved; records of an earlier version may hold another type there"
                )
                yield Finding("reserved-number-used", f"{self._path}.{placed.field.name}", text)

    def _field(self, old: Placed, new: Placed) -> Iterator[Finding]:
        before, now = old.field, new.field
        path = f"{self._path}.{now.name}"
        if json_name(before) != json_name(now):
            text = f"in JSON the field is called `{json_name(now)}` now, not `{json_name(before)}`"
            yield Finding("json-name-changed", path, text)
        if is_repeated(before) != is_repeated(now):
            text = "one side holds a list, the other one value: a single reader keeps the last element only"
            yield Finding("repeated-changed", path, text)
        elif _presence(old) != _presence(new) and self._scalar(now, self._new):
            yield Finding(
                "presence-changed", path, "the two versions differ in telling an absent value from an empty one"
            )
        if before.default != now.default:
            yield Finding("default-changed", path, "records without the field read differently now")
        yield from self._type(before, now, path)

    def _type(self, before: Field, now: Field, path: str) -> Iterator[Finding]:
        was, is_now = self._scalar(before, self._old), self._scalar(now, self._new)
        if not was or not is_now or ENCODING[was] != ENCODING[is_now]:
            return
        if was != is_now and was in ("bytes", "string"):
            yield Finding(
                "text-and-bytes", path, f"`{was}` became `{is_now}`; bytes that are no UTF-8 fail as a string"
            )
        elif _WIDTH.get(is_now, 0) < _WIDTH.get(was, 0):
            yield Finding("narrowed", path, f"`{was}` became `{is_now}`; larger values are cut off")
        elif before.type.rpartition(".")[2] != now.type.rpartition(".")[2]:
            yield Finding("reinterpreted", path, f"`{before.type}` became `{now.type}`; some values read as others")

    def _scalar(self, field: Field, side: tuple[Types, str]) -> str:
        """The scalar a field holds; an enum counts as the number it is written as, all else as none."""
        if field.type in ENCODING:
            return field.type
        return "int32" if isinstance(shape_of(field.type, *side), str) else ""


def _presence(placed: Placed) -> bool:
    return placed.oneof is not None or placed.field.label in (Label.OPTIONAL, Label.REQUIRED)


def _numbers(reserved: Iterable[Reserved]) -> list[Range]:
    return [span(value) for one in reserved for value in one.values if not isinstance(value, str)]


def _is_in(tag: int, ranges: Iterable[Range]) -> bool:
    return any(first <= tag <= last for first, last in ranges)


def _enum(path: str, old: Enum, new: Enum) -> Iterator[Finding]:
    constants = matched(old.constants, new.constants, lambda constant: constant.name)
    for before, now in constants.both:
        if before.tag != now.tag:
            text = f"`{now.name}` was {before.tag} and is {now.tag}; records keep the number"
            yield Finding("constant-renumbered", f"{path}.{now.name}", text)
    kept = {constant.tag: constant.name for constant in new.constants}
    for constant in constants.removed:
        place = f"{path}.{constant.name}"
        if constant.tag in kept:
            text = f"{constant.tag} is called `{kept[constant.tag]}` now; JSON and generated code use the name"
            yield Finding("constant-renamed", place, text)
        else:
            text = f"a new reader sees {constant.tag} without a name where a record holds `{constant.name}`"
            yield Finding("constant-removed", place, text)


def _services(old: Iterable[Service], new: Iterable[Service]) -> Iterator[Finding]:
    services = matched(old, new, lambda service: service.name)
    for service in services.removed:
        yield Finding("service-removed", service.name, "services are not compared; callers of this one will fail")
    for before, now in services.both:
        rpcs = matched(before.rpcs, now.rpcs, lambda rpc: rpc.name)
        for rpc in rpcs.removed:
            yield Finding("method-removed", f"{now.name}.{rpc.name}", "callers of this method will fail")
        for was, is_now in rpcs.both:
            if (was.request, was.response) != (is_now.request, is_now.response):
                yield Finding(
                    "method-changed", f"{now.name}.{is_now.name}", "the method takes or gives another message"
                )
