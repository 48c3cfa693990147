"""What bad input gets, where schemas are moved: a code, what is wrong, a way on, and not one write."""

import io
import zipfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Mode, Schema, Subject, Version
from schema_mcp.registries.contract import Capability
from schema_mcp.services import packing
from services.confluent import dead, reached_over_rest
from services.moves import dump, put
from services.world import BREAKING, ORDERS, V1, V2, World

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TO_PROD = {"source": "dev", "target": "prod"}
OLD = frozenset({Capability.KEEPS_IDS, Capability.MODES})

Attempt = Callable[[World], Awaitable[Any]]


def migrating(**how: Any) -> Attempt:
    return lambda world: world.read("migrate_schemas", TO_PROD | how)


async def to_an_old_one(world: World) -> Any:
    there = reached_over_rest(world, {"dev": FakeConfluent(), "prod": FakeConfluent(lacks=OLD)})
    await there.registry("dev").register(ORDERS, Schema(V1))
    return await there.read("migrate_schemas", TO_PROD | {"keep_ids": True})


async def to_a_dead_one(world: World) -> Any:
    fake = FakeConfluent()
    await reached_over_rest(world, {"dev": fake}).registry("dev").register(ORDERS, Schema(V1))
    return await reached_over_rest(world, {"dev": fake, "prod": dead()}).read("migrate_schemas", TO_PROD)


async def with_the_plan_for_another_pair(world: World) -> Any:
    plan = (await migrating()(world)).plan
    return await migrating(source="prod", target="dev", plan=plan)(world)


async def with_the_plan_for_another_file(world: World) -> Any:
    first: Any = await importing(a_bundle)(world)
    return await world.read("import_schemas", {"path": "bundle.zip", "registry": "shut", "plan": first.preview.plan})


def a_bundle(versions: tuple[tuple[str, int, str], ...] = (("a", 10, V1), ("b", 11, V2))) -> bytes:
    kept = [Version(Subject(name), 1, schema_id, Schema(text)) for name, schema_id, text in versions]
    return packing.bundle("dev", kept, [], NOW, "zip")


def with_file(name: str, content: bytes) -> Callable[[], bytes]:
    def made() -> bytes:
        out = io.BytesIO(a_bundle())
        with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return out.getvalue()

    return made


def truncated() -> bytes:
    return a_bundle()[:-200]


def tampered() -> bytes:
    with zipfile.ZipFile(io.BytesIO(a_bundle())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return packing.packed({name: data.replace(b'"id"', b'"no"') for name, data in files.items()}.items(), "zip")


def one_id_twice() -> bytes:
    return a_bundle((("a", 10, V1), ("b", 10, V2)))


def importing(made: Callable[[], bytes], path: str = "bundle.zip") -> Attempt:
    async def attempt(world: World) -> Any:
        folder = world.workspace.exports
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bundle.zip").write_bytes(made())
        return await world.read("import_schemas", {"path": path, "registry": "prod"})

    return attempt


@pytest.mark.parametrize(
    ("attempt", "code", "said", "way"),
    [
        pytest.param(migrating(target="shut"), "read_only", "shut", "configuration", id="a target that is read-only"),
        pytest.param(to_an_old_one, "invalid_request", "prod", "keep_ids: false", id="a target that is too old"),
        pytest.param(migrating(target="dev"), "invalid_request", "both source and target", "Name two", id="itself"),
        pytest.param(to_a_dead_one, "registry_error", "prod", "", id="a target that is not there"),
        pytest.param(migrating(source="nowhere"), "not_found", "nowhere", "dev", id="a source that nobody knows"),
        pytest.param(migrating(prefix="x"), "not_found", "no subject", "list_subjects", id="nothing of that name"),
        pytest.param(migrating(plan="0" * 64), "not_found", "No plan", "plan_migration", id="no plan"),
        pytest.param(
            with_the_plan_for_another_pair,
            "invalid_request",
            "no preview of this call",
            "same arguments",
            id="other pair",
        ),
        pytest.param(
            with_the_plan_for_another_file, "invalid_request", "does not bring a file into", "preview", id="other file"
        ),
        pytest.param(importing(truncated), "invalid_request", "cannot be read", "again", id="a truncated bundle"),
        pytest.param(importing(tampered), "invalid_request", "checksums", "export", id="a tampered bundle"),
        pytest.param(
            importing(with_file("../a.avsc", b"{}")), "invalid_request", "leads outside", "", id="a path outside it"
        ),
        pytest.param(
            importing(a_bundle, "../registries.yaml"), "not_found", "in the export folder", "", id="a file outside"
        ),
        pytest.param(importing(with_file("a", b"\0" * 40_000_000)), "invalid_request", "would become", "", id="a bomb"),
        pytest.param(importing(one_id_twice), "invalid_request", "two schemas", "", id="two schemas with one id"),
    ],
)
async def test_bad_input_is_refused_with_a_way_on_and_nothing_is_written(
    world: World, attempt: Attempt, code: str, said: str, way: str
):
    await world.registry("dev").register(ORDERS, Schema(V1))
    before = await world.traces()

    with pytest.raises(SchemaMcpError) as refused:
        await attempt(world)

    assert (refused.value.code, said in str(refused.value)) == (code, True), refused.value
    assert refused.value.hint
    assert way in refused.value.hint
    assert await world.traces() == before


async def closed_by_its_mode(prod: Any) -> None:
    await prod.set_mode(Subject(""), Mode.READONLY)


async def other_content(prod: Any) -> None:
    await put(prod, ORDERS, BREAKING, 90)


async def id_of_another(prod: Any) -> None:
    await put(prod, Subject("others"), BREAKING, 1)


async def soft_deleted_there(prod: Any) -> None:
    await put(prod, ORDERS, BREAKING, 90)
    await prod.delete_version(ORDERS, 1)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(closed_by_its_mode, "READONLY", id="the wrong mode"),
        pytest.param(other_content, "version holds other content", id="other content under the number"),
        pytest.param(id_of_another, "id 1, of others v1", id="other content under the id"),
        pytest.param(soft_deleted_there, "soft-deleted", id="something soft-deleted"),
    ],
)
@pytest.mark.parametrize("tool", ["migrate_schemas", "import_schemas"])
async def test_a_clash_is_named_with_its_choices_and_nothing_is_written(
    world: World, tmp_path: Path, tool: str, found: Callable[[Any], Awaitable[None]], said: str
):
    prod = world.registry("prod")
    await world.registry("dev").register(ORDERS, Schema(V1))
    await found(prod)
    before = await dump(prod)

    if tool == "migrate_schemas":
        seen: Any = await migrating()(world)
        rows = [(row.found, row.detail) for row in seen.rows[: seen.blocked]]
    else:
        seen = await importing(lambda: a_bundle(((ORDERS.name, 1, V1),)))(world)
        rows = [(row.reason, row.hint) for row in seen.preview.blocked]

    assert [said in reason for reason, _ in rows] == [True]
    assert rows[0][1]
    assert seen.exit_code == 4
    assert await dump(prod) == before
