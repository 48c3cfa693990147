"""Suggestions against the customs of the registry's own estate, as the tool gives them."""

import json
from typing import Any

import pytest

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject
from services.world import ORDERS, World, record


async def told(world: World, **arguments: Any) -> dict[str, Any]:
    return (await world.read("suggest_improvements", arguments)).model_dump(mode="json", exclude_none=True)


@pytest.fixture
async def estate(world: World) -> World:
    for number in range(4):
        text = record("event_id:string", "occurred_at:long", name=f"E{number}")
        await world.registry().register(Subject(f"event-{number}"), Schema(text))
    await world.registry().register(ORDERS, Schema(record("event_id:string", "orderTotal:double")))
    return world


async def test_a_version_is_held_against_the_customs_of_its_registry(estate: World):
    found = await told(estate, subject=ORDERS.name)
    assert (found["estate"], found["field_style"]) == (4, "snake_case")
    rows = {(row["rule"], row["path"]) for row in found["improvements"]}
    assert {("naming", "Order.orderTotal"), ("common_field", "occurred_at"), ("docs", "shop.Order")} <= rows


async def test_only_subjects_of_the_prefix_make_the_customs(estate: World):
    assert (await told(estate, subject=ORDERS.name, prefix="nothing"))["estate"] == 0


async def test_a_text_is_looked_at_before_it_is_registered(estate: World):
    text = json.dumps({"type": "enum", "name": "E", "doc": "d", "symbols": ["A"]})
    found = await told(estate, schema_text=text)
    assert [row["rule"] for row in found["improvements"]] == ["enum_default"]


async def test_naming_no_schema_is_refused(estate: World):
    with pytest.raises(SchemaMcpError, match="which schema") as refused:
        await told(estate)
    assert refused.value.code == "invalid_request"
