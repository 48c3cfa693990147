"""What a stranger's address leads to: public places only, small, soon, and the place that was checked."""

from collections.abc import Callable
from typing import Any

import anyio
import httpx2
import pytest

from schema_mcp.domain.errors import IdentityAwayError, UnknownCallerError
from schema_mcp.identity import outside
from schema_mcp.identity.outside import Outside, is_public

PLACE = "https://docs.example.com/client.json"
Answer = Callable[[httpx2.Request], httpx2.Response]


class Net:
    """A name server and a web, which remember what they were asked."""

    def __init__(self, *addresses: str, answer: Answer = lambda _: httpx2.Response(200, json={"a": 1})) -> None:
        self.addresses = list(addresses)
        self.looked_up: list[str] = []
        self.requests: list[httpx2.Request] = []
        self._answer = answer

    async def resolve(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        return self.addresses

    def serve(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self._answer(request)

    async def fetch(self, url: str = PLACE, **more: Any) -> dict[str, Any]:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(self.serve)) as client:
            return await Outside(client, self.resolve).fetch(url, **more)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.9.9.9", id="all-of-loopback"),
        pytest.param("0.0.0.0", id="any"),
        pytest.param("10.0.0.1", id="private-10"),
        pytest.param("172.16.5.4", id="private-172"),
        pytest.param("192.168.1.1", id="private-192"),
        pytest.param("100.64.0.1", id="carrier"),
        pytest.param("169.254.169.254", id="cloud-metadata"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("255.255.255.255", id="broadcast"),
        pytest.param("240.0.0.1", id="reserved"),
        pytest.param("::1", id="loopback-6"),
        pytest.param("::", id="any-6"),
        pytest.param("fe80::1%eth0", id="link-local-6"),
        pytest.param("fd00::1", id="private-6"),
        pytest.param("ff02::1", id="multicast-6"),
        pytest.param("::ffff:127.0.0.1", id="mapped"),
        pytest.param("::ffff:10.0.0.1", id="mapped-private"),
        pytest.param("2002:7f00:1::", id="6to4"),
        pytest.param("64:ff9b::7f00:1", id="translated"),
        pytest.param("nonsense", id="nonsense"),
    ],
)
async def test_nothing_inside_is_fetched(address: str):
    net = Net(address)

    assert not is_public(address)
    with pytest.raises(UnknownCallerError):
        await net.fetch()
    assert net.requests == []


async def test_one_address_inside_among_others_is_too_many():
    net = Net("93.184.215.14", "10.0.0.1")

    with pytest.raises(UnknownCallerError):
        await net.fetch()


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
async def test_the_address_that_was_checked_is_the_one_connected_to(address: str):
    net = Net(address)

    assert await net.fetch() == {"a": 1}
    [request] = net.requests
    assert (request.url.host, request.url.path) == (address, "/client.json")
    assert request.headers["host"] == "docs.example.com"
    assert request.extensions["sni_hostname"] == "docs.example.com"
    assert net.looked_up == ["docs.example.com"]


@pytest.mark.parametrize(
    "url",
    [
        "http://docs.example.com/a",
        "ftp://docs.example.com/a",
        "file:///etc/passwd",
        "https:///a",
        "https://user:secret@docs.example.com/a",
        "https://docs.example.com/a#b",
        "docs.example.com",
        "",
    ],
)
async def test_only_https_addresses_are_fetched(url: str):
    net = Net("93.184.215.14")

    with pytest.raises(UnknownCallerError):
        await net.fetch(url)
    assert net.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx2.Response(302, headers={"Location": "https://127.0.0.1/"}), id="redirect"),
        pytest.param(httpx2.Response(404), id="missing"),
        pytest.param(httpx2.Response(200, text="<html>"), id="a-page"),
        pytest.param(httpx2.Response(200, json=["a"]), id="a-list"),
        pytest.param(httpx2.Response(200, content=b"[" * 100_000), id="a-bomb"),
        pytest.param(httpx2.Response(200, content=b'{"a":"' + b"x" * 300_000 + b'"}'), id="large"),
    ],
)
async def test_what_is_no_small_json_object_is_refused(answer: httpx2.Response):
    net = Net("93.184.215.14", answer=lambda _: answer)

    with pytest.raises(UnknownCallerError):
        await net.fetch()
    assert len(net.requests) == 1


async def test_a_place_that_answers_slowly_is_away(monkeypatch: pytest.MonkeyPatch):
    async def slow(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep(30)
        return httpx2.Response(200, json={})

    monkeypatch.setattr(outside, "_PATIENCE", 0.1)
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(slow)) as client:
        with anyio.fail_after(10), pytest.raises(IdentityAwayError):
            await Outside(client, Net("93.184.215.14").resolve).fetch(PLACE)


async def test_a_name_that_is_not_known_is_away():
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(Net().serve)) as client:
        with pytest.raises(IdentityAwayError):
            await Outside(client, unknown).fetch(PLACE)


async def test_an_operator_may_name_a_place_inside():
    net = Net("10.0.0.1")

    assert await net.fetch("http://issuer.internal/keys", private=True) == {"a": 1}
    assert net.looked_up == []
