"""A schema in Avro IDL, for people to read and for Avro's own IDL parser to read back as the same schema.

Avro 1.12, "IDL Language": the schema syntax, with every named type declared once and all references inside. Whatever
IDL has no word of its own for (logical types, properties, aliases) stands as an annotation.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from schema_mcp.domain.avro.document import Raw, quoted, write
from schema_mcp.domain.avro.model import (
    Array,
    Enum,
    Field,
    Fixed,
    Kind,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Undefined,
    Union,
    parts,
    reached,
)
from schema_mcp.domain.avro.stackless import Steps, each, run
from schema_mcp.domain.errors import InvalidSchemaError

_KEYWORDS: Final = frozenset(kind.value for kind in Kind) | {
    *("protocol", "namespace", "import", "idl", "schema", "error", "throws", "oneway", "void"),
    *("date", "time_ms", "timestamp_ms", "local_timestamp_ms", "uuid", "decimal", "true", "false", "NaN", "Infinity"),
}
_OWN_WORDS: Final = {
    (Kind.INT, "date"): "date",
    (Kind.INT, "time-millis"): "time_ms",
    (Kind.LONG, "timestamp-millis"): "timestamp_ms",
    (Kind.LONG, "local-timestamp-millis"): "local_timestamp_ms",
    (Kind.STRING, "uuid"): "uuid",
}
"""Logical types for which IDL has a word."""

_ANNOTATION: Final = re.compile(r"[A-Za-z_]\w*(?:[-.][A-Za-z_]\w*)*", re.ASCII)
_TEXTS: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_TOO_LONG: Final = re.compile(r"(?<![\d.eE+-])-?\d{19,}(?![\d.eE])")
_BACK: Final = "    "
_BLANK: Final = "".join(map(chr, range(0x21)))  # what Java's trim() takes away


class Idl(NamedTuple):
    """The text of an `.avdl` file, and what it says a little differently than the schema."""

    text: str
    notes: tuple[str, ...]


def idl(root: Type) -> Idl:
    """The schema in IDL.

    Raises `InvalidSchemaError` for what IDL cannot say: a type without a namespace that is used inside one.
    """
    named = _named(root)
    _refuse_hidden(named)
    # A name without a namespace cannot be said where the file has one.
    space = named[0].namespace if named and all(one.namespace for one in named) else ""
    head = [f"namespace {_name(space)};"] if space else []
    head.append(f"schema {run(_type(root))};\n")
    return Idl(
        "\n".join(["\n".join(head), *(_declared(one, space) for one in named)]), tuple(dict.fromkeys(_notes(root)))
    )


def _refuse_hidden(named: Sequence[Named]) -> None:
    """Inside a namespace a plain name means one of that namespace, and there is no other way to write it."""
    for one in named:
        if isinstance(one, Record) and one.namespace:
            for used in _used(one):
                if not used.namespace:
                    raise InvalidSchemaError(
                        f"Avro IDL has no way to name {used.name}, which has no namespace, inside {one.full_name}",
                        hint="Export it as raw, or as json.",
                    )


def _used(record: Record) -> Iterator[Named]:
    waiting = list(parts(record))
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, Record | Enum | Fixed):
            yield type_
        else:
            waiting.extend(parts(type_))


def _notes(root: Type) -> Iterator[str]:
    for type_ in reached(root):
        if isinstance(type_, Record | Enum | Fixed):
            yield from _doc_notes(type_.full_name, type_.doc)
        if not isinstance(type_, Union | Undefined):
            yield from _property_notes(type_.properties if type_.raw else {})
        if isinstance(type_, Record):
            for field in type_.fields:
                yield from _doc_notes(f"{type_.full_name}.{field.name}", field.doc)
                yield from _property_notes(field.properties)


def _doc_notes(place: str, doc: str | None) -> Iterator[str]:
    lines = (doc or "").split("\n")
    if (
        "\r" in (doc or "")
        or "*/" in (doc or "")
        or any(line != line.strip(_BLANK) for line in (lines[0], *lines[-1:]))
    ):
        yield f"The doc of {place} reads a little differently: IDL keeps no outer blanks and no end of a comment."


def _property_notes(properties: Raw) -> Iterator[str]:
    for name, value in properties.items():
        if not _can_be_said(name, value):
            yield f"The property {name[:80]!r} is left out: IDL has no way to write it."


def _named(root: Type) -> list[Named]:
    found: dict[str, Named] = {}
    for type_ in reached(root):
        if isinstance(type_, Record | Enum | Fixed):
            found.setdefault(type_.full_name, type_)
    return list(found.values())


def _declared(named: Named, space: str) -> str:
    lines = [*_doc(named.doc, "")]
    if named.namespace != space:
        lines.append(f"@namespace({quoted(named.namespace)})")
    if named.raw.get("aliases"):
        lines.append(f"@aliases({write(named.aliases)})")
    lines += _annotations(named.properties)
    match named:
        case Record():
            word = "error" if named.is_error else "record"
            lines += [f"{word} {_name(named.name)} {{", *(line for one in named.fields for line in _field(one)), "}"]
        case Enum():
            symbols = ", ".join(map(_name, named.symbols))
            default = "" if named.default is None else f" = {_name(named.default)};"
            lines.append(f"enum {_name(named.name)} {{ {symbols} }}{default}")
        case Fixed():
            lines.append(f"fixed {_name(named.name)}({named.size});")
    return "\n".join(lines) + "\n"


def _field(field: Field) -> Iterator[str]:
    yield from _doc(field.doc, _BACK)
    said = [run(_type(field.type))]
    if field.order != "ascending":
        said.append(f"@order({quoted(field.order)})")
    if field.raw.get("aliases"):
        said.append(f"@aliases({write(field.aliases)})")
    default = f" = {write(field.default)}" if field.has_default else ""
    yield f"{_BACK}{' '.join([*said, *_annotations(field.properties), _name(field.name)])}{default};"


def _type(type_: Type) -> Steps[str]:
    match type_:
        case Primitive():
            return _primitive(type_)
        case Array():
            return _annotated(type_.properties, f"array<{yield _type(type_.items)}>")
        case Map():
            return _annotated(type_.properties, f"map<{yield _type(type_.values)}>")
        case Union() if not type_.branches:
            raise InvalidSchemaError("Avro IDL has no way to write a union of nothing", hint="Export it as raw.")
        case Union():
            return f"union {{ {', '.join((yield each(_type(branch) for branch in type_.branches)))} }}"
        case Record() | Enum() | Fixed() | Undefined():
            return _name(type_.full_name)


def _primitive(type_: Primitive) -> str:
    properties = type_.properties if type_.raw else {}
    logical = properties.get("logicalType")
    if isinstance(logical, str):
        if len(properties) == 1 and (type_.kind, logical) in _OWN_WORDS:
            return _OWN_WORDS[type_.kind, logical]
        if type_.kind is Kind.BYTES and logical == "decimal" and _is_plain_decimal(properties):
            return f"decimal({properties['precision']}, {properties['scale']})"
    return _annotated(properties, type_.kind.value)


def _is_plain_decimal(properties: Raw) -> bool:
    precision, scale = properties.get("precision"), properties.get("scale")
    whole = type(precision) is int and type(scale) is int and 0 <= scale <= precision
    return whole and len(properties) == len(("logicalType", "precision", "scale"))


def _annotated(properties: Raw, type_: str) -> str:
    return " ".join([*_annotations(properties), type_])


def _annotations(properties: Raw) -> Iterator[str]:
    for name, value in properties.items():
        if _can_be_said(name, value):
            yield f"@{_name(name)}({write(value)})"


def _can_be_said(name: str, value: Any) -> bool:
    """Is the name an annotation, and does every whole number fit into a long, as Avro's parser wants it?"""
    return bool(_ANNOTATION.fullmatch(name)) and not _TOO_LONG.search(_TEXTS.sub("", write(value)))


def _doc(doc: str | None, indent: str) -> Iterator[str]:
    if doc is None:
        return
    lines = doc.replace("*/", "* /").replace("\r\n", "\n").split("\n")
    if len(lines) == 1 and not doc.startswith("*"):
        yield f"{indent}/** {lines[0]} */"
        return
    yield f"{indent}/**"
    yield from (f"{indent} * {line}".rstrip() for line in lines)
    yield f"{indent} */"


def _name(name: str) -> str:
    """A name, each word of it that is also one of IDL's own in backticks."""
    return ".".join(f"`{part}`" if part in _KEYWORDS else part for part in name.split("."))
