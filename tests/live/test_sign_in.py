"""People sign in for real: a client of the SDK discovers how, a person agrees in Chromium, PKCE is enforced twice."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from anyio import to_thread
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from live.products import github
from live.products.process import NotRunError, free_port
from live.record import Session

pytestmark = pytest.mark.live

USERS = {
    "bob": {"id": 7, "organizations": ["shop"], "teams": ["shop/orders"]},
    "ann": {"id": 8, "organizations": ["shop"]},
    "eve": {"id": 9},
}
ENDS_AT = "http://127.0.0.1:49123/callback"
"""The program's own address; the browser is stopped there."""


class Site:
    """Our server as a process of its own, GitHub, and the browser."""

    def __init__(self, url: str, place: github.Place) -> None:
        self.url = url
        self.place = place


@pytest.fixture(scope="module")
def site(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    url = f"http://localhost:{free_port()}"
    try:
        with github.started(f"{url}/callback", USERS) as place, _serving(tmp_path_factory.mktemp("site"), url, place):
            yield Site(url, place)
    except NotRunError as error:
        session.not_run[f"{github.NAME} {github.VERSION}"] = str(error)
        pytest.skip(f"{github.NAME} {github.VERSION}: {error}")


@contextmanager
def _serving(folder: Path, url: str, place: github.Place) -> Generator[None]:
    (folder / "registries.yaml").write_text("default: dev\nregistries: { dev: {}, prod: {} }\n", encoding="utf-8")
    (folder / "access.yaml").write_text(
        f"url: {url}\n"
        f"github: {{ client_id: {github.ID}, client_secret: {github.SECRET},\n"
        f'  url: "{place.url}", api: "{place.url}/api/v3" }}\n'
        "sign_in: { registration: true }\n"
        "allow: { organizations: [shop] }\n"
        "grants:\n"
        "  - { scope: read, organization: shop }\n"
        "  - { scope: write, team: shop/orders, registries: [dev] }\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "schema_mcp", "serve", "--http", "--port", str(urlsplit(url).port)]
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    process = subprocess.Popen(
        [*command, "--toolsets", "all"], cwd=folder, env=environ, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stderr
            assert "MCP at" in (said := process.stderr.readline()), said
            yield
        finally:
            process.terminate()


class Person:
    """Somebody with a client of the SDK, which keeps its tokens here."""

    def __init__(self, site: Site, login: str, scope: str = "read write") -> None:
        self.site = site
        self.login = login
        self.scope = scope
        self.seen: dict[str, Any] = {}
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    async def _agree(self, address: str) -> None:
        self.seen = await to_thread.run_sync(self.site.place.sign_in, address, self.login, ENDS_AT)

    async def _ended(self) -> AuthorizationCodeResult:
        said = {name: values[0] for name, values in parse_qs(urlsplit(self.seen["end"]).query).items()}
        return AuthorizationCodeResult(code=said.get("code", ""), state=said.get("state"), iss=said.get("iss"))

    @property
    def auth(self) -> OAuthClientProvider:
        about = OAuthClientMetadata(
            client_name="A client of the SDK",
            redirect_uris=[ENDS_AT],
            token_endpoint_auth_method="none",
            scope=self.scope,
        )
        return OAuthClientProvider(f"{self.site.url}/mcp", about, self, self._agree, self._ended)

    async def call(self, name: str, **arguments: Any) -> Any:
        async with (
            httpx2.AsyncClient(auth=self.auth, timeout=300) as http,
            Client(streamable_http_client(f"{self.site.url}/mcp", http_client=http)) as client,
        ):
            return (await client.call_tool(name, arguments)).structured_content


async def test_a_client_finds_its_way_and_steps_up_when_a_tool_needs_more(site: Site):
    bob = Person(site, "bob")

    read = await bob.call("list_registries")
    asked_first = bob.seen["asked"]
    written = await bob.call("register_schema", registry="dev", subject="orders-value", schema_text='"string"')

    assert [row["name"] for row in read["registries"]] == ["dev", "prod"]
    assert "A client of the SDK" in asked_first
    assert "register schemas" not in asked_first
    assert "register schemas" in bob.seen["asked"]
    assert written["version"] == 1, written
    assert bob.seen["headers"]["x-frame-options"] == "DENY"
    assert [one for one in bob.seen["complaints"] if "Content Security Policy" in one] == []
    assert bob.tokens is not None
    assert bob.tokens.refresh_token


async def test_two_people_at_once_are_who_they_are(site: Site):
    told: dict[str, str] = {}

    async def ask(login: str) -> None:
        answer = await Person(site, login).call("explain_access", tool="register_schema", registry="prod")
        told[login] = " ".join(gate["why"] for gate in answer["gates"])

    async with anyio.create_task_group() as people:
        for login in ("bob", "ann"):
            people.start_soon(ask, login)

    assert {login: f"{login} holds: read" in why for login, why in told.items()} == {"bob": True, "ann": True}


async def test_who_is_not_let_in_comes_back_without_a_code(site: Site):
    about = {"client_name": "x", "redirect_uris": [ENDS_AT]}
    async with httpx2.AsyncClient(base_url=site.url) as http:
        client = (await http.post("/register", json=about)).json()["client_id"]
    asked = f"response_type=code&client_id={client}&redirect_uri={ENDS_AT}&state=s&code_challenge_method=S256"
    address = f"{site.url}/authorize?{asked}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    seen = await to_thread.run_sync(site.place.sign_in, address, "eve", ENDS_AT)

    said = parse_qs(urlsplit(seen["end"]).query)
    assert said["error"] == ["access_denied"]
    assert "code" not in said


async def test_a_code_without_its_proof_is_refused_by_the_stand_in_too(site: Site):
    """What the tests rest on: PKCE is really enforced."""
    form = {"client_id": github.ID, "client_secret": github.SECRET, "code": "x", "redirect_uri": f"{site.url}/callback"}
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{site.place.url}/login/oauth/access_token", data=form)

    assert answer.status_code == 200
    assert "error=" in answer.text
