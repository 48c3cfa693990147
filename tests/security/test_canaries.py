"""No secret of the configuration turns up in a reply, a log, the audit trail or any other file, whatever is asked."""

import logging
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pygit2
import pytest

from fakes.github import SECRET
from interfaces.house import ACCESS
from interfaces.house import kept_open as house_of
from schema_mcp.domain.errors import InvalidRequestError, SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.interfaces.mcp.replies import refusal, success
from schema_mcp.logs import JsonLines
from schema_mcp.settings import Settings, load
from schema_mcp.toolkit.tool import Tool
from schema_mcp.tools import CATALOGUE
from services.conftest import kept_open
from services.world import ORDERS, V1, World
from tools.test_reads_write_nothing import asked

CANARIES = ("canary-password-0815", "canary-token-0815", "canary-secret-0815", "canary-header-0815")
AWAY = 'url: "http://127.0.0.1:9", retries: 0, timeouts: { connect: 1, total: 2 }'
CONFIGURATION = f"""\
default: basic
registries:
  basic: {{ backend: confluent, {AWAY}, auth: {{ type: basic, username: u, password: {CANARIES[0]} }} }}
  bearer:
    backend: confluent
    url: "http://127.0.0.1:9"
    retries: 0
    auth: {{ type: bearer, token: {CANARIES[1]}, headers: {{ X-Key: {CANARIES[3]} }} }}
  oauth:
    backend: confluent
    url: "http://127.0.0.1:9"
    retries: 0
    auth: {{ type: oauth, token_url: "http://127.0.0.1:9/t", client_id: c, client_secret: {CANARIES[2]} }}
  near: {{}}
"""
ROUNDS = 6
AIMED = ("basic", "bearer", "oauth", "near")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with kept_open(tmp_path, CONFIGURATION) as opened:
        yield opened


def leaking_objects(folder: Path) -> list[str]:
    """What a store's repository keeps is compressed: files, trees and commits with their messages are looked into."""
    repository = pygit2.Repository(str(folder))
    objects = [repository[one] for one in repository]
    assert {one.type_str for one in objects} == {"blob", "tree", "commit"}
    return [f"{one.type_str} {one.id}" for one in objects if leaks(one.read_raw())]


def leaking_files(folder: Path) -> list[str]:
    written = [path for path in folder.rglob("*") if path.is_file() and path.name != "registries.yaml"]
    assert written
    return [path.name for path in written if leaks(path.read_bytes())]


def leaks(text: str | bytes) -> list[str]:
    found = text if isinstance(text, bytes) else text.encode()
    return [one for one in CANARIES if one.encode() in found]


@pytest.mark.parametrize("tool", CATALOGUE.values(), ids=lambda tool: tool.name)
async def test_no_tool_tells_a_secret(
    tool: Tool[Any, Any], world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    await world.register(V1, registry="near")

    for turn in range(ROUNDS):
        name = AIMED[turn % len(AIMED)]
        known = {"registry": name, "registries": [name], "source": "near", "target": name}
        arguments = asked(tool.request, turn)
        arguments |= {field: value for field, value in known.items() if field in tool.request.model_fields}
        try:
            reply = success(tool, await world.read(tool.name, arguments))
        except SchemaMcpError as error:
            reply = refusal(error)
        assert leaks(str(reply)) == []
        assert str(tmp_path) not in str(reply)

    assert leaks(caplog.text) == []
    assert leaking_files(tmp_path) == []
    assert leaking_objects(world.store.repository.path) == []


PASTED = V1.replace('"type": "record"', f'"type": "record", "doc": "{CANARIES[0]}"', 1)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        pytest.param("register_schema", {"subject": "pasted", "schema_text": PASTED}, id="in-a-text"),
        pytest.param("store_schema", {"subject": "pasted", "schema_text": PASTED}, id="in-a-text-for-the-store"),
        pytest.param(
            "register_schema", {"subject": "s", "schema_text": V1, "reason": f"try {CANARIES[2]}"}, id="in-a-reason"
        ),
    ],
)
async def test_a_secret_of_ours_that_was_pasted_goes_nowhere(
    tool: str, arguments: dict[str, Any], world: World, tmp_path: Path
):
    await world.register(V1, registry="near")

    with pytest.raises(InvalidRequestError, match="password or token of this server") as refused:
        await world.read(tool, {"registry": "near", **arguments} if tool == "register_schema" else arguments)

    assert leaks(f"{refused.value} {refused.value.hint} {refused.value.details}") == []
    assert await world.registry("near").subjects() == [ORDERS]
    assert leaking_files(tmp_path) == []
    assert leaking_objects(world.store.repository.path) == []


async def test_a_secret_of_ours_in_a_registry_does_not_get_into_the_store(world: World):
    await world.register(V1, registry="near")
    await world.registry("near").register(Subject("pasted"), Schema(PASTED))

    seen: Any = await world.read("adopt_registry", {"registry": "near"})
    with pytest.raises(SchemaMcpError, match="password or token of this server"):
        await world.read("adopt_registry", {"registry": "near", "plan": seen.plan, "wait": 60})

    assert leaking_objects(world.store.repository.path) == []


SHOWN = ("/metrics", "/health", "/ready", "/.well-known/oauth-protected-resource", "/registries/near/subjects")
READABLE = ("registry://status", "registry://basic", "drift://bearer", "audit://recent", "schema://oauth/default/s/1")


async def test_no_page_and_no_resource_tells_a_secret(tmp_path: Path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "registries.yaml").write_text(CONFIGURATION, encoding="utf-8")

    def settings(**options: Any) -> Settings:
        return load(options, environ={"HOME": str(folder)}, folder=folder)

    async with house_of(folder, settings, text=ACCESS.replace("registries: [dev, locked], ", "")) as house:
        token = house.token("root")
        async with house.http(token) as http:
            told = [await http.get(path) for path in SHOWN]
        told += [await house.ask(token, "resources/read", uri=one) for one in READABLE]
        told += [await house.ask(token, "resources/list"), await house.ask(token, "prompts/list")]

    said = "".join(f"{one.headers} {one.text}" for one in told)
    assert len(said) > 5_000
    assert leaks(said) == []
    assert [one for one in (token, SECRET, str(folder)) if one in said] == []


def test_what_a_log_would_tell_is_masked(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(CONFIGURATION, encoding="utf-8")
    settings = load({}, environ={"HOME": str(tmp_path)}, folder=tmp_path)
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, " ".join(CANARIES), (), None)

    assert leaks(JsonLines(settings.secrets).format(record)) == []
