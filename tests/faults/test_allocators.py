"""8 processes take 100,000 ids from one ledger and are killed at random: no duplicate, and every gap is explained."""

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from schema_mcp.domain.id_audit import gaps
from stores.ledgers import Ledgers, open_at

PROCESSES = 8
WIDE = (250, 250, 250, 250, 250, 100, 100, 1)
ONE_BY_ONE = (1,) * PROCESSES
ROOT = Path(__file__).parents[1]


class Crowd:
    """Processes that are killed at any moment, and replaced, until enough ids were handed out."""

    def __init__(self, folder: Path, place: Path | str, widths: tuple[int, ...]) -> None:
        self.folder = folder
        self._place = str(place)
        self._widths = widths
        self._started = 0
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}

    def run(self, enough: int, kills: int) -> None:
        """Kill one and replace it each time that another part of the ids is handed out."""
        chance = random.Random(7)
        crew = [self._start() for _ in range(PROCESSES)]
        try:
            for part in range(1, kills + 1):
                while self._high_water() < 10_000 + enough * part / kills:
                    time.sleep(0.05 * chance.random())
                one = chance.randrange(PROCESSES)
                assert crew[one].poll() is None, crew[one].communicate()[1].decode()
                crew[one].kill()
                crew[one].communicate()
                crew[one] = self._start(one)
        finally:
            for process in crew:
                process.kill()
                process.communicate()
        return kills

    def answers(self) -> tuple[list[tuple[str, int]], list[range]]:
        """(content, id) of every answer that a process heard of, and the blocks; whole lines only."""
        told: list[tuple[str, int]] = []
        blocks: list[range] = []
        for log in self.folder.glob("*.log"):
            for line in log.read_text().splitlines(keepends=True):
                match line.split():
                    case ["block", first, last] if line.endswith("\n"):
                        blocks.append(range(int(first), int(last) + 1))
                    case [digest, number] if line.endswith("\n"):
                        told.append((digest, int(number)))
        return told, blocks

    def _start(self, place: int | None = None) -> subprocess.Popen[bytes]:
        seed, self._started = self._started, self._started + 1
        width = self._widths[(seed if place is None else place) % PROCESSES]
        return subprocess.Popen(
            [sys.executable, ROOT / "faults" / "allocators.py", self._place, self.folder / f"{seed}.log", str(seed),
             str(width)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self._environment,
        )  # fmt: skip

    def _high_water(self) -> int:
        async def ask() -> int:
            ledger = open_at(self._place)
            try:
                return await ledger.high_water()
            finally:
                ledger.close()

        return asyncio.run(ask())


@pytest.mark.parametrize(
    ("ids", "widths", "kills"),
    [
        pytest.param(20_000, WIDE, 4, id="mixed"),
        pytest.param(100_000, WIDE, 8, id="mixed-100000", marks=pytest.mark.soak),
        pytest.param(100_000, ONE_BY_ONE, 100, id="one-by-one-100000", marks=pytest.mark.soak),
    ],
)
def test_killed_processes_hand_out_every_id_once(
    ledgers: Ledgers, tmp_path: Path, ids: int, widths: tuple[int, ...], kills: int
):
    asyncio.run(_opened_wide(ledgers))
    folder = tmp_path / "logs"
    folder.mkdir()
    crowd = Crowd(folder, ledgers.place(), widths)

    crowd.run(ids, kills)

    told, blocks = crowd.answers()
    account = asyncio.run(_account(ledgers))
    assert len(told) > ids / 2
    _assert_one_to_one(told)
    known = {one.schema_hash: one.id for one in account.held}
    assert all(known[digest] == number for digest, number in told), "an answer was not durable"
    reserved = [number for block in blocks for number in block]
    assert len(reserved) == len(set(reserved)), "two blocks share a number"
    assert set(reserved).isdisjoint(number for _, number in told), "a reserved number was handed out"
    # Nothing was committed: everything is a gap, and the ledger knows of each what became of it.
    found = list(gaps([], account.first, account.last, account.held, account.blocks, account.skips))
    assert sum(one.last - one.first + 1 for one in found) == account.last - account.first + 1 >= ids
    assert [one for one in found if not one.explained] == []


def _assert_one_to_one(told: list[tuple[str, int]]) -> None:
    pairs = set(told)
    assert len(pairs) == len({digest for digest, _ in pairs}), "one content, two ids"
    assert len(pairs) == len({number for _, number in pairs}), "one id, two contents"


async def _opened_wide(ledgers: Ledgers) -> None:
    await ledgers.open().extend(0, 1_000_000_000)


async def _account(ledgers: Ledgers):
    return await ledgers.open("ledger").audited()
