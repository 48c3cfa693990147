import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.world import World, embedded, world_at

OURS = embedded("dev", "prod", "shut", shut="readonly: true")
THEIRS = embedded("dev")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    """Two writable registries and a closed one: our ledger numbers."""
    async with kept_open(tmp_path, OURS) as opened:
        yield opened


@pytest.fixture
async def lone(tmp_path: Path) -> AsyncGenerator[World]:
    """One registry, which numbers by itself."""
    async with kept_open(tmp_path, THEIRS) as opened:
        yield opened


@pytest.fixture(params=[OURS, THEIRS], ids=["ledger", "registry"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[World]:
    """A world in which the ledger numbers, and one in which the registry does."""
    async with kept_open(tmp_path, request.param) as opened:
        yield opened


@asynccontextmanager
async def kept_open(folder: Path, registries: str) -> AsyncGenerator[World]:
    """A world that is opened and closed by one task, as its task group wants; pytest takes two."""
    ready: asyncio.Future[World] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def keep() -> None:
        async with world_at(folder / "world", registries) as world:
            ready.set_result(world)
            await over.wait()

    keeper = asyncio.create_task(keep())
    await asyncio.wait([ready, keeper], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield ready.result()
    finally:
        over.set()
        await keeper
