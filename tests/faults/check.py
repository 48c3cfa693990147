"""Is everything in order that a server left behind? Asked of the files, not of the server."""

import asyncio
import json
import subprocess
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from interfaces.processes import Process, serving
from schema_mcp.domain.schema import Mode, Subject
from services.world import World, world_at

ENVIRON = {"PATH": "/usr/bin:/bin", "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}


@contextmanager
def server_at(folder: Path, registries: str, *options: str) -> Generator[Process]:
    """A server over stdio with these registries, past its handshake."""
    (folder / "registries.yaml").write_text(registries, encoding="utf-8")
    with serving(folder, ENVIRON | {"HOME": str(folder)}, *options) as server:
        server.initialize()
        yield server


def assert_sound(folder: Path, registries: str) -> None:
    """Git is whole and clean; store, ledger and registries agree; no subject is left in IMPORT."""
    store = folder / ".schema-mcp" / "store"
    subprocess.run(["git", "fsck", "--strict"], cwd=store, check=True, capture_output=True)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=store, check=True, capture_output=True, text=True)
    assert status.stdout == ""
    asyncio.run(_assert_agreement(folder, registries))


async def _assert_agreement(folder: Path, registries: str) -> None:
    async with world_at(folder, registries) as world:
        await world.store.refresh()
        assert world.store.findings() == []
        stored = {(s, r.number): r for s in world.store.subjects() for r in world.store.records(s)}
        assert_one_content_per_id([(record.id, record.schema_hash) for record in stored.values()])
        known = {(entry.subject, entry.number): (entry.id, entry.schema_hash) for entry in await _entries(world)}
        assert {place: known.get(place) for place in stored} == {
            place: (record.id, record.schema_hash) for place, record in stored.items()
        }
        for name in world.workspace.fleet.names:
            registry = world.registry(name)
            async for version in registry.versions(deleted=True):
                place = version.subject, version.number
                assert place in stored, f"{name} has {place}, the store does not"
                assert stored[place].id == version.id
                assert await registry.mode(version.subject) is not Mode.IMPORT
            assert await registry.mode(Subject("")) in (None, Mode.READWRITE)
        assert [run for run in await world.ground.journal.recovered() if run.kind == "registration"] == []


async def _entries(world: World):
    return await world.ground.ledger.entries(limit=-1)


def assert_one_content_per_id(held: list[tuple[int, str]]) -> None:
    contents: dict[int, set[str]] = defaultdict(set)
    for schema_id, digest in held:
        contents[schema_id].add(digest)
    assert all(len(many) == 1 for many in contents.values()), json.dumps({k: sorted(v) for k, v in contents.items()})
