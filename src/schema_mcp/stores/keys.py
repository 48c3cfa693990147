"""A JSON object that people may have edited, taken key by key, with a reason for whatever is wrong in it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar, cast

from schema_mcp.domain import once
from schema_mcp.domain.errors import StoreError
from schema_mcp.domain.schema import Json

_Word = TypeVar("_Word", bound=StrEnum)
_Kind = TypeVar("_Kind")

_NAMES: Final[Mapping[type, str]] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


class Keys:
    """The keys of one object; what is `left` at the end nobody knew. Raises `StoreError` with the reason."""

    def __init__(self, content: bytes | Json) -> None:
        self.left: Json = dict(_parsed(content) if isinstance(content, bytes) else content)

    def optional(self, key: str, kind: type[_Kind]) -> _Kind | None:
        value = self.left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise StoreError(f"{key} is {_shown(value)} and should be {_NAMES[kind]}")
        return value

    def needed(self, key: str, kind: type[_Kind]) -> _Kind:
        value = self.optional(key, kind)
        if value is None:
            raise StoreError(f"{key} is missing")
        return value

    def word(self, key: str, words: type[_Word]) -> _Word | None:
        """One of a closed set of words."""
        value = self.optional(key, str)
        if value is not None and value not in set(words):
            raise StoreError(f"{key} is {_shown(value)} and should be one of {', '.join(words)}")
        return words(value) if value is not None else None

    def object(self, key: str) -> Json | None:
        return cast("Json | None", self.optional(key, dict))

    def texts(self, key: str) -> tuple[str, ...] | None:
        return self._list(key, str)

    def objects(self, key: str) -> tuple[Json, ...]:
        return cast("tuple[Json, ...]", self._list(key, dict) or ())

    def _list(self, key: str, kind: type[_Kind]) -> tuple[_Kind, ...] | None:
        listed = cast("list[object] | None", self.optional(key, list))
        if listed is None:
            return None
        if not all(isinstance(value, kind) for value in listed):
            raise StoreError(f"{key} is {_shown(listed)} and should hold nothing but {_NAMES[kind]} in each place")
        return cast("tuple[_Kind, ...]", tuple(listed))


def _parsed(content: bytes) -> Json:
    try:
        value = once.parsed(content)
    except RecursionError as error:
        raise StoreError("it is nested too deeply") from error
    except ValueError as error:
        raise StoreError(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise StoreError("it is not a JSON object")
    return cast("Json", value)


def _shown(value: object) -> str:
    return repr(value)[:60]
