"""What a registry asks of a new schema beyond its syntax: every type is known, and map keys are plain."""

from collections.abc import Iterable, Iterator

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.protobuf.model import SCALARS, Extend, Field, File, Message, map_type
from schema_mcp.domain.protobuf.types import Types, join

_MAP_KEYS = SCALARS - {"bytes", "double", "float"}


def require_valid(file: File, types: Types) -> None:
    """Refuse a file with an unknown type or a map key that cannot be one; what a map holds is not looked at."""
    for type_, scope in used_types(file):
        found = map_type(type_)
        if found and found.key not in _MAP_KEYS:
            raise InvalidSchemaError(
                f"map key must be non-byte, non-floating point scalar: {found.key}",
                hint="Use an integer type, bool or string as the key.",
            )
        if not found and type_ not in SCALARS and types.resolve(type_, scope) is None:
            raise InvalidSchemaError(
                f"Could not resolve type: {type_}",
                hint="Declare it, or reference the subject whose file declares it and import that file.",
            )


def used_types(file: File) -> Iterator[tuple[str, str]]:
    """Every type in use that is no scalar, with the scope it is used in."""
    package = file.package or ""
    yield from _of_extends(file.extends, package)
    for service in file.services:
        for rpc in service.rpcs:
            yield rpc.request, package
            yield rpc.response, package
    waiting = [(message, package) for message in file.messages]
    while waiting:
        message, outer = waiting.pop()
        scope = join(outer, message.name)
        yield from _of_fields(fields_of(message), scope)
        yield from _of_extends(message.extends, scope)
        waiting += ((inner, scope) for inner in message.messages)


def fields_of(message: Message) -> Iterator[Field]:
    """All fields of a message: its own, and those of its oneofs and groups."""
    yield from message.fields
    for oneof in message.oneofs:
        yield from oneof.fields
        for group in oneof.groups:
            yield from group.fields
    for group in message.groups:
        yield from group.fields


def _of_extends(extends: Iterable[Extend], scope: str) -> Iterator[tuple[str, str]]:
    for extend in extends:
        yield extend.name, scope
        yield from _of_fields(extend.fields, scope)


def _of_fields(fields: Iterable[Field], scope: str) -> Iterator[tuple[str, str]]:
    return ((field.type, scope) for field in fields if field.type not in SCALARS)
