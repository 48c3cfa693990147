"""Pipelines: a token that their platform signed for us lets in whom `access.yaml` names, and nothing else does."""

import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from identity.test_outside import Net
from schema_mcp.domain.caller import Grant, Reach, Scope
from schema_mcp.domain.errors import IdentityAwayError, UnknownCallerError
from schema_mcp.identity.outside import Outside
from schema_mcp.identity.pipelines import Pipelines, issuer_of
from schema_mcp.identity.policy import Access, Issuer, PipelineRule

ISSUER, AUDIENCE = "https://token.actions.example.com", "https://schemas.example.com"
KEY = RSAKey.generate_key(2048, {"kid": "first"})
NEXT = ECKey.generate_key("P-256", {"kid": "second"})
ACCESS = Access(
    AUDIENCE,
    issuers=(Issuer(ISSUER, AUDIENCE),),
    pipelines=(
        PipelineRule(
            ISSUER,
            (("repository", "shop/schemas"), ("ref", "refs/heads/main"), ("environment", "production")),
            Grant(Scope.WRITE, Reach(frozenset({"prod"}))),
        ),
        PipelineRule(ISSUER, (("repository", "shop/schemas"),), Grant(Scope.READ)),
    ),
)
CLAIMS = {"repository": "shop/schemas", "ref": "refs/heads/main", "environment": "production", "workflow": "deploy"}


class Platform:
    """An issuer, its keys, and our reader of its tokens."""

    def __init__(self) -> None:
        self.keys: list[Any] = [KEY]
        self.about: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}
        self.now = 1_000.0
        self.net = Net("93.184.215.14", answer=self.answer)
        self.http = httpx2.AsyncClient(transport=httpx2.MockTransport(self.net.serve))
        self.reader = Pipelines(ACCESS, Outside(self.http, self.net.resolve), now=lambda: self.now)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/.well-known/openid-configuration":
            return httpx2.Response(200, json=self.about)
        return httpx2.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})

    async def scopes(self, token: str) -> frozenset[Scope]:
        return (await self.reader.caller(token, ISSUER)).scopes


def token(key: Any = KEY, *, header: dict[str, Any] | None = None, without: str = "", **changed: Any) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "repo:shop/schemas", "iat": now, "exp": now + 300}
    claims |= CLAIMS | changed
    claims.pop(without, None)
    algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
    return jwt.encode({"alg": algorithm, "kid": key.kid, **(header or {})}, claims, key, algorithms=[algorithm])


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    opened = Platform()
    yield opened
    await opened.http.aclose()


async def test_a_pipeline_comes_in_as_what_its_claims_say(platform: Platform):
    found = await platform.reader.caller(token(), ISSUER)

    assert found.name == "pipeline:shop/schemas"
    assert found.client == "deploy"
    assert found.scopes == Scope.WRITE.implied
    assert found.scopes_in("prod") == Scope.WRITE.implied
    assert found.scopes_in("dev") == Scope.READ.implied


@pytest.mark.parametrize(
    ("changed", "scopes"),
    [
        pytest.param({"ref": "refs/heads/other"}, Scope.READ.implied, id="another-branch"),
        pytest.param({"environment": "staging"}, Scope.READ.implied, id="another-environment"),
        pytest.param({"repository": "shop/other"}, None, id="another-repository"),
        pytest.param({"aud": [AUDIENCE, "https://other.example.com"]}, Scope.WRITE.implied, id="several-audiences"),
        pytest.param({"aud": "https://other.example.com"}, None, id="another-audience"),
        pytest.param({"aud": "https://token.actions.example.com/shop"}, None, id="the-usual-audience"),
        pytest.param({"iss": "https://other.example.com"}, None, id="another-issuer"),
        pytest.param({"exp": 1}, None, id="over"),
        pytest.param({"nbf": 2**40}, None, id="not-yet"),
        pytest.param({"exp": "soon"}, None, id="no-time"),
    ],
)
async def test_claims_are_held_to_the_letter(
    platform: Platform, changed: dict[str, Any], scopes: frozenset[Scope] | None
):
    if scopes is None:
        with pytest.raises(UnknownCallerError):
            await platform.scopes(token(**changed))
    else:
        assert await platform.scopes(token(**changed)) == scopes


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "sub", "repository"])
async def test_no_claim_may_be_missing(platform: Platform, claim: str):
    with pytest.raises(UnknownCallerError):
        await platform.scopes(token(without=claim))


