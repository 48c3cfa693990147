"""Time that passes when somebody sleeps, and chance that is known beforehand."""

from collections.abc import Iterable
from itertools import chain, repeat

from schema_mcp.registries.pacing import Clock


class FakeClock:
    def __init__(self, chances: Iterable[float] = ()):
        self.time = 1_000.0
        self.slept: list[float] = []
        listed = list(chances)
        self._chances = chain(listed, repeat(listed[-1] if listed else 0.5))
        self.clock = Clock(now=lambda: self.time, sleep=self._sleep, chance=lambda: next(self._chances))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
