"""Slips within one schema that a registry takes in silence and other tools do not."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

from schema_mcp.domain.avro.defaults import fits
from schema_mcp.domain.avro.document import repeated_keys, shown
from schema_mcp.domain.avro.logical import logical_problem
from schema_mcp.domain.avro.model import Enum, Fixed, Kind, Record, Type, Union, text_of
from schema_mcp.domain.avro.schema import AvroSchema, parsed
from schema_mcp.domain.avro.walk import Place, alternatives, places
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Finding

_LARGEST_BYTE = 0xFF


def findings(schema: AvroSchema) -> list[Finding]:
    """Every slip with the place it is at, in the order of the text."""
    found: list[Finding] = []
    entered: set[int] = set()
    for place in places(schema.root):
        found += _seen(place, _AT_FIELDS)
        if id(place.type) not in entered:
            entered.add(id(place.type))
            found += _seen(place, _AT_TYPES)
    return [*found, *_defined_twice(schema.root), *_in_the_text(schema)]


Look: TypeAlias = Callable[[Place], Iterator[str]]


def _seen(place: Place, looks: dict[str, Look]) -> Iterator[Finding]:
    for rule, look in looks.items():
        for message in look(place):
            yield Finding(rule, place.path, message)


def _in_the_text(schema: AvroSchema) -> Iterator[Finding]:
    """Slips that the types no longer show."""
    for name in repeated_keys(schema.text):
        yield Finding("key-twice", name, f"the key {name!r} stands twice in one object; the last one counts")
    if schema.names_ahead:
        yield Finding("used-before-defined", "", "a name is used before its definition; before Avro 1.12 that fails")
    try:
        parsed(schema.text, schema.dependencies, new=True)
    except InvalidSchemaError as error:
        yield Finding("refused-as-new", "", f"a registry takes this text no more as a new schema: {error}")


def _defined_twice(root: Type) -> Iterator[Finding]:
    types = {id(place.type): place.type for place in places(root)}.values()
    counted = Counter(type_.full_name for type_ in types if isinstance(type_, Record | Enum | Fixed))
    for name, times in counted.items():
        if times > 1:
            yield Finding("defined-twice", name, f"{name} is defined {times} times; most tools allow one definition")


def _default_of_a_later_branch(place: Place) -> Iterator[str]:
    field, type_ = place.field, place.type
    if not field or not field.has_default or not isinstance(type_, Union) or not fits(type_, field.default):
        return
    if not fits(type_.branches[0], field.default):
        yield "the default fits a later branch of the union; before Avro 1.12 it must fit the first: put it first"


def _default_is_no_symbol(place: Place) -> Iterator[str]:
    for branch, default in _defaults(place):
        if isinstance(branch, Enum) and isinstance(default, str) and default not in branch.symbols:
            yield f"the default {shown(default)} is not a symbol of {branch.name}: a reader that needs it fails"


def _default_is_no_bytes(place: Place) -> Iterator[str]:
    for branch, default in _defaults(place):
        if branch.kind in (Kind.BYTES, Kind.FIXED) and isinstance(default, str):
            if any(ord(char) > _LARGEST_BYTE for char in default):
                yield f"the default {shown(default)} has characters above U+00FF, which are no bytes"
            elif isinstance(branch, Fixed) and len(default) != branch.size:
                yield f"the default has {len(default)} bytes, {branch.name} has {branch.size}"


def _defaults(place: Place) -> Iterator[tuple[Type, object]]:
    """The default with the type it is read by: the field's, or the first branch of its union."""
    if place.field and place.field.has_default and alternatives(place.type):
        yield alternatives(place.type)[0], place.field.default


def _logical_type_beside_the_type(place: Place) -> Iterator[str]:
    logical = text_of(place.field.raw, "logicalType") if place.field else None
    if logical is not None:
        yield f"logicalType {logical} stands at the field and is ignored: write it inside the type"


def _alias_of_another_field(place: Place) -> Iterator[str]:
    field, record = place.field, place.record
    if field and record:
        for alias in field.aliases:
            if alias in record.by_name:
                yield f"the alias {alias} is also a field of {record.name}: a reader finds two fields and gives up"


def _logical_type_is_ignored(place: Place) -> Iterator[str]:
    problem = logical_problem(place.type)
    if problem:
        yield f"{problem}: Avro ignores the logical type"


def _nothing_fits(place: Place) -> Iterator[str]:
    match place.type:
        case Enum() as enum if not enum.symbols:
            yield f"{enum.name} has no symbols, so no value can be written"
        case Union() as union if not union.branches:
            yield "the union has no branches, so no value can be written"
        case Fixed() as fixed if not fixed.size:
            yield f"{fixed.name} has no bytes"
        case _:
            return


def _names_differ_in_case(place: Place) -> Iterator[str]:
    if isinstance(place.type, Record):
        spellings: dict[str, list[str]] = {}
        for field in place.type.fields:
            spellings.setdefault(field.name.lower(), []).append(field.name)
        for names in spellings.values():
            if len(names) > 1:
                yield f"{' and '.join(names)} differ only in case; databases and generated code mix them up"


def _default_on_the_type(place: Place) -> Iterator[str]:
    if not isinstance(place.type, Enum | Union) and "default" in getattr(place.type, "raw", {}):
        yield "the default stands inside the type and is ignored: write it at the field"


def _leaves_the_namespace(place: Place) -> Iterator[str]:
    record, type_ = place.record, place.type
    if record and record.namespace and isinstance(type_, Record | Enum | Fixed) and not type_.namespace:
        yield f"{type_.name} has no namespace inside {record.namespace}; a registry that normalises moves it there"


_AT_FIELDS: dict[str, Look] = {
    "default-of-a-later-branch": _default_of_a_later_branch,
    "default-is-no-symbol": _default_is_no_symbol,
    "default-is-no-bytes": _default_is_no_bytes,
    "logical-type-beside-the-type": _logical_type_beside_the_type,
    "alias-of-another-field": _alias_of_another_field,
}

_AT_TYPES: dict[str, Look] = {
    "logical-type-is-ignored": _logical_type_is_ignored,
    "nothing-fits": _nothing_fits,
    "names-differ-in-case": _names_differ_in_case,
    "default-on-the-type": _default_on_the_type,
    "leaves-the-namespace": _leaves_the_namespace,
}
