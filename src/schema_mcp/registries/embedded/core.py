"""The door to an embedded registry: questions and changes, each in one transaction."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from schema_mcp.registries.embedded.database import Database
from schema_mcp.registries.embedded.session import ServerSettings, Session

P = ParamSpec("P")
T = TypeVar("T")


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Core:
    """One embedded registry. A verb or question is a function whose first argument is a `Session`."""

    path: Path | None = None
    settings: ServerSettings = field(default_factory=ServerSettings)
    clock: Callable[[], int] = _milliseconds
    _database: Database = field(init=False)
    _one_writer: anyio.CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._database = Database(self.path)
        self._one_writer = anyio.CapacityLimiter(1)

    def read(self, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Answer a question at once: for short indexed reads."""
        with self._database.reading() as sql:
            return ask(Session(sql, self.settings, 0), *args, **kwargs)

    def write(self, act: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a change; durable when this returns."""
        with self._database.writing() as sql:
            return act(Session(sql, self.settings, self.clock()), *args, **kwargs)

    async def ask(self, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` off the event loop: for what parses schemas or lists many."""

        def answer() -> T:
            return self.read(ask, *args, **kwargs)

        return await anyio.to_thread.run_sync(answer)

    async def change(self, act: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`write` off the event loop."""

        def done() -> T:
            return self.write(act, *args, **kwargs)

        return await anyio.to_thread.run_sync(done, limiter=self._one_writer)

    def close(self) -> None:
        self._database.close()
