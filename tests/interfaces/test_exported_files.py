"""A file that an export wrote, read as a resource: by its owner and by admins, byte by byte, over stdio and HTTP."""

import hashlib
import json
from base64 import b64decode
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from interfaces.house import House, Make, kept_open, result
from interfaces.processes import serving
from schema_mcp.domain.schema import Schema, Subject

ORDER = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'


@pytest.fixture
async def house(world: Path, settings: Make) -> AsyncGenerator[House]:
    async with kept_open(world, settings) as opened:
        await opened.workspace.registry("dev").register(Subject("orders-value"), Schema(ORDER))
        yield opened


async def exported(house: House, token: str, **more: Any) -> dict[str, Any]:
    return result(await house.call(token, "export_schemas", format="zip", **more))["structuredContent"]


async def read(house: House, token: str, address: str) -> dict[str, Any]:
    """The answer to a read: the last event of a stream."""
    answer = await house.ask(token, "resources/read", uri=address)
    return json.loads(answer.text.rpartition("data: ")[2])


async def test_over_http_its_owner_and_admins_read_it_and_nobody_else(house: House):
    ann, bob, root = (house.token(login) for login in ("ann", "bob", "root"))
    told = await exported(house, ann)

    for token in (ann, root):
        [content] = (await read(house, token, told["link"]))["result"]["contents"]
        data = b64decode(content["blob"])
        assert (len(data), hashlib.sha256(data).hexdigest()) == (told["bytes"], told["sha256"])
        assert content["mimeType"] == "application/zip"
        about = {"name": told["name"], "parts": 1, "bytes": told["bytes"], "sha256": told["sha256"]}
        assert content["_meta"] == {f"schema-mcp/{name}": value for name, value in about.items()}
    refused = (await read(house, bob, told["link"]))["error"]

    assert refused["data"]["code"] == "not_permitted"
    assert "needs the scope 'admin'" in refused["message"]


async def test_over_http_a_long_one_is_a_task_whose_file_is_read_when_it_is_done(house: House):
    ann = house.token("ann")
    told = await exported(house, ann, wait=0)
    seen = result(await house.call(ann, "get_task", task=told["task"]))["structuredContent"]
    while seen["status"] == "running":
        seen = result(await house.call(ann, "get_task", task=told["task"]))["structuredContent"]

    [content] = (await read(house, ann, f"export://{told['task']}/1"))["result"]["contents"]

    assert "file" not in told
    assert hashlib.sha256(b64decode(content["blob"])).hexdigest() in seen["notes"][0]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        pytest.param("export://{task}/2", "not_found", id="no such part"),
        pytest.param("export://{task}/latest", "invalid_request", id="no number"),
        pytest.param("export://{task}/..%2F..%2Fregistries.yaml", "invalid_request", id="a path"),
        pytest.param("export://nobody/1", "not_found", id="no such task"),
        pytest.param("export://{task}", "not_found", id="no part"),
    ],
)
async def test_what_is_no_part_of_a_file_is_refused(house: House, address: str, code: str):
    ann = house.token("ann")
    told = await exported(house, ann)

    refused = (await read(house, ann, address.format(task=told["task"])))["error"]

    assert refused["data"]["code"] == code
    assert refused["data"]["hint"]


def test_over_stdio_a_text_too_long_for_a_reply_is_read_by_its_link(world: Path, environ: dict[str, str]):
    fields = ",".join(f'{{"name":"f{number}","type":"string","default":""}}' for number in range(400))
    with serving(world, environ, "--toolsets", "all") as server:
        server.initialize()
        text = f'{{"type":"record","name":"Wide","fields":[{fields}]}}'
        server.call("register_schema", subject="wide", schema_text=text, stop_after="commit")
        told = server.call("export_schemas", format="jsonl", source="store")["structuredContent"]
        [content] = server.ask("resources/read", {"uri": told["link"]})["result"]["contents"]

    data = b64decode(content["blob"])
    assert data.decode().startswith(told["text"])
    assert hashlib.sha256(data).hexdigest() == told["sha256"]


async def test_where_exporting_is_excluded_no_export_is_read(world: Path, settings: Callable[..., Any]):
    def without(**options: Any) -> Any:
        return settings(**options, exclude_tools="export_schemas")

    async with kept_open(world, without) as house:
        refused = (await read(house, house.token("root"), "export://anything/1"))["error"]

    assert refused["data"]["code"] == "not_permitted"
    assert "switched off" in refused["message"]
