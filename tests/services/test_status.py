"""How registries are: reached or not, what they hold, and what was left in IMPORT."""

from typing import Any

import anyio
import httpx2
import pytest

from fakes.confluent import FakeConfluent
from schema_mcp.domain.errors import NotFoundError, RegistryError
from schema_mcp.domain.schema import Level, Mode, Schema, Subject
from schema_mcp.registries.contract import Capability
from schema_mcp.services import status
from schema_mcp.services.recovery import mode_key
from schema_mcp.stores.journal import Status
from services.confluent import answering, dead, reached_over_rest
from services.world import ORDERS, V1, World

EU = Subject("orders-value", ".eu")


async def silence(_: httpx2.Request) -> httpx2.Response:
    await anyio.sleep(30)
    raise AssertionError


async def test_a_registry_is_described_by_what_it_holds(world: World):
    dev = world.registry()
    await dev.register(ORDERS, Schema(V1))
    await dev.register(EU, Schema(V1))
    await dev.register(Subject("gone"), Schema(V1))
    await dev.delete_subject(Subject("gone"))
    await dev.set_config(Subject(""), {"compatibility": "FULL"})

    found = await status.of(dev, world.workspace.journal)

    assert found.info.product == "schema-mcp embedded"
    assert (found.subjects, found.soft_deleted, found.contexts) == (2, 1, (".", ".eu"))
    assert (found.mode, found.level, found.importing, found.unasked) == (Mode.READWRITE, Level.FULL, (), 0)


@pytest.mark.parametrize("scope", [ORDERS, EU, Subject("", ".eu"), Subject("")], ids=str)
async def test_a_scope_left_in_import_is_named(world: World, scope: Subject):
    dev = world.registry()
    for subject in (ORDERS, EU):
        await dev.register(subject, Schema(V1))
    await dev.set_mode(scope, Mode.IMPORT, force=True)

    assert (await status.of(dev, world.workspace.journal)).importing == (scope,)


async def test_a_subject_without_versions_that_a_run_of_ours_left_in_import_is_found(world: World):
    dev, journal = world.registry(), world.workspace.journal
    for number in range(5):
        await dev.register(Subject(f"s{number}"), Schema(V1))
    left = Subject("z-new")
    await dev.set_mode(left, Mode.IMPORT)
    run = await journal.start(kind="deployment", owner="Ann")
    await journal.step(run.task, mode_key("dev", left), "started", before={"mode": "READWRITE"})
    await journal.finish(run.task, Status.INTERRUPTED, {})

    assert (await status.of(dev, journal, modes_asked=2)).importing == (left,)


async def test_what_was_not_asked_is_said(world: World):
    dev = world.registry()
    for number in range(5):
        await dev.register(Subject(f"s{number}"), Schema(V1))
    await dev.set_mode(Subject("s4"), Mode.IMPORT, force=True)

    bounded = await status.of(dev, world.workspace.journal, modes_asked=2)

    assert (bounded.unasked, bounded.importing) == (3, ())
    assert (await status.of(dev, world.workspace.journal)).importing == (Subject("s4"),)


async def test_a_registry_without_modes_and_contexts_is_described_too(world: World):
    lacks = frozenset({Capability.MODES, Capability.CONTEXTS, Capability.CONFIG, Capability.SOFT_DELETE})

    over = reached_over_rest(world, {"old": FakeConfluent(lacks=lacks)})

    found = await status.of(over.registry("old"), world.workspace.journal)

    assert (found.mode, found.level, found.contexts, found.importing) == (Mode.READWRITE, "BACKWARD", (".",), ())


async def test_every_registry_is_tried_and_each_failure_is_its_own(world: World):
    over = reached_over_rest(
        world,
        {
            "fine": FakeConfluent(),
            "broken": answering(500),
            "closed": answering(401),
            "odd": answering(200, "<html>"),
            "dead": dead(),
            "mute": httpx2.MockTransport(silence),
        },
    )

    found = await status.probe(over.workspace.fleet, over.workspace.fleet.names, 0.2)

    assert [one.registry for one in found if one.error is None] == ["fine"]
    assert {one.registry for one in found if isinstance(one.error, RegistryError)} >= {"broken", "odd", "dead", "mute"}
    assert all(one.info is None for one in found if one.error)
    assert found[0].info
    assert found[0].info.version == "8.1.5"
    assert "0.2 s" in str(found[-1].error)


async def test_a_registry_that_tells_its_version_and_nothing_else_is_not_fine(world: World):
    def version_only(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/metadata/version":
            return httpx2.Response(200, json={"version": "8.1.5"})
        return httpx2.Response(403, json={"error_code": 40301, "message": "forbidden"})

    over = reached_over_rest(world, {"shy": httpx2.MockTransport(version_only)})

    (found,) = await status.probe(over.workspace.fleet, ["shy"], 5)

    assert found.error


async def test_an_unknown_name_is_refused_with_the_known_ones(world: World):
    with pytest.raises(NotFoundError, match="prd"):
        await status.probe(world.workspace.fleet, ["prd"], 5)


@pytest.mark.parametrize("registry", [answering(500), answering(401), answering(200, "nonsense"), dead()])
async def test_a_registry_that_does_not_answer_is_an_error(world: World, registry: Any):
    over = reached_over_rest(world, {"east": registry})

    with pytest.raises(Exception, match="east"):
        await status.of(over.registry("east"), world.workspace.journal)
