"""Reading what stands inside a message: fields, groups, oneofs, and ranges of numbers."""

import re

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.protobuf.model import (
    MAX_TAG,
    Bare,
    Extensions,
    Field,
    Group,
    Label,
    OneOf,
    Option,
    Range,
    Reserved,
    Value,
)
from schema_mcp.domain.protobuf.options import read_declared, read_options
from schema_mcp.domain.protobuf.scanner import SPACE, Scanner

MAX_DEPTH = 210
MAX_FIELDS = 50_000

_LABELS = {label.value: label for label in Label}

_NOT_TYPES = frozenset(("option", "reserved", "message", "enum", "extend", "oneof", "extensions", "group", "map"))
"""Words that begin another declaration than a field; `message` is a type only where none can be declared."""

_plain_field = re.compile(
    rf"{SPACE}*+(?:(optional|repeated|required){SPACE}++)?([A-Za-z0-9_.\-]++){SPACE}++([A-Za-z_][A-Za-z0-9_.\-]*+)"
    rf"{SPACE}*+={SPACE}*+([0-9]{{1,9}}){SPACE}*+;(?![ \t]*/)"
).match
"""The everyday field, without comments and options: most of every file, so it is read in one go."""


class FieldReader:
    """Reads fields at the scanner's place, and knows the syntax and the size of the file so far."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.syntax: str | None = None
        self._depth = 0
        self._fields = 0

    def plain_field(self) -> Field | None:
        """The next field if it is an everyday one, else None with nothing read."""
        found = _plain_field(self.scanner.text, self.scanner.at)
        if found is None:
            return None
        label, type_, name, tag = found.groups()
        allowed = label != "required" if self.syntax == "proto3" else label is not None
        if not allowed or type_ in _NOT_TYPES or (label is None and type_ in _LABELS):
            return None
        self.scanner.at = found.end()
        self.count()
        return Field(name, type_, int(tag), _LABELS[label] if label else None)

    def labelled(self, word: str, doc: str, start: int) -> Field | Group:
        """The field or group that begins with this word, a label or a type."""
        label = _LABELS.get(word)
        self._check_label(word, label, start)
        type_ = self.data_type(None if label else word)
        if label and type_.startswith("map<"):
            self.scanner.fail("'map' type cannot have label", at=start)
        return self.group(label, doc) if type_ == "group" else self.field(label, type_, doc)

    def _check_label(self, word: str, label: Label | None, start: int) -> None:
        proto3 = self.syntax == "proto3"
        if proto3 and label is Label.REQUIRED:
            self.scanner.fail("'required' label forbidden in proto3 field declarations", at=start)
        if not proto3 and label is None and not (word == "map" and self.scanner.peek() == "<"):
            self.scanner.fail(f"unexpected label: {word}", at=start)

    def field(self, label: Label | None, type_: str, doc: str) -> Field:
        """A field from its name on."""
        name = self.scanner.identifier()
        self.scanner.require("=")
        tag = self.scanner.integer()
        options = read_options(self.scanner)
        self.scanner.require(";")
        doc = self.scanner.trailing_documentation(doc)
        self.count()
        if not options:
            return Field(name, type_, tag, label, doc=doc)
        default, json_name = _last(options, "default"), _last(options, "json_name")
        return Field(
            name,
            type_,
            tag,
            label,
            tuple(option for option in options if option.name not in ("default", "json_name")),
            default,
            json_name.text if isinstance(json_name, Bare) else json_name if isinstance(json_name, str) else None,
            doc,
        )

    def group(self, label: Label | None, doc: str) -> Group:
        """A group from its name on; it holds fields only."""
        name = self.scanner.word()
        self.scanner.require("=")
        tag = self.scanner.integer()
        fields: list[Field] = []
        self.scanner.require("{")
        while True:
            inner = self.scanner.documentation()
            if self.scanner.take("}"):
                return Group(name, tag, label, tuple(fields), doc)
            start = self.scanner.at
            member = self.labelled(self.scanner.word(), inner, start)
            if isinstance(member, Group):
                self.scanner.fail("expected a field, not a group, inside a group", at=start)
            fields.append(member)

    def oneof(self, doc: str) -> OneOf:
        """A oneof from its name on; its fields have no labels."""
        name = self.scanner.name()
        fields: list[Field] = []
        groups: list[Group] = []
        options: list[Option] = []
        self.scanner.require("{")
        while True:
            inner = self.scanner.documentation()
            if self.scanner.take("}"):
                return OneOf(name, tuple(fields), tuple(groups), tuple(options), doc)
            match self.data_type():
                case "group":
                    groups.append(self.group(None, inner))
                case "option":
                    options.append(read_declared(self.scanner))
                case type_:
                    fields.append(self.field(None, type_, inner))

    def data_type(self, word: str | None = None, depth: int = 0) -> str:
        """A type, written as the registry writes it: `map<string, int32>`."""
        word = word or self.scanner.word()
        if word != "map":
            return word
        if depth > MAX_DEPTH:
            self.scanner.fail(f"map types nested deeper than {MAX_DEPTH}")
        self.scanner.require("<")
        key = self.data_type(depth=depth + 1)
        self.scanner.require(",")
        value = self.data_type(depth=depth + 1)
        self.scanner.require(">")
        return f"map<{key}, {value}>"

    def reserved(self) -> Reserved:
        """What follows the word `reserved`."""
        values: list[int | Range | str] = []
        while True:
            values.append(self.scanner.string() if self.scanner.peek() in "\"'" else self._range())
            if self.scanner.take(";"):
                break
            self.scanner.require(",")
        self.scanner.trailing_documentation("")
        return Reserved(tuple(values))

    def extensions(self) -> Extensions:
        """What follows the word `extensions`."""
        values = [self._range()]
        while self.scanner.take(","):
            values.append(self._range())
        options = read_options(self.scanner)
        self.scanner.require(";")
        return Extensions(tuple(values), options)

    def _range(self) -> int | Range:
        first = self.scanner.integer()
        if self.scanner.peek() in ",;[":
            return first
        if self.scanner.word() != "to":
            self.scanner.fail("expected ',', ';' or 'to'")
        last = self.scanner.word()
        return first, MAX_TAG if last == "max" else self.scanner.number(last)

    def count(self) -> None:
        """One more field or constant; too many are refused."""
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise InvalidSchemaError(
                f"The file has more than {MAX_FIELDS} fields.", hint="Split it and import its parts."
            )


def _last(options: tuple[Option, ...], name: str) -> Value | None:
    return next((option.value for option in reversed(options) if option.name == name), None)
