"""JSON that nests deeper than Python's own parser dares to go."""

import re
from collections.abc import Callable
from typing import Any

_BLANKS = re.compile(r"[ \t\n\r]*")

Scalar = Callable[[str, int], tuple[Any, int]]


def decoded(text: str, at: int, scalar: Scalar) -> tuple[Any, int]:
    """The value that begins at `at`, and where it ends. `scalar` reads what has no parts; raises ValueError."""
    return _Decoder(text, scalar).value(at)


class _Decoder:
    def __init__(self, text: str, scalar: Scalar) -> None:
        self._text = text
        self._scalar = scalar
        self._open: list[dict[str, Any] | list[Any]] = []
        self._names: list[str] = []

    def value(self, at: int) -> tuple[Any, int]:
        while True:
            value, at, is_complete = self._begun(self._skipped(at))
            while is_complete and self._open:
                value, at, is_complete = self._put(value, self._skipped(at))
            if is_complete:
                return value, at

    def _begun(self, at: int) -> tuple[Any, int, bool]:
        """A scalar or an empty container, else a container opened up to its first value."""
        opening = self._text[at : at + 1]
        if opening not in ("{", "["):
            return *self._scalar(self._text, at), True
        holder: dict[str, Any] | list[Any] = {} if opening == "{" else []
        at = self._skipped(at + 1)
        if self._text[at : at + 1] == _closing(holder):
            return holder, at + 1, True
        self._open.append(holder)
        if isinstance(holder, dict):
            self._names.append("")
            at = self._named(at)
        return None, at, False

    def _put(self, value: Any, at: int) -> tuple[Any, int, bool]:
        """Put a value into the container it belongs to, which this may complete."""
        holder = self._open[-1]
        if isinstance(holder, dict):
            holder[self._names[-1]] = value
        else:
            holder.append(value)
        if self._text[at : at + 1] == ",":
            at = self._skipped(at + 1)
            return None, self._named(at) if isinstance(holder, dict) else at, False
        if self._text[at : at + 1] != _closing(holder):
            raise ValueError(f"Expecting ',' or {_closing(holder)!r}: char {at}")
        self._open.pop()
        if isinstance(holder, dict):
            self._names.pop()
        return holder, at + 1, True

    def _named(self, at: int) -> int:
        """Read a member's name and the colon after it."""
        if self._text[at : at + 1] != '"':
            raise ValueError(f"Expecting a name in double quotes: char {at}")
        self._names[-1], at = self._scalar(self._text, at)
        at = self._skipped(at)
        if self._text[at : at + 1] != ":":
            raise ValueError(f"Expecting ':': char {at}")
        return self._skipped(at + 1)

    def _skipped(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        return found.end() if found else at


def _closing(holder: dict[str, Any] | list[Any]) -> str:
    return "}" if isinstance(holder, dict) else "]"
