"""Many processes on one ledger, killed at any moment: no number twice, no content with two."""

import random
import sqlite3
import subprocess
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from schema_mcp.domain.allocation import IdRange
from schema_mcp.stores.ids import SqliteLedger
from stores import crowd

PROCESSES = 8
REPLACED = 8


def answers(logs: list[Path]) -> list[tuple[str, int]]:
    """(content, id) of every answer that a process heard of, whole lines only."""
    lines = [line for log in logs for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [(content, int(number)) for content, number in (line.split() for line in lines)]


def run_crowd(folder: Path, ranges: list[IdRange]) -> dict[int, list[tuple[str, int]]]:
    """What the processes heard, per region, while they were killed and replaced one after the other."""
    chance = random.Random(11)

    def start(seed: int) -> subprocess.Popen[bytes]:
        region = seed % len(ranges)
        log = folder / f"{region}-{seed}.log"
        arguments = (folder / f"{region}.sqlite", log, seed, ranges[region].first, ranges[region].last)
        return crowd.ready(crowd.join("allocate", *arguments))

    crew = [start(seed) for seed in range(PROCESSES)]
    for seed in range(PROCESSES, PROCESSES + REPLACED):
        time.sleep(chance.random() / 5)
        crowd.kill(crew.pop(chance.randrange(len(crew))))
        crew.append(start(seed))
    for process in crew:
        crowd.kill(process)
    return {region: answers(sorted(folder.glob(f"{region}-*.log"))) for region in range(len(ranges))}


@pytest.mark.parametrize("regions", [1, 3], ids=["one-space", "three-regions"])
async def test_killed_processes_leave_no_duplicate_and_no_shared_id(tmp_path: Path, regions: int):
    ranges = [IdRange(10_001 + 1_000_000 * n, 1_010_000 + 1_000_000 * n) for n in range(regions)]
    ledgers = [SqliteLedger(tmp_path / f"{n}.sqlite", ids=ids) for n, ids in enumerate(ranges)]
    for ledger in ledgers:
        await ledger.extend(0, 1_000_000_000)

    told = run_crowd(tmp_path, ranges)

    seen: set[int] = set()
    for region, ledger in enumerate(ledgers):
        ids, contents = defaultdict[str, set[int]](set), defaultdict[int, set[str]](set)
        for content, number in told[region]:
            ids[content].add(number)
            contents[number].add(content)
        assert len(told[region]) > 50
        assert all(len(one) == 1 for one in ids.values()), "one content, two ids"
        assert all(len(one) == 1 for one in contents.values()), "one id, two contents"
        assert seen.isdisjoint(contents), "two regions, one id"
        seen |= set(contents)
        for content, number in told[region][::50]:
            assert [held.schema_hash for held in await ledger.lookup(number)] == [content]
        with closing(sqlite3.connect(tmp_path / f"{region}.sqlite")) as connection:
            kept = {row[0] for row in connection.execute("SELECT id FROM ids")}
        last = await ledger.high_water()
        assert kept == set(range(ranges[region].first, last + 1)), "a gap that nobody can account for"
        ledger.close()
