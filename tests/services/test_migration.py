"""Moving subjects from one registry to another: what clashes, what is kept, and how few requests it takes."""

from collections import Counter
from typing import Any

import pytest

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.schema import Mode, Reference, Schema, SchemaType, Subject
from schema_mcp.services import migration
from schema_mcp.services.kept import keep_plan
from schema_mcp.services.migration import Clash, Migration
from schema_mcp.services.selection import Selection
from schema_mcp.stores.journal import Status
from services.world import BREAKING, ORDERS, V1, V2, V3, World, record

BILL = '{"type":"record","name":"Bill","fields":[{"name":"of","type":"shop.Customer"}]}'


async def made(world: World, *, keep_ids: bool = True, selection: Selection | None = None) -> Migration:
    done = await migration.plan(
        world.registry("dev"), world.registry("prod"), selection or Selection(), keep_ids=keep_ids
    )
    await keep_plan(world.ground.journal, done.plan, "Ann")
    return done


async def put(world: World, registry: str, subject: Subject, text: str, schema_id: int, number: int = 1) -> None:
    there = world.registry(registry)
    await there.set_mode(subject, Mode.IMPORT, force=True)
    await there.register(subject, Schema(text), schema_id=schema_id, number=number)
    await there.delete_mode(subject)


async def test_ids_numbers_and_order_are_kept(world: World):
    dev = world.registry("dev")
    await dev.register(Subject("zz"), Schema(record("id:long", name="Customer")))
    await dev.register(ORDERS, Schema(BILL, SchemaType.AVRO, (Reference("shop.Customer", "zz", 1),)))
    await put(world, "dev", Subject("gap", ".eu"), V1, 40, number=7)

    plan = await made(world)
    done = await world.apply(plan.plan)

    assert (plan.subjects, plan.versions, plan.clashes) == (3, 3, {Clash.FREE: 3})
    assert done.status is Status.SUCCEEDED
    for subject in (Subject("zz"), ORDERS, Subject("gap", ".eu")):
        assert await world.held("prod", subject) == await world.held("dev", subject) != {}
    assert await world.modes() == [None] * 6
    assert (await made(world)).clashes == {Clash.SAME: 3}


@pytest.mark.parametrize(
    ("subject", "text", "schema_id", "clash"),
    [
        pytest.param(ORDERS, V1, 1, Clash.SAME, id="the same"),
        pytest.param(ORDERS, V1, 9, Clash.VERSION_TAKEN, id="the same under another id"),
        pytest.param(ORDERS, BREAKING, 9, Clash.VERSION_TAKEN, id="other content"),
        pytest.param(Subject("other"), BREAKING, 1, Clash.ID_TAKEN, id="id of other content"),
        pytest.param(Subject("other"), V1, 1, Clash.FREE, id="id of the same content"),
    ],
)
async def test_what_the_target_holds_is_told_and_never_replaced(
    world: World, subject: Subject, text: str, schema_id: int, clash: Clash
):
    await world.registry("dev").register(ORDERS, Schema(V1))
    await put(world, "prod", subject, text, schema_id)

    plan = await made(world)

    assert plan.clashes == {clash: 1}
    assert bool(plan.plan.blocked) == (clash not in (Clash.SAME, Clash.FREE))
    assert len(plan.plan.steps) == (clash is Clash.FREE)


async def test_a_soft_deleted_version_is_in_the_way(world: World):
    await world.registry("dev").register(ORDERS, Schema(V1))
    await put(world, "prod", ORDERS, BREAKING, 9)
    await world.registry("prod").delete_version(ORDERS, 1)

    assert (await made(world)).clashes == {Clash.SOFT_DELETED: 1}


async def test_what_it_references_has_to_move_or_be_there(world: World):
    dev = world.registry("dev")
    await dev.register(Subject("zz"), Schema(record("id:long", name="Customer")))
    await dev.register(ORDERS, Schema(BILL, SchemaType.AVRO, (Reference("shop.Customer", "zz", 1),)))
    only = Selection((ORDERS,))

    assert (await made(world, selection=only)).clashes == {Clash.REFERENCE: 1}

    await put(world, "prod", Subject("zz"), record("id:long", name="Customer"), 1)
    assert (await made(world, selection=only)).clashes == {Clash.FREE: 1}


async def test_without_ids_the_target_numbers(world: World):
    dev = world.registry("dev")
    for text in (V1, V2):
        await dev.register(ORDERS, Schema(text))
    await world.registry("prod").register(Subject("first"), Schema(BREAKING))

    plan = await made(world, keep_ids=False, selection=Selection((ORDERS,)))
    done = await world.apply(plan.plan)

    assert done.status is Status.SUCCEEDED
    assert await world.held("prod") == {1: 2, 2: 3}
    assert any("Ids are not kept" in warning for warning in plan.plan.warnings)


