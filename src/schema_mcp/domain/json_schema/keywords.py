"""The value of a keyword, in the shape that the registry's loaders insist on."""

from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeGuard, cast

from schema_mcp.domain.json_schema.drafts import Draft
from schema_mcp.domain.json_schema.model import Limit

Raw: TypeAlias = dict[str, Any]

_INT: Final = range(-(2**31), 2**31)


class MisfitError(Exception):
    """A keyword holds what it must not; `raw` is the object it stands in."""

    def __init__(self, raw: Any, message: str) -> None:
        super().__init__(message)
        self.raw = raw


def text(raw: Raw, key: str) -> str:
    return cast("str", _of(raw, key, str, "a string"))


def flag(raw: Raw, key: str) -> bool:
    return cast("bool", _of(raw, key, bool, "true or false"))


def array(raw: Raw, key: str) -> list[Any]:
    return cast("list[Any]", _of(raw, key, list, "an array"))


def mapping(raw: Raw, key: str) -> Raw:
    return cast("Raw", _of(raw, key, dict, "an object"))


def strings(raw: Raw, key: str) -> tuple[str, ...]:
    """The strings of a list, each once."""
    found = array(raw, key)
    if not all(isinstance(name, str) for name in found):
        raise MisfitError(raw, f"'{key}' must list strings only")
    return tuple(dict.fromkeys(found))


def names(raw: Raw, key: str) -> frozenset[str]:
    return frozenset(strings(raw, key))


def number(raw: Raw, key: str) -> Limit:
    value = raw[key]
    if not is_number(value):
        raise _misfit(raw, key, "a number")
    return value


def counts(raw: Raw, *keys: str) -> dict[str, Limit]:
    """Those of the keywords that hold a number; others are ignored."""
    return {key: raw[key] for key in keys if is_number(raw.get(key))}


def integer(raw: Raw, key: str, draft: Draft) -> int:
    """The older loaders want a whole number of 32 bits; the newer one takes any number and drops its fraction."""
    value = number(raw, key)
    if draft is Draft.MODERN and _in_reach(value):
        return int(value)
    if not isinstance(value, int) or value not in _INT:
        raise _misfit(raw, key, "a whole number of at most 32 bits")
    return value


def is_number(value: Any) -> TypeGuard[Limit]:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _in_reach(value: Limit) -> bool:
    """Not one of those decimals whose digits would fill the memory."""
    return isinstance(value, int) or value.adjusted() < len(str(2**64))


def _of(raw: Raw, key: str, kind: type, words: str) -> object:
    value = raw[key]
    if not isinstance(value, kind):
        raise _misfit(raw, key, words)
    return value


def _misfit(raw: Raw, key: str, words: str) -> MisfitError:
    return MisfitError(raw, f"'{key}' must be {words}")
