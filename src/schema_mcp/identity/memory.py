"""What was found out about a token, kept under its digest for no longer than a revocation may take."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import anyio
from cachetools import TTLCache

from schema_mcp.domain.errors import IdentityAwayError, UnknownCallerError

T = TypeVar("T")

LONGEST: Final = 60.0
"""Seconds after which a token is looked at anew, so that one that was revoked is refused."""

_REFUSED_FOR = 10.0
_MOST = 10_000


class Remembered(Generic[T]):
    """Answers by token; of several who ask for the same one at once, one finds out."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._found: TTLCache[bytes, tuple[float, T]] = TTLCache(_MOST, LONGEST, now)
        self._refused: TTLCache[bytes, UnknownCallerError] = TTLCache(_MOST, _REFUSED_FOR, now)
        self._turns: dict[bytes, anyio.Lock] = {}

    async def of(self, token: str, find: Callable[[], Awaitable[T]]) -> T:
        """What is known of a token, found out where it is not known.

        Raises `UnknownCallerError` again for a while where that is what was found out; that nobody could tell is
        found out anew each time.
        """
        key = digest(token)
        turn = self._turns.setdefault(key, anyio.Lock())
        async with turn:
            try:
                return self._known(key) or await self._find(key, find)
            finally:
                self._turns.pop(key, None)

    def _known(self, key: bytes) -> T | None:
        if refused := self._refused.get(key):
            raise UnknownCallerError(str(refused), hint=refused.hint)
        found = self._found.get(key)
        # What was found out is as old as the question.
        return found[1] if found and self._now() - found[0] < LONGEST else None

    async def _find(self, key: bytes, find: Callable[[], Awaitable[T]]) -> T:
        asked = self._now()
        try:
            answer = await find()
        except IdentityAwayError:
            raise
        except UnknownCallerError as error:
            self._refused[key] = error
            raise
        self._found[key] = asked, answer
        return answer


def digest(token: str) -> bytes:
    """Stands for a token in memory, where it would be found by whoever reads memory."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
