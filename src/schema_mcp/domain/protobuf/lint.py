"""What the registry accepts in silence although protoc refuses it, or although it surprises people.

Sources: the protobuf language specification (proto2, proto3) and the leniency seen in the registry.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from schema_mcp.domain.formats import Finding
from schema_mcp.domain.protobuf import bundled
from schema_mcp.domain.protobuf.model import (
    MAX_TAG,
    SCALARS,
    Bare,
    Enum,
    Field,
    Label,
    Message,
    Range,
    Reserved,
    map_type,
)
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.types import OWN, Source, definitions_of, join
from schema_mcp.domain.protobuf.validity import fields_of, used_types

_INTERNAL = range(19_000, 20_000)
_is_identifier = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_PACKAGE_WORD = re.compile(r"(?:^|[;}])\s*package\s+[\w.]+", re.MULTILINE)


def lint(schema: ProtobufSchema, text: str) -> list[Finding]:
    """Everything in a schema that is worth a word."""
    findings = [*_file(schema, text), *_types(schema)]
    for definition in definitions_of(Source(schema.file, OWN)):
        match definition.body:
            case Message() as message:
                findings += _message(message, definition.name, schema.file.syntax)
            case Enum() as enum:
                findings += _enum(enum, definition.name, schema.file.syntax)
            case None:
                pass
    return findings


def _file(schema: ProtobufSchema, text: str) -> Iterator[Finding]:
    file = schema.file
    if file.syntax is None:
        yield Finding("no-syntax", "", "without a `syntax` line this is proto2; write which one is meant")
    if len(_PACKAGE_WORD.findall(text)) > 1:
        yield Finding("several-packages", "", f"of several packages the registry keeps the last, `{file.package}`")
    if file.weak_imports:
        yield Finding("weak-import", "", "the registry drops weak imports from the stored text")
    known = {*bundled.FILES, *(source.path for source in schema.dependencies)}
    for path in (*file.imports, *file.public_imports):
        if path not in known:
            yield Finding("unknown-import", path, f"no reference is called `{path}`; protoc cannot import it")
    yield from _doubled("", "import", (*file.imports, *file.public_imports))
    yield from _values_in_one_scope("", file.enums)


def _types(schema: ProtobufSchema) -> Iterator[Finding]:
    """Types that are used without being imported, and types in maps that nobody looked for."""
    imported = _visible(schema)
    missing: set[str] = set()
    for type_, scope in used_types(schema.file):
        for part in _parts(type_):
            found = None if part in SCALARS else schema.types.resolve(part, scope)
            if found is None and part not in SCALARS:
                yield Finding("unknown-type", part, f"nothing is called `{part}`; the registry does not look into maps")
            if found and found.path and found.path not in imported and found.path not in missing:
                missing.add(found.path)
                yield Finding("missing-import", found.path, f'`{part}` is used without `import "{found.path}";`')


def _visible(schema: ProtobufSchema) -> set[str]:
    """The paths a file may use types from: its imports, and what those import publicly."""
    sources = {source.path: source.file for source in schema.dependencies}
    visible: set[str] = set()
    waiting = [*schema.file.imports, *schema.file.public_imports, *schema.file.weak_imports]
    while waiting:
        path = waiting.pop()
        if path not in visible:
            visible.add(path)
            waiting += sources[path].public_imports if path in sources else ()
    return visible


def _parts(type_: str) -> Iterator[str]:
    while found := map_type(type_):
        type_ = found.value
    yield type_


def _message(message: Message, path: str, syntax: str | None) -> Iterator[Finding]:
    fields = list(fields_of(message))
    names = [*(field.name for field in fields), *(oneof.name for oneof in message.oneofs)]
    yield from _identifiers(path, message.name.split())
    yield from _doubled(path, "name", (*names, *(inner.name for inner in (*message.messages, *message.enums))))
    yield from _doubled(path, "number", (field.tag for field in fields))
    yield from _doubled(path, "JSON name", (json_name(field) for field in fields), but=names)
    yield from _reuse(path, message.reserved, ((field.name, field.tag) for field in fields))
    yield from _values_in_one_scope(path, message.enums)
    yield from _ranges(path, message.reserved)
    for field in fields:
        yield from _field(field, f"{path}.{field.name}", syntax)
    for oneof in message.oneofs:
        if not oneof.fields and not oneof.groups:
            yield Finding("empty-oneof", f"{path}.{oneof.name}", "a oneof needs at least one field")
        for field in oneof.fields:
            if field.type.startswith("map<"):
                yield Finding("map-in-oneof", f"{path}.{field.name}", "a map cannot stand in a oneof")
    if syntax == "proto3" and (message.groups or any(oneof.groups for oneof in message.oneofs)):
        yield Finding("group-in-proto3", path, "proto3 has no groups; use a message field")
    if syntax == "proto3" and message.extensions:
        yield Finding("extensions-in-proto3", path, "proto3 messages have no extension ranges")


def _field(field: Field, path: str, syntax: str | None) -> Iterator[Finding]:
    yield from _identifiers(path, [field.name])
    if not 1 <= field.tag <= MAX_TAG:
        yield Finding("number-out-of-range", path, f"field numbers go from 1 to {MAX_TAG:,}, not {field.tag}")
    if field.tag in _INTERNAL:
        yield Finding("number-internal", path, "the numbers 19000 to 19999 belong to protobuf itself")
    if field.label is Label.REQUIRED:
        yield Finding("required", path, "a required field can never be removed or made optional; prefer `optional`")
    if syntax == "proto3" and field.default is not None:
        yield Finding("default-in-proto3", path, "proto3 has no explicit default values")
    if field.default is not None and field.label is Label.REPEATED:
        yield Finding("default-of-repeated", path, "a repeated field cannot have a default value")
    if "map<" in field.type[4:]:
        yield Finding("nested-map", path, "the value of a map cannot be a map; put it into a message")


def _enum(enum: Enum, path: str, syntax: str | None) -> Iterator[Finding]:
    yield from _identifiers(path, enum.name.split())
    if not enum.constants:
        yield Finding("empty-enum", path, "an enum needs at least one constant")
    elif syntax == "proto3" and enum.constants[0].tag != 0:
        yield Finding("first-constant-not-zero", path, "in proto3 the first constant has to be 0")
    aliases = any(option.name == "allow_alias" and option.value == Bare("true") for option in enum.options)
    if not aliases:
        yield from _doubled(path, "number", (constant.tag for constant in enum.constants))
    yield from _doubled(path, "name", (constant.name for constant in enum.constants))
    yield from _reuse(path, enum.reserved, ((constant.name, constant.tag) for constant in enum.constants))
    yield from _ranges(path, enum.reserved)


def _values_in_one_scope(path: str, enums: Iterable[Enum]) -> Iterator[Finding]:
    """The constants of all enums side by side share one scope, as in C++."""
    owners: dict[str, str] = {}
    for enum in enums:
        for constant in enum.constants:
            other = owners.setdefault(constant.name, enum.name)
            if other != enum.name:
                text = f"`{constant.name}` is a constant of `{other}` as well; constants share the scope of their enums"
                yield Finding("constant-clash", join(path, f"{enum.name}.{constant.name}"), text)


def _identifiers(path: str, names: Iterable[str]) -> Iterator[Finding]:
    for name in names:
        if not _is_identifier(name):
            yield Finding("invalid-name", path, f"`{name}` is no identifier: letters, digits and `_`, no digit first")


def _doubled(path: str, what: str, values: Iterable[str | int], but: Iterable[str] = ()) -> Iterator[Finding]:
    known = Counter(but)
    for value, count in Counter(values).items():
        if count > 1 and known[str(value)] <= 1:
            yield Finding(
                f"duplicate-{what.lower().replace(' ', '-')}", path, f"the {what} {value} is used {count} times"
            )


def json_name(field: Field) -> str:
    """What a field is called in JSON: its own choice, or its name in camel case."""
    if field.json_name:
        return field.json_name
    head, *tail = field.name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def _reuse(path: str, reserved: Iterable[Reserved], used: Iterable[tuple[str, int]]) -> Iterator[Finding]:
    values = [value for one in reserved for value in one.values]
    names = {value for value in values if isinstance(value, str)}
    spans = [span(value) for value in values if not isinstance(value, str)]
    for name, tag in used:
        if name in names:
            yield Finding("reserved-name", join(path, name), f"the name `{name}` is reserved")
        if any(first <= tag <= last for first, last in spans):
            yield Finding("reserved-number", join(path, name), f"the number {tag} is reserved")


def _ranges(path: str, reserved: Iterable[Reserved]) -> Iterator[Finding]:
    for one in reserved:
        for value in one.values:
            if isinstance(value, tuple) and value[0] > value[1]:
                yield Finding("inverted-range", path, f"the range {value[0]} to {value[1]} ends before it begins")


def span(value: int | Range) -> Range:
    """A number or range as a range."""
    return (value, value) if isinstance(value, int) else value
