"""Taking a message out of a schema with all its uses, and moving a schema to another package."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schema_mcp.domain.protobuf.edits import (
    NewType,
    field_of,
    mapped_type,
    message_at,
    with_message,
    with_types,
    without_field,
    without_message,
)
from schema_mcp.domain.protobuf.graft import put_back
from schema_mcp.domain.protobuf.model import Extend, File, Message, Rpc, Service, map_type
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.types import OWN, Source, Types, definitions_of, join
from schema_mcp.domain.protobuf.validity import fields_of


def without_type(schema: ProtobufSchema, other: ProtobufSchema, names: Sequence[str]) -> File | None:
    """The file without a message and what is in it; fields that hold it get their old type back, or go."""
    if message_at(schema.file, names) is None:
        return None
    uses = list(_uses(schema, names))
    file = _without_mentions(without_message(schema.file, names), schema.types, names)
    for place, tag in uses:
        file = _old_field_or_none(replace(schema, file=file), other, place, tag)
    return file


def _uses(schema: ProtobufSchema, names: Sequence[str]) -> Iterator[tuple[list[str], int]]:
    """Every field, outside of the message itself, that holds it: where, and its number."""
    doomed = _full_name(schema.file, names)
    for definition in definitions_of(Source(schema.file, OWN)):
        if isinstance(definition.body, Message) and not _within(definition.full_name, doomed):
            for field in fields_of(definition.body):
                if _holds(schema.types, field.type, definition.full_name, doomed):
                    yield definition.name.split("."), field.tag


def _holds(types: Types, type_: str, scope: str, doomed: str) -> bool:
    if found := map_type(type_):
        return _holds(types, found.value, scope, doomed)
    definition = types.resolve(type_, scope)
    return definition is not None and definition.origin == OWN and _within(definition.full_name, doomed)


def _within(name: str, outer: str) -> bool:
    return name == outer or name.startswith(f"{outer}.")


def _old_field_or_none(schema: ProtobufSchema, other: ProtobufSchema, names: list[str], tag: int) -> File:
    there = message_at(other.file, names)
    theirs = field_of(there, tag) if there else None
    if theirs:
        return put_back(schema, other, names, theirs)
    return with_message(schema.file, names, lambda message: without_field(message, tag))


def _without_mentions(file: File, types: Types, names: Sequence[str]) -> File:
    """The file without the methods that take or give the message, and without extends of it."""
    scope, doomed = file.package or "", _full_name(file, names)

    def stays(item: Rpc | Extend) -> bool:
        mentioned = (item.name,) if isinstance(item, Extend) else (item.request, item.response)
        return not any(_holds(types, name, scope, doomed) for name in mentioned)

    def without(service: Service) -> Service:
        return replace(service, rpcs=tuple(filter(stays, service.rpcs)))

    return replace(
        file, extends=tuple(filter(stays, file.extends)), services=tuple(without(service) for service in file.services)
    )


def _full_name(file: File, names: Sequence[str]) -> str:
    return join(file.package or "", ".".join(names))


def in_package(schema: ProtobufSchema, package: str | None) -> File:
    """The file in another package, with all names of its own types meaning what they meant."""
    old, new = schema.file.package or "", package or ""
    file = replace(schema.file, package=package)
    moved = Types(file, schema.dependencies)

    def renamed(name: str, scope: str) -> str:
        found = schema.types.resolve(name, scope)
        if found is None or found.origin != OWN:
            return name
        there = join(new, scope[len(old) :].removeprefix("."))
        full_name = f".{join(new, found.name)}"
        return next((short for short in (name, found.name) if moved.qualified(short, there) == full_name), full_name)

    return replace(
        file,
        messages=tuple(with_types(message, old, renamed) for message in file.messages),
        extends=tuple(_retyped_extend(extend, old, renamed) for extend in file.extends),
        services=tuple(_retyped_service(service, old, renamed) for service in file.services),
    )


def _retyped_extend(extend: Extend, scope: str, new_type: NewType) -> Extend:
    fields = tuple(replace(field, type=mapped_type(field.type, scope, new_type)) for field in extend.fields)
    return Extend(new_type(extend.name, scope), fields, extend.doc)


def _retyped_service(service: Service, scope: str, new_type: NewType) -> Service:
    rpcs = (
        replace(rpc, request=new_type(rpc.request, scope), response=new_type(rpc.response, scope))
        for rpc in service.rpcs
    )
    return replace(service, rpcs=tuple(rpcs))
