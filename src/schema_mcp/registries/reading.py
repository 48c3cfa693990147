"""Long answers are read beside the event loop, one after the other: the interpreter reads no two at once anyway."""

from collections.abc import Callable
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

Out = TypeVar("Out")

LONG: Final = 128 * 1024
"""Bytes from which on an answer is long; reading a shorter one takes no longer than changing the thread."""

_turns: RunVar[CapacityLimiter] = RunVar("_turns")


async def aside(read: Callable[[], Out]) -> Out:
    """What `read` makes of an answer; meanwhile others are served. One at a time, so that few are in memory twice."""
    try:
        turn = _turns.get()
    except LookupError:
        turn = CapacityLimiter(1)
        _turns.set(turn)
    return await to_thread.run_sync(read, limiter=turn)