async def test_without_ids_a_gap_in_the_numbers_blocks(world: World):
    dev = world.registry("dev")
    for text in (V1, V2, V3):
        await dev.register(ORDERS, Schema(text))
    await dev.delete_version(ORDERS, 2)

    plan = await made(world, keep_ids=False)

    assert plan.clashes == {Clash.FREE: 1, Clash.GAP: 1}
    assert "soft-deleted" in " ".join(plan.plan.warnings)
    assert (await made(world)).clashes == {Clash.FREE: 2}


async def test_nothing_to_move_is_said(world: World):
    with pytest.raises(NotFoundError):
        await made(world, selection=Selection(prefix="nothing"))


async def test_a_text_that_is_not_canonical_is_moved_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.registry("dev").register(ORDERS, Schema(V1))
    world.workspace.fleet.get("dev")._inner = Pretty(world.registry("dev")._inner)  # type: ignore[assignment]

    done = await world.apply((await made(world)).plan)

    assert done.status is Status.SUCCEEDED, done.result
    assert await world.held("prod") == {1: 1}
    assert (await made(world)).clashes == {Clash.SAME: 1}


class Pretty:
    """A registry that gives texts back with blanks in them."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def version(self, *args: Any, **kwargs: Any) -> Any:
        from dataclasses import replace

        found = await self._inner.version(*args, **kwargs)
        return found and replace(found, schema=Schema(found.schema.text.replace(",", " , ")))

    async def versions(self, *args: Any, **kwargs: Any) -> Any:
        from dataclasses import replace

        async for found in self._inner.versions(*args, **kwargs):
            yield replace(found, schema=Schema(found.schema.text.replace(",", " , ")))


READS = ("subjects", "numbers", "version", "schema", "holders", "lookup", "referrers", "highest_id", "contexts")
SETTINGS = ("config", "mode")
WRITES = ("register", "delete_version", "set_config")
MODES = ("set_mode", "delete_mode")


def counted(registry: Any) -> Counter[str]:
    """Count the calls to a registry from now on; a listing counts one for each started thousand, settings of a whole
    context count apart."""
    calls: Counter[str] = Counter()

    def count(name: str, method: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            is_wide = name in SETTINGS and not args[0].name
            calls[f"{name} of a context" if is_wide else name] += 1
            return await method(*args, **kwargs)

        return call

    for name in (*READS, *SETTINGS, *WRITES, *MODES):
        setattr(registry, name, count(name, getattr(registry, name)))
    plain = registry.versions

    async def versions(**kwargs: Any) -> Any:
        seen = 0
        async for version in plain(**kwargs):
            calls["pages"] += seen % 1_000 == 0
            seen += 1
            yield version

    registry.versions = versions
    return calls


@pytest.mark.parametrize(("subjects", "each"), [pytest.param(30, 8, id="long"), pytest.param(120, 1, id="wide")])
async def test_a_migration_takes_few_requests(world: World, subjects: int, each: int):
    dev = world.registry("dev")
    for number in range(subjects):
        for version in range(each):
            fields = [f"f{n}:string=" for n in range(version)]
            await dev.register(Subject(f"s{number}"), Schema(record("id:long", *fields, name=f"R{number}")))
    versions = subjects * each
    source, target = counted(world.registry("dev")), counted(world.registry("prod"))

    done = await world.apply((await made(world)).plan)

    assert (done.status, done.done) == (Status.SUCCEEDED, versions)
    reads = sum((source + target)[name] for name in (*READS, "pages"))
    assert sum(target[name] for name in WRITES) <= 1.1 * versions
    assert reads <= 0.2 * versions
    assert sum(source[name] for name in SETTINGS) <= 2 * subjects
    assert sum(target[name] for name in SETTINGS) <= 2 * subjects
    assert sum((source + target)[f"{name} of a context"] for name in SETTINGS) <= 22  # however many subjects there are
    assert sum(target[name] for name in MODES) <= 2 * subjects


async def test_a_deployment_takes_few_requests(world: World):
    from schema_mcp.services.registration import Stop

    for number in range(30):
        await world.register(record("id:long", name=f"R{number}"), Subject(f"s{number}"), stop=Stop.COMMIT)
    target = counted(world.registry("prod"))

    done = await world.apply(await world.plan("prod"))

    assert done.done == 30
    assert sum(target[name] for name in (*READS, "pages")) <= 6
    assert sum(target[name] for name in SETTINGS) <= 2 * 30
