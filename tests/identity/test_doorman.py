"""Who comes through the door: tokens of our app and of ours, and nobody else; every doubt is a no."""

import base64
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from fakes.github import API, ID, SECRET, URL, GitHub
from schema_mcp.domain.caller import Grant, Reach, Scope
from schema_mcp.domain.errors import (
    ConflictError,
    IdentityAwayError,
    NotFoundError,
    RateLimitedError,
    UnknownCallerError,
)
from schema_mcp.identity import policy
from schema_mcp.identity.doorman import Doorman
from schema_mcp.identity.github import GitHubIdentity
from schema_mcp.identity.memory import LONGEST, Remembered
from schema_mcp.identity.policy import Access, Kind, Person, Rule
from schema_mcp.identity.strangers import GUESSES, Strangers
from schema_mcp.stores.audit import Audit
from schema_mcp.stores.tokens import PREFIX, Tokens

APP = policy.GitHub(ID, SecretStr(SECRET), URL, API)
ACCESS = Access(
    "https://schemas.example.com",
    APP,
    allow=((Kind.ORGANIZATION, "shop"), (Kind.LOGIN, "root")),
    rules=(
        Rule(Kind.ORGANIZATION, "shop", Grant(Scope.READ)),
        Rule(Kind.TEAM, "shop/orders", Grant(Scope.WRITE)),
        Rule(Kind.LOGIN, "root", Grant(Scope.ADMIN)),
    ),
)


