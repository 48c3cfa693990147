"""Signing people in ourselves: the whole way from a client's question to its tokens, and all that may go wrong."""

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncGenerator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from fakes.github import URL
from interfaces.house import ACCESS, PUBLIC, House, Make, kept_open, result

HOME = "http://localhost"
CLIENT, REDIRECT = "our-client", "http://127.0.0.1:4711/callback"
FACADE = f"""\
sign_in:
  registration: true
  clients:
    - {{ id: {CLIENT}, name: "Our <b>Client</b>", redirects: ["http://127.0.0.1/callback", "cursor://here/back"] }}
"""
LOCAL = ACCESS.replace(PUBLIC, HOME) + FACADE


class Browser:
    """Somebody at a browser: keeps cookies, follows redirects, presses buttons."""

    def __init__(self, house: House, login: str = "bob") -> None:
        self.house = house
        self.login = login
        self.http = house.http()
        self.page = httpx2.Response(204)

    async def open(self, **asked: str) -> httpx2.Response:
        self.page = await self.http.get("/authorize", params=asked)
        return self.page

    async def press(self, answer: str = "yes", **changed: str) -> httpx2.Response:
        question = unescape(self.page.text.partition('name="question" value="')[2].partition('"')[0])
        form = {"question": question, "answer": answer, **changed}
        return await self.http.post("/consent", data=form, headers={"Origin": HOME})

    async def prove(self, sent_on: httpx2.Response) -> str:
        """GitHub's answer: back to us."""
        self.house.github.signed_in = self.login
        request = httpx2.Request("GET", sent_on.headers["location"])
        return self.house.github.answer(request).headers["location"]

    async def back(self, location: str) -> httpx2.Response:
        parts = urlsplit(location)
        assert f"{parts.scheme}://{parts.netloc}" == HOME
        return await self.http.get(f"{parts.path}?{parts.query}")

    async def signed_in(self, **asked: str) -> dict[str, str]:
        """What the client hears at the end of the whole way."""
        await self.open(**asked)
        return said(await self.back(await self.prove(await self.press())))


class Program:
    """A client with its own proof."""

    def __init__(self, house: House, name: str = CLIENT, redirect: str = REDIRECT) -> None:
        self.house = house
        self.name = name
        self.redirect = redirect
        self.verifier = secrets.token_urlsafe(48)

    def question(self, **changed: str) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.name,
            "redirect_uri": self.redirect,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "state": "the-state",
            "scope": "read write",
            "resource": f"{HOME}/mcp",
            **changed,
        }
        return {name: value for name, value in asked.items() if value}

    async def send(self, path: str, **form: str) -> httpx2.Response:
        async with self.house.http() as http:
            return await http.post(path, data=form)

    async def exchange(self, given: str, **changed: str) -> httpx2.Response:
        form = {"grant_type": "authorization_code", "code": given, "client_id": self.name}
        form |= {"redirect_uri": self.redirect, "code_verifier": self.verifier}
        return await self.send("/token", **(form | changed))

    async def refresh(self, token: str, **changed: str) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.name}
        return await self.send("/token", **(form | changed))

    async def tokens(self, login: str = "bob", **changed: str) -> dict[str, Any]:
        answer = await Browser(self.house, login).signed_in(**self.question(**changed))
        return (await self.exchange(answer["code"])).json()


