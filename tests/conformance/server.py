"""Our HTTP server as in production, with the suite's fixtures beside its tools; prints its address."""

import socket
import sys
from contextlib import asynccontextmanager, nullcontext

import anyio
import uvicorn

from conformance.fixtures import put_beside
from schema_mcp.app import workspace
from schema_mcp.interfaces.mcp.http import http_app
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.interfaces.web.edge import LOOPBACK
from schema_mcp.interfaces.web.site import site
from schema_mcp.settings import load


async def main() -> None:
    async with workspace(load()) as opened:
        server = put_beside(build_server(lambda: nullcontext(opened), via="http"))

        @asynccontextmanager
        async def lifespan(_):
            async with server.session_manager.run():
                yield

        app = site(http_app(server, LOOPBACK), [], lifespan=lifespan, hosts=LOOPBACK)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
            await uvicorn.Server(uvicorn.Config(app, log_config=None)).serve(sockets=[listener])


if __name__ == "__main__":
    sys.exit(anyio.run(main))