def forged() -> dict[str, str]:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    _, claims, signature = token().split(".")
    public = json.dumps(KEY.as_dict(private=False)).encode()
    shared = jwt.encode({"alg": "HS256", "kid": "first"}, json.loads(base64.urlsafe_b64decode(claims + "==")),
                        OctKey.import_key(public), algorithms=["HS256"])  # fmt: skip
    other = RSAKey.generate_key(2048, {"kid": "first"})
    return {
        "unsigned": f"{part({'alg': 'none', 'kid': 'first'})}.{claims}.",
        "public-key-as-a-secret": shared,
        "another-key-by-the-same-name": token(other),
        "another-key": token(NEXT),
        "changed": f"{part({'alg': 'RS256', 'kid': 'first'})}.{part({**CLAIMS, 'iss': ISSUER})}.{signature}",
        "endless": token(padding="x" * 20_000),
        "no-name-of-a-key": token(other, header={"kid": ""}),
    }


async def test_a_forged_token_lets_nobody_in(platform: Platform):
    let_in: list[str] = []
    for what, one in forged().items():
        with suppress(UnknownCallerError):
            await platform.scopes(one)
            let_in.append(what)

    assert let_in == []


async def test_keys_are_fetched_once_and_again_where_a_new_one_turns_up(platform: Platform):
    await platform.scopes(token())
    await platform.scopes(token())
    assert len(platform.net.requests) == 2

    platform.keys = [NEXT]
    platform.now += 31
    assert await platform.scopes(token(NEXT)) == Scope.WRITE.implied
    assert len(platform.net.requests) == 4


async def test_invented_keys_do_not_make_us_fetch_again_and_again(platform: Platform):
    for _ in range(5):
        platform.now += 1
        with pytest.raises(UnknownCallerError):
            await platform.scopes(token(NEXT))

    assert len(platform.net.requests) == 2


async def test_a_key_that_was_withdrawn_counts_no_longer(platform: Platform):
    await platform.scopes(token())
    platform.keys = [NEXT]
    platform.now += 601

    with pytest.raises(UnknownCallerError):
        await platform.scopes(token())


@pytest.mark.parametrize(
    "about",
    [
        pytest.param({"issuer": "https://other.example.com", "jwks_uri": f"{ISSUER}/jwks"}, id="another-issuer"),
        pytest.param({"issuer": ISSUER}, id="no-keys"),
        pytest.param({"issuer": ISSUER, "jwks_uri": "http://token.actions.example.com/jwks"}, id="keys-without-https"),
        pytest.param({"issuer": ISSUER, "jwks_uri": 7}, id="no-address"),
    ],
)
async def test_an_issuer_that_tells_nonsense_lets_nobody_in(platform: Platform, about: dict[str, Any]):
    platform.about = about

    with pytest.raises(UnknownCallerError):
        await platform.scopes(token())


async def test_keys_inside_are_not_fetched(platform: Platform):
    platform.net.addresses = ["10.0.0.1"]

    with pytest.raises(UnknownCallerError):
        await platform.scopes(token())
    assert platform.net.requests == []


async def test_an_issuer_that_is_away_lets_nobody_in_for_now(platform: Platform):
    def away(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("away")

    platform.net._answer = away
    with pytest.raises(IdentityAwayError):
        await platform.scopes(token())

    platform.net._answer = platform.answer
    assert await platform.scopes(token()) == Scope.WRITE.implied


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "a.b", "!.!.!", "e30.W10.e30", "e30.e30.e30", "x" * 30_000])
def test_what_is_no_token_names_no_issuer(text: str):
    assert issuer_of(text) == ""
