"""How often a caller may ask: so many calls a minute, which he may make in one go or spread out."""

import math
import time
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import RateLimitedError

_WINDOW: Final = 60.0
_MOST: Final = 10_000
"""So many callers are told apart; of more, who has been away longest begins anew."""


class Rates:
    """A meter for each caller, by its name: whatever tokens, programs and interfaces he comes with."""

    def __init__(self, per_minute: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._now = now
        self._paid_until: TTLCache[str, float] = TTLCache(_MOST, _WINDOW, now)

    def take(self, caller: Caller) -> None:
        """Count a call; raises `RateLimitedError`, which counts for nothing, where there were too many."""
        now, each = self._now(), _WINDOW / self.per_minute
        until = max(self._paid_until.get(caller.name, now), now) + each
        if (late := until - now - _WINDOW) > each / 1_000:
            wait = math.ceil(late)
            raise RateLimitedError(
                f"{caller.name} made more than {self.per_minute} calls within a minute",
                hint=f"Nothing was done. Wait {wait} s, then go on more slowly. "
                "Whoever runs this server sets the limit (--rate-limit).",
                details={"layer": "rate", "retry_after": wait},
            )
        self._paid_until[caller.name] = until
