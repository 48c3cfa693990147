"""The front door: the desk opens for whoever comes first, so that a server answers before it has its tools."""

import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from anyio.abc import TaskGroup, TaskStatus

from schema_mcp.domain.errors import SchemaMcpError, StoreError

if TYPE_CHECKING:  # the desk and its workspace are heavy: they come in with the first call
    from schema_mcp.interfaces.mcp.desk import Desk
    from schema_mcp.interfaces.mcp.subscriptions import Watch
    from schema_mcp.toolkit.workspace import Workspace

Opening: TypeAlias = Callable[[], "AbstractAsyncContextManager[Workspace]"]
"""Opens the workspace; entered once, at the first list or call."""

DESK = "schema_mcp.interfaces.mcp.desk"
_WATCH = "schema_mcp.interfaces.mcp.subscriptions"

_log = logging.getLogger(__name__)


class FrontDoor:
    """Opens the desk for whoever comes first, and closes it when the server ends."""

    def __init__(self, opening: Opening, tasks: TaskGroup) -> None:
        self._opening = opening
        self._tasks = tasks
        self._turn = anyio.Lock()
        self._closing = anyio.Event()
        self._desk: Desk | None = None
        self._watch: Watch | None = None
        self.subscribed: dict[str, Callable[[], None]] = {}
        """What the one client of a connection is told of, and how that is ended."""

    def watch(self, desk: "Desk") -> "Watch":
        """What is watched for clients that want to hear of changes."""
        if self._watch is None:
            made: type[Watch] = import_module(_WATCH).Watch
            self._watch = made(desk.shelves, self._tasks)
        return self._watch

    def called(self, name: str) -> None:
        """A tool was called: if it writes, something that is watched may have changed."""
        if self._watch is not None and import_module(DESK).writes(name):
            self._watch.something_was_written()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something beside the calls."""
        self._tasks.start_soon(work)

    async def desk(self) -> "Desk":
        """The desk, open; raises a `SchemaMcpError` when it cannot be opened, and tries again at the next call."""
        if self._desk is not None:  # a turn, even a free one, is a round of the event loop
            return self._desk
        async with self._turn:
            if self._desk is None:
                self._desk = await self._opened()
            return self._desk

    def close(self) -> None:
        """Let the desk close, once the calls at it are done."""
        if self._watch is not None:
            self._watch.close()
        self._closing.set()

    async def _opened(self) -> "Desk":
        try:
            return await self._tasks.start(self._keep_open)
        except SchemaMcpError:
            raise
        except Exception as error:
            _log.exception("the workspace cannot be opened")
            raise StoreError("The server cannot open its workspace", hint="Its log says why.") from error

    async def _keep_open(self, *, task_status: "TaskStatus[Desk]") -> None:
        # A task of its own, because what is opened must be closed by the task that opened it.
        desk: type[Desk] = import_module(DESK).Desk
        async with self._opening() as workspace:
            task_status.started(desk(workspace))
            await self._closing.wait()
