"""Bringing parts of one schema into another: a type that comes along brings the types it uses.

Only a schema's own messages and enums can come; a referenced type has to be in sight already.
"""

from collections.abc import Sequence
from dataclasses import replace

from schema_mcp.domain.protobuf.edits import (
    field_of,
    mapped_type,
    message_at,
    relabelled,
    with_definition,
    with_message,
    with_placed,
    with_types,
)
from schema_mcp.domain.protobuf.matching import Placed
from schema_mcp.domain.protobuf.model import SCALARS, Enum, Field, File, Message
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.types import OWN, Definition, Source, Types, join
from schema_mcp.domain.protobuf.validity import fields_of


class NoGraftError(Exception):
    """A type cannot come along."""


def put_back(onto: ProtobufSchema, source: ProtobufSchema, names: Sequence[str], placed: Placed) -> File:
    """The file with a field of the other schema's message at this place, under the name it already has here."""
    graft = Graft(onto, source)
    field = graft.field(placed.field, ".".join(names))
    mine = message_at(graft.file, names)
    return with_placed(graft.file, names, Placed(_named(mine, field) if mine else field, placed.oneof))


def _named(message: Message, field: Field) -> Field:
    """The field, called as this schema calls it, and otherwise so that no other field has its name."""
    if here := field_of(message, field.tag):
        return replace(field, name=here.field.name, json_name=here.field.json_name, options=here.field.options)
    taken = {one.name for one in fields_of(message)}
    return replace(field, name=f"{field.name}_{field.tag}") if field.name in taken else field


class Graft:
    """A file that takes parts from another schema."""

    def __init__(self, onto: ProtobufSchema, source: ProtobufSchema) -> None:
        self.file: File = onto.file
        self._dependencies: tuple[Source, ...] = onto.dependencies
        self._source = source.types
        self._types = onto.types

    def definition(self, name: str) -> None:
        """Add the other schema's message or enum `A.B`, with all that it needs."""
        found = self._source.resolve(f".{join(self._package(self._source), name)}", "")
        if found is None or found.origin != OWN or found.body is None:
            raise NoGraftError(name)
        self._add(found)

    def field(self, field: Field, message: str) -> Field:
        """A field of the other schema's message `A.B`, as it reads in this file's message of that name."""
        scope = join(self._package(self._source), message)
        own_scope = join(self.file.package or "", message)
        return replace(field, type=self._type(field.type, scope, own_scope))

    def _type(self, type_: str, scope: str, own_scope: str) -> str:
        return mapped_type(type_, scope, lambda name, place: self._name(name, place, own_scope))

    def _name(self, name: str, scope: str, own_scope: str) -> str:
        """How a type of the other schema is called in this one; it is added where it is missing."""
        found = None if name in SCALARS else self._source.resolve(name, scope)
        if found is None:
            return name
        wanted = self._here(found)
        if wanted is None:
            self._add(found)
            wanted = self._here(found)
        if wanted is None:
            raise NoGraftError(name)
        self._import(wanted.path)
        return self._shortest((name, found.name), own_scope, f".{wanted.full_name}")

    def _shortest(self, names: tuple[str, ...], scope: str, full_name: str) -> str:
        """The first of these names that means the type here, else its full name."""
        return next((name for name in names if self._types.qualified(name, scope) == full_name), full_name)

    def _here(self, found: Definition) -> Definition | None:
        """The definition in this schema that a field would hold without being a change."""
        package = self.file.package or "" if found.origin == OWN else found.package
        here = self._types.resolve(f".{join(package, found.name)}", "")
        return here if here and here.is_enum == found.is_enum else None

    def _add(self, found: Definition) -> None:
        if found.origin != OWN:
            raise NoGraftError(found.full_name)
        names = self._topmost_missing(found.name.split("."))
        body = self._body(names)
        self._insert(names, body)
        if isinstance(body, Message):
            self._adopt(names, body)

    def _topmost_missing(self, names: list[str]) -> list[str]:
        """A type comes with the messages around it, as far as they are missing."""
        for depth in range(1, len(names)):
            if message_at(self.file, names[:depth]) is None:
                return names[:depth]
        return names

    def _body(self, names: list[str]) -> Message | Enum:
        found = self._source.resolve(f".{join(self._package(self._source), '.'.join(names))}", "")
        if found is None or found.body is None:
            raise NoGraftError(".".join(names))
        return found.body

    def _insert(self, names: list[str], body: Message | Enum) -> None:
        """Add a definition where it stood, so that the messages after it keep their index."""
        already = self._types.resolve(f".{join(self.file.package or '', '.'.join(names))}", "")
        if already and already.origin == OWN:
            raise NoGraftError(f"{already.full_name} is something else here")
        index = _index(self._source.own, names, body)
        self._now(with_definition(self.file, names, body, index))
        if already:  # a file cannot import a type and declare it as well
            kept = tuple(path for path in self.file.imports if path != already.path)
            self._now(replace(self.file, imports=kept))

    def _adopt(self, names: list[str], body: Message) -> None:
        """Give an added message type names that mean here what they meant there."""
        package, own_package = self._package(self._source), self.file.package or ""

        def own(scope: str) -> str:
            return join(own_package, scope[len(package) + 1 :] if package else scope)

        outer = join(package, ".".join(names[:-1]))
        adopted = with_types(body, outer, lambda name, scope: self._name(name, scope, own(scope)))
        if (self.file.syntax == "proto3") is not (self._source.own.syntax == "proto3"):
            adopted = relabelled(adopted, self.file.syntax)
        if adopted != body:
            self._now(with_message(self.file, names, lambda _: adopted))

    def _import(self, path: str) -> None:
        if path and path not in (*self.file.imports, *self.file.public_imports, *self.file.weak_imports):
            self._now(replace(self.file, imports=(*self.file.imports, path)))

    def _now(self, file: File) -> None:
        self.file = file
        self._types = Types(file, self._dependencies)

    @staticmethod
    def _package(types: Types) -> str:
        return types.own.package or ""


def _index(file: File, names: list[str], body: Message | Enum) -> int:
    *outer, _ = names
    around = message_at(file, outer) if outer else file
    if around is None:
        return 0
    beside = around.enums if isinstance(body, Enum) else around.messages
    return next(index for index, one in enumerate(beside) if one is body)
