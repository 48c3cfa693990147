"""The door to an embedded registry: questions and changes, each a function whose first argument is a `Session`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import anyio.to_thread

from schema_mcp.registries.embedded.changes import Changes, Witness
from schema_mcp.registries.embedded.database import Database
from schema_mcp.registries.embedded.session import ServerSettings, Session

P = ParamSpec("P")
T = TypeVar("T")
_DEFAULTS = ServerSettings()


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


class Core:
    """One embedded registry, in a file or in memory."""

    def __init__(
        self, path: Path | None = None, settings: ServerSettings = _DEFAULTS, clock: Callable[[], int] = milliseconds
    ) -> None:
        self.settings = settings
        self._database = Database(path)
        self._changes = Changes(self._database, settings, clock)

    def read(self, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Answer a question at once: for short indexed reads."""
        with self._database.reading() as sql:
            return ask(Session(sql, self.settings, 0), *args, **kwargs)

    async def ask(self, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` off the event loop: for what parses schemas or lists many."""

        def answer() -> T:
            return self.read(ask, *args, **kwargs)

        return await anyio.to_thread.run_sync(answer)

    async def change(self, act: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a change off the event loop; it is durable when this returns, and undone where it raises."""
        return await self._changes.carry_out(lambda session: act(session, *args, **kwargs))

    async def witnessed(self, witness: Witness | None, act: Callable[[Session], T]) -> T:
        """`change`, with somebody who takes note of it before and after, on the same trip to a thread."""
        return await self._changes.carry_out(act, witness)

    def close(self) -> None:
        self._changes.close()
        self._database.close()
