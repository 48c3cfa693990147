"""Addresses of what can be read as a resource: every name is quoted whole, so that none reaches another place."""

from urllib.parse import quote, unquote

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.schema import Subject

LONGEST = 8_000
"""Characters of an address: three names of a thousand, each character quoted as UTF-8 needs it, and some room."""


def link(scheme: str, *parts: str | int) -> str:
    """The address of something: `schema://dev/default/a%2Fb/3`."""
    return f"{scheme}://" + "/".join(map(quoted, parts))


def quoted(part: str | int) -> str:
    """One part of an address; a part of dots alone is quoted, too, because clients take such parts for steps."""
    text = quote(str(part), safe="")
    return text.replace(".", "%2E") if set(text) <= {"."} else text


def schema_link(registry: str, subject: Subject, number: int) -> str:
    """Where a version of a registry can be read whole."""
    return link("schema", registry, shown_context(subject.context), subject.name, number)


def store_link(subject: Subject, number: int) -> str:
    """Where a version of the store can be read whole."""
    return link("store", shown_context(subject.context), subject.name, number)


def parts_of(address: str) -> tuple[str, list[str]]:
    """Scheme and parts of an address, unquoted once.

    Raises `InvalidRequestError` for what is no address of ours: queries, fragments, empty parts, what is no text.
    """
    scheme, mark, rest = address.partition("://")
    if not mark or len(address) > LONGEST or set("?#") & set(rest):
        raise _no_address(address)
    try:
        parts = [unquote(part, errors="strict") for part in rest.split("/")]
    except UnicodeDecodeError:
        raise _no_address(address) from None
    if not all(parts):
        raise _no_address(address)
    return scheme, parts


def _no_address(address: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{address[:200]!r} is not an address of a resource here",
        hint="resources/templates/list shows their form; names are percent-quoted.",
    )
