"""A schema in words: what changed between two versions, and everything a person may search for."""

from collections.abc import Iterable, Iterator

from schema_mcp.domain.formats import Change, Named
from schema_mcp.domain.protobuf.matching import (
    Match,
    Placed,
    declared,
    enum_pairs,
    matched,
    matched_fields,
    matched_types,
    message_pairs,
    moved_messages,
    placed_fields,
)
from schema_mcp.domain.protobuf.model import (
    Enum,
    File,
    Message,
    Option,
    Reserved,
    Rpc,
    Service,
    Value,
)
from schema_mcp.domain.protobuf.printer import option_text, reserved_text, value_text
from schema_mcp.domain.protobuf.schema import ProtobufSchema
from schema_mcp.domain.protobuf.types import OWN, Definition, Source, definitions_of


def changes(old: ProtobufSchema, new: ProtobufSchema) -> list[Change]:
    """What changed from one version to the next: the file, its types, their fields, the services."""
    types = matched_types(old.file, new.file)
    return [
        *_file(old.file, new.file),
        *_types(types),
        *(change for found, before, now in message_pairs(types) for change in _message(found.name, before, now)),
        *(change for found, before, now in enum_pairs(types) for change in _enum(found.name, before, now)),
        *_services(old.file.services, new.file.services),
        *(
            Change("order", name, f"message `{name}` moved from position {was} to {is_now}")
            for name, was, is_now in moved_messages(old.file, new.file)
        ),
    ]


def _file(old: File, new: File) -> Iterator[Change]:
    if (old.syntax or "proto2") != (new.syntax or "proto2"):
        yield Change("syntax", "", f"the syntax changed from {old.syntax or 'proto2'} to {new.syntax or 'proto2'}")
    if old.package != new.package:
        yield Change("package", "", f"the package changed from {_named(old.package)} to {_named(new.package)}")
    yield from _list("import", "", _imports(old), _imports(new))
    yield from _options("", old.options, new.options)
    extends = [
        [f"{extend.name}.{field.name}" for extend in file.extends for field in extend.fields] for file in (old, new)
    ]
    yield from _list("extension", "", *extends)


def _imports(file: File) -> list[str]:
    return [*file.imports, *file.public_imports, *file.weak_imports]


def _named(name: str | None) -> str:
    return f"`{name}`" if name else "none"


def _types(types: Match[Definition]) -> Iterator[Change]:
    """Types that came or went; one that came inside another is told with it."""
    for kind, found in (("removed", types.removed), ("added", types.added)):
        names = {one.name for one in found}
        for one in found:
            if one.name.rpartition(".")[0] not in names:
                what = "enum" if one.is_enum else "message"
                yield Change(kind, one.name, f"{what} `{one.name}` was {kind}")


def _message(path: str, old: Message, new: Message) -> Iterator[Change]:
    fields = matched_fields(old, new)
    for placed in fields.removed:
        yield Change("removed", f"{path}.{placed.field.name}", f"field {_field_text(placed)} was removed")
    for placed in fields.added:
        yield Change("added", f"{path}.{placed.field.name}", f"field {_field_text(placed)} was added")
    for before, now in fields.both:
        yield from _field(f"{path}.{now.field.name}", before, now)
    groups = matched(old.groups, new.groups, lambda group: group.tag)
    yield from _list("group", path, [one.name for one in groups.removed], [one.name for one in groups.added])
    yield from _options(path, old.options, new.options)
    yield from _list("reserved", path, _reserved(old.reserved), _reserved(new.reserved))
    yield from _doc(path, old.doc, new.doc)


def _field_text(placed: Placed) -> str:
    field = placed.field
    where = f" in oneof `{placed.oneof}`" if placed.oneof else ""
    return f"`{declared(field)} {field.name} = {field.tag}`{where}"


def _field(path: str, old: Placed, new: Placed) -> Iterator[Change]:
    before, now = old.field, new.field
    if before.name != now.name:
        yield Change("renamed", path, f"field {now.tag} was renamed from `{before.name}` to `{now.name}`")
    if before.type != now.type:
        yield Change("type", path, f"the type changed from `{before.type}` to `{now.type}`")
    if old.oneof != new.oneof:
        yield Change("moved", path, f"the field moved from {_place(old.oneof)} to {_place(new.oneof)}")
    elif before.label != now.label:
        yield Change("label", path, f"the label changed from {before.label or 'none'} to {now.label or 'none'}")
    if before.default != now.default:
        texts = [_value(value) for value in (before.default, now.default)]
        yield Change("default", path, f"the default changed from {texts[0]} to {texts[1]}")
    if before.json_name != now.json_name:
        names = _named(before.json_name), _named(now.json_name)
        yield Change("json_name", path, f"the JSON name changed from {names[0]} to {names[1]}")
    yield from _options(path, before.options, now.options)
    yield from _doc(path, before.doc, now.doc)


