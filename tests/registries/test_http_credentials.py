"""Signing in to a registry: basic, bearer, OAuth client credentials, headers, certificates."""

from base64 import b64encode
from pathlib import Path
from urllib.parse import parse_qs

import anyio
import anyio.lowlevel
import httpx2
import pytest
from pydantic import SecretStr

from fakes.certificates import SERIAL, Authority
from fakes.clock import FakeClock
from schema_mcp.domain.errors import ConfigurationError, RegistryError
from schema_mcp.registries.calls import Call
from schema_mcp.registries.clients import trust
from schema_mcp.registries.contract import Auth, Connection, Tls
from schema_mcp.registries.http import RestClient

READ = Call("GET", ("subjects",))
WRITE = Call("POST", ("subjects", "a", "versions"), body={"schema": "{}"}, writes=True)
SECRET = "canary-77a1"
KEPT = SecretStr(SECRET)
OAUTH = Auth(
    "oauth",
    token_url="https://idp.example.com/token",
    client_id="us er",
    client_secret=SecretStr(f"{SECRET}:/+"),
    scope="sr.read",
    headers={"target-sr-cluster": SecretStr("lsrc-1")},
)


def login(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


class Realm:
    """A registry and the token endpoint before it; tokens are `token-1`, `token-2` …"""

    def __init__(self, *, expires_in: float | None = 600):
        self.expires_in = expires_in
        self.issued = 0
        self.valid: set[str] = set()
        self.token_requests: list[httpx2.Request] = []
        self.requests: list[httpx2.Request] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "idp.example.com":
            return await self.token(request)
        self.requests.append(request)
        known = request.headers.get("Authorization", "").removeprefix("Bearer ") in self.valid
        return httpx2.Response(200 if known else 401, json=[] if known else {"error_code": 401, "message": "no"})

    async def token(self, request: httpx2.Request) -> httpx2.Response:
        self.token_requests.append(request)
        await anyio.lowlevel.checkpoint()
        self.issued += 1
        token = f"token-{self.issued}"
        self.valid.add(token)
        lifetime = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return httpx2.Response(200, json={"access_token": token, "token_type": "Bearer", **lifetime})


def client(handler, auth: Auth, clock: FakeClock | None = None, url: str = "http://sr.example.com") -> RestClient:
    connection = Connection("prod", urls=(url,), auth=auth, retries=0)
    return RestClient(
        connection, headers={}, transport=httpx2.MockTransport(handler), clock=(clock or FakeClock()).clock
    )


@pytest.mark.parametrize(
    ("auth", "url", "sent"),
    [
        pytest.param(Auth(), "http://sr.example.com", None, id="none"),
        pytest.param(Auth("basic", "me", SecretStr("p:w")), "http://sr.example.com", login("me:p:w"), id="basic"),
        pytest.param(
            Auth("basic", "mé", SecretStr("pß")), "http://sr.example.com", login("mé:pß"), id="basic-beyond-ascii"
        ),
        pytest.param(Auth(), "http://me:p%40w@sr.example.com", login("me:p@w"), id="in-the-address"),
        pytest.param(
            Auth("bearer", token=SecretStr("t")), "http://me:pw@sr.example.com", "Bearer t", id="setting-beats-address"
        ),
        pytest.param(Auth("bearer", token=SecretStr("abc")), "http://sr.example.com", "Bearer abc", id="bearer"),
    ],
)
async def test_every_request_says_who_we_are(auth: Auth, url: str, sent: str | None):
    seen: list[httpx2.Request] = []

    await client(lambda request: seen.append(request) or httpx2.Response(200, json=[]), auth, url=url).send(READ)

    assert seen[0].headers.get("Authorization") == sent
    assert str(seen[0].url) == "http://sr.example.com/subjects"


class TestOAuth:
    async def test_a_token_is_fetched_once_and_used_for_all(self):
        realm = Realm()
        rest = client(realm, OAUTH)

        async with anyio.create_task_group() as callers:
            for _ in range(10):
                callers.start_soon(rest.send, READ)
        await rest.send(WRITE)

        assert len(realm.token_requests) == 1
        assert {request.headers["Authorization"] for request in realm.requests} == {"Bearer token-1"}
        assert {request.headers["target-sr-cluster"] for request in realm.requests} == {"lsrc-1"}

    async def test_the_token_endpoint_is_asked_as_the_standard_says(self):
        realm = Realm()

        await client(realm, OAUTH).send(READ)

        [asked] = realm.token_requests
        assert asked.method == "POST"
        assert parse_qs(asked.content.decode()) == {"grant_type": ["client_credentials"], "scope": ["sr.read"]}
        assert asked.headers["Authorization"] == login(f"us%20er:{SECRET}%3A%2F%2B")

    async def test_a_token_is_replaced_before_it_dies(self):
        clock, realm = FakeClock(), Realm(expires_in=600)
        rest = client(realm, OAUTH, clock)

        await rest.send(READ)
        clock.time += 569
        await rest.send(READ)
        assert realm.issued == 1

        clock.time += 2
        await rest.send(READ)
        assert realm.issued == 2

    async def test_a_token_without_a_lifetime_is_kept_for_a_while(self):
        clock, realm = FakeClock(), Realm(expires_in=None)
        rest = client(realm, OAUTH, clock)

        await rest.send(READ)
        await rest.send(READ)
        clock.time += 600
        await rest.send(READ)

        assert realm.issued == 2

    @pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
    async def test_a_refused_token_is_replaced_once(self, call: Call):
        realm = Realm()
        rest = client(realm, OAUTH)
        await rest.send(READ)
        realm.valid.clear()

        assert await rest.send(call) == []

        assert realm.issued == 2

    async def test_a_registry_that_takes_no_token_is_not_asked_for_ever(self):
        realm = Realm()
        rest = client(lambda request: httpx2.Response(401) if request.url.host == "sr.example.com" else token(), OAUTH)

        with pytest.raises(RegistryError, match="401") as refused:
            await rest.send(READ)

        assert "auth" in refused.value.hint
        assert realm.requests == []

    async def test_many_refused_at_once_share_one_new_token(self):
        realm = Realm()
        rest = client(realm, OAUTH)
        await rest.send(READ)
        realm.valid.clear()

        async with anyio.create_task_group() as callers:
            for _ in range(10):
                callers.start_soon(rest.send, READ)

        assert realm.issued == 2

    async def test_a_late_refusal_of_the_old_token_does_not_cost_the_new_one(self):
        realm, renewed, late = Realm(), anyio.Event(), anyio.Event()

        async def answer(request: httpx2.Request) -> httpx2.Response:
            if request.method == "POST" and request.headers["Authorization"] == "Bearer token-1":
                late.set()
                await renewed.wait()
            return await realm(request)

        rest = client(answer, OAUTH)
        await rest.send(READ)
        realm.valid.clear()
        async with anyio.create_task_group() as callers:
            callers.start_soon(rest.send, WRITE)
            await late.wait()
            await rest.send(READ)
            renewed.set()

        assert realm.issued == 2

    async def test_a_cancelled_fetch_does_not_block_the_others(self):
        realm, stalled = Realm(), anyio.Event()

        async def answer(request: httpx2.Request) -> httpx2.Response:
            if request.url.host == "idp.example.com" and not stalled.is_set():
                stalled.set()
                await anyio.sleep_forever()
            return await realm(request)

        rest = client(answer, OAUTH)
        async with anyio.create_task_group() as callers:
            callers.start_soon(rest.send, READ)
            await stalled.wait()
            callers.cancel_scope.cancel()

        assert await rest.send(READ) == []

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(httpx2.Response(401, json={"error": "invalid_client", "x": SECRET}), id="refused"),
            pytest.param(httpx2.Response(200, text=f"<html>{SECRET}"), id="html"),
            pytest.param(httpx2.Response(200, json={"token": SECRET}), id="no-token"),
            pytest.param(httpx2.Response(200, json=[SECRET]), id="list"),
            pytest.param(httpx2.Response(200, json={"access_token": "a", "expires_in": SECRET}), id="no-number"),
            pytest.param(httpx2.Response(302, headers={"Location": f"https://x.example.org/{SECRET}"}), id="redirect"),
            pytest.param(httpx2.ConnectError(f"https://{SECRET}"), id="down"),
        ],
    )
    async def test_a_token_endpoint_that_gives_no_token_is_named(self, answer: httpx2.Response | Exception):
        def reply(request: httpx2.Request) -> httpx2.Response:
            assert request.url.host == "idp.example.com"
            if isinstance(answer, Exception):
                raise answer
            return answer

        with pytest.raises(RegistryError, match="token endpoint") as failed:
            await client(reply, OAUTH).send(READ)

        assert "token_url" in failed.value.hint
        assert SECRET not in f"{failed.value} {failed.value.hint} {failed.value.details}"


