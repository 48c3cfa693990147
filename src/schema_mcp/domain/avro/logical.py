"""Logical types: Avro 1.12, "Logical Types"; one that does not fit its type is ignored, not refused."""

from typing import Any, TypeGuard

from schema_mcp.domain.avro.model import Fixed, Kind, Primitive, Type, text_of

_ON = {
    "decimal": {Kind.BYTES, Kind.FIXED},
    "big-decimal": {Kind.BYTES},
    "uuid": {Kind.STRING, Kind.FIXED},
    "date": {Kind.INT},
    "time-millis": {Kind.INT},
    "time-micros": {Kind.LONG},
    "timestamp-millis": {Kind.LONG},
    "timestamp-micros": {Kind.LONG},
    "timestamp-nanos": {Kind.LONG},
    "local-timestamp-millis": {Kind.LONG},
    "local-timestamp-micros": {Kind.LONG},
    "local-timestamp-nanos": {Kind.LONG},
    "duration": {Kind.FIXED},
}
_SIZES = {"uuid": 16, "duration": 12}


def logical_of(type_: Type) -> str | None:
    """The name of a type's logical type, whether or not it is a valid one."""
    return text_of(type_.raw, "logicalType") if isinstance(type_, Primitive | Fixed) else None


def logical_problem(type_: Type) -> str:
    """Why Avro ignores the logical type of a type, or nothing."""
    name = logical_of(type_)
    if name is None or not isinstance(type_, Primitive | Fixed):
        return ""
    if name not in _ON:
        return f"{name} is not a logical type of Avro"
    if type_.kind not in _ON[name]:
        return f"{name} does not go with {type_.kind}"
    if isinstance(type_, Fixed) and type_.size != _SIZES.get(name, type_.size):
        return f"{name} takes {_SIZES[name]} bytes, not {type_.size}"
    return _decimal_problem(type_) if name == "decimal" else ""


def _decimal_problem(type_: Primitive | Fixed) -> str:
    precision, scale = type_.raw.get("precision"), type_.raw.get("scale", 0)
    if not _is_whole(precision) or precision <= 0:
        return "a decimal needs a precision above 0"
    if not _is_whole(scale) or not 0 <= scale <= precision:
        return f"a scale of {scale} does not go with a precision of {precision}"
    if isinstance(type_, Fixed) and precision > _digits(type_.size):
        return f"{type_.size} bytes do not hold {precision} digits"
    return ""


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _digits(size: int) -> int:
    """How many decimal digits a two's complement of that many bytes always holds."""
    return len(str(2 ** (8 * min(size, 1_000) - 1) - 1)) - 1 if size else 0
