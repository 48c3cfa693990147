"""HTTP/1.1 as this server speaks it: a fast parser with a bound, and an answer that leaves in one piece.

The server below writes the head of an answer and its body apart: two calls of the kernel, and a client that is woken
twice. What is written in one turn of the event loop is joined here.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of a request before its body, beyond those that came with its first ones; the parser keeps whatever comes."""

_JOINED: Final = 64 * 1024
"""More than this is not kept back."""


class Http(HttpToolsProtocol):
    """One connection."""

    _head: int | None = None
    """Bytes of a head that is not whole yet, None between heads."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", Joining(transport, self.loop)))

    def data_received(self, data: bytes) -> None:
        before = self._head
        super().data_received(data)
        if before is not None and self._head == before:
            self._head = before + len(data)
            if self._head > LARGEST_HEAD:
                self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()


class Joining:
    """A transport that writes once in a turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._kept:
            self._loop.call_soon(self._flush)
        self._kept += data
        if len(self._kept) > _JOINED:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, bytearray()
            self._transport.write(kept)
