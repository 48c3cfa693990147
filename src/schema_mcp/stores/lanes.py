"""Room for long work in one process: so much of it runs at a time, so much waits for its turn, and no more is taken."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import anyio

from schema_mcp.domain.errors import LockHeldError

RUNNING = 8
WAITING = 32
_LOOK_SECONDS = 0.5
"""How often somebody who waits looks whether he still has to."""


class Lanes:
    """Where long work goes on."""

    def __init__(self, *, running: int = RUNNING, waiting: int = WAITING) -> None:
        self._most = running + waiting
        self._free = anyio.Semaphore(running)
        self._taken = 0

    def place(self) -> "Place":
        """A place for one piece of work; whoever takes it works there.

        Raises `LockHeldError` where all are taken: then nothing was begun.
        """
        if self._taken >= self._most:
            raise LockHeldError(
                f"{self._taken} tasks are running or waiting here already",
                hint="Nothing was begun. list_tasks shows them: try again when some have ended.",
            )
        self._taken += 1
        return Place(self, self._free)

    def left(self) -> None:
        """One place is free again."""
        self._taken -= 1


class Place:
    """A place that is taken."""

    def __init__(self, lanes: Lanes, free: anyio.Semaphore) -> None:
        self._lanes = lanes
        self._free = free

    @contextmanager
    def until_begun(self) -> Generator[None]:
        """Around what comes before the work; the place is free again where it fails."""
        try:
            yield
        except BaseException:
            self._lanes.left()
            raise

    async def work(
        self,
        work: Callable[[], Awaitable[object]],
        *,
        waiting: Callable[[bool], Awaitable[None]],
        goes_on: Callable[[], Awaitable[bool]],
    ) -> None:
        """Do the work when it is its turn; `waiting` hears when it has to wait and when that is over.

        What nobody wants any more (`goes_on`) need not wait: it has nothing left to do but to say so.
        """
        try:
            has_turn = await self._turn(waiting, goes_on)
            try:
                await work()
            finally:
                if has_turn:
                    self._free.release()
        finally:
            self._lanes.left()

    async def _turn(self, waiting: Callable[[bool], Awaitable[None]], goes_on: Callable[[], Awaitable[bool]]) -> bool:
        try:
            self._free.acquire_nowait()
        except anyio.WouldBlock:
            await waiting(True)
        else:
            return True
        has_turn = await self._waited(goes_on)
        await waiting(False)
        return has_turn

    async def _waited(self, goes_on: Callable[[], Awaitable[bool]]) -> bool:
        while await goes_on():
            with anyio.move_on_after(_LOOK_SECONDS):
                await self._free.acquire()
                return True
        return False
