"""`/health` tells whether those can be asked who know callers, and does not wait for them."""

from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from fakes.github import SECRET
from interfaces.house import ACCESS, House, Make, kept_open

PIPELINES = """\
pipelines:
  - issuer: https://issuer.example.com
    grants: [{ scope: read, claims: { repository: shop/schemas } }]
"""


async def health(house: House) -> tuple[int, dict[str, Any]]:
    async with house.http() as http:
        response = await http.get("/health")
        ready = await http.get("/ready")
    assert ready.status_code == 200
    return response.status_code, response.json()


async def test_github_that_answers_is_told_of(world: Path, settings: Make):
    async with kept_open(world, settings) as house:
        status, told = await health(house)

    assert (status, told["status"]) == (200, "ok")
    assert list(told["sign_in"]) == ["tokens", "github"]
    assert all(one["ok"] for one in told["sign_in"].values())


async def test_tokens_of_our_own_that_cannot_be_read_degrade(world: Path, settings: Make):
    async with kept_open(world, settings) as house:
        house._doorman._tokens.close()
        _, told = await health(house)

    assert told["status"] == "degraded"
    assert not told["sign_in"]["tokens"]["ok"]


@pytest.mark.parametrize(
    ("failing", "text", "problem"),
    [
        pytest.param(500, ACCESS, "500", id="away"),
        pytest.param(0, ACCESS.replace(SECRET, "other-canary"), "name and secret", id="wrong-secret"),
    ],
)
async def test_github_that_cannot_tell_degrades(world: Path, settings: Make, failing: int, text: str, problem: str):
    async with kept_open(world, settings, text=text) as house:
        house.github.failing = failing
        status, told = await health(house)

    assert (status, told["status"]) == (200, "degraded")
    assert problem in told["sign_in"]["github"]["problem"]
    assert "canary" not in str(told)


async def test_an_issuer_without_keys_degrades(world: Path, settings: Make):
    async def nowhere(*_: Any) -> list[str]:
        return ["203.0.113.7"]

    async with kept_open(world, settings, PIPELINES, resolve=nowhere) as house:
        _, told = await health(house)

    assert told["sign_in"]["github"]["ok"]
    assert not told["sign_in"]["keys of issuer.example.com"]["ok"]


async def test_github_that_hangs_is_not_waited_for(world: Path, settings: Make, monkeypatch: pytest.MonkeyPatch):
    async with kept_open(world, settings) as house:

        async def hang(*_: Any, **__: Any) -> httpx2.Response:
            await anyio.sleep(60)
            raise AssertionError

        monkeypatch.setattr("schema_mcp.identity.github.GitHubIdentity._sent", hang)
        with anyio.fail_after(20):
            _, told = await health(house)

    assert "no answer within" in told["sign_in"]["github"]["problem"]


async def test_github_is_asked_at_most_twice_a_minute(world: Path, settings: Make):
    async with kept_open(world, settings) as house:
        for _ in range(5):
            await health(house)

        assert len([one for one in house.github.requests if one.url.path.endswith("/rate_limit")]) == 1