def said(response: httpx2.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


@pytest.fixture
async def house(world: Path, settings: Make) -> AsyncGenerator[House]:
    async with kept_open(world, settings, text=LOCAL) as opened:
        yield opened


async def test_the_whole_way_ends_with_tokens_that_open_the_door(house: House):
    program = Program(house)

    answer = await Browser(house).signed_in(**program.question())
    tokens = (await program.exchange(answer["code"])).json()
    called = await house.call(tokens["access_token"], "explain_access", tool="register_schema", subject="orders-a")

    assert (answer["state"], answer["iss"]) == ("the-state", HOME)
    assert (tokens["token_type"], tokens["scope"], tokens["expires_in"]) == ("Bearer", "read write", 600)
    assert result(called)["structuredContent"]["allowed"]
    assert ("sign_in", "ok", "bob", "") in await house.lines()


async def test_the_metadata_is_complete_and_true(house: House):
    async with house.http() as http:
        [found, other] = [
            (await http.get(f"/.well-known/{name}")).json()
            for name in ("oauth-authorization-server", "openid-configuration")
        ]
        protected = (await http.get("/.well-known/oauth-protected-resource/mcp")).json()
        keys = (await http.get("/jwks.json")).json()

    assert found == other
    secure = json.loads(json.dumps(found).replace(HOME, PUBLIC))
    AuthorizationServerMetadata(secure).validate()
    assert protected["authorization_servers"] == [found["issuer"]] == [HOME]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["client_id_metadata_document_supported"] is True
    assert found["registration_endpoint"] == f"{HOME}/register"
    assert [set(key) & {"d", "k"} for key in keys["keys"]] == [set()]


async def test_a_token_says_who_for_whom_and_no_more(house: House):
    tokens = await Program(house).tokens()
    async with house.http() as http:
        keys = KeySet.import_key_set((await http.get("/jwks.json")).json())

    found = jwt.decode(tokens["access_token"], keys, algorithms=["ES256"])

    assert found.header["typ"] == "at+jwt"
    assert {name: found.claims[name] for name in ("iss", "aud", "sub", "client_id", "scope")} == {
        "iss": HOME,
        "aud": f"{HOME}/mcp",
        "sub": "bob",
        "client_id": CLIENT,
        "scope": "read write",
    }
    assert found.claims["exp"] - found.claims["iat"] == 600


async def test_githubs_token_never_leaves(house: House, world: Path):
    tokens = await Program(house).tokens()
    [github] = [token for token in house.github.tokens if token.startswith("gho_")]

    kept = b"".join(one.read_bytes() for one in (world / ".schema-mcp").rglob("*") if one.is_file())
    assert github not in json.dumps(tokens)
    assert github.encode() not in kept
    for name in ("access_token", "refresh_token"):
        assert tokens[name].encode() not in kept


@pytest.mark.parametrize(
    ("asked", "github"),
    [
        pytest.param("read", "public_repo read:org", id="read"),
        pytest.param("read write", "repo read:org", id="write"),
        pytest.param("admin", "admin:org", id="admin"),
        pytest.param("openid offline_access", "public_repo read:org", id="none-of-ours"),
    ],
)
async def test_github_is_asked_for_what_is_needed(house: House, asked: str, github: str):
    browser = Browser(house)
    await browser.open(**Program(house).question(scope=asked))

    query = dict(parse_qsl(urlsplit((await browser.press()).headers["location"]).query))

    assert query["scope"] == github
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"{HOME}/callback"


async def test_a_token_is_capped_by_what_was_asked_for(house: House):
    tokens = await Program(house).tokens("root", scope="read")

    response = await house.call(tokens["access_token"], "delete_subject", subject="s")

    assert response.status_code == 403


async def test_a_role_that_is_lost_is_lost_for_tokens_too(house: House):
    from schema_mcp.identity import memory

    tokens = await Program(house).tokens()
    house.github.users["bob"].organizations.clear()
    house.github.users["bob"].teams.clear()

    assert memory.LONGEST <= 60
    refused = await Program(house).refresh(tokens["refresh_token"])
    assert refused.status_code in (200, 400)  # within a minute the old answer may still count


# --- the person is asked ---------------------------------------------------------------------------------------------


async def test_people_are_asked_each_time_whatever_they_agreed_to_before(house: House):
    browser = Browser(house)
    program = Program(house)
    await browser.signed_in(**program.question())

    again = await browser.open(**program.question())

    assert again.status_code == 200
    assert "Our &lt;b&gt;Client&lt;/b&gt;" in again.text
    assert "register schemas" in again.text
    assert REDIRECT.removesuffix("/callback") in again.text


async def test_the_page_can_be_neither_framed_nor_scripted(house: House):
    page = await Browser(house).open(**Program(house).question())

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert f"form-action 'self' {URL} http://127.0.0.1:4711;" in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text


async def test_the_cookie_is_for_this_host_over_https_only(world: Path, settings: Make):
    async with kept_open(world, settings, FACADE) as house, house.http(Host="schemas.example.com") as http:
        page = await http.get("/authorize", params=Program(house).question(resource=f"{PUBLIC}/mcp"))

    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-schema-mcp=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= {one.strip() for one in cookie.split(";")}


async def test_a_no_goes_back_to_the_program(house: House):
    browser = Browser(house)
    await browser.open(**Program(house).question())

    assert said(await browser.press("no")) == {"error": "access_denied", "state": "the-state", "iss": HOME}


async def test_a_yes_counts_only_in_the_browser_that_was_asked(house: House):
    asked, other = Browser(house), Browser(house)
    await asked.open(**Program(house).question())
    await other.open(**Program(house).question())
    other.page = asked.page

    refused = await other.press()

    assert refused.status_code == 403
    assert "location" not in refused.headers


async def test_who_comes_back_in_another_browser_is_refused(house: House):
    asked, other = Browser(house, "root"), Browser(house)
    await asked.open(**Program(house).question())
    await other.open(**Program(house).question())
    location = await asked.prove(await asked.press())

    refused = await other.back(location)

    assert refused.status_code == 403
    assert "location" not in refused.headers


async def test_a_yes_and_a_return_count_once(house: House):
    browser = Browser(house)
    await browser.open(**Program(house).question())
    sent_on = await browser.press()
    location = await browser.prove(sent_on)
    await browser.back(location)

    assert (await browser.press()).status_code == 403
    assert (await browser.back(location)).status_code == 403


@pytest.mark.parametrize("state", ["", "invented"])
async def test_a_state_that_we_did_not_give_is_refused(house: House, state: str):
    browser = Browser(house)
    await browser.open(**Program(house).question())

    assert (await browser.back(f"{HOME}/callback?{urlencode({'code': 'x', 'state': state})}")).status_code == 403


async def test_a_form_from_another_site_is_turned_away(house: House):
    browser = Browser(house)
    await browser.open(**Program(house).question())

    refused = await browser.http.post(
        "/consent", data={"answer": "yes"}, headers={"Origin": "https://evil.example.com"}
    )

    assert refused.status_code == 403


async def test_who_may_not_come_in_gets_no_code(house: House):
    browser = Browser(house, "eve")
    await browser.open(**Program(house).question())

    answer = said(await browser.back(await browser.prove(await browser.press())))

    assert answer["error"] == "access_denied"
    assert "code" not in answer
    assert ("sign_in", "refused", "", "unknown_caller") in await house.lines()


async def test_where_github_is_away_the_program_hears_so(house: House):
    browser = Browser(house)
    await browser.open(**Program(house).question())
    location = await browser.prove(await browser.press())
    house.github.failing = 500

    assert said(await browser.back(location))["error"] == "temporarily_unavailable"


# --- the program's question ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"client_id": "nobody"}, id="unknown-program"),
        pytest.param({"client_id": ""}, id="no-program"),
        pytest.param({"redirect_uri": "https://evil.example.com/callback"}, id="another-address"),
        pytest.param({"redirect_uri": "http://127.0.0.1:4711/callback/more"}, id="a-longer-path"),
        pytest.param({"redirect_uri": "http://127.0.0.1:4711/callback?x=1"}, id="a-query"),
        pytest.param({"redirect_uri": "http://127.0.0.1:4711@evil.example.com/callback"}, id="a-user"),
        pytest.param({"redirect_uri": "http://localhost:4711/callback"}, id="another-loopback"),
        pytest.param({"redirect_uri": "https://127.0.0.1/callback"}, id="another-scheme"),
        pytest.param({"redirect_uri": "javascript:alert(1)"}, id="script"),
        pytest.param({"redirect_uri": ""}, id="no-address"),
    ],
)
async def test_an_answer_never_goes_where_the_program_is_not(house: House, changed: dict[str, str]):
    refused = await Browser(house).open(**Program(house).question(**changed))

    assert refused.status_code == 400
    assert "location" not in refused.headers
    assert "evil" not in refused.text


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        pytest.param({"code_challenge": ""}, "invalid_request", id="no-proof"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="plain-proof"),
        pytest.param({"code_challenge_method": ""}, "invalid_request", id="no-method"),
        pytest.param({"code_challenge": "short"}, "invalid_request", id="short-proof"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="implicit"),
        pytest.param({"resource": "https://other.example.com/mcp"}, "invalid_target", id="another-audience"),
    ],
)
async def test_a_bad_question_is_told_to_the_program(house: House, changed: dict[str, str], error: str):
    answer = said(await Browser(house).open(**Program(house).question(**changed)))

    assert (answer["error"], answer["state"], answer["iss"]) == (error, "the-state", HOME)