class Now:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def moment(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


class World:
    """A door, whoever stands behind it, and a clock."""

    def __init__(self, folder: Path, access: Access = ACCESS) -> None:
        self.github = GitHub()
        self.now = Now()
        self.audit = Audit(folder / "audit")
        self.tokens = Tokens(folder / "tokens.sqlite", clock=self.now.moment)
        self.http = httpx2.AsyncClient(transport=self.github.transport)
        assert access.github
        self.door = Doorman(
            access,
            self.tokens,
            self.audit,
            github=GitHubIdentity(access.github, access.asks_for, self.http),
            people=Remembered[Person](now=self.now),
            strangers=Strangers(now=self.now),
        )

    async def scopes(self, token: str) -> frozenset[Scope]:
        return (await self.door.caller(f"Bearer {token}")).scopes

    async def lines(self) -> list[tuple[str, str, str]]:
        return [(one.tool, str(one.outcome), one.caller) for one in (await self.audit.recent(100))[::-1]]


def content(folder: Path, pattern: str) -> bytes:
    return b"".join(one.read_bytes() for one in folder.glob(pattern) if one.is_file())


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.http.aclose()
    world.tokens.close()
    world.audit.close()


async def test_a_token_of_our_app_is_its_owners(at: World):
    at.github.user("bob", organizations=["Shop"], teams=["other/a", "other/b", "Shop/Orders"])

    found = await at.door.caller(f"Bearer {at.github.token('bob', 'repo', 'read:org')}")

    assert (found.name, found.scopes) == ("bob", Scope.WRITE.implied)


@pytest.mark.parametrize(
    ("app", "prefix"),
    [
        pytest.param("another-app", "gho_", id="another-app"),
        pytest.param("", "ghp_", id="classic"),
        pytest.param("", "github_pat_", id="fine-grained"),
    ],
)
async def test_a_token_that_was_not_made_for_us_is_refused(at: World, app: str, prefix: str):
    at.github.user("root")
    token = at.github.token("root", "admin:org", app=app, prefix=prefix)

    with pytest.raises(UnknownCallerError) as refused:
        await at.door.caller(f"Bearer {token}")
    assert not isinstance(refused.value, IdentityAwayError)


async def test_an_answer_about_another_app_is_none(at: World):
    at.github.user("root")
    token = at.github.token("root", "repo")
    at.github.told_app = "another-app"

    with pytest.raises(UnknownCallerError, match="another app"):
        await at.door.caller(f"Bearer {token}")


async def test_classic_tokens_count_where_they_are_switched_on(tmp_path: Path):
    world = World(
        tmp_path,
        Access(ACCESS.url, policy.GitHub(ID, SecretStr(SECRET), URL, API, True), None, ACCESS.allow, ACCESS.rules),
    )
    world.github.user("root")
    classic = world.github.token("root", "repo", "admin:org", app="", prefix="ghp_")
    empty = world.github.token("root", app="", prefix="ghp_")

    assert await world.scopes(classic) == Scope.ADMIN.implied
    assert await world.scopes(empty) == frozenset()


async def test_an_empty_list_of_scopes_means_no_rights(at: World):
    at.github.user("root")

    assert await at.scopes(at.github.token("root")) == frozenset()


async def test_a_member_who_has_not_accepted_is_none(at: World):
    at.github.user("bob").organizations["shop"] = "pending"

    with pytest.raises(UnknownCallerError, match="may not come in"):
        await at.door.caller(f"Bearer {at.github.token('bob', 'repo', 'read:org')}")


async def test_a_token_that_does_not_tell_memberships_has_none(at: World):
    at.github.user("bob", organizations=["shop"])

    with pytest.raises(UnknownCallerError):
        await at.door.caller(f"Bearer {at.github.token('bob', 'repo')}")


@pytest.mark.parametrize("status", [500, 502, 429, 301])
async def test_where_github_cannot_tell_nobody_comes_in(at: World, status: int):
    at.github.user("root")
    token = at.github.token("root", "repo")
    at.github.failing = status

    with pytest.raises(IdentityAwayError):
        await at.door.caller(f"Bearer {token}")

    at.github.failing = 0
    assert await at.scopes(token) == frozenset(Scope.WRITE.implied)


async def test_a_github_that_does_not_answer_lets_nobody_in(tmp_path: Path):
    def silent(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("nothing came")

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(silent)) as client:
        with pytest.raises(IdentityAwayError) as error:
            await GitHubIdentity(APP, [], client).person("gho_canary")

    assert "canary" not in str(error.value)


async def test_a_revoked_token_is_refused_within_a_minute(at: World):
    at.github.user("root")
    token = at.github.token("root", "repo")
    await at.scopes(token)
    del at.github.tokens[token]

    at.now.seconds += LONGEST - 1
    assert await at.scopes(token)
    at.now.seconds += 1
    with pytest.raises(UnknownCallerError):
        await at.scopes(token)


async def test_a_team_that_was_left_counts_no_longer_within_a_minute(at: World):
    bob = at.github.user("bob", organizations=["shop"], teams=["shop/orders"])
    token = at.github.token("bob", "repo", "read:org")
    assert Scope.WRITE in await at.scopes(token)

    bob.teams.clear()
    at.now.seconds += LONGEST
    assert await at.scopes(token) == Scope.READ.implied


async def test_an_answer_is_as_old_as_its_question():
    now = Now()
    asked: list[int] = []

    async def slowly() -> int:
        asked.append(1)
        now.seconds += LONGEST / 2
        return len(asked)

    memory = Remembered[int](now=now)
    await memory.of("token", slowly)
    now.seconds += LONGEST / 2

    assert await memory.of("token", slowly) == 2


async def test_github_is_asked_once_for_many_calls(at: World):
    at.github.user("root")
    token = at.github.token("root", "repo", "read:org")
    asked: list[str] = []

    async def slowly() -> str:
        asked.append(token)
        await anyio.sleep(0.01)
        return token

    memory = Remembered[str]()
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(at.scopes, token)
            tasks.start_soon(memory.of, token, slowly)

    assert len([one for one in at.github.requests if one.method == "POST"]) == 1
    assert asked == [token]


async def test_a_refused_token_is_not_asked_about_again_at_once(at: World):
    for _ in range(5):
        with pytest.raises(UnknownCallerError):
            await at.door.caller("Bearer gho_unknown")

    assert len(at.github.requests) == 1


async def test_guesses_from_one_address_are_bounded_and_nobody_else_is_held_up(at: World):
    at.github.user("root")
    at.github.user("bob", organizations=["shop"])
    known = f"Bearer {at.github.token('bob', 'repo', 'read:org')}"
    await at.door.caller(known, "192.0.2.1")
    for turn in range(GUESSES):
        with pytest.raises(UnknownCallerError):
            await at.door.caller(f"Bearer gho_guess{turn}", "192.0.2.1")
    asked = len(at.github.requests)

    with pytest.raises(RateLimitedError) as refused:
        await at.door.caller("Bearer gho_another", "192.0.2.1")
    with pytest.raises(RateLimitedError):  # not even a good one is looked at: a guess might be right
        await at.door.caller(f"Bearer {at.github.token('root', 'repo', 'read:org')}", "192.0.2.1")

    assert len(at.github.requests) == asked
    assert refused.value.details["retry_after"] == 60 // GUESSES
    assert (await at.door.caller(known, "192.0.2.1")).name == "bob"
    assert (await at.door.caller(f"Bearer {at.github.token('root', 'repo', 'read:org')}", "192.0.2.2")).name == "root"


async def test_guesses_are_forgotten_with_time(at: World):
    for turn in range(GUESSES):
        with pytest.raises(UnknownCallerError):
            await at.door.caller(f"Bearer gho_guess{turn}", "192.0.2.1")
    at.now.seconds += 60 / GUESSES

    with pytest.raises(UnknownCallerError):
        await at.door.caller("Bearer gho_another", "192.0.2.1")
    with pytest.raises(RateLimitedError):
        await at.door.caller("Bearer gho_one_more", "192.0.2.1")


async def test_many_at_once_with_one_good_token_are_no_guesses(at: World):
    at.github.user("bob", organizations=["shop"])
    token = at.github.token("bob", "repo", "read:org")

    async with anyio.create_task_group() as tasks:
        for _ in range(2 * GUESSES):
            tasks.start_soon(at.scopes, token)

    assert await at.lines() == [("sign_in", "ok", "bob")]


async def test_a_token_that_was_revoked_is_a_guess_from_then_on(at: World):
    _, secret = at.tokens.make("ci", Grant(Scope.READ), "Ann", None)
    await at.scopes(secret)
    at.tokens.revoke("ci")

    for _ in range(GUESSES + 1):  # the first finds out
        with pytest.raises(UnknownCallerError):
            await at.scopes(secret)
    with pytest.raises(RateLimitedError):
        await at.scopes(secret)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "192.0.2.2", False),
    ],
)
def test_an_address_is_what_one_household_has(one: str, other: str, same: bool):
    strangers = Strangers()
    for _ in range(GUESSES):
        strangers.take(one)

    with pytest.raises(RateLimitedError) if same else nullcontext():
        strangers.take(other)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("Bearer", id="no-token"),
        pytest.param("Bearer  ", id="blank"),
        pytest.param("Digest x", id="another-way"),
        pytest.param("Basic !!!", id="no-base64"),
        pytest.param("Basic " + base64.b64encode(b"ann:hunter2").decode(), id="any-password"),
        pytest.param("Bearer " + "x" * 30_000, id="endless"),
        pytest.param("Bearer gho_\x00\n", id="control-characters"),
        pytest.param("Bearer a.b.c", id="no-jwt"),
        pytest.param("Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2V2aWwuZXhhbXBsZS5jb20ifQ.", id="unsigned"),
    ],
)
async def test_nobody_is_let_in_by(at: World, header: str | None):
    with pytest.raises(UnknownCallerError):
        await at.door.caller(header)


