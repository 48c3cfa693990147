"""From a `.proto` text to a `File`, accepting what the registry's parser (Square Wire) accepts.

That is more than protoc: tags and names are not checked, and a keyword is one only where it can stand.
"""

from collections.abc import Iterator

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.protobuf.fields import MAX_DEPTH, FieldReader
from schema_mcp.domain.protobuf.model import (
    Constant,
    Enum,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Message,
    OneOf,
    Option,
    Reserved,
    Rpc,
    Service,
)
from schema_mcp.domain.protobuf.options import read_declared, read_options
from schema_mcp.domain.protobuf.scanner import Scanner

MAX_LENGTH = 5_000_000

_SYNTAXES = ("proto2", "proto3")


def parse_text(text: str) -> File:
    """Read a `.proto` text, or say where it stops being one."""
    if len(text) > MAX_LENGTH:
        raise InvalidSchemaError(
            f"The text has {len(text)} characters; the bound is {MAX_LENGTH}.",
            hint="Split the file and import its parts.",
        )
    return FileReader(Scanner(text)).read()


class FileReader(FieldReader):
    """Reads a whole file; collects as it goes."""

    def __init__(self, scanner: Scanner) -> None:
        super().__init__(scanner)
        self._package: str | None = None
        self._imports: dict[str, list[str]] = {"": [], "public": [], "weak": []}
        self._options: list[Option] = []
        self._messages: list[Message] = []
        self._enums: list[Enum] = []
        self._extends: list[Extend] = []
        self._services: list[Service] = []
        self._defined: set[str] = set()

    def read(self) -> File:
        """Read to the end."""
        first = True
        while True:
            doc = self.scanner.documentation()
            if self.scanner.exhausted:
                return self._file()
            if not self.scanner.take(";"):
                start = self.scanner.at
                self._declaration(self.scanner.word(), doc, start, first=first)
            first = False

    def _file(self) -> File:
        return File(
            self.syntax,
            self._package,
            tuple(self._imports[""]),
            tuple(self._imports["public"]),
            tuple(self._imports["weak"]),
            tuple(self._options),
            tuple(self._messages),
            tuple(self._enums),
            tuple(self._extends),
            tuple(self._services),
        )

    def _declaration(self, word: str, doc: str, start: int, *, first: bool) -> None:
        match word:
            case "message" | "enum" | "service" | "extend":
                self._definition(word, doc, start)
            case "import":
                self._import()
            case "package":
                self._package = self.scanner.name()
                self.scanner.require(";")
            case "option":
                self._options.append(read_declared(self.scanner))
            case "syntax":
                self._read_syntax(start, first=first)
            case "reserved":
                self.reserved()
            case "edition":
                self.scanner.fail("editions are not supported", at=start)
            case _:
                self.scanner.fail(f"unexpected label: {word}", at=start)

    def _definition(self, word: str, doc: str, start: int) -> None:
        match word:
            case "message":
                self._messages.append(message := self.message(doc))
                self._define(message.name, start)
            case "enum":
                self._enums.append(enum := self.enum(doc))
                self._define(enum.name, start)
            case "service":
                self._services.append(service := self.service(doc))
                self._define(f"service {service.name}", start)
            case _:
                self._extends.append(self.extend(doc))

    def _define(self, name: str, start: int) -> None:
        if name in self._defined:
            self.scanner.fail(f"{name} is already defined", at=start)
        self._defined.add(name)

    def _import(self) -> None:
        kind = "" if self.scanner.peek() in "\"'" else self.scanner.word()
        if kind not in self._imports:
            self.scanner.fail("expected a quoted import path")
        self._imports[kind].append(self.scanner.string())
        self.scanner.require(";")

    def _read_syntax(self, start: int, *, first: bool) -> None:
        if not first:
            self.scanner.fail("'syntax' must be the first declaration, and the only one", at=start)
        self.scanner.require("=")
        self.syntax = self.scanner.string()
        if self.syntax not in _SYNTAXES:
            self.scanner.fail(f"unexpected syntax: {self.syntax}", at=start)
        self.scanner.require(";")

    def message(self, doc: str) -> Message:
        """A message from its name on."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.scanner.fail(f"messages nested deeper than {MAX_DEPTH}")
        name = self.scanner.name()
        self.scanner.require("{")
        parts = _Members()
        while True:
            if field := self.plain_field():
                parts.fields.append(field)
                continue
            inner = self.scanner.documentation()
            if self.scanner.take("}"):
                self._depth -= 1
                return parts.message(name, doc)
            if not self.scanner.take(";"):
                self._member(parts, inner)

    def _member(self, parts: "_Members", doc: str) -> None:
        start = self.scanner.at
        match word := self.scanner.word():
            case "message":
                parts.messages.append(self.message(doc))
            case "enum":
                parts.enums.append(self.enum(doc))
            case "oneof":
                parts.oneofs.append(self.oneof(doc))
            case "option":
                parts.options.append(read_declared(self.scanner))
            case "reserved":
                parts.reserved.append(self.reserved())
            case "extensions":
                parts.extensions.append(self.extensions())
            case "extend":
                parts.extends.append(self.extend(doc))
            case _:
                parts.add(self.labelled(word, doc, start))

    def extend(self, doc: str) -> Extend:
        """An extend block from its message's name on."""
        name = self.scanner.name()
        fields: list[Field] = []
        for inner in self._body():
            start = self.scanner.at
            match word := self.scanner.word():
                case "option":
                    read_declared(self.scanner)
                case "reserved":
                    self.reserved()
                case _:
                    member = self.labelled(word, inner, start)
                    if isinstance(member, Field):
                        fields.append(member)
        return Extend(name, tuple(fields), doc)

    def enum(self, doc: str) -> Enum:
        """An enum from its name on."""
        name = self.scanner.name()
        constants: list[Constant] = []
        options: list[Option] = []
        reserved: list[Reserved] = []
        for inner in self._body():
            match word := self.scanner.identifier():
                case "option":
                    options.append(read_declared(self.scanner))
                case "reserved":
                    reserved.append(self.reserved())
                case _:
                    constants.append(self._constant(word, inner))
        return Enum(name, tuple(constants), tuple(options), tuple(reserved), doc)

    def _constant(self, name: str, doc: str) -> Constant:
        self.scanner.require("=")
        tag = self.scanner.integer()
        options = read_options(self.scanner)
        self.scanner.require(";")
        self.count()
        return Constant(name, tag, options, self.scanner.trailing_documentation(doc))

    def service(self, doc: str) -> Service:
        """A service from its name on."""
        name = self.scanner.name()
        rpcs: list[Rpc] = []
        options: list[Option] = []
        for inner in self._body():
            start = self.scanner.at
            match word := self.scanner.word():
                case "rpc":
                    rpcs.append(self._rpc(inner))
                case "option":
                    options.append(read_declared(self.scanner))
                case "reserved":
                    self.reserved()
                case _:
                    self.scanner.fail(f"unexpected label: {word}", at=start)
        return Service(name, tuple(rpcs), tuple(options), doc)

    def _rpc(self, doc: str) -> Rpc:
        name = self.scanner.name()
        request, request_streaming = self._rpc_type()
        if self.scanner.word() != "returns":
            self.scanner.fail("expected 'returns'")
        response, response_streaming = self._rpc_type()
        options = self._rpc_options() if self.scanner.peek() == "{" else self.scanner.require(";") or ()
        return Rpc(name, request, response, request_streaming, response_streaming, options, doc)

    def _rpc_type(self) -> tuple[str, bool]:
        self.scanner.require("(")
        word = self.scanner.word()
        streaming = word == "stream"
        type_ = self.data_type(None if streaming else word)
        self.scanner.require(")")
        return type_, streaming

    def _rpc_options(self) -> tuple[Option, ...]:
        options: list[Option] = []
        for _ in self._body():
            start = self.scanner.at
            match word := self.scanner.word():
                case "option":
                    options.append(read_declared(self.scanner))
                case "reserved":
                    self.reserved()
                case _:
                    self.scanner.fail(f"unexpected label: {word}", at=start)
        return tuple(options)

    def _body(self) -> Iterator[str]:
        """Stop at each declaration in `{ ... }`, with the comments in front of it; stray semicolons are nothing."""
        self.scanner.require("{")
        while True:
            doc = self.scanner.documentation()
            if self.scanner.take("}"):
                return
            if not self.scanner.take(";"):
                yield doc


class _Members:
    """The declarations of one message while they are read."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self.oneofs: list[OneOf] = []
        self.groups: list[Group] = []
        self.messages: list[Message] = []
        self.enums: list[Enum] = []
        self.reserved: list[Reserved] = []
        self.extensions: list[Extensions] = []
        self.extends: list[Extend] = []
        self.options: list[Option] = []

    def add(self, member: Field | Group) -> None:
        if isinstance(member, Group):
            self.groups.append(member)
        else:
            self.fields.append(member)

    def message(self, name: str, doc: str) -> Message:
        return Message(
            name,
            tuple(self.fields),
            tuple(self.oneofs),
            tuple(self.groups),
            tuple(self.messages),
            tuple(self.enums),
            tuple(self.reserved),
            tuple(self.extensions),
            tuple(self.extends),
            tuple(self.options),
            doc,
        )
