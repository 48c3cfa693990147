"""What a sign-in ends with: tokens for who asked, for a while, used once; and programs that nobody wrote down."""

import base64
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from interfaces.house import House, Make, kept_open
from interfaces.sign_in import CLIENT, HOME, LOCAL, REDIRECT, Browser, Program


@pytest.fixture
async def house(world: Path, settings: Make) -> AsyncGenerator[House]:
    async with kept_open(world, settings, text=LOCAL) as opened:
        yield opened


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


async def test_a_token_is_capped_by_what_was_asked_for(house: House):
    tokens = await Program(house).tokens("root", scope="read")

    response = await house.call(tokens["access_token"], "delete_subject", subject="s")

    assert response.status_code == 403


async def test_a_role_that_is_lost_is_lost_for_tokens_too(house: House):
    program = Program(house)
    tokens = await program.tokens()
    house.github.users["bob"].organizations.clear()
    house.github.users["bob"].teams.clear()
    house.forget()  # a minute later

    assert (await house.ask(tokens["access_token"], "tools/list")).status_code == 401
    assert (await program.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    house.github.users["bob"].organizations["shop"] = "active"
    assert (await program.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_where_github_is_away_a_token_to_refresh_with_is_not_used_up(house: House):
    program = Program(house)
    tokens = await program.tokens()
    house.forget()
    house.github.failing = 500

    later = await program.refresh(tokens["refresh_token"])
    house.github.failing = 0

    assert (later.status_code, later.json()["error"]) == (503, "temporarily_unavailable")
    assert (await program.refresh(tokens["refresh_token"])).status_code == 200


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
