"""Time between requests: how fast we may ask, and when to ask again."""

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
_SLACK = 1.04
"""The way to the registry takes now longer, now shorter: what left apart may arrive closer together."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, from outside; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    chance: Callable[[], float] = random.random


class Pace:
    """At most so many requests in any second; whoever comes early waits for its turn. 0 is no limit.

    A second's worth may come at once, and the next when that second is over: never more than that in any one second,
    wherever it begins.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._clock = clock
        at_once = int(max(1, per_second)) if per_second > 0 else 0
        self._window = _SLACK * at_once / per_second if at_once else 0.0
        self._given: deque[float] = deque(maxlen=at_once)

    async def turn(self) -> float:
        """Wait until this request may go out, and say for how long; turns are given in the order of asking."""
        if not self._given.maxlen:
            return 0.0
        now = self._clock.now()
        full = len(self._given) == self._given.maxlen
        at = max(now, self._given[0] + self._window) if full else now
        self._given.append(at)
        if at > now:
            await self._clock.sleep(at - now)
        return at - now


def full_jitter(attempt: int, clock: Clock) -> float:
    """How long to wait before the next attempt, the first being 0.

    Anything up to a limit that doubles, so that many clients do not come back together ("full jitter").
    """
    return clock.chance() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt, 10))
