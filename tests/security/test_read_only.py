"""A registry that is closed hears no write, whatever tool is called with whatever arguments, by whomever."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from schema_mcp import app
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.registries.contract import Connection, Registry
from schema_mcp.registries.plugins import open_registry
from schema_mcp.toolkit.tool import Effect, Tool
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


def aimed(tool: Tool[Any, Any], turn: int) -> dict[str, Any]:
    """Generated arguments, aimed at the closed registry."""
    known = tool.request.model_fields
    made = asked(tool.request, turn) | {name: value for name, value in CLOSED.items() if name in known}
    return {name: value for name, value in made.items() if name != "plan" or tool.name == "apply_plan"}


async def called(world: World, tool: Tool[Any, Any], arguments: dict[str, Any]) -> None:
    """Call a tool; what gives a preview first is called again with its digest."""
    with suppress(SchemaMcpError):
        told = await world.read(tool.name, arguments)
        digest = getattr(getattr(told, "preview", told), "plan", None)
        if isinstance(digest, str) and "plan" in tool.request.model_fields:
            await world.read(tool.name, {**arguments, "plan": digest})


@pytest.mark.parametrize("tool", CATALOGUE.values(), ids=lambda tool: tool.name)
async def test_a_closed_registry_hears_no_write(tool: Tool[Any, Any], heard: tuple[World, list[tuple[str, str]]]):
    world, writes = heard
    await world.register(V2, Subject("stored"))

    for turn in range(ROUNDS):
        await called(world, tool, aimed(tool, turn))

    assert [one for one in writes if one[0] == "shut"] == []


@pytest.mark.parametrize("tool", [one for one in CATALOGUE.values() if one.writes], ids=lambda tool: tool.name)
async def test_a_registry_in_a_closed_mode_stays_what_it_was(tool: Tool[Any, Any], tmp_path: Path):
    async with kept_open(tmp_path, embedded("dev", "shut")) as world:
        await world.register(V1, registry="shut")
        await world.registry("shut").register(Subject("loose"), Schema(V1))
        await world.registry("shut").set_mode(Subject(""), Mode.READONLY)
        before = await contents(world, "shut")

        for turn in range(ROUNDS):
            await called(world, tool, aimed(tool, turn))
            assert await contents(world, "shut") == before or tool.name == "update_mode"  # the way out
            retired = [one.version.number for one in world.store.history(ORDERS) if one.version.deleted]
            assert not retired or tool.effect is not Effect.DESTROYS  # the store says what the registry says


async def contents(world: World, name: str) -> tuple[Any, ...]:
    """Everything that a registry holds: versions, and what is set for each subject and for all."""
    there = world.registry(name)
    versions = [one async for one in there.versions(deleted=True)]
    scopes = [Subject(""), *sorted({one.subject for one in versions}, key=str)]
    return versions, [(await there.config(one), await there.mode(one)) for one in scopes]


async def test_the_count_would_show_a_write(heard: tuple[World, list[tuple[str, str]]]):
    world, writes = heard
    await world.registry("dev").register(ORDERS, Schema(V2))
    world.registry("shut")._closed_by = ""

    await world.registry("shut").register(ORDERS, Schema(V2))

    assert ("dev", "register") in writes
    assert ("shut", "register") in writes
