"""Time between requests: how fast we may ask, and when to ask again."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, from outside; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    chance: Callable[[], float] = random.random


class Pace:
    """At most so many requests a second; whoever comes early waits for its turn. 0 is no limit.

    A second's worth may come at once after a quiet time, then one by one.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._per_second = per_second
        self._clock = clock
        self._next = float("-inf")

    async def turn(self) -> None:
        """Wait until this request may go out; turns are given in the order of asking."""
        if self._per_second <= 0:
            return
        now = self._clock.now()
        burst = max(1.0, self._per_second) - 1
        step = 1 / self._per_second
        self._next = max(self._next, now - burst * step)
        wait = self._next - now
        self._next += step
        if wait > 0:
            await self._clock.sleep(wait)


def full_jitter(attempt: int, clock: Clock) -> float:
    """How long to wait before the next attempt, the first being 0.

    Anything up to a limit that doubles, so that many clients do not come back together ("full jitter").
    """
    return clock.chance() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt, 10))
