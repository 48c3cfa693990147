"""Everything over HTTP, from a real process: MCP in both eras, the registries' own face, and who is turned away."""

import json
import re
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client

from interfaces.conftest import ORDER, REGISTRIES
from interfaces.processes import META, PATIENCE, Process, serving
from schema_mcp import app
from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.interfaces.mcp import handlers
from schema_mcp.interfaces.mcp.server import build_server
from schema_mcp.serving import serve
from schema_mcp.settings import Settings, load

ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "list_registries"}
CALL = {"name": "list_registries", "arguments": dict[str, Any]()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Process]:
    folder = tmp_path_factory.mktemp("http")
    (folder / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    with serving(folder, environ, "--http", "--port", "0") as process:
        yield process


@pytest.fixture(scope="module")
def url(server: Process) -> str:
    assert server.process.stderr
    said = server.process.stderr.readline()
    found = re.search(r"http://[^/]+", said)
    assert found, said
    return found[0]


@pytest.fixture
def http(url: str) -> Generator[httpx2.Client]:
    with httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        yield client


def asked(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def result(response: httpx2.Response) -> dict[str, Any]:
    """The result in an answer, plain or as the last event of a stream."""
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith(("data: ", "{"))]
    return json.loads(lines[-1])["result"]


@pytest.mark.parametrize("era", ["legacy", "auto"], ids=["handshake", "modern"])
async def test_tools_are_listed_and_called(url: str, era: str):
    async with Client(f"{url}/mcp", mode=era) as client:
        names = {one.name for one in (await client.list_tools()).tools}
        called = await client.call_tool("list_registries", {})

    assert {"list_registries", "find_tool"} <= names
    assert not called.is_error


def test_a_handshake_call_needs_no_session(http: httpx2.Client):
    response = http.post("/mcp", json=asked("tools/call", **CALL), headers=ACCEPT)

    assert response.status_code == 200
    assert "mcp-session-id" not in response.headers
    assert result(response)["structuredContent"]["registries"]


def test_a_modern_call_is_answered_with_plain_json(http: httpx2.Client):
    response = http.post("/mcp", json=asked("tools/call", **CALL, _meta=META), headers=ACCEPT | MODERN)

    assert response.headers["content-type"] == "application/json"
    assert result(response)["resultType"] == "complete"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_only_post_reaches_mcp(http: httpx2.Client, method: str, path: str):
    response = http.request(method, path, headers=ACCEPT)

    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/mcp", "/health", "/ready", "/registries/dev/subjects", "/nowhere"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Host": "evil.example.com"}, 421, id="host"),
        pytest.param({"Host": "127.0.0.1.evil.example.com"}, 421, id="host-with-our-name-in-it"),
        pytest.param({"Host": ""}, 421, id="no-host"),
        pytest.param({"Origin": "http://evil.example.com"}, 403, id="origin"),
        pytest.param({"Origin": "null"}, 403, id="sandboxed-origin"),
        pytest.param({"Origin": "http://localhost.evil.example.com:80"}, 403, id="origin-with-our-name-in-it"),
    ],
)
def test_another_host_or_origin_is_turned_away_everywhere(
    http: httpx2.Client, path: str, headers: dict[str, str], status: int
):
    assert http.get(path, headers=headers).status_code == status
    assert http.post(path, headers=ACCEPT | headers, json=asked("tools/list")).status_code == status


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "localhost:99"])
def test_loopback_is_known_by_its_names(http: httpx2.Client, host: str):
    headers = {"Host": host, "Origin": f"http://{host}"}

    assert http.get("/health", headers=headers).status_code == 200
    assert http.post("/mcp", json=asked("tools/list"), headers=ACCEPT | headers).status_code == 200


def test_it_says_that_it_is_well(http: httpx2.Client):
    while (ready := http.get("/ready")).status_code == 503:  # what a crash may have left is looked for first
        time.sleep(0.05)
    health = http.get("/health").json()

    assert ready.json() == {"status": "ok"}
    assert (health["status"], list(health["registries"])) == ("ok", ["dev", "staging", "locked"])


