"""JSON deeper than what is left of the interpreter's stack: the standard decoder recurses, this one does not."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_CONTAINERS: Final[dict[str, Callable[[], Any]]] = {"{": dict, "[": list}
_CLOSERS: Final = {dict: "}", list: "]"}


class DepthError(Exception):
    """Nested deeper than allowed."""


class DeepReader:
    """Reads brackets itself and leaves strings, numbers and words to the standard decoder."""

    def __init__(self, decoder: json.JSONDecoder, text: str, *, depth: int) -> None:
        self._decoder = decoder
        self._depth = depth
        self._text = text
        self._at = 0
        self._open: list[Any] = []
        self._keys: list[str] = []

    def value(self) -> Any:
        while True:
            done = self._start()
            while done is not _OPENED:
                if not self._open:
                    return done
                done = self._after(done)

    def _start(self) -> Any:
        """Read a scalar, or open a container: its first value comes next, unless it is empty."""
        opener = self._peek()
        if opener not in _CONTAINERS:
            return self._decode()
        container = _CONTAINERS[opener]()
        self._at += 1
        if self._peek() == _CLOSERS[type(container)]:
            self._at += 1
            return container
        self._open.append(container)
        if len(self._open) > self._depth:
            raise DepthError
        self._keys.append(self._key())
        return _OPENED

    def _after(self, done: Any) -> Any:
        """Put a finished value where it belongs; then another one follows, or its container is finished too."""
        container = self._open[-1]
        closer = _CLOSERS[type(container)]
        if closer == "}":
            container[self._keys[-1]] = done
        else:
            container.append(done)
        if self._peek() == ",":
            self._at += 1
            self._keys[-1] = self._key()
            return _OPENED
        self._expect(closer)
        self._keys.pop()
        return self._open.pop()

    def _key(self) -> str:
        if isinstance(self._open[-1], list):
            return ""
        if self._peek() != '"':
            raise self._error("Expecting property name enclosed in double quotes")
        key = self._decode()
        self._expect(":")
        return key

    def _decode(self) -> Any:
        self._peek()
        value, self._at = self._decoder.raw_decode(self._text, self._at)
        return value

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self._error(f"Expecting {character!r}")
        self._at += 1

    def _peek(self) -> str:
        blanks = _BLANKS.match(self._text, self._at)
        self._at = blanks.end() if blanks else self._at
        return self._text[self._at : self._at + 1]

    def _error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)


_OPENED: Final = object()
