"""The one place where a name becomes part of a path, so that no name can reach another path."""

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote, urlencode

from schema_mcp.domain.errors import InvalidRequestError

Told: TypeAlias = str | int | bool | tuple[str, ...]
"""What a query says under one name: once, or several times."""

_CLIMBS = frozenset({"", ".", ".."})


def segment(name: str, plain: str = "") -> str:
    """A name as exactly one path segment; `plain` are characters that need no quoting there (RFC 3986, 3.3).

    `.` and `..` are refused: clients and proxies resolve them (RFC 3986, 5.2.4), and servers refuse `%2e%2e`.
    """
    if name in _CLIMBS:
        raise InvalidRequestError(
            f"{name!r} cannot be part of a registry's address", hint="Give it another name, or ask by id."
        )
    try:
        return quote(name, safe=plain)
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"{name[:80]!a} cannot travel as UTF-8", hint="Take the lone surrogates out of the name."
        ) from error


def target(path: tuple[str, ...], query: Mapping[str, Told], plain: str = "") -> str:
    """Path and query of a request, every part quoted; truths travel as `true` and `false`."""
    told = {key: str(value).lower() if isinstance(value, bool) else value for key, value in query.items()}
    asked = f"?{urlencode(told, doseq=True, quote_via=quote, safe='')}" if told else ""
    return "/" + "/".join(segment(name, plain) for name in path) + asked