def token() -> httpx2.Response:
    return httpx2.Response(200, json={"access_token": "a"})


def test_secrets_are_not_in_the_text_of_a_connection():
    auth = Auth("basic", "me", KEPT, KEPT, "https://idp.example.com", "id", KEPT, "s", {"X": KEPT})

    assert SECRET not in repr(Connection("prod", auth=auth))


class TestCertificates:
    def test_our_own_ca_is_trusted_alone(self, ca: Path):
        context = trust(Tls(ca=ca))

        assert [one["serialNumber"] for one in context.get_ca_certs()] == [SERIAL]
        assert context.check_hostname

    def test_a_token_endpoint_may_stand_outside(self, ca: Path):
        serials = [one["serialNumber"] for one in trust(Tls(ca=ca), system_too=True).get_ca_certs()]

        assert SERIAL in serials
        assert len(serials) >= len(trust(Tls()).get_ca_certs())

    @pytest.mark.parametrize("content", [None, "nonsense"], ids=["missing", "no-certificate"])
    @pytest.mark.parametrize("setting", ["ca", "certificate"])
    async def test_a_file_that_does_not_serve_is_a_wrong_setting(
        self, tmp_path: Path, setting: str, content: str | None
    ):
        file = tmp_path / "file.pem"
        if content is not None:
            file.write_text(content)
        connection = Connection("prod", urls=("https://sr.example.com",), tls=Tls(**{setting: file}))

        with pytest.raises(ConfigurationError, match="TLS"):
            await RestClient(connection, headers={}).send(READ)


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    file.write_bytes(Authority().pem)
    return file
