"""Versions that were read lately, with their texts, within a bound."""

from threading import Lock
from typing import Final

from cachetools import LRUCache

from schema_mcp.stores.files import StoredVersion
from schema_mcp.stores.index import Record

_OVERHEAD: Final = 1_000


class Shelf:
    """Keeps versions until together they hold more than so many characters; the oldest go first."""

    def __init__(self, characters: int) -> None:
        self._kept: LRUCache[Record, StoredVersion] = LRUCache(characters, getsizeof=_size)
        self._lock = Lock()

    def put(self, record: Record, stored: StoredVersion) -> None:
        with self._lock:
            if _size(stored) <= self._kept.maxsize:
                self._kept[record] = stored

    def get(self, record: Record) -> StoredVersion | None:
        with self._lock:
            return self._kept.get(record)


def _size(stored: StoredVersion) -> int:
    return len(stored.version.schema.text) + len(stored.description) + _OVERHEAD
