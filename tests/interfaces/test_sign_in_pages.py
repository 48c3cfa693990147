"""Signing people in ourselves: the way from a client's question to its answer, and all that may go wrong."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from fakes.github import URL
from interfaces.house import PUBLIC, House, Make, kept_open, result
from interfaces.sign_in import FACADE, HOME, LOCAL, REDIRECT, Browser, Program, said


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
    await browser.press()

    assert (await browser.back(f"{HOME}/callback?{urlencode({'code': 'x', 'state': state})}")).status_code == 403


async def test_a_form_from_another_site_is_turned_away(house: House):
    browser = Browser(house)
    await browser.open(**Program(house).question())

    refused = await browser.press(origin="https://evil.example.com")

    assert refused.status_code == 403
    assert (await browser.press()).status_code == 303  # the question still waits for an answer of our own page


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