def test_a_body_beyond_the_bound_is_refused(http: httpx2.Client):
    response = http.post("/mcp", content=b"x" * (7 * 1024 * 1024), headers=ACCEPT)

    assert response.status_code == 413


def test_a_registry_shows_its_own_face(http: httpx2.Client):
    made = http.post("/registries/dev/subjects/a%2Fb/versions", json={"schema": ORDER})
    read = http.get("/registries/dev/subjects/a%2Fb/versions/latest").json()

    assert made.status_code == 200
    assert (read["subject"], read["id"]) == ("a/b", made.json()["id"])


def test_a_closed_registry_is_closed_from_this_side_too(http: httpx2.Client):
    refused = http.post("/registries/locked/subjects/s/versions", json={"schema": ORDER})

    assert (refused.status_code, refused.json()["error_code"]) == (422, 42205)
    assert "readonly" in refused.json()["message"]
    assert http.get("/registries/locked/subjects").json() == []


def test_what_the_face_registers_the_tools_see(http: httpx2.Client):
    http.post("/registries/dev/subjects/seen/versions", json={"schema": ORDER})

    called = http.post("/mcp", json=asked("tools/call", name="list_subjects", arguments={}), headers=ACCEPT)

    assert "seen" in result(called)["structuredContent"]["subjects"]


def test_no_connection_is_kept_hanging_at_the_end(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
    with serving(tmp_path, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, "--http", "--port", "0") as server:
        assert server.process.stderr
        server.process.stderr.readline()
        code = server.stop()

        assert (code, server.complaints()) == (0, "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "sr.example.com", ""])
def test_an_address_that_strangers_reach_is_refused(settings: Callable[..., Settings], host: str):
    told = settings(http=True, host=host or "example.com")

    with pytest.raises(ConfigurationError, match="who calls"):
        serve(told)


def test_a_taken_port_is_named(settings: Callable[..., Settings], url: str):
    with pytest.raises(ConfigurationError, match="cannot be listened on"):
        serve(settings(http=True, port=url.rpartition(":")[2]))


async def test_a_stream_over_http_tells_of_what_another_client_changed(url: str):
    address = "schema://dev/default/streamed/latest"
    async with Client(f"{url}/mcp") as writer, Client(f"{url}/mcp") as reader:
        await writer.call_tool("register_schema", {"subject": "streamed", "schema_text": ORDER})
        async with reader.listen(resource_subscriptions=[address, "audit://nothing"]) as stream:
            assert stream.honored.resource_subscriptions == [address]
            wider = ORDER.replace("]}", ',{"name":"note","type":"string","default":""}]}')
            written = await writer.call_tool("register_schema", {"subject": "streamed", "schema_text": wider})
            assert not written.is_error, written.content
            with anyio.fail_after(PATIENCE):
                event = await anext(stream)
        [content] = (await reader.read_resource(address)).contents

    assert event.uri == address
    assert content.text == wider


async def test_a_stream_ends_after_a_while_so_that_a_token_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(handlers, "STREAM_SECONDS", 0.2)
    told = load({}, environ={"HOME": str(tmp_path)}, folder=tmp_path)
    over_http = build_server(lambda: app.workspace(told), via="http")
    with anyio.fail_after(PATIENCE):
        async with Client(over_http) as client, client.listen(resource_subscriptions=["registry://status"]) as stream:
            assert [event async for event in stream] == []


def test_a_server_stops_though_somebody_listens(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
    with serving(tmp_path, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, "--http", "--port", "0") as process:
        assert process.process.stderr
        found = re.search(r"http://[^/]+", process.process.stderr.readline())
        assert found
        wanted = {"notifications": {"resourceSubscriptions": ["registry://dev"]}, "_meta": META}
        headers = ACCEPT | MODERN | {"Mcp-Method": "subscriptions/listen"}
        del headers["Mcp-Name"]
        body = asked("subscriptions/listen", **wanted)
        with (
            httpx2.Client(base_url=found[0], timeout=PATIENCE) as client,
            client.stream("POST", "/mcp", json=body, headers=headers) as stream,
        ):
            assert stream.status_code == 200
            assert "acknowledged" in next(stream.iter_text())

            assert process.stop() == 0
