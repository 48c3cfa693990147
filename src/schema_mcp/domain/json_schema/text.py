"""JSON text in and out, exactly: decimals keep their digits, keys their order, and no depth overflows a stack."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn, TypeAlias, TypeGuard

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.json_schema.deep import DeepReader, DepthError

Value: TypeAlias = Any
"""What `read` returns: dict, list, str, int, Decimal, bool or None."""

MAX_TEXT: Final = 5_000_000
MAX_DEPTH: Final = 1_000

_BLANK: Final = " \t\r\n"


def is_object(value: Value) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def is_array(value: Value) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def inner_values(value: Value) -> list[Any]:
    """The objects and arrays directly inside a value."""
    values: Iterable[Any] = value.values() if is_object(value) else value if is_array(value) else ()
    return [inner for inner in values if isinstance(inner, (dict, list))]


def read(text: str) -> Value:
    """The document at the beginning of a text; whatever follows it is ignored, as a registry does."""
    if len(text) > MAX_TEXT:
        raise InvalidSchemaError(
            f"The schema has {len(text):,} characters; the bound is {MAX_TEXT:,}",
            hint="Split it into schemas that refer to each other.",
        )
    try:
        value = _decode(text.lstrip(_BLANK))
    except DepthError as error:
        raise too_deep() from error
    except json.JSONDecodeError as error:
        raise InvalidSchemaError(
            f"Not JSON: {error.msg} at line {error.lineno}, column {error.colno}", hint=_JSON_HINT
        ) from error
    except (ValueError, InvalidOperation) as error:
        raise InvalidSchemaError(f"Not JSON: {error}", hint=_JSON_HINT) from error
    _check_depth(text, value)
    _check_characters(text, value)
    return value


def write(value: Value, *, sort: bool = False, indent: int = 0) -> str:
    """Compact text as Jackson prints it; with `sort` the keys of every object in order, with `indent` for people."""
    out: list[str] = []
    pending: list[Value] = [value]
    depth = 0
    while pending:
        item = pending.pop()
        match item:
            case _Token():
                out.append(item)
                depth -= item.closes
            case dict() | list() if item:
                depth += 1
                pending.extend(reversed(list(_spread(item, sort=sort, lines=_lines(depth, indent)))))
            case _:
                out.append(scalar(item))
    return "".join(out)


def repeated_keys(text: str) -> list[str]:
    """Keys that stand twice in one object of a text that was read before; too deep ones go unnoticed."""
    found: dict[str, None] = {}

    def note(members: list[tuple[str, Any]]) -> None:
        counted = Counter(name for name, _ in members)
        found.update(dict.fromkeys(name for name, times in counted.items() if times > 1))

    with suppress(RecursionError):
        json.JSONDecoder(object_pairs_hook=note).raw_decode(text.lstrip(_BLANK))
    return list(found)


def string(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


class _Token(str):
    """Text that is already JSON; `closes` tells how many levels end with it."""

    __slots__ = ()

    @property
    def closes(self) -> bool:
        return self[-1] in "]}"


_JSON_HINT: Final = "Quote every key, use double quotes, and leave out comments and trailing commas."
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_ESCAPED: Final = re.compile(r'[\x00-\x1f"\\]')
_MAX_EXPONENT: Final = 2**31 - 1
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    return _ESCAPES.get(found) or f"\\u{ord(found):04X}"


def scalar(item: Value) -> str:
    match item:
        case str():
            return string(item)
        case bool():
            return "true" if item else "false"
        case None:
            return "null"
        case dict():
            return "{}"
        case list():
            return "[]"
        case _:
            return str(item)


def _lines(depth: int, indent: int) -> tuple[str, str, str]:
    """What stands after an opening bracket (and each comma), before a closing one, and after a colon."""
    if not indent:
        return "", "", ""
    return "\n" + " " * indent * depth, "\n" + " " * indent * (depth - 1), " "


def _spread(item: Value, *, sort: bool, lines: tuple[str, str, str]) -> Iterator[Value]:
    inner, outer, space = lines
    if is_array(item):
        yield from _listed(item, inner, outer)
        return
    lead = "{" + inner
    for key in java_sorted(item) if sort else item:
        yield _Token(f"{lead}{string(key)}:{space}")
        yield item[key]
        lead = "," + inner
    yield _Token(outer + "}")


def _listed(items: list[Value], inner: str, outer: str) -> Iterator[Value]:
    lead = "[" + inner
    for item in items:
        yield _Token(lead)
        yield item
        lead = "," + inner
    yield _Token(outer + "]")


def java_sorted(names: dict[str, Any]) -> list[str]:
    """Names in the order of their UTF-16 units, which is how Java compares strings."""
    return sorted(names, key=_utf16)


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _decimal(digits: str) -> Decimal:
    """A number with a fraction or exponent; Java's BigDecimal has neither a negative zero nor endless exponents."""
    number = Decimal(digits)
    if abs(number.adjusted()) > _MAX_EXPONENT:
        raise ValueError(f"the exponent of {digits[:40]} is too large")
    return number.copy_abs() if number.is_zero() else number


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_DECODER: Final = json.JSONDecoder(parse_float=_decimal, parse_constant=_constant)


def _decode(text: str) -> Value:
    try:
        return _DECODER.raw_decode(text)[0]
    except RecursionError:
        return DeepReader(_DECODER, text, depth=MAX_DEPTH).value()


def _check_characters(text: str, value: Value) -> None:
    """Half of a surrogate pair is no character: nobody could send or hash such a text."""
    if not _SURROGATE.search(text):
        return
    try:
        write(value).encode()
    except UnicodeEncodeError as error:
        raise InvalidSchemaError(
            "The schema holds half of a surrogate pair", hint="Write the whole character."
        ) from error


def _check_depth(text: str, value: Value) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in inner_values(item)]
        if not level:
            return
    raise too_deep()


def too_deep() -> InvalidSchemaError:
    return InvalidSchemaError(
        f"The schema is nested more than {MAX_DEPTH} levels deep",
        hint="Move inner parts to definitions and refer to them with $ref.",
    )