def _place(oneof: str | None) -> str:
    return f"oneof `{oneof}`" if oneof else "outside of a oneof"


def _value(value: Value | None) -> str:
    return "none" if value is None else value_text(value)


def _enum(path: str, old: Enum, new: Enum) -> Iterator[Change]:
    """Constants by name first, so that a new number is not told as a removal."""
    constants = matched(old.constants, new.constants, lambda constant: constant.name)
    for before, now in constants.both:
        if before.tag != now.tag:
            yield Change("number", f"{path}.{now.name}", f"`{now.name}` changed from {before.tag} to {now.tag}")
        yield from _options(f"{path}.{now.name}", before.options, now.options)
        yield from _doc(f"{path}.{now.name}", before.doc, now.doc)
    renamed = matched(constants.removed, constants.added, lambda constant: constant.tag)
    for before, now in renamed.both:
        text = f"constant {now.tag} was renamed from `{before.name}` to `{now.name}`"
        yield Change("renamed", f"{path}.{now.name}", text)
    for constant in renamed.removed:
        yield Change("removed", f"{path}.{constant.name}", f"constant `{constant.name} = {constant.tag}` was removed")
    for constant in renamed.added:
        yield Change("added", f"{path}.{constant.name}", f"constant `{constant.name} = {constant.tag}` was added")
    yield from _options(path, old.options, new.options)
    yield from _list("reserved", path, _reserved(old.reserved), _reserved(new.reserved))
    yield from _doc(path, old.doc, new.doc)


def _services(old: Iterable[Service], new: Iterable[Service]) -> Iterator[Change]:
    services = matched(old, new, lambda service: service.name)
    yield from (Change("removed", one.name, f"service `{one.name}` was removed") for one in services.removed)
    yield from (Change("added", one.name, f"service `{one.name}` was added") for one in services.added)
    for before, now in services.both:
        rpcs = matched(before.rpcs, now.rpcs, lambda rpc: rpc.name)
        yield from _list("method", now.name, [one.name for one in rpcs.removed], [one.name for one in rpcs.added])
        for was, is_now in rpcs.both:
            if _signature(was) != _signature(is_now):
                text = f"the method changed from `{_signature(was)}` to `{_signature(is_now)}`"
                yield Change("type", f"{now.name}.{is_now.name}", text)


def _signature(rpc: Rpc) -> str:
    request = f"stream {rpc.request}" if rpc.request_streaming else rpc.request
    response = f"stream {rpc.response}" if rpc.response_streaming else rpc.response
    return f"({request}) returns ({response})"


def _options(path: str, old: Iterable[Option], new: Iterable[Option]) -> Iterator[Change]:
    yield from _list("option", path, [option_text(one) for one in old], [option_text(one) for one in new])


def _reserved(reserved: Iterable[Reserved]) -> list[str]:
    return [reserved_text(value) for one in reserved for value in one.values]


def _list(what: str, path: str, old: Iterable[str], new: Iterable[str]) -> Iterator[Change]:
    """Entries of a list that came or went."""
    both = matched(old, new, lambda text: text)
    yield from (Change("removed", path, f"{what} `{text}` was removed") for text in both.removed)
    yield from (Change("added", path, f"{what} `{text}` was added") for text in both.added)


def _doc(path: str, old: str, new: str) -> Iterator[Change]:
    if old != new:
        yield Change("doc", path, "the comment changed")


def names(schema: ProtobufSchema) -> list[Named]:
    """Types, fields and constants with their comments."""
    return [named for found in definitions_of(Source(schema.file, OWN)) for named in _names(found)]


def _names(found: Definition) -> Iterator[Named]:
    path = found.full_name
    match found.body:
        case Message() as message if not message.is_map_entry:
            yield Named("message", path, message.name, doc=message.doc)
            for placed in placed_fields(message):
                field = placed.field
                yield Named("field", f"{path}.{field.name}", field.name, declared(field), field.doc)
        case Enum() as enum:
            yield Named("enum", path, enum.name, doc=enum.doc)
            for constant in enum.constants:
                yield Named("symbol", f"{path}.{constant.name}", constant.name, str(constant.tag), constant.doc)
        case _:
            pass
