"""A real registry on loopback whose line is as bad as a test wants it, and which counts what it is asked."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

import httpx2
from starlette.applications import Starlette

from fakes.loopback import answer, reset
from schema_mcp.interfaces.registry_api.face import registry_routes
from schema_mcp.interfaces.registry_api.gate import OpenGate
from schema_mcp.registries.embedded.core import Core

_READS = re.compile(r"GET |POST /registries/dev/(subjects/[^/]+|compatibility/\S+)(\?\S*)? ")
"""Lookups and compatibility checks are questions, though they are POSTed."""


class Mood(StrEnum):
    """What the line does to an answer."""

    HONEST = "honest"
    SILENT = "silent"
    RESET = "reset"
    TRUNCATE = "truncate"
    TOO_MANY = "429"
    FAULT = "500"
    UNAVAILABLE = "503"
    PAGE = "page"
    OTHER_JSON = "other-json"
    HALF_JSON = "half-json"


_WRONG = {
    Mood.TOO_MANY: (b'{"error_code":429,"message":"slow down"}', "429 Too Many Requests"),
    Mood.FAULT: (b'{"error_code":50001,"message":"Error in the backend"}', "500 Oops"),
    Mood.UNAVAILABLE: (b"<html>503</html>", "503 Service Unavailable"),
    Mood.PAGE: (b"<html>please sign in</html>", "200 OK"),
    Mood.OTHER_JSON: (b'{"status":"ok"}', "200 OK"),
    Mood.HALF_JSON: (b'["orders-val', "200 OK"),
}


class Hostile:
    """The registry behind its line; `delay` comes before every answer."""

    def __init__(self) -> None:
        self.core = Core()
        self.mood = Mood.HONEST
        self.delay = 0.0
        self.port = 0
        self.requests: list[str] = []
        app = Starlette(routes=registry_routes({"dev": self.core}, OpenGate()))
        self._face = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://face")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/registries/dev"

    @property
    def writes(self) -> list[str]:
        """The requests that were no questions."""
        return [one for one in self.requests if not _READS.match(one)]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer request after request on one connection."""
        while head := await _head(reader):
            line = head.partition("\r\n")[0]
            self.requests.append(line)
            method, target, _ = line.split()
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            await asyncio.sleep(self.delay)
            await self._answer(writer, method, target, body)

    async def _answer(self, writer: asyncio.StreamWriter, method: str, target: str, body: bytes) -> None:
        match self.mood:
            case Mood.HONEST:
                headers = {"Content-Type": "application/json"} if body else {}
                said = await self._face.request(method, target, content=body, headers=headers)
                await answer(writer, said.content, f"{said.status_code} Said")
            case Mood.SILENT:
                await asyncio.sleep(60)
            case Mood.RESET:
                reset(writer)
            case Mood.TRUNCATE:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[1, 2,")
                writer.close()
            case wrong:
                await answer(writer, *_WRONG[wrong])


@asynccontextmanager
async def hostile() -> AsyncIterator[Hostile]:
    """A hostile registry until the block ends; nothing is left behind."""
    there, running = Hostile(), set[asyncio.Task[None]]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await there.talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()
        for task in [*running]:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        there.core.close()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return ""
