"""One turn at a time across machines; whoever was paused for too long is refused when it wakes up."""

import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from fakes.postgres import PostgresServer
from schema_mcp.domain.allocation import Allocation
from schema_mcp.domain.errors import LockHeldError
from schema_mcp.domain.schema import Subject
from schema_mcp.stores.ids import PostgresLedger
from schema_mcp.stores.leases import Leases
from schema_mcp.stores.turns import Turns
from stores import crowd

NAME = "prod orders-value"
SHORT = 1.0


class Machine:
    """A server with a state folder of its own, and the ledger that all share."""

    def __init__(self, url: str, folder: Path, lasts: float = 60, patience: float = 0.2) -> None:
        self.ledger = PostgresLedger(url)
        self.leases = Leases(self.ledger._database, lasts=timedelta(seconds=lasts))
        self.turns = Turns(folder, patience=patience, leases=self.leases)

    def close(self) -> None:
        self.leases.close()
        self.ledger.close()


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new()


@pytest.fixture
async def here(url: str, tmp_path: Path) -> AsyncIterator[Machine]:
    machine = Machine(url, tmp_path / "here")
    await machine.ledger.extend(0, 1_000_000)
    yield machine
    machine.close()


@pytest.fixture
async def there(url: str, tmp_path: Path) -> AsyncIterator[Machine]:
    machine = Machine(url, tmp_path / "there")
    yield machine
    machine.close()


def wanted(content: str) -> Allocation:
    return Allocation(Subject(content), 1, content, "AVRO")


def fences(postgres: PostgresServer, url: str) -> list[int]:
    return [row[0] for row in postgres.ask("SELECT fence FROM schema_mcp.leases", url)]


async def test_a_turn_on_one_machine_keeps_the_others_waiting(here: Machine, there: Machine):
    async with here.turns.of("import", NAME):
        with pytest.raises(LockHeldError, match="Somebody else is at work"):
            async with there.turns.of("import", NAME):
                pytest.fail("two at once")
        async with there.turns.of("import", "something else"), there.turns.of("register", NAME):
            pass

    async with there.turns.of("import", NAME) as turn:
        assert turn.left == ""


async def test_nothing_is_left_of_turns_that_ended_in_order(
    here: Machine, there: Machine, postgres: PostgresServer, url: str
):
    seen: list[int] = []
    for machine in (here, there, here):
        async with machine.turns.of("import", NAME):
            seen += fences(postgres, url)

    assert seen == sorted(set(seen)), "a fence only grows"
    assert fences(postgres, url) == []


async def test_who_comes_after_a_holder_that_was_killed_waits_for_nothing_and_reads_his_note(
    url: str, tmp_path: Path, here: Machine
):
    killed = crowd.ready(crowd.join("hold_a_turn", url, tmp_path / "killed", NAME, 3600))
    with pytest.raises(LockHeldError):
        async with here.turns.of("import", NAME):
            pytest.fail("it is alive")

    crowd.kill(killed)

    with anyio.fail_after(5):
        async with _taken(here) as turn:
            assert turn.left == "READWRITE"
            await turn.note("")
    async with here.turns.of("import", NAME) as turn:
        assert turn.left == "", "what was put back is not put back again"


async def test_a_note_that_was_not_taken_back_outlives_an_orderly_end(here: Machine, there: Machine):
    async with here.turns.of("import", NAME) as turn:
        await turn.note("FORWARD")

    async with there.turns.of("import", NAME) as turn:
        assert turn.left == "FORWARD"


async def test_a_paused_holder_is_refused_when_it_wakes_up(url: str, tmp_path: Path, here: Machine):
    paused = crowd.ready(crowd.join("hold_a_turn", url, tmp_path / "paused", NAME, SHORT))
    assert crowd.tell(paused, "write") == "written"
    os.kill(paused.pid, signal.SIGSTOP)
    try:
        with anyio.fail_after(10):
            async with _taken(here):
                os.kill(paused.pid, signal.SIGCONT)
                refused = [crowd.tell(paused, "still mine?"), crowd.tell(paused, "write"), crowd.tell(paused, "note")]
                mine = await here.ledger.allocate(wanted("by whoever took over"))
    finally:
        os.kill(paused.pid, signal.SIGCONT)
        crowd.kill(paused)

    assert all("taken over" in answer for answer in refused), refused
    assert mine.id == 10_002
    assert await here.ledger.high_water() == 10_002, "the paused one wrote nothing"


async def test_a_paused_holder_that_nobody_replaced_goes_on(url: str, tmp_path: Path, here: Machine):
    paused = crowd.ready(crowd.join("hold_a_turn", url, tmp_path / "paused", NAME, 0.2))
    os.kill(paused.pid, signal.SIGSTOP)
    await anyio.sleep(0.5)
    os.kill(paused.pid, signal.SIGCONT)

    assert crowd.tell(paused, "still mine?") == "mine"
    assert crowd.tell(paused, "write") == "written"
    crowd.kill(paused)


async def test_a_holder_that_works_keeps_its_turn_however_long_it_takes(url: str, tmp_path: Path, there: Machine):
    busy = Machine(url, tmp_path / "busy", lasts=0.5)
    await busy.ledger.extend(0, 1_000_000)

    async with busy.turns.of("import", NAME):
        for number in range(8):
            await anyio.sleep(0.2)
            await (busy.turns.still_mine() if number % 2 else busy.ledger.allocate(wanted("aa")))
            assert await there.leases.take(f"import {NAME}") is None
    busy.close()


async def test_a_lost_turn_is_not_ended_by_the_one_who_lost_it(url: str, tmp_path: Path, here: Machine, there: Machine):
    slow = Machine(url, tmp_path / "slow", lasts=0.05)
    async with slow.turns.of("import", NAME):
        await anyio.sleep(0.2)
        taken = await here.leases.take(f"import {NAME}")
        assert taken is not None

    assert await there.leases.take(f"import {NAME}") is None
    slow.close()


async def test_a_turn_is_lost_neither_by_a_restart_of_the_database_nor_kept_without_asking(tmp_path: Path):
    server = PostgresServer()
    try:
        server.start()
        here, there = Machine(server.url(), tmp_path / "a"), Machine(server.url(), tmp_path / "b")
        await here.ledger.extend(0, 1_000_000)
        async with here.turns.of("import", NAME):
            server.stop()
            server.start()
            await here.turns.still_mine()
            await here.ledger.allocate(wanted("aa"))
        async with there.turns.of("import", NAME):
            pass
        here.close()
        there.close()
    finally:
        server.close()


def _taken(machine: Machine):
    """The turn, as soon as it can be had."""
    return Turns(machine.turns._folder, patience=10, leases=machine.leases).of("import", NAME)
