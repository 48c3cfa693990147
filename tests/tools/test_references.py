"""Replies about references and payloads stay small however large the registry is, and nothing is lost on the way."""

import json

import pytest

from schema_mcp.domain.schema import Reference, Schema, Subject
from schema_mcp.toolkit.paging import REPLY_BYTES
from services.asking import ask
from services.world import World

USERS = 120
LONG = "x" * 150


def avro(name: str, *uses: str) -> str:
    fields = [{"name": one.lower(), "type": f"shop.{one}"} for one in uses]
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": fields})


async def star(world: World) -> None:
    """One schema, and many that use it."""
    there = world.registry()
    await there.register(Subject("money"), Schema(avro("Money")))
    for index in range(USERS):
        schema = Schema(avro(f"U{index}", "Money"), references=(Reference("shop.Money", "money", 1),))
        await there.register(Subject(f"{LONG}{index:05}"), schema)


@pytest.mark.parametrize(
    ("tool", "arguments", "rows"),
    [
        pytest.param("get_references", {"direction": "used_by"}, "versions", id="rows"),
        pytest.param("get_references", {"direction": "used_by", "view": "graph"}, "references", id="graph"),
        pytest.param("analyze_impact", {"registries": ["dev"]}, "affected", id="impact"),
    ],
)
async def test_every_page_fits_and_all_pages_are_everything(
    world: World,
    tool: str,
    arguments: dict[str, object],
    rows: str,
):
    await star(world)

    seen: list[str] = []
    cursor = None
    while True:
        found = await ask(world, tool, subject="money", limit=1_000, cursor=cursor, **arguments)
        assert len(found.model_dump_json(exclude_none=True)) <= REPLY_BYTES
        assert found.total == USERS
        seen += [row.model_dump_json() for row in getattr(found, rows)]
        cursor = found.cursor
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == USERS


async def test_a_payload_with_endless_faults_has_a_short_answer(world: World):
    text = json.dumps({"items": {"enum": ["y" * 5_000]}})
    payload = json.dumps(["x" * 2_000] * 1_000)

    found = await ask(world, "validate_data", schema_text=text, schema_type="JSON", payload=payload)

    assert (found.valid, len(found.faults)) == (False, 20)
    assert len(found.model_dump_json()) <= REPLY_BYTES
