"""One SQLite file, many users: what was answered is on disk, and nobody gets in each other's way."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConfigurationError, IncompatibleError, RegistryError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.contract import Connection

WRITER = """
import asyncio, sys
from pathlib import Path
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.contract import Connection

async def main(path, name, count):
    registry = EmbeddedRegistry(Connection(name, path=Path(path)))
    for number in range(count):
        text = '{"type":"fixed","name":"%s%d","size":1}' % (name, number)
        version = await registry.register(Subject(f"{name}-{number}"), Schema(text))
        print(version.id, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def fixed(name: str, size: int = 1) -> Schema:
    return Schema(f'{{"type":"fixed","name":"{name}","size":{size}}}')


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "registry.sqlite"


@pytest.fixture
async def registry(path):
    registry = EmbeddedRegistry(Connection("dev", path=path))
    yield registry
    await registry.close()


async def test_processes_that_open_one_new_file_share_its_ids(path, registry):
    processes = [writer(path, name, 30) for name in ("a", "b", "c")]
    ids = [int(line) for process in processes for line in process.communicate(timeout=60)[0].split()]

    assert sorted(ids) == list(range(1, 91))
    assert len(await registry.subjects()) == 90


async def test_what_was_answered_survives_a_kill(path, registry):
    process = writer(path, "k", 100_000)
    answered = [int(process.stdout.readline()) for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    answered += [int(line) for line in process.communicate(timeout=60)[0].split("\n") if line]

    kept = [version async for version in registry.versions()]
    assert {version.id for version in kept} >= set(answered)
    assert sorted(version.id for version in kept) == list(range(1, len(kept) + 1))
    assert (await registry.register(Subject("next"), fixed("next"))).id == len(kept) + 1


async def test_a_reader_sees_what_another_registry_wrote(path, registry):
    other = EmbeddedRegistry(Connection("other", path=path))
    await registry.register(Subject("orders"), fixed("A"))

    assert await other.numbers(Subject("orders")) == [1]

    await other.close()


async def test_registrations_that_wait_together_stay_apart(registry):
    await registry.register(Subject("orders"), fixed("Order"))

    results = await asyncio.gather(
        *(registry.register(Subject(f"s{number}"), fixed(f"S{number}")) for number in range(50)),
        registry.register(Subject("orders"), fixed("Order", size=2)),
        *(registry.register(Subject("same"), fixed("Same")) for _ in range(50)),
        return_exceptions=True,
    )

    refused = [one for one in results if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [IncompatibleError]
    assert len(await registry.subjects()) == 52
    assert {version.id for version in results[51:]} == {results[51].id}
    assert await registry.numbers(Subject("orders")) == [1]


async def test_a_change_that_gave_up_waiting_is_not_done(registry):
    started, go_on = threading.Event(), threading.Event()

    def slow(session):
        started.set()
        go_on.wait(10)

    first = asyncio.create_task(registry.core.change(slow))
    await asyncio.to_thread(started.wait, 10)
    second = asyncio.create_task(registry.register(Subject("b"), fixed("B")))
    await asyncio.sleep(0.01)
    second.cancel()

    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    await first
    await registry.register(Subject("c"), fixed("C"))
    assert await registry.subjects() == [Subject("c")]


@pytest.mark.parametrize("slow", ["ask", "change"])
async def test_nobody_waits_for_a_slow_reader_or_writer(registry, slow):
    await registry.register(Subject("a"), fixed("A"))
    started, go_on = threading.Event(), threading.Event()

    def work(session):
        session.sql.execute("SELECT count(*) FROM versions").fetchone()
        started.set()
        return go_on.wait(10)

    task = asyncio.create_task(getattr(registry.core, slow)(work))
    await asyncio.to_thread(started.wait, 10)

    assert await registry.numbers(Subject("a")) == [1]
    assert [version.number async for version in registry.versions()] == [1]

    go_on.set()
    assert await task


async def test_a_file_of_a_newer_release_is_left_alone(path, registry):
    await registry.contexts()
    await registry.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(ConfigurationError, match="newer release"):
        await registry.contexts()


async def test_a_file_that_is_no_database_is_an_error_of_that_registry(path, registry):
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 1_000)

    with pytest.raises(RegistryError, match="dev: SQLite said") as broken:
        await registry.contexts()
    assert broken.value.hint


async def test_memory_is_gone_with_its_registry():
    registry = EmbeddedRegistry(Connection("dev"))
    await registry.register(Subject("orders"), fixed("A"))
    await registry.close()

    assert await registry.subjects() == []
    await registry.close()
