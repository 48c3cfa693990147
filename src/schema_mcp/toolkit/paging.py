"""Replies that fit: lists cut into pages with a cursor and exact counts, long texts cut with a note."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from schema_mcp.domain.errors import InvalidRequestError

T = TypeVar("T")

REPLY_BYTES = 14 * 1024
"""Bytes of one result as JSON; on the wire it goes out twice (text and structured), within 32 KiB."""

PAGE_BYTES = 11 * 1024
"""Bytes of the items of one page, so that what stands around them fits as well."""

TEXT_CHARACTERS = 8 * 1024
"""Characters of one schema text inside a reply; the rest stands behind a link."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, how many there are altogether, and where the next page begins."""

    items: list[T]
    total: int
    cursor: str | None


def page(
    items: Sequence[T], *, cursor: str | None, limit: int, query: str, size: Callable[[T], int] | None = None
) -> Page[T]:
    """Cut a list from a cursor on: at most `limit` items, and no more than fit `PAGE_BYTES`.

    `query` names what was asked, so that a cursor of another question is refused (`InvalidRequestError`). `size` gives
    an item's bytes as JSON; left out, items are taken for strings.
    """
    mark = hashlib.sha256(query.encode()).hexdigest()[:8]
    start = _offset(cursor, mark)
    weigh: Callable[[T], int] = size or (lambda item: len(json.dumps(item)) + 1)
    taken: list[T] = []
    room = PAGE_BYTES
    for item in items[start : start + limit]:
        room -= weigh(item)
        if room < 0 and taken:
            break
        taken.append(item)
    end = start + len(taken)
    return Page(taken, len(items), _cursor(end, mark) if end < len(items) else None)


def _cursor(offset: int, mark: str) -> str:
    return base64.urlsafe_b64encode(f"{offset}:{mark}".encode()).decode().rstrip("=")


def _offset(cursor: str | None, mark: str) -> int:
    if cursor is None:
        return 0
    try:
        offset, _, of = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
        if of == mark and offset.isdecimal():
            return int(offset)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise InvalidRequestError(
        f"{cursor[:40]!r} is not a cursor of this list",
        hint="Pass the `cursor` of the previous reply with otherwise the same arguments, or leave it out.",
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A text, or as much of it as fits into a reply."""

    text: str
    total: int
    is_part: bool
    cursor: str | None


def part(text: str, *, cursor: str | None, query: str) -> Part:
    """A long text from a cursor on, at most `TEXT_CHARACTERS` of it; a short one whole."""
    mark = hashlib.sha256(query.encode()).hexdigest()[:8]
    start = _offset(cursor, mark)
    end = start + TEXT_CHARACTERS
    piece = text[start:end]
    return Part(piece, len(text), len(piece) < len(text), _cursor(end, mark) if end < len(text) else None)
