"""Defaults: is a value one of the type, and how Java writes it after reading it."""

from collections.abc import Container
from typing import Any

from schema_mcp.domain.avro.document import Raw, is_list, is_object
from schema_mcp.domain.avro.model import MISSING, Array, Enum, Fixed, Kind, Map, Record, Type, Undefined, Union
from schema_mcp.domain.avro.numbers import float_text
from schema_mcp.domain.avro.stackless import Steps, each, run

_TEXTS = frozenset({Kind.STRING, Kind.BYTES, Kind.ENUM, Kind.FIXED})
_BITS = {Kind.INT: 31, Kind.LONG: 63}


def fits(type_: Type, value: Any, *, still_open: Container[int] = ()) -> bool:
    """Would Java take `value` as a default of the type? Any branch of a union may take it (Avro 1.12).

    `still_open` names records whose fields are not read yet: they take no value at all.
    """
    return run(_fits(type_, value, still_open))


def _fits(type_: Type, value: Any, still_open: Container[int]) -> Steps[bool]:
    match type_:
        case Union():
            return (yield _some_fits(type_, value, still_open))
        case Array() if is_list(value):
            pairs = [(type_.items, item) for item in value]
        case Map() if is_object(value):
            pairs = [(type_.values, item) for item in value.values()]
        case Record() if is_object(value) and id(type_) not in still_open:
            pairs = [(field.type, value.get(field.name, field.default)) for field in type_.fields]
        case Undefined():
            return is_object(value)
        case _:
            return _fits_plainly(type_.kind, value)
    return (yield _all_fit(pairs, still_open))


def _some_fits(union: Union, value: Any, still_open: Container[int]) -> Steps[bool]:
    for branch in union.branches:
        if (yield _fits(branch, value, still_open)):
            return True
    return False


def _all_fit(pairs: list[tuple[Type, Any]], still_open: Container[int]) -> Steps[bool]:
    for type_, value in pairs:
        if value is MISSING or not (yield _fits(type_, value, still_open)):
            return False
    return True


def _fits_plainly(kind: Kind, value: Any) -> bool:
    if kind in _TEXTS:
        return isinstance(value, str)
    match kind:
        case Kind.NULL:
            return value is None
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.INT | Kind.LONG:
            return _is_whole(value) and -(2 ** _BITS[kind]) <= value < 2 ** _BITS[kind]
        case Kind.FLOAT | Kind.DOUBLE:
            return _is_whole(value) or isinstance(value, float)
        case _:
            return False


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def reencoded(type_: Type, value: Any) -> Any:
    """`value` as Java writes it after having read it: a float in 32 bits, bytes that are bytes."""
    return run(_reencoded(type_, value))


def _reencoded(type_: Type, value: Any) -> Steps[Any]:
    match type_:
        case Union():
            # Java reads a default by a union's first branch (Avro 1.12); what does not fit that stays as it is.
            first = type_.branches[0] if type_.branches else type_
            return (yield _reencoded(first, value)) if first is not type_ and fits(first, value) else value
        case Array() if is_list(value):
            return (yield each(_reencoded(type_.items, item) for item in value))
        case Map() if is_object(value):
            return (yield _reencoded_members(dict.fromkeys(value, type_.values), value))
        case Record() if is_object(value):
            types = {field.name: field.type for field in type_.fields}
            return (yield _reencoded_members(types, value))
        case _:
            return _reencoded_plainly(type_.kind, value)


def _reencoded_members(types: dict[str, Type], members: Raw) -> Steps[Raw]:
    out: Raw = {}
    for name, value in members.items():
        out[name] = (yield _reencoded(types[name], value)) if name in types else value
    return out


def _reencoded_plainly(kind: Kind, value: Any) -> Any:
    match kind:
        case Kind.FLOAT if _fits_plainly(kind, value):
            return float(float_text(value))
        case Kind.DOUBLE if _fits_plainly(kind, value):
            return float(value)
        case Kind.BYTES | Kind.FIXED if isinstance(value, str):
            return value.encode("latin-1", "replace").decode("latin-1")
        case _:
            return value


def empty(type_: Type) -> Any:
    """The plainest value of the type, as a default for what was not there; MISSING where there is none."""
    return run(_empty(type_, frozenset()))


def _empty(type_: Type, within: frozenset[int]) -> Steps[Any]:
    match type_:
        case Enum():
            return type_.default if type_.default is not None else next(iter(type_.symbols), MISSING)
        case Fixed():
            return "\0" * type_.size
        case Union():
            return (yield _empty(type_.branches[0], within)) if type_.branches else MISSING
        case Record() if id(type_) not in within:
            return (yield _empty_record(type_, within | {id(type_)}))
        case _:
            return _EMPTY.get(type_.kind, MISSING)


def _empty_record(record: Record, within: frozenset[int]) -> Steps[Any]:
    members: Raw = {}
    for field in record.fields:
        value = field.default if field.has_default else (yield _empty(field.type, within))
        if value is MISSING:
            return MISSING
        members[field.name] = value
    return members


_EMPTY: dict[Kind, Any] = {
    Kind.NULL: None,
    Kind.BOOLEAN: False,
    Kind.INT: 0,
    Kind.LONG: 0,
    Kind.FLOAT: 0.0,
    Kind.DOUBLE: 0.0,
    Kind.BYTES: "",
    Kind.STRING: "",
    Kind.ARRAY: [],
    Kind.MAP: {},
}
