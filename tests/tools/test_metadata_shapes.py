"""Metadata and rules that no registry would take are refused before anything is done, by every tool that takes them."""

from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.errors import InvalidRequestError
from services.world import V1, embedded, world_at

WRONG: dict[str, dict[str, Any]] = {
    "tags-that-are-no-lists": {"metadata": {"tags": {"a": "b"}}},
    "properties-that-are-a-list": {"metadata": {"properties": ["owner"]}},
    "sensitive-that-is-no-list": {"metadata": {"sensitive": "field"}},
    "rules-that-are-no-list": {"rule_set": {"domainRules": "all"}},
}
TAKERS = ("register_schema", "lookup_schema")


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("tool", TAKERS)
async def test_what_no_registry_would_take_is_refused_first(tmp_path: Path, tool: str, wrong: dict[str, Any]):
    async with world_at(tmp_path, embedded("dev"), toolsets="all") as world:
        with pytest.raises(InvalidRequestError):
            await world.call(tool, subject="orders", schema_text=V1, **wrong)

        assert (world.registry("dev").writes, world.store.subjects()) == (0, [])


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_to_the_tool_that_judges_it_is_a_verdict(tmp_path: Path, wrong: dict[str, Any]):
    async with world_at(tmp_path, embedded("dev"), toolsets="all") as world:
        told = (await world.call("validate_schema", schema_text=V1, **wrong)).model_dump()

    assert told["valid"] is False
    assert told["error"]
