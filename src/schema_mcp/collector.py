"""Keep the garbage collector's pauses short, however much is remembered.

A full collection looks at every object there is and stops every thread meanwhile: at 10,000 subjects for a fifth of a
second. What survived one is no garbage, and most of it stays for long. So it is set aside, and the collections after
that look at what came since; once in a while at everything again, for what was in use then and is not any more.
"""

import gc
import time
from collections.abc import Callable, Mapping
from typing import Final

LONG: Final = 0.01
"""Seconds of a full collection after which what survived is set aside."""

WHOLE: Final = 3_600.0
"""Seconds after which everything is looked at again."""

_OLDEST: Final = 2


class Collector:
    """Told by the garbage collector of each of its runs, as `gc.callbacks` are."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = self._whole = clock()

    def __call__(self, phase: str, run: Mapping[str, int]) -> None:
        now = self._clock()
        if run["generation"] < _OLDEST:
            return
        if phase == "start":
            self._began = now
        elif now - self._whole > WHOLE:
            self._whole = now
            gc.unfreeze()
        elif now - self._began > LONG:
            gc.freeze()


def keep_pauses_short() -> None:
    """For the rest of this process."""
    gc.callbacks.append(Collector())
