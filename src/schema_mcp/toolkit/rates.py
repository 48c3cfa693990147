"""How often somebody may ask: so many times a minute, in one go or spread out."""

import math
import time
from collections.abc import Callable
from typing import Final

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import RateLimitedError

_WINDOW: Final = 60.0
_MOST: Final = 10_000
"""So many are told apart; of more, who has been away longest begins anew."""


class Meter:
    """Counts by name what happens within a minute."""

    def __init__(self, per_minute: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._each = _WINDOW / per_minute
        self._now = now
        self._paid_until: dict[str, float] = {}

    def wait(self, name: str) -> int:
        """Count one more and answer 0; or the seconds until there is room for it, and count nothing."""
        now = self._now()
        until = max(self._paid_until.get(name, now), now) + self._each
        if (late := until - now - _WINDOW) > self._each / 1_000:
            return math.ceil(late)
        self._paid_until.pop(name, None)
        self._paid_until[name] = until  # last in line
        if len(self._paid_until) > _MOST:
            del self._paid_until[next(iter(self._paid_until))]
        return 0

    def forgive(self, name: str) -> None:
        """Count one less: it was none of those that are counted."""
        if name in self._paid_until:
            self._paid_until[name] -= self._each


class Rates:
    """A meter for callers, by name: whatever tokens, programs and interfaces they come with."""

    def __init__(self, per_minute: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._meter = Meter(per_minute, now=now)

    def take(self, caller: Caller) -> None:
        """Count a call; raises `RateLimitedError`, which counts for nothing, where there were too many."""
        if wait := self._meter.wait(caller.name):
            raise RateLimitedError(
                f"{caller.name} made more than {self.per_minute} calls within a minute",
                hint=f"Nothing was done. Wait {wait} s, then go on more slowly. "
                "Whoever runs this server sets the limit (--rate-limit).",
                details={"layer": "rate", "retry_after": wait},
            )
