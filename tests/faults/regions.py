"""Two regions in a process of their own: embedded registries behind their REST face, which count what is repeated.

A write is repeated when it asks for what is there already: a version that was registered, a mode that holds, a mode
that is gone. `regions.py` prints its port; `GET /counts` tells the writes and the repeated ones of each region.
"""

import json
import socket
from collections import Counter
from collections.abc import MutableMapping
from typing import Any, TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from schema_mcp.interfaces.registry_api.face import registry_routes
from schema_mcp.interfaces.registry_api.gate import OpenGate
from schema_mcp.registries.embedded.core import Core

REGIONS = ("eu", "us")

_Message: TypeAlias = MutableMapping[str, Any]


class Counting:
    """An ASGI application that watches the writes to another one."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._registered: set[tuple[str, int, int]] = set()
        self._modes: dict[str, str] = {}
        self.writes: Counter[str] = Counter()
        self.repeated: Counter[str] = Counter()

    async def __call__(self, scope: _Message, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await self._app(scope, receive, send)
            return
        heard, status = bytearray(), 0

        async def hear() -> _Message:
            message: _Message = await receive()
            heard.extend(message.get("body", b""))
            return message

        async def say(message: _Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self._app(scope, hear, say)
        self._count(scope["method"], scope["path"], bytes(heard), status)

    def _count(self, method: str, path: str, body: bytes, status: int) -> None:
        region = path.split("/")[2]
        asked = json.loads(body or b"{}")
        self.writes[region] += 1
        if method == "POST" and path.endswith("/versions"):
            version = (path, asked["id"], asked["version"])
            self.repeated[region] += version in self._registered
            self._registered |= {version} if status < 400 else set()
        elif method == "PUT" and "/mode/" in path:
            self.repeated[region] += self._modes.get(path) == asked["mode"]
            self._modes[path] = asked["mode"]
        elif method == "DELETE" and "/mode/" in path:
            self.repeated[region] += self._modes.pop(path, None) is None


def main() -> None:
    """Serve until the process is ended."""
    faces = Counting(Starlette(routes=registry_routes({name: Core() for name in REGIONS}, OpenGate())))

    async def counts(_: Request) -> JSONResponse:
        return JSONResponse({"writes": faces.writes, "repeated": faces.repeated})

    app = Starlette(routes=[Route("/counts", counts)])
    app.mount("/", faces)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)  # noqa: T201
        uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off")).run(sockets=[listening])


if __name__ == "__main__":
    main()
