"""Backups: what is exported from one registry is, restored into an empty one, the same id by id."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from schema_mcp.domain.errors import InvalidRequestError, NotPermittedError, SchemaMcpError, StalePlanError
from schema_mcp.domain.naming import GLOBAL_CONTEXT
from schema_mcp.domain.schema import Level, Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.registries.contract import Capability
from schema_mcp.stores.journal import Status
from services.world import BREAKING, ORDERS, V1, V2, World, record

BILL = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer"}]}'
PROTO = 'syntax = "proto3";\npackage shop;\n\nmessage Money {\n  string unit = 1;\n}\n'
USES_PROTO = (
    'syntax = "proto3";\npackage shop;\n\nimport "money.proto";\n\nmessage Price {\n  .shop.Money amount = 1;\n}\n'
)
ODD = Subject("Über/Orders:x..y", ".eu")
TAGS = {"properties": {"owner": "shop", "team": "a"}, "tags": {"$.id": ["PII"]}}
RULES = {"domainRules": [{"name": "positive", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "x > 0"}]}


async def filled(world: World, registry: str = "dev") -> None:
    """Everything that a registry can hold: references, contexts, contracts, gaps, soft-deleted versions, settings."""
    there = world.registry(registry)
    await there.register(Subject("zz"), Schema(record("id:long", name="Customer")))
    await there.register(ORDERS, Schema(BILL, SchemaType.AVRO, (Reference("shop.Customer", "zz", 1),)))
    await there.register(Subject("money"), Schema(PROTO, SchemaType.PROTOBUF))
    used = (Reference("money.proto", "money", 1),)
    await there.register(Subject("price"), Schema(USES_PROTO, SchemaType.PROTOBUF, used))
    await there.register(ODD, Schema('{"type":"object"}', SchemaType.JSON))
    await there.register(Subject("contract"), Schema(V1, metadata=TAGS, rule_set=RULES))
    for text in (V1, V2, record("id:long", "x:string=")):
        await there.register(Subject("gap"), Schema(text))
    await there.delete_version(Subject("gap"), 2)
    await there.register(Subject("gone", ".us"), Schema(V1))
    await there.delete_subject(Subject("gone", ".us"))
    await there.set_config(ORDERS, {"compatibility": "FULL", "normalize": True})
    await there.set_config(Subject("", ".eu"), {"compatibility": "FORWARD"})
    await there.set_config(Subject(""), {"compatibility": "BACKWARD_TRANSITIVE"})
    await there.set_mode(Subject("money"), Mode.READONLY)


async def dump(world: World, registry: str) -> dict[str, Any]:
    """All that a registry says of itself, but when it was told and how it calls itself."""
    there = world.registry(registry)
    versions = {
        (str(one.subject), one.number): (one.id, one.deleted, one.schema) async for one in there.versions(deleted=True)
    }
    subjects = await there.subjects(deleted=True)
    scopes = [
        Subject(""),
        Subject("", GLOBAL_CONTEXT),
        *(Subject("", one) for one in await there.contexts()),
        *subjects,
    ]
    settings = {str(scope): (await there.config(scope), await there.mode(scope)) for scope in scopes}
    return {
        "versions": versions,
        "live": [str(one) for one in await there.subjects()],
        "settings": {scope: own for scope, own in settings.items() if own != (None, None)},
    }


async def backed_up(world: World, **arguments: Any) -> Path:
    told: Any = await world.read("export_schemas", {"format": "tar.gz", "deleted": True, **arguments})
    return Path(told.file)


async def previewed(world: World, path: Path | str, registry: str = "prod", **terms: Any) -> Any:
    return await world.read("import_schemas", {"path": str(path), "registry": registry, **terms})


async def restored(world: World, path: Path | str, registry: str = "prod", **terms: Any) -> Any:
    seen = await previewed(world, path, registry, **terms)
    return await world.read("import_schemas", {"path": str(path), "registry": registry, "plan": seen.preview.plan})


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
async def test_a_backup_restored_into_an_empty_registry_is_the_same_id_by_id(world: World, form: str):
    await filled(world)
    path = await backed_up(world, format=form)

    done = await restored(world, path)

    assert done.task.status is Status.SUCCEEDED
    before, after = await dump(world, "dev"), await dump(world, "prod")
    assert len(before["versions"]) == 10
    assert after == before
    assert (await previewed(world, path)).preview.total == 0


async def test_a_preview_writes_nothing_and_names_what_it_would_do(world: World):
    await filled(world)
    path = await backed_up(world)
    before = await world.traces()

    seen = await previewed(world, path)

    assert await world.traces() == before
    assert (seen.subjects, seen.versions, seen.exit_code) == (8, 10, 3)
    assert seen.clashes == {"free": 10}
    assert seen.origin.startswith("dev, ")


async def test_a_restore_into_a_registry_that_holds_other_things_blocks_and_replaces_nothing(world: World):
    await filled(world)
    path = await backed_up(world)
    prod = world.registry("prod")
    await prod.register(ORDERS, Schema(BREAKING))

    seen = await previewed(world, path)

    assert "version holds other content" in seen.clashes
    assert {one.subject for one in seen.preview.blocked} >= {"orders-value"}
    kept = await prod.version(ORDERS, 1)
    assert kept
    assert kept.schema.text == BREAKING.replace(" ", "")


async def test_the_settings_and_soft_deleted_versions_can_be_left_out(world: World):
    await filled(world)
    path = await backed_up(world)
    before = await dump(world, "prod")

    await restored(world, path, settings=False, deleted=False)

    after = await dump(world, "prod")
    assert after["settings"] == before["settings"]
    assert not any(deleted for _, deleted, _ in after["versions"].values())


async def test_a_bundle_goes_into_another_context(world: World):
    await world.registry("dev").register(ORDERS, Schema(V1))
    path = await backed_up(world)

    await restored(world, path, context="copy")

    assert await world.held("prod", Subject("orders-value", ".copy")) == {1: 1}
    assert await world.held("prod") == {}


async def test_a_bundle_without_its_ids_is_registered_anew(world: World):
    await world.registry("prod").register(Subject("first"), Schema(BREAKING))
    await world.registry("dev").register(ORDERS, Schema(V1))
    path = await backed_up(world)

    await restored(world, path, keep_ids=False)

    assert await world.held("prod") == {1: 2}


async def test_what_the_store_says_is_a_bundle_as_well(world: World):
    await world.register(V1, registry="dev")
    path = await backed_up(world, source="store")

    await restored(world, path)

    assert await world.held("prod") == world.stored()


async def test_a_file_that_changed_makes_its_plan_stale(world: World):
    await filled(world)
    path = await backed_up(world)
    seen = await previewed(world, path)
    await world.registry("dev").register(Subject("late"), Schema(V1))
    path.write_bytes((await backed_up(world)).read_bytes())

    with pytest.raises(StalePlanError):
        await world.read("import_schemas", {"path": str(path), "registry": "prod", "plan": seen.preview.plan})

    assert await world.registry("prod").subjects() == []


async def test_a_plan_for_another_registry_is_refused(world: World):
    await filled(world)
    path = await backed_up(world)
    seen = await previewed(world, path)

    with pytest.raises(InvalidRequestError, match="does not bring a file into dev"):
        await world.read("import_schemas", {"path": str(path), "registry": "dev", "plan": seen.preview.plan})


async def test_a_restore_is_rolled_back_exactly(world: World):
    await filled(world)
    path = await backed_up(world)
    before = await dump(world, "prod")
    done = await restored(world, path)

    back: Any = await world.read("rollback_change", {"task": done.task.task})
    await world.read("rollback_change", {"task": done.task.task, "plan": back.preview.plan})

    assert await dump(world, "prod") == before


async def test_a_restore_that_takes_long_is_a_task(world: World, monkeypatch: pytest.MonkeyPatch):
    await filled(world)
    path = await backed_up(world)
    seen = await previewed(world, path)
    prod, go = world.registry("prod"), anyio.Event()
    register = prod.register

    async def held_up(*args: Any, **kwargs: Any) -> Any:
        await go.wait()
        return await register(*args, **kwargs)

    monkeypatch.setattr(prod, "register", held_up)
    terms = {"path": str(path), "registry": "prod", "plan": seen.preview.plan, "wait": 0.05}
    async with anyio.create_task_group() as background:
        world.workspace = replace(world.workspace, background=background)
        told: Any = await world.read("import_schemas", terms)
        go.set()
    done: Any = await world.read("get_task", {"task": told.task.task})

    assert (told.done, told.task.status, told.exit_code) == (False, Status.RUNNING, 3)
    assert (done.status, done.done) == (Status.SUCCEEDED, done.total)


async def test_a_closed_registry_takes_no_backup(world: World):
    await filled(world)
    path = await backed_up(world)
    seen = await previewed(world, path, "shut")

    with pytest.raises(NotPermittedError):
        await world.read("import_schemas", {"path": str(path), "registry": "shut", "plan": seen.preview.plan})


# --- plain folders ---------------------------------------------------------------------------------------------------


def folder_of(world: World, files: dict[str, str]) -> str:
    root = world.workspace.exports / "incoming"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return "incoming"


MIXED = {
    "bills-value.avsc": BILL,
    "customers-value.avsc": record("id:long", name="Customer"),
    "price.proto": USES_PROTO,
    "money.proto": PROTO,
    "json/order.json": json.dumps({"type": "object", "properties": {"of": {"$ref": "customer.json"}}}),
    "json/customer.json": '{"type":"object"}',
    "orders-value-v1.avsc": V1,
    "orders-value-v2.avsc": V2,
    "README.md": "about them",
}


async def test_a_folder_of_files_is_taken_in_in_reference_order(world: World):
    seen = await previewed(world, folder_of(world, MIXED))

    done = await restored(world, "incoming")

    assert seen.clashes == {"free": 8}
    assert seen.ignored == ("README.md",)
    assert done.task.status is Status.SUCCEEDED
    prod = world.registry("prod")
    bill, order = await prod.version(Subject("bills-value")), await prod.version(Subject("order"))
    assert bill
    assert bill.schema.references == (Reference("shop.Customer", "customers-value", 1),)
    assert order
    assert order.schema.references == (Reference("customer.json", "customer", 1),)
    assert await prod.numbers(ORDERS) == [1, 2]
    assert (await previewed(world, "incoming")).clashes == {"same content": 8}


async def test_a_file_that_breaks_what_is_there_is_blocked(world: World):
    await world.registry("prod").register(ORDERS, Schema(V1))

    seen = await previewed(world, folder_of(world, {"orders-value.avsc": BREAKING}))

    assert seen.preview.total == 0
    assert seen.exit_code == 4
    assert "compatible" in seen.preview.blocked[0].reason


async def test_a_new_version_follows_those_that_are_there(world: World):
    await world.registry("prod").register(ORDERS, Schema(V1))

    await restored(world, folder_of(world, {"orders-value.avsc": V2}))

    assert await world.registry("prod").numbers(ORDERS) == [1, 2]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        pytest.param({"bill.avsc": BILL}, "uses shop.Customer, which no file here defines", id="missing-type"),
        pytest.param({"a.avsc": "{"}, "a.avsc: ", id="no-schema"),
        pytest.param({"price.proto": USES_PROTO}, "uses money.proto", id="missing-import"),
        pytest.param({"x/a.avsc": V1, "y/a.avsc": V2}, "the same version of a", id="two-files-for-one"),
        pytest.param({"notes.txt": "x"}, "There is no schema in it", id="nothing"),
        pytest.param(
            {
                "a.avsc": BILL.replace("Bill", "shop.A").replace("Customer", "B"),
                "b.avsc": BILL.replace("Bill", "shop.B").replace("Customer", "A"),
            },
            "circle",
            id="circle",
        ),
    ],
)
async def test_a_folder_that_is_no_good_is_refused_with_the_place(world: World, files: dict[str, str], problem: str):
    with pytest.raises(SchemaMcpError, match=problem):
        await previewed(world, folder_of(world, files))


async def test_an_export_of_raw_files_can_be_taken_in_again(world: World):
    await world.registry("dev").register(Subject("Orders-Value"), Schema(V1))
    await world.registry("dev").register(Subject("Orders-Value"), Schema(V2))
    path = await backed_up(world, format="raw", deleted=False)

    await restored(world, path)

    assert await world.registry("prod").numbers(Subject("Orders-Value")) == [1, 2]
    assert Capability.KEEPS_IDS in world.registry("prod").capabilities


async def test_levels_in_a_bundle_are_a_registrys_own_words(world: World):
    await world.registry("dev").register(ORDERS, Schema(V1))
    await world.registry("dev").set_config(ORDERS, {"compatibility": Level.FULL})

    await restored(world, await backed_up(world))

    assert await world.registry("prod").config(ORDERS) == await world.registry("dev").config(ORDERS)
