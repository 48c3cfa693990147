"""Telling clients what changed: whoever subscribed to a resource hears when it says something else than before.

Changes come from anywhere: our own writes, another process, somebody with a registry's own client. So what is
subscribed is looked at again from time to time, and at once after a write through this server; only while somebody
wants to know. Nothing of the content is told: a client that hears of a change reads the resource, on the usual road.
"""

import hashlib
import logging
from dataclasses import dataclass
from typing import Any, Final, cast

import anyio
from anyio.abc import TaskGroup
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import LockHeldError, SchemaMcpError
from schema_mcp.interfaces.mcp.replies import content_of, text_of
from schema_mcp.interfaces.mcp.resources import Library
from schema_mcp.toolkit.tool import Shape

MOST_WATCHED = 500
HASTE = 1.0
"""How many times as often as an offer says is looked; a test is in a hurry."""
_log = logging.getLogger(__name__)

_SLOWEST_LOOK = 20.0
"""Seconds after which a look is given up: the next one finds out."""


@dataclass(slots=True)
class _Watched:
    """Something that somebody subscribed to: as whom it is looked at, how often, and what was seen last."""

    caller: Caller
    every: float
    mark: str
    due: float
    users: int = 1


class Watch:
    """What is watched in this process, for all its clients."""

    def __init__(self, library: Library, tasks: TaskGroup) -> None:
        self.bus = InMemorySubscriptionBus()
        self._library = library
        self._tasks = tasks
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._wake = anyio.Event()
        self._is_looking = False
        self._looking = anyio.CancelScope()

    async def begin(self, address: str, caller: Caller) -> None:
        """Watch a resource from now on, for somebody who may read it: raises what reading it raises, and leaves a line.

        Raises `LockHeldError` where too much is watched already.
        """
        key = (address, caller.name)
        if key in self._watched:
            self._watched[key].users += 1
            return
        if len(self._watched) >= MOST_WATCHED:
            raise LockHeldError(f"{MOST_WATCHED} resources are watched here already", hint="Unsubscribe from some.")
        mark = _mark(await self._library.found(address, caller))
        offer, _ = self._library.offer(address)
        every = offer.looks / HASTE
        if key in self._watched:  # somebody else was as quick
            self._watched[key].users += 1
            return
        self._watched[key] = _Watched(caller, every, mark, anyio.current_time() + every)
        self._nudge()
        if not self._is_looking:
            self._is_looking = True
            self._tasks.start_soon(self._look_while_watched)

    def end(self, address: str, caller: Caller) -> None:
        """Somebody does not want to know any more."""
        key = (address, caller.name)
        if (watched := self._watched.get(key)) is not None:
            watched.users -= 1
            if not watched.users:
                del self._watched[key]

    def close(self) -> None:
        """Look no more."""
        self._watched.clear()
        self._looking.cancel()

    def something_was_written(self) -> None:
        """Look at everything soon."""
        if self._watched:
            now = anyio.current_time()
            for watched in self._watched.values():
                watched.due = min(watched.due, now)
            self._nudge()

    def _nudge(self) -> None:
        self._wake.set()

    async def _look_while_watched(self) -> None:
        try:
            with self._looking:
                while self._watched:
                    await self._look()
        finally:
            self._is_looking = False
            self._looking = anyio.CancelScope()

    async def _look(self) -> None:
        """Look at what is due, or wait until something is."""
        self._wake = anyio.Event()
        now = anyio.current_time()
        due = [key for key, watched in self._watched.items() if watched.due <= now]
        for key in due:
            await self._look_at(key)
        if not due:
            with anyio.move_on_after(min(watched.due for watched in self._watched.values()) - now):
                await self._wake.wait()

    async def _look_at(self, key: tuple[str, str]) -> None:
        watched = self._watched.get(key)
        if watched is None:
            return
        mark = await self._seen(key[0], watched.caller)
        watched.due = anyio.current_time() + watched.every
        if mark and mark != watched.mark:
            watched.mark = mark
            await self.bus.publish(ResourceUpdated(key[0]))

    async def _seen(self, address: str, caller: Caller) -> str:
        """What stands there now, as a mark; an error stands for itself. Empty when that took too long."""
        with anyio.move_on_after(_SLOWEST_LOOK):
            try:
                return _mark(await self._library.seen(address, caller))
            except SchemaMcpError as error:
                return error.code
            except Exception:  # noqa: BLE001 - the next look may do better
                _log.exception("looking at %s failed", address[:200])
        return ""


_PASSING: Final = frozenset(
    {"milliseconds", "age", "stale", "cache", "addresses", "rate", "seconds_left", "looked_at", "commit"}
)
"""What is another at each look without anything having changed."""


def _mark(found: Shape) -> str:
    return hashlib.sha256(text_of(_steady(content_of(found))).encode("utf-8", "surrogatepass")).hexdigest()


def _steady(said: Any) -> Any:
    if isinstance(said, dict):
        pairs = cast(dict[str, Any], said).items()
        return {name: _steady(value) for name, value in pairs if name not in _PASSING}
    return [_steady(one) for one in cast(list[Any], said)] if isinstance(said, list) else said
