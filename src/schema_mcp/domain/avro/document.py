"""A schema's text as JSON values, read as leniently and as strictly as Java's parser reads it."""

import json
import math
import re
from collections import Counter
from contextlib import suppress
from itertools import accumulate
from typing import Any, NoReturn, TypeAlias, TypeGuard

from schema_mcp.domain.avro import deep_json
from schema_mcp.domain.avro.numbers import double_text
from schema_mcp.domain.avro.stackless import Steps, run
from schema_mcp.domain.errors import InvalidSchemaError

Raw: TypeAlias = dict[str, Any]
"""A JSON object as it was read."""

_SHOWN = 200

MAX_LENGTH = 5_000_000
MAX_NESTING = 1_000
"""Levels of JSON, as the registry's own parser has it; a record within a record takes three."""

# Both patterns also match what is never closed, so that no text makes them try again and again.
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\Z)'
_STRINGS = re.compile(_STRING, re.DOTALL)
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|/\*(?:.*?\*/|.*\Z)|//[^\n\r]*", re.DOTALL)
_BRACKETS = str.maketrans({"[": "\x01", "{": "\x01", "]": "\x00", "}": "\x00"})
_NOT_BRACKETS = re.compile(r"[^\x00\x01]+")
_BLANK = " \t\n\r"
_TRIMMED = "".join(map(chr, range(0x21)))  # what Java's trim() takes away
_ESCAPES = {code: f"\\u{code:04X}" for code in range(0x20)} | {
    ord(char): f"\\{letter}" for char, letter in zip('"\\\b\t\n\f\r', '"\\btnfr', strict=True)
}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Non-standard token {name!r}")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def read(text: str) -> Any:
    """The one JSON value of `text`; comments are taken within it, text after it is not."""
    if len(text) > MAX_LENGTH:
        raise InvalidSchemaError(f"The schema is longer than {MAX_LENGTH:,} characters")
    if not text.strip():
        raise InvalidSchemaError("Empty schema")
    try:
        value, end = _decoded(text)
    except ValueError:
        # Comments are rare, so they are only looked for in what plain JSON refuses.
        value, end = _decoded_without_comments(text)
    if rest := text[end:].strip(_TRIMMED):
        raise InvalidSchemaError(f"dangling content after end of schema: {rest[:100]}")
    _refuse_half_characters(text, value)
    return value


def _decoded(text: str) -> tuple[Any, int]:
    if _depth(text) > MAX_NESTING:
        raise InvalidSchemaError(f"The schema is nested deeper than {MAX_NESTING} levels of JSON")
    try:
        return _DECODER.raw_decode(text, _start(text))
    except RecursionError:
        return deep_json.decoded(text, _start(text), _DECODER.raw_decode)


def _depth(text: str) -> int:
    """How many levels a text may nest at most; brackets within comments count as well."""
    count = text.count("[") + text.count("{")
    if count <= MAX_NESTING:
        return count
    brackets = _NOT_BRACKETS.sub("", _STRINGS.sub("", text).translate(_BRACKETS))
    return max(accumulate(1 if bracket == "\x01" else -1 for bracket in brackets), default=0)


def _decoded_without_comments(text: str) -> tuple[Any, int]:
    try:
        return _decoded(_STRING_OR_COMMENT.sub(_blanked, text))
    except ValueError as error:
        raise InvalidSchemaError(f"The schema is not JSON: {error}", hint="Check quotes and commas") from error


def _blanked(found: re.Match[str]) -> str:
    """Blanks instead of a comment, as many as it had characters, so that places stay what they are."""
    return found[0] if found[0].startswith('"') else " " * len(found[0])


def repeated_keys(text: str) -> list[str]:
    """The keys that stand twice in one object of a text that was read before."""
    found: list[str] = []

    def noted(members: list[tuple[str, Any]]) -> None:
        counted = Counter(name for name, _ in members)
        found.extend(name for name, times in counted.items() if times > 1)

    plain = _STRING_OR_COMMENT.sub(_blanked, text)
    with suppress(RecursionError):  # what nests too deep for Python goes unnoticed
        json.JSONDecoder(object_pairs_hook=noted).raw_decode(plain, _start(plain))
    return list(dict.fromkeys(found))


def _start(text: str) -> int:
    return len(text) - len(text.lstrip(_BLANK))


def _refuse_half_characters(text: str, value: Any) -> None:
    # Half of a surrogate pair has no UTF-8 form, so such a text could be neither hashed nor sent.
    try:
        text.encode()
        if "\\" in text and ("\\ud" in text or "\\uD" in text):
            write(value).encode()
    except UnicodeEncodeError as error:
        raise InvalidSchemaError("The schema holds half of a surrogate pair") from error


def is_object(value: Any) -> TypeGuard[Raw]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def write(value: Any) -> str:
    """A JSON value as Jackson writes it: compact, nothing escaped that need not be, numbers as Java's."""
    if not isinstance(value, dict | list):
        return scalar(value)
    out: list[str] = []
    run(_written(value, out))
    return "".join(out)


def shown(value: Any) -> str:
    """A value in a message: as much of it as helps to find the place."""
    text = write(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _written(value: Any, out: list[str]) -> Steps[None]:
    if is_object(value):
        yield _written_object(value, out)
    elif is_list(value):
        yield _written_list(value, out)
    else:
        out.append(scalar(value))


def _written_object(members: Raw, out: list[str]) -> Steps[None]:
    opening = "{"
    for name, value in members.items():
        out.append(f"{opening}{quoted(name)}:")
        opening = ","
        yield _written(value, out)
    out.append("}" if members else "{}")


def _written_list(items: list[Any], out: list[str]) -> Steps[None]:
    opening = "["
    for item in items:
        out.append(opening)
        opening = ","
        yield _written(item, out)
    out.append("]" if items else "[]")


def scalar(value: bool | float | str | None) -> str:
    """A JSON value without parts."""
    match value:
        case str():
            return quoted(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            # A double that JSON has no number for is written as a text.
            return double_text(value) if math.isfinite(value) else quoted(double_text(value))
        case _:
            return str(value)


def quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
