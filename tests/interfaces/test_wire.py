"""HTTP/1.1 on the wire: a head has an end, and an answer is one piece."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from schema_mcp.interfaces.web.wire import LARGEST_HEAD, Http, Joining

PIECE = b"x" * 100_000


async def short(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{request.method} {len(await request.body())}")


async def long(_: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield PIECE

    return StreamingResponse(pieces())


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/short", short, methods=["GET", "POST"]), Route("/long", long)])
    server = uvicorn.Server(uvicorn.Config(app, http=Http, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def answer(port: int, *sent: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = b""
    with suppress(ConnectionError):
        for piece in sent:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
    with suppress(ConnectionError):
        answered = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return answered


LAST = b"GET /short HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = b"POST /short HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param([LAST], [b"GET 0"], id="one"),
        pytest.param([LAST[:20], LAST[20:]], [b"GET 0"], id="a-head-in-two-pieces"),
        pytest.param([POST % 5 + b"12345" + LAST], [b"POST 5", b"GET 0"], id="two-at-once"),
        pytest.param([POST % 300_000, PIECE, PIECE, PIECE + LAST], [b"POST 300000", b"GET 0"], id="a-long-body"),
        pytest.param(
            [POST % 300_000 + PIECE * 3 + LAST[:30], LAST[30:]],
            [b"POST 300000", b"GET 0"],
            id="a-head-after-a-long-body",
        ),
    ],
)
async def test_requests_are_answered_in_turn(port: int, sent: list[bytes], said: list[bytes]):
    answered = await answer(port, *sent)

    assert [one.rpartition(b"\r\n\r\n")[2] for one in answered.split(b"HTTP/1.1 200 OK")[1:]] == said


async def test_a_head_without_an_end_is_refused(port: int):
    endless = [b"X-Part: " + b"y" * 1_000 + b"\r\n"] * 2_000

    answered = await answer(port, b"GET /short HTTP/1.1\r\nHost: localhost\r\n", *endless)

    assert answered == b"" or answered.startswith(b"HTTP/1.1 400")
    assert b"GET 0" not in answered


async def test_a_long_answer_comes_whole(port: int):
    request = b"GET /long HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    answered = await answer(port, request)

    assert answered.count(PIECE[:1]) == 20 * len(PIECE)


class Line(asyncio.Transport):
    """Notes what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True


async def test_what_is_written_in_one_turn_leaves_in_one_piece():
    line = Line()
    joining = Joining(line, asyncio.get_running_loop())

    joining.write(b"head ")
    joining.write(b"body")
    before = list(line.written)
    await asyncio.sleep(0)
    joining.write(b"next")
    await asyncio.sleep(0)

    assert before == []
    assert line.written == [b"head body", b"next"]


async def test_much_is_not_kept_back_and_nothing_is_lost_at_the_end():
    line = Line()
    joining = Joining(line, asyncio.get_running_loop())

    joining.write(b"x" * (LARGEST_HEAD + 1))
    joining.write(b"last")
    at_once = len(line.written)
    joining.close()
    await asyncio.sleep(0)

    assert at_once == 1
    assert b"".join(line.written).endswith(b"xlast")
    assert line.is_closed
