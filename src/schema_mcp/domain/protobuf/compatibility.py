"""What changed when one Protobuf schema is to read what another wrote, under Confluent's rules.

Types are matched by name within their scope, fields and constants by number. Services, options, reserved and
extension ranges, extends, groups, defaults and the syntax are not compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from schema_mcp.domain.formats import Difference
from schema_mcp.domain.protobuf.members import paired
from schema_mcp.domain.protobuf.messages import difference
from schema_mcp.domain.protobuf.model import SCALARS, Enum, Field, Label, MapType, Message, map_type
from schema_mcp.domain.protobuf.types import BUNDLED, Definition, Types, join
from schema_mcp.domain.schema import Semantics

_GROUPS = (
    "int32 int64 uint32 uint64 bool",
    "sint32 sint64",
    "string bytes",
    "fixed32 sfixed32",
    "fixed64 sfixed64",
    "float",
    "double",
)
ENCODING = {scalar: group for group in _GROUPS for scalar in group.split()}
"""Scalars with the same value are written alike; enums are written like `int32`."""

_TEXTUAL = ENCODING["string"]

_MAX_REFERENCE_DEPTH = 60
_MAX_DIFFERENCES = 10_000


Shape: TypeAlias = "str | MapType | Definition"
"""What a field holds: an encoding, a map, or a message."""


class Comparison:
    """Collects the differences between a reader's and a writer's schema."""

    def __init__(self, reader: Types, writer: Types, semantics: Semantics) -> None:
        self._reader = reader
        self._writer = writer
        self._semantics = semantics
        self._found: list[Difference] = []
        self._contents: dict[tuple[str, str], list[Difference]] = {}
        self._later: list[tuple[Definition, Definition]] = []
        self._depth = 0

    def differences(self) -> list[Difference]:
        """All differences, the package first."""
        new, old = self._reader.own, self._writer.own
        if new.package != old.package:
            self._add("PACKAGE_CHANGED", "#/", old=old.package or "", new=new.package or "")
        self._walk(self._messages(new.messages, old.messages, ("#", new.package or "", old.package or "")))
        self._enums(new.enums, old.enums, "#")
        while self._later:
            self._contents_differ(*self._later.pop())
        return self._found

    def _add(self, kind: str, path: str, *, what: str = "", old: str = "", new: str = "") -> None:
        self._found.append(difference(kind, path, what=what, old=old, new=new))

    def _walk(self, waiting: list["_Step"]) -> None:
        """Compare message pairs one after the other, what is nested right behind its message; no recursion."""
        waiting.reverse()
        while waiting:
            step = waiting.pop()
            if isinstance(step, Difference):
                self._found.append(step)
                continue
            self._fields(step)
            self._enums(step.reader.enums, step.writer.enums, step.path)
            places = (step.path, step.reader_scope, step.writer_scope)
            waiting += reversed(self._messages(step.reader.messages, step.writer.messages, places))

    def _messages(
        self, reader: Iterable[Message], writer: Iterable[Message], places: tuple[str, str, str]
    ) -> list["_Step"]:
        """Messages of one scope by name; those behind maps are compared with their fields."""
        path, reader_scope, writer_scope = places
        now, before = _numbered(reader), _numbered(writer)
        steps: list[_Step] = []
        for name, (index, message) in before.items():
            if name not in now:
                steps.append(difference("MESSAGE_REMOVED", f"{path}/{name}", what=name))
                continue
            if now[name][0] != index:
                steps.append(difference("MESSAGE_MOVED", f"{path}/{name}", what=name))
            scopes = join(reader_scope, name), join(writer_scope, name)
            steps.append(_Pair(now[name][1], message, f"{path}/{name}", *scopes))
        added = (name for name in now if name not in before)
        return [*steps, *(difference("MESSAGE_ADDED", f"{path}/{name}", what=name) for name in added)]

    def _enums(self, reader: Iterable[Enum], writer: Iterable[Enum], path: str) -> None:
        now, before = {enum.name: enum for enum in reader}, {enum.name: enum for enum in writer}
        for name, enum in before.items():
            if name in now:
                self._constants(now[name], enum, f"{path}/{name}")
            else:
                self._add("ENUM_REMOVED", f"{path}/{name}", what=name)
        for name in now:
            if name not in before:
                self._add("ENUM_ADDED", f"{path}/{name}", what=name)

    def _constants(self, reader: Enum, writer: Enum, path: str) -> None:
        """Constants by number; of several with one number the last counts."""
        now = {constant.tag: constant.name for constant in reader.constants}
        before = {constant.tag: constant.name for constant in writer.constants}
        if now == before:
            return
        for tag, name in before.items():
            if tag not in now:
                self._add("ENUM_CONST_REMOVED", f"{path}/{tag}", what=name)
            elif now[tag] != name:
                self._add("ENUM_CONST_CHANGED", f"{path}/{tag}", old=name, new=now[tag])
        for tag, name in now.items():
            if tag not in before:
                self._add("ENUM_CONST_ADDED", f"{path}/{tag}", what=name)

    def _fields(self, pair: "_Pair") -> None:
        pairing = paired(pair.reader, pair.writer, pair.path, self._semantics)
        for path, now, before in pairing.pairs:
            if now != before or now.type not in SCALARS:
                self._field(now, before, path, pair)
        for kind, path, name in pairing.found:
            self._add(kind, path, what=name)

    def _field(self, now: Field, before: Field, path: str, pair: "_Pair") -> None:
        if now.name != before.name:
            self._add("FIELD_NAME_CHANGED", path, old=before.name, new=now.name)
        new, old = shape(now, self._reader, pair.reader_scope), shape(before, self._writer, pair.writer_scope)
        self._shapes(new, old, _Place(path, now.name, now.type, before.type))
        if isinstance(new, str) and isinstance(old, str) and now.label and before.label and now.label != before.label:
            textual = new == old == _TEXTUAL
            kind = "FIELD_STRING_OR_BYTES_LABEL_CHANGED" if textual else "FIELD_NUMERIC_LABEL_CHANGED"
            self._add(kind, path, what=now.name, old=before.label, new=now.label)

    def _shapes(self, new: Shape, old: Shape, place: "_Place") -> None:
        match new, old:
            case str(), str():
                if new != old:
                    self._at(place, "FIELD_SCALAR_KIND_CHANGED")
            case MapType(), MapType():
                self._shapes(
                    shape_of(new.key, self._reader), shape_of(old.key, self._writer), place.inside(new.key, old.key)
                )
                self._shapes(
                    shape_of(new.value, self._reader),
                    shape_of(old.value, self._writer),
                    place.inside(new.value, old.value),
                )
            case Definition(), Definition():
                if new.name != old.name or self._contents_break(new, old):
                    self._at(place, "FIELD_NAMED_TYPE_CHANGED")
            case _:
                self._at(place, "FIELD_KIND_CHANGED")

    def _at(self, place: "_Place", kind: str) -> None:
        self._add(kind, place.path, what=place.name, old=place.old, new=place.new)

    def _contents_break(self, new: Definition, old: Definition) -> bool:
        """Compare two messages from different files: does the change inside break the field that holds them?"""
        if new.origin == old.origin or BUNDLED in (new.origin, old.origin):
            return False
        if self._depth >= _MAX_REFERENCE_DEPTH:
            self._later.append((new, old))
            return False
        return any(found.breaks for found in self._contents_differ(new, old))

    def _contents_differ(self, new: Definition, old: Definition) -> list[Difference]:
        """What changed inside; told again at each use, while the list is of a size that people read."""
        key = new.full_name, old.full_name
        if key in self._contents:
            if len(self._found) < _MAX_DIFFERENCES:
                self._found += self._contents[key]
            return self._contents[key]
        self._contents[key] = []  # a pair inside itself counts as unchanged
        start = len(self._found)
        self._depth += 1
        if isinstance(new.body, Message) and isinstance(old.body, Message):
            path = f"#/{new.name.replace('.', '/')}"
            self._walk([_Pair(new.body, old.body, path, new.full_name, old.full_name)])
        self._depth -= 1
        self._contents[key] = self._found[start:]
        return self._contents[key]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two messages to compare, and the scopes their field types are looked up in."""

    reader: Message
    writer: Message
    path: str
    reader_scope: str
    writer_scope: str


_Step: TypeAlias = _Pair | Difference


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a field's types are compared, and how they are called."""

    path: str
    name: str
    new: str
    old: str

    def inside(self, new: str, old: str) -> "_Place":
        return _Place(self.path, self.name, new, old)


def shape(field: Field, types: Types, scope: str) -> Shape:
    """What a field holds; a repeated map entry is a map."""
    if field.label is Label.REPEATED and (entry := types.entry(field.type, scope)):
        return entry
    return shape_of(field.type, types, scope)


def shape_of(type_: str, types: Types, scope: str = "") -> Shape:
    """What a type holds; a name that cannot be resolved is taken for a message."""
    if type_ in ENCODING:
        return ENCODING[type_]
    if found := map_type(type_):
        return MapType(types.qualified(found.key, scope), types.qualified(found.value, scope))
    definition = types.resolve(type_, scope)
    if definition is None:
        return Definition("", type_.lstrip("."), None, BUNDLED)
    return ENCODING["int32"] if definition.is_enum else definition


def _numbered(messages: Iterable[Message]) -> dict[str, tuple[int, Message]]:
    plain = (message for message in messages if not (message.options and message.is_map_entry))
    return {message.name: (index, message) for index, message in enumerate(plain)}
