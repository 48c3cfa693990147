"""A registry that is closed hears no write, whatever tool is called with whatever arguments, by whomever."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from schema_mcp import app
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries.contract import Connection, Registry
from schema_mcp.registries.plugins import open_registry
from schema_mcp.toolkit.tool import Tool
from schema_mcp.tools import CATALOGUE
from services.conftest import kept_open
from services.world import ORDERS, V1, V2, World, embedded
from tools.test_reads_write_nothing import asked

WRITES = frozenset(
    {"register", "delete_version", "delete_subject", "delete_context", "set_config", "delete_config"}
    | {"set_mode", "delete_mode"}
)
ROUNDS = 16
CLOSED = {"registry": "shut", "registries": ["shut"], "target": "shut"}


class Counting:
    """A backend that counts what reaches it, below every guard."""

    def __init__(self, inner: Registry, heard: list[tuple[str, str]]) -> None:
        self._inner = inner
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            self._heard.append((self._inner.name, name))
        return getattr(self._inner, name)


@pytest.fixture
async def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[tuple[World, list[tuple[str, str]]]]:
    heard: list[tuple[str, str]] = []

    def counting(connection: Connection) -> Any:
        return Counting(open_registry(connection), heard)

    async with kept_open(tmp_path, embedded("dev", "shut")) as opened:  # something to lose
        for name in ("dev", "shut"):
            await opened.registry(name).register(ORDERS, Schema(V1))
            await opened.registry(name).register(Subject("gone"), Schema(V1))
            await opened.registry(name).delete_subject(Subject("gone"))
    monkeypatch.setattr(app, "open_registry", counting)
    async with kept_open(tmp_path, embedded("dev", "shut", shut="readonly: true")) as opened:
        yield opened, heard


async def called(world: World, tool: Tool[Any, Any], arguments: dict[str, Any]) -> str | None:
    """The digest that a preview gave, if any."""
    try:
        told = await world.read(tool.name, arguments)
    except SchemaMcpError:
        return None
    preview = getattr(told, "preview", told)
    return getattr(preview, "plan", None)


@pytest.mark.parametrize("tool", CATALOGUE.values(), ids=lambda tool: tool.name)
async def test_a_closed_registry_hears_no_write(tool: Tool[Any, Any], heard: tuple[World, list[tuple[str, str]]]):
    world, writes = heard
    await world.register(V2, Subject("stored"))
    fields = tool.request.model_fields
    digest: str | None = None

    for turn in range(ROUNDS):
        aimed = {name: value for name, value in CLOSED.items() if name in fields}
        arguments = asked(tool.request, turn) | aimed
        if digest and "plan" in fields:
            arguments["plan"] = digest  # the second call of what destroys
        found = await called(world, tool, arguments)
        digest = found if isinstance(found, str) else None

    assert [one for one in writes if one[0] == "shut"] == []


async def test_the_count_would_show_a_write(heard: tuple[World, list[tuple[str, str]]]):
    world, writes = heard
    await world.registry("dev").register(ORDERS, Schema(V2))
    world.registry("shut")._closed_by = ""

    await world.registry("shut").register(ORDERS, Schema(V2))

    assert ("dev", "register") in writes
    assert ("shut", "register") in writes
