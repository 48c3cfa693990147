"""Who signed in may ask so often: the tools, resources and registries' own face refuse what is too much, and say so."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from interfaces.house import House, Make, kept_open, result
from schema_mcp.identity.strangers import GUESSES


async def code(house: House, token: str, tool: str = "list_registries") -> str:
    response = await house.call(token, tool)
    return "403" if response.status_code == 403 else result(response)["structuredContent"].get("code", "")


async def test_a_call_too_many_is_the_tools_error_with_what_to_do(world: Path, settings: Make):
    async with kept_open(world, settings, rate_limit=2) as house:
        ann, bob = house.token("ann"), house.token("bob")
        codes = [await code(house, ann) for _ in range(3)]
        refused = result(await house.call(ann, "list_registries"))
        others = await code(house, bob)
        lines = await house.lines()
        figures = await _figures(house)

    assert codes == ["", "", "rate_limited"]
    assert refused["isError"]
    assert refused["structuredContent"]["details"]["retry_after"] == 30
    assert "Wait 30 s" in refused["structuredContent"]["hint"]
    assert others == ""
    assert ("list_registries", "refused", "ann", "rate_limited") in lines
    assert 'schema_refusals_total{code="rate_limited"} 2.0' in figures


async def test_the_registrys_face_says_429_and_when_to_come_again(world: Path, settings: Make):
    async with kept_open(world, settings, rate_limit=2) as house:
        token = house.token("root")
        answers = [await house.face(token, "GET", "/dev/subjects") for _ in range(3)]
        of_tools = await code(house, token)
        lines = await house.lines()

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[-1].json()["error_code"] == 42901
    assert int(answers[-1].headers["retry-after"]) == 30
    assert of_tools == "rate_limited"
    assert ("GET /subjects", "refused", "root", "rate_limited") in lines


async def test_a_write_too_many_is_not_made(world: Path, settings: Make):
    async with kept_open(world, settings, rate_limit=1) as house:
        token = house.token("root")
        await house.face(token, "GET", "/dev/subjects")
        refused = await house.face(token, "POST", "/dev/subjects/s/versions", {"schema": '"string"'})
        held = await house.workspace.registry("dev").subjects()

    assert (refused.status_code, held) == (429, [])


async def test_calls_that_lack_a_scope_count_too(world: Path, settings: Make):
    async with kept_open(world, settings, rate_limit=2) as house:
        token = house.token("ann")
        codes = [await code(house, token, "delete_subject") for _ in range(3)]

    assert codes == ["403", "403", "rate_limited"]


async def test_a_resource_read_counts_as_a_call(world: Path, settings: Make):
    async with kept_open(world, settings, rate_limit=1) as house:
        token = house.token("root")
        await code(house, token)
        response = await house.ask(token, "resources/read", uri="registry://dev")

    assert "rate_limited" in response.text


@pytest.mark.parametrize(
    ("method", "params"),
    [
        pytest.param("tools/list", {}, id="tools"),
        pytest.param("resources/list", {}, id="resources"),
        pytest.param("resources/templates/list", {}, id="templates"),
        pytest.param("prompts/list", {}, id="prompts"),
        pytest.param("prompts/get", {"name": "mend_drift", "arguments": {"registry": "dev"}}, id="prompt"),
    ],
)
async def test_lists_and_prompts_count_as_calls(world: Path, settings: Make, method: str, params: dict[str, Any]):
    async with kept_open(world, settings, rate_limit=2) as house:
        token = house.token("root")
        answers = [await house.ask(token, method, **params) for _ in range(3)]
        lines = await house.lines()

    assert ['"code":"rate_limited"' in one.text for one in answers] == [False, False, True]
    assert (method, "refused", "root", "rate_limited") in lines


@pytest.mark.parametrize("form", ["mcp", "face"])
async def test_guesses_at_tokens_are_answered_429_after_a_while(world: Path, settings: Make, form: str):
    async with kept_open(world, settings) as house:
        root = house.token("root")
        known = await house.call(root, "list_registries")

        async def guess(turn: int) -> httpx2.Response:
            token = f"gho_guess{turn}"
            return await (house.call(token, "x") if form == "mcp" else house.face(token, "GET", "/dev/subjects"))

        statuses = [(await guess(turn)).status_code for turn in range(GUESSES)]
        too_many = await guess(GUESSES)
        await guess(GUESSES + 1)
        still = await house.call(root, "list_registries")
        lines = await house.lines()

    assert set(statuses) == {401}
    assert (too_many.status_code, too_many.headers["retry-after"]) == (429, str(60 // GUESSES))
    assert (known.status_code, still.status_code) == (200, 200)
    assert lines.count(("sign_in", "refused", "", "unknown_caller")) == GUESSES
    assert lines.count(("sign_in", "refused", "", "rate_limited")) == 1


async def test_guesses_at_codes_are_answered_429_after_a_while(world: Path, settings: Make):
    async with kept_open(world, settings, "sign_in: {}\n") as house, house.http() as http:
        form = {"grant_type": "authorization_code", "code": "guess", "client_id": "x"}
        statuses = [(await http.post("/token", data=form)).status_code for _ in range(GUESSES + 1)]
        shown = await http.get("/.well-known/oauth-authorization-server")

    assert statuses[-1] == 429
    assert set(statuses[:-1]) <= {400, 401}
    assert shown.status_code == 200


async def _figures(house: House) -> str:
    async with house.http() as http:
        return (await http.get("/metrics")).text
