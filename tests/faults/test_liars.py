"""A registry that is down, slow or lying: a coded error that names it, and nothing half-written anywhere else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from fakes.confluent import FakeConfluent, Receive, Send
from fakes.loopback import Served, answer, reset, serving
from schema_mcp.domain.errors import RegistryError, SchemaMcpError
from schema_mcp.domain.schema import Subject
from schema_mcp.services import drift, migration, search
from schema_mcp.services.registration import Stop
from schema_mcp.services.selection import Selection
from services.confluent import reached_over_rest
from services.world import V1, V2, World, embedded, world_at

HTML = b"<html><body>Bad gateway</body></html>"


async def fails(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await answer(writer, b'{"error_code":50001,"message":"oops"}', "500 Internal Server Error")


async def shows_html(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await answer(writer, HTML)


async def says_something_else(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await answer(writer, json.dumps({"hello": ["world"]}).encode())


async def says_numbers(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await answer(writer, b"[17, null, {}]")


async def breaks_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{"subject":"a"')
    await writer.drain()
    writer.close()


async def hangs(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


LIES = [fails, shows_html, says_something_else, says_numbers, breaks_off, hangs, resets]


def registries(url: str) -> str:
    return f"""\
default: far
registries:
  far: {{ backend: confluent, url: "{url}", retries: 0, timeouts: {{ connect: 1, read: 0.3, total: 1 }} }}
  near: {{ backend: embedded, path: near.sqlite }}
"""


@asynccontextmanager
async def lied_to(folder: Path, lie: object) -> AsyncIterator[tuple[World, Served]]:
    async with serving(lie) as served, world_at(folder, registries(served.url), toolsets="all") as world:  # type: ignore[arg-type]
        yield world, served


QUESTIONS = {
    "register": lambda world: world.register(registry="far"),
    "prove": lambda world: world.register(registry="far", stop=Stop.PROOF),
    "plan": lambda world: world.plan("far", "near"),
    "drift": lambda world: drift.swept([world.registry("far")], world.store, Selection()),
    "mend": lambda world: world.call("reconcile_drift", direction="deploy", registry="far"),
    "take over": lambda world: world.call("reconcile_drift", direction="adopt", registry="far"),
    "move": lambda world: migration.plan(world.registry("far"), world.registry("near"), Selection()),
    "list": lambda world: world.call("list_subjects"),
    "get": lambda world: world.call("get_schema", subject="orders-value"),
    "by id": lambda world: world.call("get_schema", id=7),
    "check": lambda world: world.call("check_compatibility", subject="orders-value", schema_text=V1),
    "settings": lambda world: world.call("get_settings"),
    "export": lambda world: world.call("export_schema", subject="orders-value"),
    "delete": lambda world: world.call("delete_subject", subject="orders-value"),
    "level": lambda world: world.call("update_config", level="NONE"),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_a_lie_is_a_coded_error_that_names_the_registry_and_writes_nothing(lie: object, tmp_path: Path):
    async with lied_to(tmp_path, lie) as (world, _):
        await world.register(V1, Subject("near-only"), registry="near") if lie is not hangs else None
        before = await world.traces()
        wrong: dict[str, object] = {}
        for name, ask in QUESTIONS.items():
            try:
                wrong[name] = await ask(world)
            except SchemaMcpError as error:
                if "far" not in str(error) or not error.hint:
                    wrong[name] = (error.code, str(error), error.hint)

        assert wrong == {}
        writes, head, entries = await world.traces()
        assert (writes["near"], head, entries) == (before[0]["near"], *before[1:])


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_who_lies_is_never_in_sync_and_keeps_no_other_from_being_so(lie: object, tmp_path: Path):
    async with lied_to(tmp_path, lie) as (world, _):
        told: Any = await world.call("get_sync_status")

        assert (told.in_sync, told.exit_code) == (False, 1)
        assert {row.registry: row.state for row in told.registries} == {"far": "unreachable", "near": "in_sync"}
        assert "far" in next(row.problem for row in told.registries if row.registry == "far")


@pytest.mark.parametrize("lie", [fails, hangs, resets], ids=lambda lie: lie.__name__)
async def test_the_other_registries_go_on(lie: object, tmp_path: Path):
    async with lied_to(tmp_path, lie) as (world, _):
        done = await world.register(registry="near")
        assert done.deployed
        found = await search.find(world.workspace.index, world.workspace.fleet, world.store, "order", [], "")

        assert found.unreachable == ("far",)
        assert [hit.found_in for hit in found.hits] == [("near", "store")]


class FailsOnce:
    """A registry that does what it is asked, and at one request answers with an error page all the same."""

    def __init__(self, fake: FakeConfluent) -> None:
        self.fake = fake
        self.asked = 0
        self.fail_at = -1

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.asked += 1
        if self.asked != self.fail_at:
            await self.fake(scope, receive, send)
            return

        async def unheard(_: dict[str, Any]) -> None:
            pass

        await self.fake(scope, receive, unheard)
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": HTML})


@pytest.mark.parametrize("kind", ["ledger", "registry"])
async def test_after_an_answer_that_was_lost_the_same_call_ends_well(kind: str, tmp_path: Path):
    """The registry fails at the first request, at the second, and so on, each time after doing what it was asked."""
    names = ("one", "two") if kind == "ledger" else ("one",)
    for failing in count(1):
        far = FailsOnce(FakeConfluent())
        async with world_at(tmp_path / str(failing), embedded(*names)) as empty:
            world = reached_over_rest(empty, {"far": far})
            first = await world.register(registry="far")
            far.fail_at = far.asked + failing
            with suppress(RegistryError):
                await world.register(V2, registry="far")
            reached, far.fail_at = far.asked >= far.fail_at, -1

            done = await world.register(V2, registry="far")

            assert done.deployed
            held = {number: kept.id for number, kept in far.fake.subjects["orders-value"].items()}
            assert held == world.stored() == {1: first.id, 2: done.id}, failing
            assert ("mode", "orders-value") not in far.fake.settings, failing
            assert await world.ground.journal.recovered() == []
        if not reached:
            assert failing > 5
            return