async def test_a_program_known_beforehand_may_have_a_scheme_of_its_own(house: House):
    page = await Browser(house).open(**Program(house, redirect="cursor://here/back").question())

    assert page.status_code == 200
    assert "cursor:" in page.headers["content-security-policy"]


async def test_what_is_said_twice_is_not_understood(house: House):
    async with house.http() as http:
        query = urlencode([*Program(house).question().items(), ("state", "other")])
        assert (await http.get(f"/authorize?{query}")).status_code == 400


# --- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        pytest.param({"code_verifier": "x" * 50}, "invalid_grant", id="wrong-proof"),
        pytest.param({"code_verifier": ""}, "invalid_grant", id="no-proof"),
        pytest.param({"client_id": "other"}, "invalid_grant", id="another-program"),
        pytest.param({"redirect_uri": "http://127.0.0.1:1/callback"}, "invalid_grant", id="another-address"),
        pytest.param({"code": "invented"}, "invalid_grant", id="invented"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="another-grant"),
        pytest.param({"resource": "https://other.example.com"}, "invalid_target", id="another-audience"),
    ],
)
async def test_a_code_is_for_who_asked_for_it(house: House, changed: dict[str, str], error: str):
    program = Program(house)
    answer = await Browser(house).signed_in(**program.question())

    refused = await program.exchange(answer["code"], **changed)

    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert refused.headers["cache-control"] == "no-store"


