"""Which tools may answer from memory while a registry is away, and which never do."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from faults.hostile import Mood
from faults.test_calm import POOL, ask, opened
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Reference, Schema, Subject
from schema_mcp.services import search
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.tool import Effect
from schema_mcp.tools import CATALOGUE
from services.world import ORDERS, V1

LINES = Subject("lines-value")
SHARED = {"subject": LINES.name}

FROM_MEMORY: dict[str, dict[str, Any]] = {
    "list_subjects": {},
    "get_schema": {"subject": ORDERS.name},
    "search_schemas": {"query": "orders", "registries": ["prod"]},
    "get_schema_versions": {"subject": ORDERS.name},
    "get_subjects_by_schema_id": {"id": 1},
    "get_references": SHARED,
    "bundle_schema": SHARED,
    "validate_data": {**SHARED, "payload": '{"order": {"id": 1}}'},
    "generate_example": SHARED,
}
"""What only shows something: stale, and says so."""


async def warm(world: Any) -> None:
    """A schema that uses another, and everything that may be remembered asked once."""
    uses = (Reference("shop.Order", ORDERS.name, 1),)
    text = '{"type":"record","name":"Line","fields":[{"name":"order","type":"shop.Order"}]}'
    await world.registry("prod").register(LINES, Schema(text, references=uses))
    for tool, arguments in FROM_MEMORY.items():
        await ask(world, tool, **arguments)


@pytest.mark.parametrize("tool", FROM_MEMORY)
async def test_what_only_shows_answers_from_memory_and_says_how_old_it_is(
    tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(search, "FRESH", timedelta(0))
    async with opened(tmp_path) as (world, prod):
        await warm(world)
        before = await ask(world, tool, **FROM_MEMORY[tool])
        prod.mood = Mood.RESET
        await anyio.sleep(0.05)

        after = await ask(world, tool, **FROM_MEMORY[tool])

    assert (before["stale"], before.get("age")) == (False, before["age"])
    assert after["stale"] is True
    assert after["age"] > 0
    rest = {"stale", "age", "remembered"}
    assert {key: one for key, one in after.items() if key not in rest} == {
        key: one for key, one in before.items() if key not in rest
    }


async def test_nothing_else_looks_into_the_memory(tmp_path: Path):
    async with opened(tmp_path) as (world, prod):
        await warm(world)
        others = [name for name, tool in CATALOGUE.items() if tool.effect is Effect.READS and name not in FROM_MEMORY]
        prod.mood = Mood.RESET
        before = world.registry("prod").figures
        for name in others:
            known = POOL.keys() & CATALOGUE[name].request.model_fields.keys() - {"id"}
            arguments = {field: POOL[field] for field in known}
            with suppress(SchemaMcpError):
                await call(CATALOGUE[name], arguments, caller=world.workspace.caller, workspace=world.workspace)
        after = world.registry("prod").figures

    assert before
    assert after
    assert (after.hits, after.stale, after.misses) == (before.hits, before.stale, before.misses)


@pytest.mark.parametrize("tool", [name for name, tool in CATALOGUE.items() if tool.effect is Effect.READS])
def test_what_may_be_old_can_say_so_and_nothing_else_has_the_word(tool: str):
    assert ("stale" in CATALOGUE[tool].result.model_fields) is (tool in FROM_MEMORY)


async def test_who_uses_a_schema_is_asked_every_time(tmp_path: Path):
    async with opened(tmp_path) as (world, prod):
        await warm(world)
        asked = {"subject": ORDERS.name, "direction": "used_by"}
        await ask(world, "get_references", **asked)
        prod.mood = Mood.RESET

        with pytest.raises(SchemaMcpError):
            await ask(world, "get_references", **asked)


class TestTrees:
    """What a registered schema references is looked for once."""

    async def test_is_remembered_for_ever(self, tmp_path: Path):
        async with opened(tmp_path) as (world, prod):
            await warm(world)
            await anyio.sleep(0.05)
            prod.requests.clear()
            bundled = await ask(world, "bundle_schema", **SHARED)

        assert bundled["inside"] == ["orders-value v1"]
        assert [one for one in prod.requests if "orders-value" in one] == []
        assert [one for one in prod.requests if "lines-value" in one] != []  # what is the latest is asked

    async def test_is_looked_for_once_by_many_at_a_time(self, tmp_path: Path):
        async with opened(tmp_path) as (world, prod):
            uses = (Reference("shop.Order", ORDERS.name, 1),)
            text = '{"type":"record","name":"Line","fields":[{"name":"order","type":"shop.Order"}]}'
            await world.registry("prod").register(LINES, Schema(text, references=uses))
            prod.requests.clear()
            async with anyio.create_task_group() as readers:
                for _ in range(20):
                    readers.start_soon(lambda: ask(world, "bundle_schema", **SHARED))

        assert len([one for one in prod.requests if "orders-value" in one]) == 1

    async def test_is_forgotten_when_something_is_purged(self, tmp_path: Path):
        async with opened(tmp_path) as (world, prod):
            await warm(world)
            await world.registry("prod").register(Subject("other"), Schema(V1.replace("Order", "Other")))
            await world.registry("prod").delete_subject(Subject("other"))
            await world.registry("prod").delete_subject(Subject("other"), permanent=True)
            prod.requests.clear()
            await ask(world, "bundle_schema", **SHARED)

        assert [one for one in prod.requests if "orders-value" in one] != []
