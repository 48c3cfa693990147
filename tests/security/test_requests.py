"""What a request carries beside its token and its arguments opens nothing: no header, no state, no answer."""

import ast
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext

import schema_mcp
from interfaces.conftest import ORDER, environ, settings, world  # noqa: F401 - the fixtures
from interfaces.house import House, Make, kept_open, result
from interfaces.processes import META
from schema_mcp import app
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.tools import CATALOGUE

SOURCE = Path(schema_mcp.__file__).parent

# --- headers ---------------------------------------------------------------------------------------------------------

READ_HERE = {"authorization", "host", "origin", "content-type", "accept"}
"""Who calls, through which door, and what the body is; none of them says how much a caller may do."""

NARROWS = {"header"}  # of a list: who comes through a proxy sees fewer details of `/health`

CLAIMS = {
    "scopes": {"X-Scopes": "admin", "X-OAuth-Scopes": "admin:org", "X-Schema-Mcp-Scopes": "read write admin"},
    "surface": {"X-MCP-Toolsets": "all", "X-MCP-Tools": "register_schema", "X-MCP-Readonly": "false"},
    "somebody else": {"X-Forwarded-User": "root", "X-Remote-User": "root", "X-Forwarded-Email": "root@example.com"},
    "another method": {"X-HTTP-Method-Override": "GET", "X-Original-URL": "/registries/dev/subjects"},
    "from inside": {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Real-IP": "127.0.0.1"},
}


@pytest.fixture
async def house(world: Path, settings: Make) -> AsyncGenerator[House]:  # noqa: F811
    async with kept_open(world, settings, "refusals: tool_error\n") as opened:
        yield opened


def headers_read(tree: ast.AST) -> Iterator[str]:
    """Every name under which a file looks a header up."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(there, "get" | "getlist"), [name, *_]) if (
                "headers" in ast.unparse(there).lower()
            ):
                yield _said(name)
            case ast.Subscript(there, name, ast.Load()) if ast.unparse(there).lower().endswith("headers"):
                yield _said(name)
            case ast.Compare(name, [ast.In()], [there]) if ast.unparse(there).lower().endswith("headers"):
                yield _said(name)
            case _:
                pass


def _said(name: ast.expr) -> str:
    return str(name.value) if isinstance(name, ast.Constant) else ast.unparse(name)


def test_only_these_headers_of_a_request_are_read():
    files = [*(SOURCE / "interfaces").rglob("*.py"), *(SOURCE / "toolkit").rglob("*.py"), SOURCE / "serving.py"]
    found = {name for file in files for name in headers_read(ast.parse(file.read_text(encoding="utf-8")))}

    assert found <= READ_HERE | NARROWS
    assert {"authorization", "host", "origin"} <= found


@pytest.mark.parametrize("claimed", CLAIMS.values(), ids=CLAIMS)
async def test_a_header_widens_nothing(house: House, claimed: dict[str, str]):
    token = house.token("ann")
    wanted = {"name": "register_schema", "arguments": {"subject": "orders-a", "schema_text": ORDER}}
    async with house.http(token) as plain, house.http(token, **claimed) as bold:
        listed = [await one.post("/mcp", json=asked("tools/list")) for one in (plain, bold)]
        refused = await bold.post("/mcp", json=asked("tools/call", **wanted))
        over_rest = await bold.post("/registries/dev/subjects/orders-a/versions", json={"schema": ORDER})

    assert result(listed[0]) == result(listed[1])
    assert result(refused)["structuredContent"]["details"]["layer"] == "scope"
    assert over_rest.status_code == 403
    assert await house.workspace.registry("dev").subjects() == []


def asked(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


# --- state and answers that a client brings --------------------------------------------------------------------------

FORGED = {
    "state": {"requestState": json.dumps({"scopes": ["admin"], "caller": "root", "approved": True})},
    "answer": {"inputResponses": {"confirm": {"action": "accept", "content": {"approved": True, "scopes": "admin"}}}},
    "both": {"requestState": "AAAA", "inputResponses": {"0": {"action": "accept", "content": {"confirm": True}}}},
}


ERAS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "handshake": ({}, {}),
    "modern": (
        {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "delete_subject"},
        {"_meta": META},
    ),
}


@pytest.mark.parametrize("login", ["ann", "root"])
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize(("headers", "meta"), ERAS.values(), ids=ERAS)
async def test_state_that_a_client_brings_changes_nothing(
    house: House, headers: dict[str, str], meta: dict[str, Any], forged: dict[str, Any], login: str
):
    subject = Subject("orders-a")
    await house.workspace.registry("dev").register(subject, Schema(ORDER))
    call = {"name": "delete_subject", "arguments": {"subject": "orders-a"}, **meta}
    async with house.http(house.token(login), **headers) as http:
        plain, bold = [await http.post("/mcp", json=asked("tools/call", **call, **more)) for more in ({}, forged)]

    assert result(bold) == result(plain)
    assert result(plain).get("isError", False) is (login == "ann")
    assert await house.workspace.registry("dev").numbers(subject) == [1]


def test_no_reply_asks_for_input_or_hands_out_state():
    names = {name for tool in CATALOGUE.values() for name in tool.result.model_fields}

    assert names.isdisjoint({"request_state", "input_requests", "requestState", "inputRequests"})
    assert [file.name for file in SOURCE.rglob("*.py") if "request_state" in file.read_text(encoding="utf-8")] == []


# --- questions to the client -----------------------------------------------------------------------------------------


def test_nothing_here_asks_a_client_back():
    words = ("elicit", "create_message", "input_required", "InputRequired", "input_responses")
    found = {file.name: word for file in SOURCE.rglob("*.py") for word in words if word in file.read_text("utf-8")}

    assert found == {}


@pytest.mark.parametrize("era", ["legacy", "auto"], ids=["handshake", "modern"])
async def test_who_says_yes_to_everything_approves_nothing(world: Path, settings: Make, era: str):  # noqa: F811
    sealed = "default: dev\nregistries: { dev: { path: dev.sqlite, approvals: all } }\n"
    (world / "registries.yaml").write_text(sealed, encoding="utf-8")
    questions: list[types.ElicitRequestParams] = []

    async def yes(_: ClientRequestContext, question: types.ElicitRequestParams) -> types.ElicitResult:
        questions.append(question)
        return types.ElicitResult(action="accept", content={"approved": True})

    async with app.workspace(settings(toolsets="all")) as workspace:
        dev = workspace.registry("dev")
        await dev.register(Subject("orders-a"), Schema(ORDER))
        await dev.delete_subject(Subject("orders-a"))
        async with Client(build_server(lambda: nullcontext(workspace)), mode=era, elicitation_callback=yes) as client:
            wanted = {"subject": "orders-a", "permanent": True}
            preview = (await client.call_tool("delete_subject", wanted)).structured_content
            assert preview
            refused = await client.call_tool("delete_subject", {**wanted, "plan": preview["plan"]})
            mode = await client.call_tool("update_mode", {"subject": "orders-a", "mode": "IMPORT", "force": True})
        held = await dev.numbers(Subject("orders-a"), deleted=True)

    assert questions == []
    for answer in (refused, mode):
        assert answer.structured_content
        assert answer.structured_content["details"]["layer"] == "approval"
    assert held == [1]
