"""MCP over stdin and stdout, for clients of both eras, and for those that ask for one and then speak the other."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.runner import serve_dual_era_loop
from mcp.server.stdio import stdio_server
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS


async def serve_stdio(server: Server[Any], at_end: Callable[[], None]) -> None:
    """Serve until the client closes our stdin, or a signal asks us to stop; then do what is left, and end."""
    async with stdio_server() as (read, write):
        with anyio.CancelScope() as scope:
            await _serve(server, read, write, scope)
        at_end()
        if scope.cancelled_caught:
            # Everything is closed, but a thread of the SDK waits for a line of stdin and nothing can wake it.
            logging.shutdown()
            os._exit(0)


async def _serve(
    server: Server[Any],
    read: ReadStream[SessionMessage | Exception],
    write: WriteStream[SessionMessage],
    scope: anyio.CancelScope,
) -> None:
    async with server.lifespan(server) as state, anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # there a process is simply ended
            tasks.start_soon(_stop_on_signal, scope)
        await serve_dual_era_loop(
            server,
            Tolerant(read, write, server),
            write,
            lifespan_state=state,
            init_options=server.create_initialization_options(),
        )
        tasks.cancel_scope.cancel()


class Tolerant:
    """What the client sends, without a leading `server/discover`, which is answered here.

    The SDK lets the first request decide the era of the whole connection, and some clients probe with `discover`
    before they send `initialize` (mcp 2.0 to 2.3). A probe must not decide: the next request does.
    """

    def __init__(
        self, read: ReadStream[SessionMessage | Exception], write: WriteStream[SessionMessage], server: Server[Any]
    ) -> None:
        self._read = read
        self._write = write
        self._server = server
        self._probing = True

    async def receive(self) -> SessionMessage | Exception:
        while True:
            item = await self._read.receive()
            request = item.message if self._probing and isinstance(item, SessionMessage) else None
            if not isinstance(request, types.JSONRPCRequest):
                return item
            if request.method != "server/discover":
                self._probing = False
                return item
            await self._write.send(SessionMessage(_discovery(self._server, request.id)))

    @property
    def last_context(self) -> Any:
        """Where the SDK looks for the context a message came in."""
        return getattr(self._read, "last_context", None)

    def __aiter__(self) -> ReadStream[SessionMessage | Exception]:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        await self._read.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


def _discovery(server: Server[Any], request_id: types.RequestId) -> types.JSONRPCResponse:
    """What the SDK would answer, with the versions of the handshake beside the modern ones."""
    result = types.DiscoverResult(
        supported_versions=[*MODERN_PROTOCOL_VERSIONS, *reversed(HANDSHAKE_PROTOCOL_VERSIONS)],
        capabilities=server.get_capabilities(protocol_version=MODERN_PROTOCOL_VERSIONS[-1]),
        instructions=server.instructions,
        ttl_ms=0,
        cache_scope="private",
    )
    wire = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    stamp = {types.SERVER_INFO_META_KEY: server.server_info_stamp}
    return types.JSONRPCResponse(jsonrpc="2.0", id=request_id, result=wire | {"resultType": "complete", "_meta": stamp})


async def _stop_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()
            return
