"""The HTTP server for callers who have to say who they are: MCP and the registries' own face, from the outside."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.requests import Request
from starlette.responses import JSONResponse

from fakes.github import SECRET, URL
from interfaces.conftest import ORDER
from interfaces.house import ACCESS, PUBLIC, House, Make, kept_open, result
from interfaces.test_site import served
from schema_mcp.domain.caller import Grant, Reach, Scope
from schema_mcp.domain.errors import ConfigurationError, StoreError
from schema_mcp.identity.opening import TOKENS
from schema_mcp.serving import serve
from schema_mcp.stores.audit import Entry
from schema_mcp.stores.tokens import Tokens


@pytest.fixture
async def house(world: Path, settings: Make) -> AsyncGenerator[House]:
    async with kept_open(world, settings) as opened:
        yield opened


async def test_nobody_is_told_what_to_bring_and_nothing_is_run(house: House):
    response = await house.call(None, "list_registries")

    challenge = response.headers["www-authenticate"]
    assert response.status_code == 401
    assert challenge == f'Bearer scope="read", resource_metadata="{PUBLIC}/.well-known/oauth-protected-resource/mcp"'
    assert await house.lines() == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "HEAD", "PUT"])
async def test_every_method_is_behind_the_door(house: House, method: str):
    async with house.http() as http:
        assert (await http.request(method, "/mcp")).status_code == 401
        assert (await http.request(method, "/mcp/")).status_code == 401


async def test_the_metadata_says_who_signs_people_in(house: House):
    async with house.http() as http:
        found = [await http.get(f"/.well-known/oauth-protected-resource{path}") for path in ("", "/mcp")]

    assert [one.json() for one in found] == [
        {
            "resource": f"{PUBLIC}/mcp",
            "authorization_servers": [URL],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["read"],
            "resource_name": "schema-mcp",
        }
    ] * 2


@pytest.mark.parametrize("login", ["eve", "nobody"])
async def test_who_is_not_let_in_is_told_so(house: House, login: str):
    token = house.token("eve") if login == "eve" else "gho_unknown"
    response = await house.call(token, "list_registries")

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert token not in response.text


async def test_two_logins_at_once_are_none(house: House):
    headers = [("Authorization", f"Bearer {house.token('root')}"), ("Authorization", "Bearer other")]
    async with house.http() as http:
        assert (await http.post("/mcp", headers=headers, json={})).status_code == 401


async def test_a_token_in_the_address_is_none(house: House):
    async with house.http() as http:
        response = await http.post(f"/mcp?access_token={house.token('root')}", json={})

    assert response.status_code == 401


async def test_where_github_does_not_answer_callers_are_asked_to_come_again(house: House):
    token = house.token("root")
    house.github.failing = 500

    response = await house.call(token, "list_registries")
    face = await house.face(token, "GET", "/dev/subjects")

    assert (response.status_code, face.status_code) == (503, 503)
    assert "retry-after" in response.headers


@pytest.mark.parametrize("era", ["legacy", "auto"], ids=["handshake", "modern"])
async def test_everybody_sees_what_he_may_use(house: House, era: str):
    async def seen(login: str) -> set[str]:
        async with (
            house.http(house.token(login)) as http,
            Client(streamable_http_client(f"{house.url}/mcp", http_client=http), mode=era) as client,
        ):
            return {one.name for one in (await client.list_tools()).tools}

    ann, bob, root = [await seen(login) for login in ("ann", "bob", "root")]

    assert "get_schema" in ann
    assert "register_schema" in bob - ann
    assert "delete_subject" in root - bob
    assert ann < bob < root


async def test_a_scope_that_is_missing_is_a_403_that_names_it(house: House):
    response = await house.call(house.token("ann"), "register_schema", subject="orders-a", schema_text=ORDER)

    challenge = response.headers["www-authenticate"]
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="write"' in challenge
    assert "resource_metadata=" in challenge
    assert ("register_schema", "refused", "ann", "not_permitted") in await house.lines()


async def test_a_client_that_cannot_step_up_gets_the_tools_error(world: Path, settings: Make):
    async with kept_open(world, settings, "refusals: tool_error\n") as house:
        response = await house.call(house.token("ann"), "register_schema", subject="orders-a", schema_text=ORDER)

        assert response.status_code == 200
        assert result(response)["isError"]
        assert result(response)["structuredContent"]["code"] == "not_permitted"
        assert ("register_schema", "refused", "ann", "not_permitted") in await house.lines()


@pytest.mark.parametrize(
    ("login", "method", "params", "scope", "named"),
    [
        pytest.param("ann", "resources/read", {"uri": "audit://recent"}, "admin", "audit://recent", id="resource"),
        pytest.param(
            "bob", "prompts/get", {"name": "migrate_registry"}, "admin", "prompt migrate_registry", id="prompt"
        ),
        pytest.param("ann", "prompts/get", {"name": "mend_drift"}, "write", "prompt mend_drift", id="prompt-to-write"),
    ],
)
async def test_a_scope_that_is_missing_for_a_resource_or_prompt_is_a_403_too(
    house: House, login: str, method: str, params: dict[str, Any], scope: str, named: str
):
    response = await house.ask(house.token(login), method, **params)

    assert response.status_code == 403
    assert f'scope="{scope}"' in response.headers["www-authenticate"]
    assert (named, "refused", login, "not_permitted") in await house.lines()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        pytest.param("resources/read", {"uri": "audit://recent"}, id="resource"),
        pytest.param("prompts/get", {"name": "mend_drift", "arguments": {"registry": "dev"}}, id="prompt"),
    ],
)
async def test_a_resource_or_prompt_is_refused_where_it_is_asked_for_as_well(
    world: Path, settings: Make, method: str, params: dict[str, Any]
):
    async with kept_open(world, settings, "refusals: tool_error\n") as house:
        response = await house.ask(house.token("ann"), method, **params)
        lines = await house.lines()

    assert response.status_code == 200
    assert '"code":"not_permitted"' in response.text
    assert lines[-1][1:] == ("refused", "ann", "not_permitted")


async def test_prompts_and_resources_are_listed_for_those_who_may_use_them(house: House):
    prompts = {
        login: {one["name"] for one in await listed(house, login, "prompts")} for login in ("ann", "bob", "root")
    }
    resources = {login: {one["uri"] for one in await listed(house, login, "resources")} for login in ("ann", "root")}

    assert prompts["ann"] < prompts["bob"] < prompts["root"]
    assert "review_schema_change" in prompts["ann"]
    assert prompts["root"] - prompts["bob"] == {"migrate_registry"}
    assert resources["root"] - resources["ann"] == {"audit://recent"}


async def listed(house: House, login: str, what: str) -> list[dict[str, Any]]:
    return result(await house.ask(house.token(login), f"{what}/list"))[what]


@pytest.mark.parametrize("more", ["", "refusals: tool_error\n"], ids=["http_403", "tool_error"])
async def test_a_body_that_says_something_twice_is_refused(world: Path, settings: Make, more: str):
    body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find_tool","name":"delete_subject",'
    body += '"arguments":{"subject":"s"}}}'
    async with kept_open(world, settings, more) as house, house.http(house.token("root")) as http:
        response = await http.post("/mcp", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32700
    assert "'name' stands there twice" in response.json()["error"]["message"]


async def test_the_tool_refuses_what_the_door_could_not_read(house: House):
    body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_subject",'
    body += '"arguments":{"subject":"s","context":NaN}}}'
    async with house.http(house.token("ann")) as http:
        response = await http.post("/mcp", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400 or result(response)["isError"]


async def test_a_grant_holds_for_its_subjects_and_registries_only(house: House):
    token = house.token("bob")
    done = result(await house.call(token, "register_schema", subject="orders-a", schema_text=ORDER))
    elsewhere = result(
        await house.call(token, "register_schema", subject="orders-a", registry="staging", schema_text=ORDER)
    )
    other = result(await house.call(token, "register_schema", subject="payments", schema_text=ORDER))
    closed = result(
        await house.call(token, "register_schema", subject="orders-a", registry="locked", schema_text=ORDER)
    )

    assert done["structuredContent"]["version"] == 1
    assert [one["structuredContent"]["code"] for one in (elsewhere, other, closed)] == [
        "not_permitted",
        "not_permitted",
        "read_only",
    ]
    assert other["structuredContent"]["details"]["layer"] == "grant"


async def test_the_caller_signs_the_commit_and_the_trail(house: House):
    await house.call(house.token("bob"), "register_schema", subject="orders-a", schema_text=ORDER)

    [commit, *_] = await house.workspace.store.log()
    assert (commit.author.name, commit.author.email) == ("bob", "101+bob@users.noreply.github.example.com")
    assert ("register_schema", "ok", "bob", "") in await house.lines()


async def test_two_callers_at_once_stay_themselves(house: House):
    tokens = {"ann": house.token("ann"), "root": house.token("root")}
    seen: dict[str, set[bool]] = {"ann": set(), "root": set()}

    async def explain(login: str) -> None:
        answer = result(await house.call(tokens[login], "explain_access", tool="delete_subject"))
        seen[login].add(answer["structuredContent"].get("allowed", False))

    await asyncio.gather(*(explain(login) for _ in range(10) for login in tokens))

    assert seen == {"ann": {False}, "root": {True}}


async def test_no_token_leaves_the_server_in_a_reply_or_a_log(house: House, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    token = house.token("root")
    said = [
        (await house.call(token, name)).text
        for name in ("list_registries", "get_registry_info", "no_such_tool", "get_statistics")
    ]

    assert token not in "".join(said) + caplog.text
    assert SECRET not in "".join(said) + caplog.text


async def test_where_the_trail_cannot_be_written_nobody_comes_in(house: House, monkeypatch: pytest.MonkeyPatch):
    async def full(entry: Entry) -> None:
        raise StoreError("The trail cannot be written")

    monkeypatch.setattr(house.workspace.audit, "record", full)
    token = house.token("root")

    assert (await house.call(token, "list_registries")).status_code == 503
    assert (await house.face(token, "GET", "/dev/subjects")).status_code == 503


async def test_what_a_caller_sends_to_us_is_sent_to_no_registry(world: Path, settings: Make):
    heard: list[Any] = []

    async def registry(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            heard.append((scope["headers"], await Request(scope, receive).body()))
            await JSONResponse([])(scope, receive, send)

    async with served(registry) as url:
        text = f'default: prod\nregistries: {{ prod: {{ backend: confluent, url: "{url}", retries: 0 }} }}\n'
        (world / "registries.yaml").write_text(text, encoding="utf-8")
        alone = ACCESS.replace("registries: [dev, locked], ", "")
        async with kept_open(world, settings, text=alone) as house:
            token = house.token("root")
            for name, listing in house.workspace.listings.items():
                arguments = {key: "orders-a" for key in listing.arguments if key in ("subject", "query", "prefix")}
                await house.call(token, name, **arguments)

    assert len(heard) > 10
    assert token not in str(heard)
    assert SECRET not in str(heard)


async def test_a_registry_that_wants_to_know_is_told_who_calls_and_never_by_which_token(world: Path, settings: Make):
    heard: list[dict[bytes, bytes]] = []

    async def registry(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            heard.append(dict(scope["headers"]))
            await JSONResponse([])(scope, receive, send)

    async with served(registry) as url:
        place = f'{{ backend: confluent, url: "{url}", retries: 0, caller_header: X-Schema-Caller }}'
        (world / "registries.yaml").write_text(f"default: prod\nregistries: {{ prod: {place} }}\n", encoding="utf-8")
        alone = ACCESS.replace("registries: [dev, locked], ", "")
        async with kept_open(world, settings, text=alone) as house:
            for login in ("root", "ann"):
                heard.clear()
                await house.call(house.token(login), "list_subjects", registry="prod", prefix=login)
                assert {headers.get(b"x-schema-caller") for headers in heard} == {login.encode()}
                assert house.token(login) not in str(heard)


# --- the registries' own face ----------------------------------------------------------------------------------------


async def test_the_face_asks_for_a_login_in_a_registrys_words(house: House):
    response = await house.face(None, "GET", "/dev/subjects")

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert response.json()["error_code"] == 40101


@pytest.mark.parametrize(
    ("login", "method", "path", "status"),
    [
        pytest.param("ann", "GET", "/dev/subjects", 200, id="reader-lists"),
        pytest.param("ann", "POST", "/dev/subjects/orders-a/versions", 403, id="reader-registers"),
        pytest.param("bob", "POST", "/dev/subjects/orders-a/versions", 200, id="writer-registers"),
        pytest.param("bob", "POST", "/dev/subjects/payments/versions", 403, id="writer-elsewhere"),
        pytest.param("bob", "POST", "/staging/subjects/orders-a/versions", 403, id="writer-in-another-registry"),
        pytest.param("bob", "POST", "/locked/subjects/orders-a/versions", 422, id="writer-where-it-is-closed"),
        pytest.param("bob", "PUT", "/dev/mode/orders-a", 403, id="writer-switches-the-mode"),
        pytest.param("bob", "PUT", "/dev/contexts/.eu/mode", 403, id="by-another-path"),
        pytest.param("bob", "PUT", "/dev/%6Dode/orders-a", 403, id="in-another-spelling"),
        pytest.param("bob", "DELETE", "/dev/subjects/orders-a", 403, id="writer-deletes"),
        pytest.param("root", "PUT", "/dev/mode/orders-a", 200, id="admin-switches-the-mode"),
    ],
)
async def test_scopes_and_grants_hold_at_the_face(house: House, login: str, method: str, path: str, status: int):
    body = {"mode": "READONLY"} if method == "PUT" else {"schema": ORDER}

    response = await house.face(house.token(login), method, path, body)

    assert response.status_code == status, response.text


async def narrow(house: House, reach: Reach, scope: Scope = Scope.READ) -> str:
    with closing(Tokens(house.workspace.state / TOKENS)) as tokens:
        _, secret = tokens.make("narrow", Grant(scope, reach), "test", None)
    root = house.token("root")
    for path, text in (("orders-a", ORDER), ("payments", '"string"'), (":.eu:orders-b", ORDER)):
        await house.face(root, "POST", f"/dev/subjects/{path}/versions", {"schema": text})
    return secret


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/dev/subjects/orders-a/versions/1", 200, id="its-subject"),
        pytest.param("/dev/subjects/payments/versions/1", 403, id="another-subject"),
        pytest.param("/dev/subjects/:.eu:orders-b/versions/1", 200, id="its-subject-in-another-context"),
        pytest.param("/dev/subjects", 403, id="all-subjects"),
        pytest.param("/dev/schemas", 403, id="all-schemas"),
        pytest.param("/dev/schemas/ids/1", 200, id="an-id-found-in-its-subject"),
        pytest.param("/dev/schemas/ids/1/schema", 200, id="a-text-found-in-its-subject"),
        pytest.param("/dev/schemas/ids/1?subject=orders-a", 200, id="an-id-beside-its-subject"),
        pytest.param("/dev/schemas/ids/2", 403, id="an-id-found-in-another"),
        pytest.param("/dev/schemas/ids/2?subject=orders-a", 403, id="another-id-beside-its-subject"),
        pytest.param("/dev/schemas/ids/2?subject=:.:orders-a", 403, id="another-id-spelled-out"),
        pytest.param("/dev/schemas/ids/7", 403, id="an-id-of-nobody"),
        pytest.param("/dev/schemas/ids/1/subjects", 403, id="who-else-has-an-id"),
        pytest.param("/dev/schemas/ids/1/versions", 403, id="where-else-an-id-is"),
        pytest.param("/dev/schemas/guids/00000000-0000-0000-0000-000000000000", 403, id="a-guid"),
        pytest.param("/dev/contexts", 403, id="contexts"),
        pytest.param("/dev/config", 200, id="settings-of-the-whole"),
        pytest.param("/dev/schemas/types", 200, id="types"),
        pytest.param("/staging/schemas/types", 403, id="another-registry"),
        pytest.param("/staging/config", 403, id="settings-of-another-registry"),
    ],
)
async def test_a_narrow_token_reads_its_subjects_only(house: House, path: str, status: int):
    token = await narrow(house, Reach(frozenset({"dev"}), subjects=("orders-*",)))

    assert (await house.face(token, "GET", path)).status_code == status


@pytest.mark.parametrize(
    "path", ["orders-alias/versions/latest", "orders-alias/versions", "orders-alias/versions/1/schema"]
)
async def test_an_alias_leads_past_no_grant_at_the_face(house: House, path: str):
    token = await narrow(house, Reach(subjects=("orders-*",)), Scope.WRITE)
    made = await house.face(token, "PUT", "/dev/config/orders-alias", {"alias": "payments"})

    assert made.status_code == 200
    assert (await house.face(token, "GET", f"/dev/subjects/{path}")).status_code == 403
    written = await house.face(token, "POST", "/dev/subjects/orders-alias/versions", {"schema": ORDER})
    assert written.status_code == 403


async def test_a_bare_name_leads_into_no_other_context(house: House):
    token = await narrow(house, Reach(contexts=frozenset({"."})))

    assert (await house.face(token, "GET", "/dev/subjects/orders-b/versions/1")).status_code == 403
    assert (await house.face(token, "GET", "/dev/subjects/:.:orders-b/versions/1")).status_code == 403
    assert (await house.face(token, "GET", "/dev/schemas/ids/1?subject=orders-b")).status_code == 403
    assert (await house.face(token, "GET", "/dev/subjects/orders-a/versions/1")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/dev/schemas/ids/1?subject=:.eu:", 200, id="an-id-of-its-context"),
        pytest.param("/dev/contexts/.eu/schemas/ids/1", 200, id="an-id-of-its-context-by-path"),
        pytest.param("/dev/schemas/ids/1", 403, id="an-id-of-the-default-context"),
        pytest.param("/dev/subjects/:.eu:orders-b/versions/1", 200, id="its-subject"),
        pytest.param("/dev/subjects/orders-a/versions/1", 403, id="the-default-context"),
        pytest.param("/dev/contexts/.eu/config?defaultToGlobal=true", 200, id="its-settings"),
        pytest.param("/dev/config", 403, id="settings-of-the-default-context"),
    ],
)
async def test_a_token_for_a_context_reads_that(house: House, path: str, status: int):
    token = await narrow(house, Reach(contexts=frozenset({".eu"})))

    response = await house.face(token, "GET", path)

    assert response.status_code == status, response.text


# --- which addresses need it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [PUBLIC, "https://evil.example.com"])
async def test_our_own_origin_and_host_are_known(house: House, origin: str):
    async with house.http(house.token("ann"), Host="schemas.example.com", Origin=origin) as http:
        response = await http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})

    assert response.status_code == (200 if origin == PUBLIC else 403)


def test_an_open_address_without_a_way_to_sign_in_does_not_start(settings: Make):
    with pytest.raises(ConfigurationError, match="who calls"):
        serve(settings(http=True, host="192.0.2.1"))


def test_an_address_for_everybody_needs_a_name(settings: Make):
    with closing(Tokens(settings().state / TOKENS)) as tokens:
        tokens.make("ci", Grant(Scope.READ), "test", None)

    with pytest.raises(ConfigurationError, match="by which name"):
        serve(settings(http=True, host="0.0.0.0"))
