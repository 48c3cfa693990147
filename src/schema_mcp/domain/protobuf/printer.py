"""From a `File` to the text that a registry stores.

Wire's layout, as recorded: sections in a fixed order with an empty line between them, messages before enums, no
comments, no weak imports; an empty line inside a nested message carries that message's indent.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from schema_mcp.domain.protobuf.model import (
    MAX_TAG,
    Bare,
    Enum,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Message,
    OneOf,
    Option,
    Range,
    Reserved,
    Rpc,
    Service,
    Value,
)

_INDENT = "  "
_NAMED_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}
_ESCAPES = str.maketrans({chr(code): f"\\{code:03o}" for code in (*range(32), 127)} | _NAMED_ESCAPES)

_Item = TypeVar("_Item")


def print_file(file: File) -> str:
    """The canonical text of a file."""
    lines: list[str] = []
    if file.syntax:
        lines.append(f'syntax = "{file.syntax}";')
    if file.package:
        lines.append(f"package {file.package};")
    sections: Sequence[list[str]] = (
        [
            *(f"import {_quoted(path)};" for path in file.imports),
            *(f"import public {_quoted(path)};" for path in file.public_imports),
        ],
        _declared(file.options, ""),
        [*_all(_message, file.messages, ""), *_all(_enum, file.enums, "")],
        _all(_extend, file.extends, ""),
        _all(_service, file.services, ""),
    )
    for section in filter(None, sections):
        lines += ["", *section]
    return "".join(f"{line}\n" for line in lines)


def _message(message: Message, indent: str) -> list[str]:
    inner = indent + _INDENT
    types: list[str] = []
    for nested in message.messages:  # a loop, so that deep nesting costs one frame a level
        types += _message(nested, inner)
    types += _all(_enum, message.enums, inner)
    sections = (
        _all(_reserved, message.reserved, inner),
        _declared(message.options, inner),
        _all(_field, message.fields, inner),
        _all(_oneof, message.oneofs, inner),
        _all(_group, message.groups, inner),
        _all(_extensions, message.extensions, inner),
        _all(_extend, message.extends, inner),
        types,
    )
    return _block(f"{indent}message {message.name}", sections, indent)


def _oneof(oneof: OneOf, indent: str) -> list[str]:
    inner = indent + _INDENT
    sections = (
        _declared(oneof.options, inner),
        _all(_field, oneof.fields, inner),
        _all(_group, oneof.groups, inner),
    )
    return _block(f"{indent}oneof {oneof.name}", sections, indent)


def _group(group: Group, indent: str) -> list[str]:
    label = f"{group.label} " if group.label else ""
    head = f"{indent}{label}group {group.name} = {group.tag}"
    return _block(head, (_all(_field, group.fields, indent + _INDENT),), indent)


def _extend(extend: Extend, indent: str) -> list[str]:
    return _block(f"{indent}extend {extend.name}", (_all(_field, extend.fields, indent + _INDENT),), indent)


def _enum(enum: Enum, indent: str) -> list[str]:
    inner = indent + _INDENT
    constants = [
        f"{inner}{constant.name} = {constant.tag}{_bracketed(constant.options, inner)};" for constant in enum.constants
    ]
    section = [*_all(_reserved, enum.reserved, inner), *_declared(enum.options, inner), *constants]
    return _block(f"{indent}enum {enum.name}", (section,), indent)


def _service(service: Service, indent: str) -> list[str]:
    inner = indent + _INDENT
    sections = (_declared(service.options, inner), _all(_rpc, service.rpcs, inner))
    return _block(f"{indent}service {service.name}", sections, indent)


def _rpc(rpc: Rpc, indent: str) -> list[str]:
    request = f"stream {rpc.request}" if rpc.request_streaming else rpc.request
    response = f"stream {rpc.response}" if rpc.response_streaming else rpc.response
    head = f"{indent}rpc {rpc.name} ({request}) returns ({response})"
    if not rpc.options:
        return [f"{head};"]
    return [f"{head} {{", *_declared(rpc.options, indent + _INDENT), f"{indent}}};"]


def _block(head: str, sections: Iterable[list[str]], indent: str) -> list[str]:
    """`head { ... }` with an empty line between its sections."""
    lines: list[str] = []
    for section in filter(None, sections):
        if lines:
            lines.append(indent)
        lines += section
    return [f"{head} {{", *lines, f"{indent}}}"] if lines else [f"{head} {{}}"]


def _all(show: Callable[[_Item, str], list[str]], items: Iterable[_Item], indent: str) -> list[str]:
    return [line for item in items for line in show(item, indent)]


def _field(field: Field, indent: str) -> list[str]:
    label = f"{field.label} " if field.label else ""
    options = _bracketed(_with_special(field), indent)
    return [f"{indent}{label}{field.type} {field.name} = {field.tag}{options};"]


def _with_special(field: Field) -> tuple[Option, ...]:
    """A field's options with the two that are none, `default` and `json_name`, behind them."""
    if field.default is None and field.json_name is None:
        return field.options
    default = () if field.default is None else (Option("default", field.default),)
    json_name = () if field.json_name is None else (Option("json_name", field.json_name),)
    return (*field.options, *default, *json_name)


def _reserved(reserved: Reserved, indent: str) -> list[str]:
    return [f"{indent}reserved {', '.join(map(reserved_text, reserved.values))};"]


def reserved_text(value: int | Range | str) -> str:
    """A reserved number, range or name as written."""
    return _quoted(value) if isinstance(value, str) else _range(value)


def _extensions(extensions: Extensions, indent: str) -> list[str]:
    values = ", ".join(_range(value) for value in extensions.values)
    return [f"{indent}extensions {values}{_bracketed(extensions.options, indent)};"]


def _range(value: int | Range) -> str:
    if isinstance(value, int):
        return str(value)
    first, last = value
    return f"{first} to {'max' if last == MAX_TAG else last}"


def _declared(options: Iterable[Option], indent: str) -> list[str]:
    return [f"{indent}option {option_text(option, indent)};" for option in options]


def _bracketed(options: Sequence[Option], indent: str) -> str:
    """One option on the field's line, several on lines of their own."""
    if len(options) <= 1:
        return f" [{option_text(options[0], indent)}]" if options else ""
    inner = indent + _INDENT
    lines = ",\n".join(f"{inner}{option_text(option, inner)}" for option in options)
    return f" [\n{lines}\n{indent}]"


def option_text(option: Option, indent: str = "") -> str:
    """An option as written, without the word `option`."""
    name = f"{option.name}.{option.path}" if option.path else option.name
    return f"{name} = {value_text(option.value, indent)}"


def value_text(value: Value, indent: str = "") -> str:
    """An option's value as written."""
    inner = indent + _INDENT
    match value:
        case str():
            return _quoted(value)
        case Bare(text):
            return text
        case tuple():
            return _enclosed("[", [value_text(item, inner) for item in value], "]", indent)
        case _:
            entries = [f"{name}: {value_text(item, inner)}" for name, item in value.items()]
            return _enclosed("{", entries, "}", indent)


def _enclosed(opening: str, items: Sequence[str], closing: str, indent: str) -> str:
    lines = ",\n".join(f"{indent}{_INDENT}{item}" for item in items)
    return f"{opening}\n{lines}\n{indent}{closing}" if items else f"{opening}\n{indent}{closing}"


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
