"""Programs that nobody wrote down: described by a document at the address that is their name."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from identity.test_outside import Net
from schema_mcp.domain.errors import IdentityAwayError, UnknownCallerError
from schema_mcp.identity.clients import Clients, is_fit
from schema_mcp.identity.outside import Outside
from schema_mcp.identity.policy import Client, Facade
from schema_mcp.stores.signins import SignInStore

NAME = "https://client.example.com/about.json"
REDIRECT = "http://127.0.0.1/callback"
ABOUT = {"client_id": NAME, "client_name": "A client", "redirect_uris": [REDIRECT, "https://client.example.com/back"]}

PLAIN = Facade()
Make = Callable[..., Clients]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    store = SignInStore(tmp_path / "sign-ins.sqlite")
    opened: list[httpx2.AsyncClient] = []

    def made(net: Net, facade: Facade = PLAIN) -> Clients:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(net.serve))
        opened.append(client)
        return Clients(facade, Outside(client, net.resolve), store)

    yield made
    for client in opened:
        await client.aclose()
    store.close()


def telling(about: Any) -> Net:
    return Net("93.184.215.14", answer=lambda _: httpx2.Response(200, json=about))


async def test_a_document_tells_who_a_program_is(make: Make):
    net = telling(ABOUT)
    clients = make(net)

    found = [await clients.find(NAME) for _ in range(3)]

    assert found[0].client == Client(NAME, "A client", tuple(ABOUT["redirect_uris"]))
    assert len(net.requests) == 1


@pytest.mark.parametrize(
    ("redirect", "taken"),
    [
        pytest.param(REDIRECT, True, id="to-the-letter"),
        pytest.param("http://127.0.0.1:53123/callback", True, id="any-port-on-loopback"),
        pytest.param("https://client.example.com/back", True, id="https"),
        pytest.param("https://client.example.com:444/back", False, id="another-port-elsewhere"),
        pytest.param("https://client.example.com/back/", False, id="a-slash"),
        pytest.param("https://client.example.com/BACK", False, id="another-case"),
        pytest.param("https://client.example.com.evil.example.com/back", False, id="a-longer-host"),
        pytest.param("http://127.0.0.1:53123/callback#x", False, id="a-fragment"),
        pytest.param("http://127.0.0.1:x/callback", False, id="no-port"),
        pytest.param("http://[::1]/callback", False, id="another-loopback"),
    ],
)
async def test_answers_go_where_the_document_says(make: Make, redirect: str, taken: bool):
    found = await make(telling(ABOUT)).find(NAME)

    assert found.takes(redirect) is taken


@pytest.mark.parametrize(
    "about",
    [
        pytest.param({**ABOUT, "client_id": "https://other.example.com/about.json"}, id="about-another"),
        pytest.param({key: value for key, value in ABOUT.items() if key != "client_id"}, id="about-nobody"),
        pytest.param({**ABOUT, "redirect_uris": []}, id="no-address"),
        pytest.param({**ABOUT, "redirect_uris": ["cursor://back"]}, id="a-scheme-of-its-own"),
        pytest.param({**ABOUT, "redirect_uris": [REDIRECT] * 11}, id="too-many-addresses"),
        pytest.param({**ABOUT, "token_endpoint_auth_method": "private_key_jwt"}, id="a-secret"),
        pytest.param({**ABOUT, "padding": "x" * 20_000}, id="large"),
    ],
)
async def test_a_document_that_does_not_fit_is_none(make: Make, about: dict[str, Any]):
    with pytest.raises(UnknownCallerError):
        await make(telling(about)).find(NAME)


@pytest.mark.parametrize(
    "name",
    [
        "https://client.example.com",
        "https://client.example.com/",
        "https://client.example.com/../about.json",
        "https://client.example.com/a#b",
        "https://user@client.example.com/a",
        "https://client.example.com/" + "a" * 2_000,
        "http://client.example.com/about.json",
        "client",
    ],
)
async def test_an_address_that_cannot_name_a_program_is_not_fetched(make: Make, name: str):
    net = telling({**ABOUT, "client_id": name})

    with pytest.raises(UnknownCallerError):
        await make(net).find(name)
    assert net.requests == []


async def test_a_document_inside_is_not_fetched(make: Make):
    net = Net("169.254.169.254")

    with pytest.raises(UnknownCallerError):
        await make(net).find(NAME)
    assert net.requests == []


async def test_documents_are_a_switch(make: Make):
    net = telling(ABOUT)

    with pytest.raises(UnknownCallerError):
        await make(net, Facade(documents=False)).find(NAME)
    assert net.requests == []


async def test_a_document_that_is_away_is_asked_for_again(make: Make):
    answers = iter([httpx2.ConnectError("away"), httpx2.Response(200, json=ABOUT)])

    def answer(_: httpx2.Request) -> httpx2.Response:
        said = next(answers)
        if isinstance(said, Exception):
            raise said
        return said

    clients = make(Net("93.184.215.14", answer=answer))

    with pytest.raises(IdentityAwayError):
        await clients.find(NAME)
    assert (await clients.find(NAME)).client.name == "A client"


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        pytest.param("\u202eevil\u200b\x00 name\n", "evil name", id="invisible"),
        pytest.param("x" * 500, "x" * 80, id="endless"),
        pytest.param("   ", "client.example.com", id="blank"),
        pytest.param(7, "client.example.com", id="no-text"),
    ],
)
async def test_a_name_is_one_visible_line(make: Make, shown: Any, name: str):
    assert (await make(telling({**ABOUT, "client_name": shown})).find(NAME)).client.name == name


@pytest.mark.parametrize(
    "redirect",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://a b/",
        "https://a\\b/",
        "https://x/\n",
        "//x/y",
        "https://ü.de/",
    ],
)
def test_an_address_of_a_stranger_is_https_or_loopback(redirect: str):
    assert not is_fit(redirect)
