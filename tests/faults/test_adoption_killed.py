"""An adoption that is killed at any moment leaves all of it or nothing, and goes through when it is asked for again."""

import asyncio
import random
from pathlib import Path

from faults.check import assert_sound, server_at
from faults.test_kills import killed, text
from schema_mcp.domain.schema import Schema, Subject
from services.world import embedded, world_at

KILLS = 3
VERSIONS = 150
REGISTRIES = embedded("dev", "prod")


def test_a_kill_while_adopting_leaves_all_or_nothing(tmp_path: Path):
    asyncio.run(_filled(tmp_path))
    rolls = random.Random("adopt")
    seen: set[int] = set()
    for _ in range(KILLS):
        with server_at(tmp_path, REGISTRIES, "--toolsets", "all") as server:
            plan = server.call("adopt_registry", registry="dev")["structuredContent"]["plan"]
            killed(server, rolls, lambda one, plan=plan: one.call("adopt_registry", registry="dev", plan=plan, wait=30))
        seen.add(asyncio.run(_stored(tmp_path)))
    with server_at(tmp_path, REGISTRIES, "--toolsets", "all") as server:
        plan = server.call("adopt_registry", registry="dev")["structuredContent"]["plan"]
        last = server.call("adopt_registry", registry="dev", plan=plan, wait=30)
        assert not last.get("isError"), last
        assert server.call("plan_deployment", registries=["dev"])["structuredContent"]["total"] == 0
        server.close()

    assert seen <= {0, VERSIONS}
    assert asyncio.run(_stored(tmp_path)) == VERSIONS
    assert_sound(tmp_path, REGISTRIES)


async def _filled(folder: Path) -> None:
    async with world_at(folder, REGISTRIES) as world:
        for number in range(VERSIONS):
            await world.registry().register(Subject(f"s{number // 3}"), Schema(text(number // 3, number % 3)))


async def _stored(folder: Path) -> int:
    async with world_at(folder, REGISTRIES) as world:
        await world.store.refresh()
        return sum(len(world.store.records(subject)) for subject in world.store.subjects())
