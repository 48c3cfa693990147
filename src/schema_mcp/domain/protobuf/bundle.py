"""A Protobuf file with all that it imports inside.

Types of another package take the name of this one: on the wire nothing changes, since names are not there. What
belongs to the language itself (`google/protobuf/…`) stays an import.
"""

from collections.abc import Iterable
from dataclasses import replace

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.protobuf.model import SCALARS, Enum, Extend, Field, File, Group, Message, OneOf, Rpc, map_type
from schema_mcp.domain.protobuf.printer import print_file
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.types import BUNDLED, Definition, Source, Types, join


def bundled(schema: ProtobufSchema) -> str:
    """The one file; raises `InvalidSchemaError` where two types would have the same name, and for another syntax."""
    own, sources = schema.file, _imported(schema)
    for source in sources:
        _refuse_other_syntax(own, source)
    bundle = _Bundle(own, schema.types)
    parts = [bundle.file(source.file) for source in sources]
    whole = bundle.file(own)
    messages = [message for part in (whole, *parts) for message in part.messages]
    enums = [enum for part in (whole, *parts) for enum in part.enums]
    _refuse_twins([*messages, *enums])
    inside = {source.path for source in sources}
    imports = dict.fromkeys(path for part in (own, *(one.file for one in sources)) for path in _imports(part))
    return print_file(
        replace(
            whole,
            imports=tuple(path for path in imports if path not in inside),
            public_imports=(),
            weak_imports=(),
            messages=tuple(messages),
            enums=tuple(enums),
            extends=tuple(extend for part in (whole, *parts) for extend in part.extends),
        )
    )


def _imports(file: File) -> tuple[str, ...]:
    return (*file.imports, *file.public_imports, *file.weak_imports)


def _imported(schema: ProtobufSchema) -> list[Source]:
    """The referenced files that the file imports, directly or not."""
    by_path = {source.path: source for source in schema.dependencies}
    found: dict[str, Source] = {}
    waiting = list(_imports(schema.file))
    while waiting:
        path = waiting.pop(0)
        if path in by_path and path not in found:
            found[path] = by_path[path]
            waiting += _imports(by_path[path].file)
    return list(found.values())


def _refuse_other_syntax(own: File, source: Source) -> None:
    one, other = own.syntax or "proto2", source.file.syntax or "proto2"
    if one != other:
        raise InvalidSchemaError(
            f"{source.path} is {other}, the file {one}: one file has one syntax",
            hint="Bundle it as it is, with its references, or write both in one syntax.",
        )


def _refuse_twins(types: Iterable[Message | Enum]) -> None:
    seen: set[str] = set()
    for one in types:
        if one.name in seen:
            raise InvalidSchemaError(
                f"Two files declare {one.name}, and one file can hold only one of them", hint="Rename one of the two."
            )
        seen.add(one.name)


class _Bundle:
    """Files rewritten so that every type goes by its name in the one file."""

    def __init__(self, own: File, types: Types) -> None:
        self._package = own.package or ""
        self._types = types

    def file(self, file: File) -> File:
        scope = file.package or ""
        return replace(
            file,
            messages=tuple(self._message(one, scope) for one in file.messages),
            extends=tuple(self._extend(one, scope) for one in file.extends),
            services=tuple(
                replace(one, rpcs=tuple(self._rpc(rpc, scope) for rpc in one.rpcs)) for one in file.services
            ),
        )

    def _message(self, message: Message, outer: str) -> Message:
        scope = join(outer, message.name)
        return replace(
            message,
            fields=self._fields(message.fields, scope),
            oneofs=tuple(self._oneof(one, scope) for one in message.oneofs),
            groups=self._groups(message.groups, scope),
            messages=tuple(self._message(one, scope) for one in message.messages),
            extends=tuple(self._extend(one, scope) for one in message.extends),
        )

    def _oneof(self, oneof: OneOf, scope: str) -> OneOf:
        return replace(oneof, fields=self._fields(oneof.fields, scope), groups=self._groups(oneof.groups, scope))

    def _groups(self, groups: Iterable[Group], scope: str) -> tuple[Group, ...]:
        return tuple(replace(one, fields=self._fields(one.fields, join(scope, one.name))) for one in groups)

    def _extend(self, extend: Extend, scope: str) -> Extend:
        return replace(extend, name=self._named(extend.name, scope), fields=self._fields(extend.fields, scope))

    def _rpc(self, rpc: Rpc, scope: str) -> Rpc:
        return replace(rpc, request=self._named(rpc.request, scope), response=self._named(rpc.response, scope))

    def _fields(self, fields: Iterable[Field], scope: str) -> tuple[Field, ...]:
        return tuple(replace(one, type=self._type(one.type, scope)) for one in fields)

    def _type(self, text: str, scope: str) -> str:
        found = map_type(text)
        if found:
            return f"map<{found.key}, {self._named(found.value, scope)}>"
        return self._named(text, scope)

    def _named(self, text: str, scope: str) -> str:
        definition = None if text in SCALARS else self._types.resolve(text, scope)
        return self._moved(definition, text) if definition else text

    def _moved(self, definition: Definition, text: str) -> str:
        """A name that has to change is written in full, so that no scope can catch it."""
        if definition.origin == BUNDLED:
            return f".{definition.full_name}"
        return text if definition.package == self._package else f".{join(self._package, definition.name)}"