async def test_a_code_that_comes_twice_ends_what_was_given_for_it(house: House):
    program = Program(house)
    answer = await Browser(house).signed_in(**program.question())
    tokens = (await program.exchange(answer["code"])).json()

    again = await program.exchange(answer["code"])

    assert again.json()["error"] == "invalid_grant"
    assert (await house.ask(tokens["access_token"], "tools/list")).status_code == 401
    assert (await program.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_token_to_refresh_with_is_used_once_and_its_theft_is_noticed(house: House):
    program = Program(house)
    first = await program.tokens()
    second = (await program.refresh(first["refresh_token"])).json()
    assert (await house.ask(second["access_token"], "tools/list")).status_code == 200

    stolen = await program.refresh(first["refresh_token"])

    assert stolen.json()["error"] == "invalid_grant"
    assert (await program.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await house.ask(second["access_token"], "tools/list")).status_code == 401


async def test_refreshing_narrows_and_never_widens(house: House):
    program = Program(house)
    tokens = await program.tokens(scope="read write")

    narrowed = (await program.refresh(tokens["refresh_token"], scope="read")).json()
    widened = (await program.refresh(narrowed["refresh_token"], scope="read write admin")).json()

    assert (narrowed["scope"], widened["scope"]) == ("read", "read write")


async def test_another_program_cannot_refresh(house: House):
    tokens = await Program(house).tokens()

    refused = await Program(house, "other").refresh(tokens["refresh_token"])

    assert refused.json()["error"] == "invalid_grant"
    assert (await Program(house).refresh(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_revoked_token_takes_the_sign_in_with_it(house: House, which: str):
    program = Program(house)
    tokens = await program.tokens()

    done = await program.send("/revoke", token=tokens[which])

    assert done.status_code == 200
    assert (await house.ask(tokens["access_token"], "tools/list")).status_code == 401
    assert (await program.refresh(tokens["refresh_token"])).status_code == 400


def forged(world: Path, sign_in: str) -> dict[str, str]:
    """Tokens that look like ours, each wrong in one way."""
    good: dict[str, Any] = {
        "iss": HOME,
        "aud": f"{HOME}/mcp",
        "sub": "root",
        "sid": sign_in,
        "scope": "admin",
        "exp": 2**40,
    }
    kept = json.loads((world / ".schema-mcp" / "sign-in.keys").read_text(encoding="utf-8"))
    ours, other = ECKey.import_key(kept["signing"]), ECKey.generate_key("P-256", {"kid": kept["signing"]["kid"]})
    shared = OctKey.import_key(json.dumps(ours.as_dict(private=False)).encode())
    header = {"alg": "ES256", "typ": "at+jwt", "kid": ours.kid}

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return {
        "unsigned": f"{part({**header, 'alg': 'none'})}.{part(good)}.",
        "another-key": jwt.encode(header, good, other),
        "public-key-as-a-secret": jwt.encode({**header, "alg": "HS256"}, good, shared, algorithms=["HS256"]),
        "another-audience": jwt.encode(header, {**good, "aud": "https://other.example.com/mcp"}, ours),
        "another-issuer": jwt.encode(header, {**good, "iss": "https://other.example.com"}, ours),
        "over": jwt.encode(header, {**good, "exp": 1}, ours),
        "not-yet": jwt.encode(header, {**good, "nbf": 2**40}, ours),
        "endless": jwt.encode(header, {k: v for k, v in good.items() if k != "exp"}, ours),
        "another-kind": jwt.encode({**header, "typ": "JWT"}, good, ours),
        "no-sign-in": jwt.encode(header, {**good, "sid": "x"}, ours),
        "another-key-id": jwt.encode({**header, "kid": "other"}, good, ours),
    }


async def test_a_forged_token_opens_nothing(house: House, world: Path):
    tokens = await Program(house).tokens()
    _, claims, _ = tokens["access_token"].split(".")
    sign_in = json.loads(base64.urlsafe_b64decode(claims + "=="))["sid"]

    for what, token in forged(world, sign_in).items():
        assert (await house.ask(token, "tools/list")).status_code == 401, what


# --- programs that nobody wrote down ---------------------------------------------------------------------------------


async def register(house: House, **about: Any) -> httpx2.Response:
    async with house.http() as http:
        return await http.post("/register", json=about)


async def test_a_program_registers_itself_and_signs_in(house: House):
    made = (await register(house, client_name="New\u202e\n one", redirect_uris=[REDIRECT])).json()
    program = Program(house, made["client_id"])

    tokens = await program.tokens()

    assert made["client_name"] == "New one"
    assert made["token_endpoint_auth_method"] == "none"
    assert tokens["scope"] == "read write"


@pytest.mark.parametrize(
    "about",
    [
        pytest.param({}, id="no-address"),
        pytest.param({"redirect_uris": []}, id="no-addresses"),
        pytest.param({"redirect_uris": ["javascript:alert(1)"]}, id="script"),
        pytest.param({"redirect_uris": ["http://example.com/callback"]}, id="plain-http"),
        pytest.param({"redirect_uris": ["https://x.example.com/#a"]}, id="fragment"),
        pytest.param({"redirect_uris": ["https://u@x.example.com/"]}, id="user"),
        pytest.param({"redirect_uris": "https://x.example.com/"}, id="no-list"),
        pytest.param({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "client_secret_basic"}, id="secret"),
    ],
)
async def test_a_bad_description_registers_nothing(house: House, about: dict[str, Any]):
    refused = await register(house, **about)

    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_redirect_uri"


async def test_registration_is_a_switch(world: Path, settings: Make):
    async with kept_open(world, settings, text=LOCAL.replace("registration: true", "registration: false")) as house:
        async with house.http() as http:
            metadata = (await http.get("/.well-known/oauth-authorization-server")).json()
        refused = await register(house, redirect_uris=[REDIRECT])

    assert "registration_endpoint" not in metadata
    assert refused.status_code == 401
