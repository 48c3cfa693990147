"""Several servers, one Git remote: one id per content, no commit lost, whoever is killed or paused."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from fakes.postgres import PostgresServer
from faults import sharing
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.services.registration import Stop
from services.world import V1, V2, World, world_at

SERVERS = 3
KILLS = 3
TURNS = 9
ROOT = Path(__file__).parents[1]


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    place = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", place], check=True)
    return place


def start(part: str, url: str, log: Path, *arguments: object) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@example.com"}
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "faults" / "sharing.py"), part, url, *map(str, arguments)],
            stdout=out, stderr=out, env=environment,
        )  # fmt: skip


def run_crowd(folder: Path, url: str, remote: Path, kills: int) -> str:
    """What the servers said, of whom some were killed at any moment and replaced."""
    chance = random.Random(5)
    log = folder / "said.log"

    def begin(number: int) -> subprocess.Popen[bytes]:
        return start("register", url, log, folder / f"server-{number}", remote, number, TURNS)

    crew = {number: begin(number) for number in range(SERVERS)}
    for _ in range(kills):
        time.sleep(0.8 + chance.random())
        number = chance.randrange(SERVERS)
        crew[number].kill()
        crew[number].wait()
        crew[number] = begin(number)
    for process in crew.values():
        assert process.wait(120) == 0, log.read_text()
    return log.read_text()


def versions(said: str) -> dict[tuple[str, int], int]:
    rows = [line.split() for line in said.splitlines() if line.startswith("s") and len(line.split()) == 3]
    return {(subject, int(number)): int(id_) for subject, number, id_ in rows}


async def assert_one_id_per_content(world: World, told: dict[tuple[str, int], int]) -> None:
    await world.store.fetch()
    stored = {(s.name, r.number): r for s in world.store.subjects() for r in world.store.records(s)}
    contents, numbers = defaultdict[int, set[str]](set), defaultdict[str, set[int]](set)
    for record in stored.values():
        contents[record.id].add(record.schema_hash)
        numbers[record.schema_hash].add(record.id)
    assert all(len(several) == 1 for several in contents.values()), "one id, two contents"
    assert all(len(several) == 1 for several in numbers.values()), "one content, two ids"
    assert {place: stored[place].id for place in told if place in stored} == told, "a commit was lost"
    assert world.store.findings() == []


@pytest.mark.parametrize("ledger", ["shared", "local"])
async def test_servers_that_are_killed_share_a_remote_without_a_double_or_a_loss(
    request: pytest.FixtureRequest, tmp_path: Path, remote: Path, ledger: str
):
    postgres: PostgresServer | None = request.getfixturevalue("postgres") if ledger == "shared" else None
    url = postgres.new() if postgres else ""

    said = run_crowd(tmp_path, url, remote, KILLS)

    told = versions(said)
    assert len(told) > sharing.CONTENTS
    assert "Traceback" not in said, said
    assert "refused" not in said, said
    async with world_at(tmp_path / "looker", sharing.configuration(remote), database_url=url) as world:
        await assert_one_id_per_content(world, told)
        if postgres:
            found = await world.read("audit_ids", {})
            assert found.sound, found.findings
            assert not [one for one in found.findings if not one.explained]


async def test_a_server_that_is_paused_within_an_import_writes_nothing_when_it_wakes_up(
    postgres: PostgresServer, tmp_path: Path, remote: Path
):
    url, log = postgres.new(), tmp_path / "said.log"
    registries = tmp_path / "registries"
    registries.mkdir()
    orders = Subject("orders-value")
    async with world_at(tmp_path / "b", sharing.configuration(remote, registries), database_url=url) as other:
        await other.register(V1)
        await other.register(V2, stop=Stop.COMMIT)
        await other.registry("prod").set_mode(orders, Mode.READWRITE)
        paused = start("carry-in", url, log, tmp_path / "a", remote, registries, 1)
        try:
            _wait_for(log, "paused", paused)
            assert await other.registry("prod").mode(orders) is Mode.IMPORT

            await other.apply(await other.plan("prod"))
            before = other.registry("prod").writes
            mode = await other.registry("prod").mode(orders)
            held = await other.held("prod")
            await other.registry("prod").set_mode(orders, Mode.READONLY)
        finally:
            os.kill(paused.pid, signal.SIGCONT)
            assert paused.wait(60) == 0, log.read_text()

        assert "taken over" in log.read_text()
        assert (mode, held) == (Mode.READWRITE, {1: 10_001, 2: 10_002}), "what the paused one found was put back"
        assert await other.registry("prod").mode(orders) is Mode.READONLY, "the paused one wrote a mode after all"
        assert before >= 4


def _wait_for(log: Path, word: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while word not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)
