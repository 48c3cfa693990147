"""Defaults: is a value one of the type, and how Java writes it after reading it."""

from collections.abc import Container
from typing import Any

from schema_mcp.domain.avro.document import Raw, is_list, is_object
from schema_mcp.domain.avro.model import MISSING, Array, Enum, Field, Fixed, Kind, Map, Record, Type, Undefined, Union
from schema_mcp.domain.avro.numbers import float_text
from schema_mcp.domain.avro.stackless import Steps, each, run

_TEXTS = frozenset({Kind.STRING, Kind.BYTES, Kind.ENUM, Kind.FIXED})
_LONGEST_DEFAULT = 1_000
_BITS = {Kind.INT: 31, Kind.LONG: 63}


def fits(type_: Type, value: Any, *, still_open: Container[int] = ()) -> bool:
    """Would Java take `value` as a default of the type? Any branch of a union may take it (Avro 1.12).

    `still_open` names records whose fields are not read yet: they take no value at all.
    """
    at_once = _fits_at_once(type_, value)
    return run(_Fitting(still_open).fits(type_, value)) if at_once is None else at_once


def _fits_at_once(type_: Type, value: Any) -> bool | None:
    """The answer for a plain value, which most defaults are; None where one has to look inside."""
    match type_:
        case Union():
            found = [_fits_at_once(branch, value) for branch in type_.branches]
            return True if True in found else None if None in found else False
        case Array() | Map():
            return None if value else isinstance(value, list if isinstance(type_, Array) else dict)
        case Record() | Undefined():
            return None
        case _:
            return _fits_plainly(type_.kind, value)


class _Fitting:
    def __init__(self, still_open: Container[int]) -> None:
        self._still_open = still_open
        self._known: dict[tuple[int, int], bool] = {}

    def fits(self, type_: Type, value: Any) -> Steps[bool]:
        match type_:
            case Union() | Record():
                # Branches of branches meet the same value again and again, so what is known is kept.
                key = (id(type_), id(value))
                if key not in self._known:
                    self._known[key] = yield self._some_fits(type_, value)
                return self._known[key]
            case Array() if is_list(value):
                return (yield self._all_fit([(type_.items, item) for item in value]))
            case Map() if is_object(value):
                return (yield self._all_fit([(type_.values, item) for item in value.values()]))
            case Undefined():
                return is_object(value)
            case _:
                return _fits_plainly(type_.kind, value)

    def _some_fits(self, type_: Union | Record, value: Any) -> Steps[bool]:
        if isinstance(type_, Record):
            if not is_object(value) or id(type_) in self._still_open:
                return False
            pairs = [(field.type, value.get(field.name, field.default)) for field in type_.fields]
            return (yield self._all_fit(pairs))
        for branch in type_.branches:
            if (yield self.fits(branch, value)):
                return True
        return False

    def _all_fit(self, pairs: list[tuple[Type, Any]]) -> Steps[bool]:
        for type_, value in pairs:
            if value is MISSING or not (yield self.fits(type_, value)):
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
    """The plainest value of the type, as a default for what was not there; MISSING where there is none.

    A record within a record has none: such a default is no longer plain.
    """
    match type_:
        case Union():
            return empty(type_.branches[0]) if type_.branches else MISSING
        case Record():
            members = {field.name: _given_or_empty(field) for field in type_.fields}
            return MISSING if MISSING in members.values() else members
        case _:
            return _empty_part(type_)


def _given_or_empty(field: Field) -> Any:
    if field.has_default:
        return field.default
    alternatives = field.type.branches[:1] if isinstance(field.type, Union) else [field.type]
    return _empty_part(alternatives[0]) if alternatives else MISSING


def _empty_part(type_: Type) -> Any:
    match type_:
        case Enum():
            return type_.default if type_.default is not None else next(iter(type_.symbols), MISSING)
        case Fixed():
            return "\0" * type_.size if type_.size <= _LONGEST_DEFAULT else MISSING
        case _:
            return _EMPTY.get(type_.kind, MISSING)


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
