"""What stands inside the built-in messages that people put into payloads, and how their JSON form differs.

Source: the protocol buffers documentation, "ProtoJSON Format" and "Well-Known Types". A file that is not here can be
referenced all the same; only what such a field holds is not looked into.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from schema_mcp.domain.payloads import FaultError, shown
from schema_mcp.domain.protobuf.model import Enum, Message
from schema_mcp.domain.protobuf.parser import parse_text
from schema_mcp.domain.protobuf.types import Source, definitions_of

_BUILT_IN: Final = (
    """package google.protobuf;
    message Any { string type_url = 1; bytes value = 2; }
    message Duration { int64 seconds = 1; int32 nanos = 2; }
    message Timestamp { int64 seconds = 1; int32 nanos = 2; }
    message Empty {}
    message FieldMask { repeated string paths = 1; }
    message SourceContext { string file_name = 1; }
    message Struct { map<string, Value> fields = 1; }
    message ListValue { repeated Value values = 1; }
    message Value { oneof kind { NullValue null_value = 1; double number_value = 2; string string_value = 3;
      bool bool_value = 4; Struct struct_value = 5; ListValue list_value = 6; } }
    enum NullValue { NULL_VALUE = 0; }
    message DoubleValue { double value = 1; }  message FloatValue { float value = 1; }
    message Int64Value { int64 value = 1; }  message UInt64Value { uint64 value = 1; }
    message Int32Value { int32 value = 1; }  message UInt32Value { uint32 value = 1; }
    message BoolValue { bool value = 1; }  message StringValue { string value = 1; }
    message BytesValue { bytes value = 1; }""",
    """package google.type;
    message Date { int32 year = 1; int32 month = 2; int32 day = 3; }
    message Decimal { string value = 1; }
    message Fraction { int64 numerator = 1; int64 denominator = 2; }
    message Interval { google.protobuf.Timestamp start_time = 1; google.protobuf.Timestamp end_time = 2; }
    message LatLng { double latitude = 1; double longitude = 2; }
    message LocalizedText { string text = 1; string language_code = 2; }
    message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }
    message Quaternion { double x = 1; double y = 2; double z = 3; double w = 4; }
    message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }
    enum DayOfWeek { DAY_OF_WEEK_UNSPECIFIED = 0; MONDAY = 1; TUESDAY = 2; WEDNESDAY = 3; THURSDAY = 4; FRIDAY = 5;
      SATURDAY = 6; SUNDAY = 7; }
    enum Month { MONTH_UNSPECIFIED = 0; JANUARY = 1; FEBRUARY = 2; MARCH = 3; APRIL = 4; MAY = 5; JUNE = 6; JULY = 7;
      AUGUST = 8; SEPTEMBER = 9; OCTOBER = 10; NOVEMBER = 11; DECEMBER = 12; }""",
    "package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }",
)


@cache
def built_in() -> Mapping[str, Message | Enum]:
    """Bodies by full name."""
    files = [parse_text(f'syntax = "proto3";\n{text}') for text in _BUILT_IN]
    found = [one for file in files for one in definitions_of(Source(file, "built-in"))]
    return {one.full_name: one.body for one in found if one.body is not None}


_G: Final = "google.protobuf."
ANY: Final = f"{_G}Any"
VALUE: Final = f"{_G}Value"
NULL: Final = f"{_G}NullValue"

_WRAPPED: Final = {
    f"{_G}{name}Value": empty
    for name, empty in (
        ("Double", 0.0),
        ("Float", 0.0),
        ("Int64", "0"),
        ("UInt64", "0"),
        ("Int32", 0),
        ("UInt32", 0),
        ("Bool", False),
        ("String", ""),
        ("Bytes", ""),
    )
}
_LAST_MOMENT: Final = 253_402_300_799
_FIRST_MOMENT: Final = -62_135_596_800
_LONGEST_DURATION: Final = 315_576_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_DURATION: Final = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)
_NANOS: Final = 1_000_000_000


def has_own_json(name: str) -> bool:
    """Is the message written in JSON otherwise than as an object of its fields?"""
    return name in _FROM_JSON or name in _WRAPPED


def fields_of(name: str, value: Any) -> dict[str, Any]:
    """The fields that a JSON value of a built-in message stands for; raises `FaultError`."""
    return {"value": value} if name in _WRAPPED else _FROM_JSON[name](value)


def json_of(name: str, fields: dict[str, Any]) -> Any:
    """The JSON value of a built-in message with these fields; raises `FaultError` where there is none."""
    return fields.get("value", _WRAPPED[name]) if name in _WRAPPED else _TO_JSON[name](fields)


def _moment(value: Any) -> dict[str, Any]:
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    try:
        moment = datetime.fromisoformat(f"{found[1]}{found[3].replace('z', 'Z')}".replace("t", "T")) if found else None
    except ValueError:
        moment = None
    if moment is None or found is None:
        raise FaultError(f"expected a time such as 2024-05-17T09:30:00Z, found {shown(value)}")
    return {"seconds": (moment - _EPOCH) // timedelta(seconds=1), "nanos": _nanos(found[2])}


def _duration(value: Any) -> dict[str, Any]:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found or int(found[2]) > _LONGEST_DURATION:
        raise FaultError(f"expected a duration such as 1.5s, found {shown(value)}")
    sign = -1 if found[1] else 1
    return {"seconds": sign * int(found[2]), "nanos": sign * _nanos(found[3])}


def _nanos(digits: str | None) -> int:
    return int((digits or "0").ljust(9, "0"))


def _mask(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise FaultError(f"expected field names joined by commas, found {shown(value)}")
    return {"paths": [re.sub("[A-Z]", lambda one: f"_{one[0].lower()}", path) for path in value.split(",") if path]}


def _any_value(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"nullValue": 0}
        case bool():
            return {"boolValue": value}
        case str():
            return {"stringValue": value}
        case dict():
            return {"structValue": value}
        case list():
            return {"listValue": value}
        case _:
            return {"numberValue": value}


def _moment_text(fields: dict[str, Any]) -> str:
    seconds, nanos = int(fields.get("seconds", 0)), int(fields.get("nanos", 0))
    if not _FIRST_MOMENT <= seconds <= _LAST_MOMENT or not 0 <= nanos < _NANOS:
        raise FaultError("the time lies outside of the years 1 to 9999")
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat()}{_fraction(nanos)}Z"


def _duration_text(fields: dict[str, Any]) -> str:
    seconds, nanos = int(fields.get("seconds", 0)), int(fields.get("nanos", 0))
    if abs(seconds) > _LONGEST_DURATION or abs(nanos) >= _NANOS or seconds * nanos < 0:
        raise FaultError("no duration: seconds and nanos do not go together")
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"


def _fraction(nanos: int) -> str:
    """Nothing, or three, six or nine digits."""
    digits = f"{nanos:09d}"
    while nanos and digits.endswith("000"):
        digits = digits[:-3]
    return f".{digits}" if nanos else ""


def _mask_text(fields: dict[str, Any]) -> str:
    return ",".join(re.sub("_([a-z])", lambda one: one[1].upper(), path) for path in fields.get("paths", ()))


def _one_value(fields: dict[str, Any]) -> Any:
    if not fields:
        raise FaultError("a google.protobuf.Value holds nothing, not even null")
    name, value = next(iter(fields.items()))
    return None if name == "nullValue" else value


_FROM_JSON: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    f"{_G}Timestamp": _moment,
    f"{_G}Duration": _duration,
    f"{_G}FieldMask": _mask,
    f"{_G}Struct": lambda value: {"fields": value},
    f"{_G}ListValue": lambda value: {"values": value},
    VALUE: _any_value,
}

_TO_JSON: Final[Mapping[str, Callable[[dict[str, Any]], Any]]] = {
    f"{_G}Timestamp": _moment_text,
    f"{_G}Duration": _duration_text,
    f"{_G}FieldMask": _mask_text,
    f"{_G}Struct": lambda fields: fields.get("fields", {}),
    f"{_G}ListValue": lambda fields: fields.get("values", []),
    VALUE: _one_value,
}