async def test_a_token_of_ours_comes_as_bearer_or_as_password(at: World):
    _, secret = at.tokens.make("ci", Grant(Scope.WRITE, Reach(frozenset({"dev"}))), "Ann", None)
    basic = base64.b64encode(f"anybody:{secret}".encode()).decode()

    found = [await at.door.caller(header) for header in (f"Bearer {secret}", f"Basic {basic}")]

    assert [(one.name, one.scopes, one.grants) for one in found] == [
        ("token:ci", Scope.WRITE.implied, (Grant(Scope.WRITE, Reach(frozenset({"dev"}))),))
    ] * 2
    assert at.github.requests == []


async def test_a_persons_token_is_no_password(at: World):
    at.github.user("root")
    basic = base64.b64encode(f"root:{at.github.token('root', 'repo')}".encode()).decode()

    with pytest.raises(UnknownCallerError):
        await at.door.caller(f"Basic {basic}")
    assert at.github.requests == []


async def test_a_token_of_ours_ends_when_it_expires_or_is_revoked(at: World):
    _, short = at.tokens.make("short", Grant(Scope.READ), "Ann", at.now.moment() + timedelta(hours=1))
    _, long = at.tokens.make("long", Grant(Scope.READ), "Ann", None)
    assert await at.scopes(short) == await at.scopes(long) == Scope.READ.implied

    at.tokens.revoke("long")
    at.now.seconds += 3_600
    for secret in (short, long):
        with pytest.raises(UnknownCallerError):
            await at.door.caller(f"Bearer {secret}")


async def test_only_a_digest_of_a_secret_is_kept(at: World, tmp_path: Path):
    token, secret = at.tokens.make("ci", Grant(Scope.READ), "Ann", None)
    at.tokens.close()

    kept = content(tmp_path, "tokens.sqlite*")
    assert secret.startswith(PREFIX)
    assert secret.removeprefix(PREFIX).encode() not in kept
    assert secret not in repr(token)


async def test_a_name_is_one_tokens_at_a_time(at: World):
    at.tokens.make("ci", Grant(Scope.READ), "Ann", None)

    with pytest.raises(ConflictError):
        at.tokens.make("ci", Grant(Scope.READ), "Ann", None)
    at.tokens.revoke("ci")
    at.tokens.make("ci", Grant(Scope.READ), "Ann", None)
    with pytest.raises(NotFoundError):
        at.tokens.revoke("other")
    assert [bool(one.revoked_at) for one in at.tokens.all()].count(True) == 1


async def test_who_came_in_and_who_was_refused_is_on_the_trail_without_tokens(at: World, tmp_path: Path):
    at.github.user("root")
    token = at.github.token("root", "repo")
    await at.scopes(token)
    await at.scopes(token)
    with pytest.raises(UnknownCallerError):
        await at.door.caller("Bearer gho_refused-canary")

    assert await at.lines() == [("sign_in", "ok", "root"), ("sign_in", "refused", "")]
    kept = content(tmp_path, "audit/**/*")
    assert token.encode() not in kept
    assert b"canary" not in kept
