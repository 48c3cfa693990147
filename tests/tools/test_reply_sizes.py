"""The largest replies fit: 32 KiB on the wire, whatever is configured or registered."""

from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Mode, Schema, Subject
from schema_mcp.interfaces.mcp.replies import WIRE_BYTES, refusal, success
from schema_mcp.services.registration import Stop
from schema_mcp.tools import CATALOGUE
from services.world import ORDERS, V1, World, embedded, record, world_at


async def size(world: World, tool: str, **arguments: Any) -> int:
    """Bytes of a reply as it goes out; a reply that is refused for its size fails."""
    try:
        reply = success(CATALOGUE[tool], await world.read(tool, arguments))
    except SchemaMcpError as error:
        reply = refusal(error)
    assert "reply_too_large" not in reply["content"][0]["text"], reply
    return len(str(reply).encode())


async def test_two_hundred_registries_are_listed_all_by_name(tmp_path: Path):
    names = [f"a-registry-with-a-long-name-{number:03}" for number in range(200)]
    async with world_at(tmp_path, embedded(*names)) as world:
        told: Any = await world.call("list_registries")

        assert [row.name for row in told.registries] + list(told.others) == names
        assert await size(world, "list_registries") <= WIRE_BYTES


async def test_thirty_registries_are_told_of_in_one_reply(tmp_path: Path):
    names = [f"a-registry-in-region-{number:02}" for number in range(30)]
    async with world_at(tmp_path, embedded(*names)) as world:
        await world.register(registry=names[0], stop=Stop.COMMIT)
        await world.apply(await world.plan(*names))
        for name in names:
            await world.registry(name).set_mode(Subject(""), Mode.IMPORT, force=True)
            await world.registry(name).delete_version(ORDERS, 1)

        told: Any = await world.read("get_sync_status", {})

        assert (len(told.registries), told.total, told.importing) == (30, 30, 30)
        assert {row.missing for row in told.registries} == {1}
        assert await size(world, "get_sync_status") <= WIRE_BYTES


@pytest.mark.parametrize("direction", ["deploy", "adopt"])
async def test_previews_of_much_drift_fit(direction: str, tmp_path: Path):
    async with world_at(tmp_path, embedded("dev", "prod")) as world:
        for number in range(150):
            name = Subject(f"{'a-long-prefix.' * 8}{number:03}-väłüe")
            await world.registry().register(name, Schema(record("id:long", name=f"R{number}")))
        for number in range(150):
            await world.register(record("id:long", name=f"S{number}"), Subject(f"s{number}"), stop=Stop.COMMIT)

        assert await size(world, "reconcile_drift", direction=direction, limit=1_000) <= WIRE_BYTES


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        pytest.param("list_subjects", {"limit": 1_000}, id="names"),
        pytest.param("plan_deployment", {"registries": ["prod"], "limit": 1_000}, id="plan"),
        pytest.param("detect_drift", {"registry": "dev", "limit": 1_000}, id="drift"),
        pytest.param("plan_migration", {"source": "dev", "target": "prod", "limit": 1_000}, id="migration"),
        pytest.param("search_schemas", {"query": "id", "limit": 100}, id="search"),
        pytest.param("get_schema", {"subject": "large"}, id="a large schema"),
        pytest.param("export_schema", {"subject": "large", "format": "json"}, id="a large export"),
        pytest.param("check_compatibility", {"subject": "large", "schema_text": V1}, id="many breaks"),
        pytest.param("diff_schemas", {"subject": "large", "schema_text": V1}, id="many changes"),
        pytest.param("register_schema", {"subject": "large", "schema_text": V1, "dry_run": True}, id="a refusal"),
    ],
)
async def test_replies_about_much_fit(tool: str, arguments: dict[str, Any], tmp_path: Path):
    async with world_at(tmp_path, embedded("dev", "prod")) as world:
        dev = world.registry()
        for number in range(300):
            name = f"{'a-long-prefix.' * 8}{number:03}-väłüe"
            await dev.register(Subject(name), Schema(record("id:long", name=f"R{number}")))
        await dev.set_config(Subject("large"), {"compatibility": "FULL"})
        await dev.register(Subject("large"), Schema(record(*(f"a_field_{n}:string" for n in range(3_000)))))

        assert await size(world, tool, **arguments) <= WIRE_BYTES
