"""The HTTP client on real sockets: stalls, resets, cut-off answers, dead ports, TLS, and kept connections."""

import asyncio
import socket
import time
from pathlib import Path

import anyio
import pytest

from fakes.certificates import Authority
from fakes.loopback import Talk, answer, reset, serving
from schema_mcp.domain.errors import RegistryError
from schema_mcp.registries.calls import Call
from schema_mcp.registries.contract import Connection, Limits, Timeouts, Tls
from schema_mcp.registries.http import RestClient

READ = Call("GET", ("subjects",))
WRITE = Call("PUT", ("mode",), body={"mode": "READONLY"}, writes=True)
PATIENT = Timeouts(connect=5, read=5, total=10)


def client(*urls: str, **settings) -> RestClient:
    return RestClient(Connection("prod", **{"urls": urls, "retries": 0, "timeouts": PATIENT, **settings}), headers={})


@pytest.fixture
def dead() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


async def politely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await answer(writer)


async def silently(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3_600)


async def drop_by_drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n["orders')
    await writer.drain()
    writer.close()


async def rudely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def in_another_language(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("talk", "timeouts", "words"),
    [
        pytest.param(silently, Timeouts(read=0.05), "nothing came for 0.05 s", id="stalled"),
        pytest.param(silently, Timeouts(total=0.05), "no whole answer within 0.05 s", id="stalled-beyond-total"),
        pytest.param(drop_by_drop, Timeouts(read=5, total=0.1), "no whole answer within 0.1 s", id="drop-by-drop"),
        pytest.param(half, PATIENT, "the connection broke", id="cut-off"),
        pytest.param(rudely, PATIENT, "the connection broke", id="reset"),
        pytest.param(in_another_language, PATIENT, "the connection broke", id="no-http"),
    ],
)
async def test_a_broken_answer_is_an_error_in_time(talk: Talk, timeouts: Timeouts, words: str):
    async with serving(talk) as served:
        rest = client(served.url, timeouts=timeouts)

        with anyio.fail_after(5), pytest.raises(RegistryError, match="did not answer") as failed:
            await rest.send(READ)

        assert words in str(failed.value)
        assert failed.value.details["registry"] == "prod"
        await rest.close()


async def test_a_dead_port_is_an_error_in_time(dead: str):
    with anyio.fail_after(5), pytest.raises(RegistryError, match="no connection"):
        await client(dead).send(READ)


async def test_a_registry_that_stays_down_fails_at_once(dead: str):
    rest = client(dead)
    for _ in range(5):
        with pytest.raises(RegistryError, match="no connection"):
            await rest.send(READ)

    begun = time.perf_counter()
    with pytest.raises(RegistryError, match="left alone"):
        await rest.send(READ)

    assert time.perf_counter() - begun < 1


async def test_a_write_goes_round_a_dead_address(dead: str):
    async with serving(politely) as served:
        rest = client(dead, served.url)

        await rest.send(WRITE)

        assert len(served.requests) == 1
        await rest.close()


async def test_a_write_that_may_have_arrived_is_not_sent_again():
    async with serving(rudely) as first, serving(politely) as second:
        rest = client(first.url, second.url, retries=3)

        with pytest.raises(RegistryError) as failed:
            await rest.send(WRITE)

        assert (len(first.requests), len(second.requests)) == (1, 0)
        assert failed.value.details["outcome"] == "unknown"
        await rest.close()


async def test_connections_are_kept_and_no_more_than_allowed():
    async with serving(politely) as served:
        rest = client(served.url, limits=Limits(connections=3))

        async with anyio.create_task_group() as callers:
            for _ in range(40):
                callers.start_soon(rest.send, READ)

        assert len(served.requests) == 40
        assert served.connections <= 3
        await rest.close()


async def test_a_cancelled_call_frees_its_connection():
    stalled = anyio.Event()

    async def stall_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not stalled.is_set():
            stalled.set()
            await asyncio.sleep(3_600)
        await answer(writer)

    async with serving(stall_once) as served:
        rest = client(served.url, limits=Limits(connections=1))
        async with anyio.create_task_group() as callers:
            callers.start_soon(rest.send, READ)
            await stalled.wait()
            callers.cancel_scope.cancel()

        with anyio.fail_after(5):
            assert await rest.send(READ) == []
        await rest.close()


class TestTls:
    async def test_our_own_ca_and_certificate_open_the_door(self, tmp_path: Path):
        authority = Authority()
        ca = tmp_path / "ca.pem"
        ca.write_bytes(authority.pem)
        certificate, key = authority.issue(tmp_path, "client")

        async with serving(politely, authority.server(tmp_path, asks_for_certificate=True)) as served:
            rest = client(served.url.replace("http:", "https:"), tls=Tls(ca, certificate, key))
            assert await rest.send(READ) == []
            await rest.close()

    async def test_an_unknown_server_is_not_spoken_to(self, tmp_path: Path):
        async with serving(politely, Authority().server(tmp_path)) as served:
            rest = client(served.url.replace("http:", "https:"))

            with pytest.raises(RegistryError, match=r"(?i)certificate"):
                await rest.send(READ)

            assert served.requests == []
            await rest.close()

    async def test_another_ca_than_ours_is_not_believed(self, tmp_path: Path):
        ca = tmp_path / "ca.pem"
        ca.write_bytes(Authority().pem)

        async with serving(politely, Authority().server(tmp_path)) as served:
            rest = client(served.url.replace("http:", "https:"), tls=Tls(ca=ca))

            with pytest.raises(RegistryError, match="no connection"):
                await rest.send(READ)

            assert served.requests == []
            await rest.close()
