"""Calm while a registry is slow, lies or is away: others go on, old answers say how old they are."""

import asyncio
import json
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from faults.hostile import Hostile, Mood, hostile
from interfaces.processes import serving
from schema_mcp.domain.errors import RegistryError, SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.registries import addresses
from schema_mcp.registries.backends.embedded import EmbeddedRegistry
from schema_mcp.registries.contract import Connection
from schema_mcp.services import search
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.tool import Effect
from schema_mcp.tools import CATALOGUE
from services.world import ORDERS, V1, V2, World, record, world_at

AWAY = [Mood.SILENT, Mood.RESET, Mood.TRUNCATE, Mood.TOO_MANY, Mood.FAULT, Mood.UNAVAILABLE]
LYING = [Mood.PAGE, Mood.OTHER_JSON, Mood.HALF_JSON]
BRISK = "timeouts: { connect: 1, read: 0.3, total: 1 }, retries: 1"


def configured(*urls: str, cache: str = "{ ttl: 0.01 }", more: str = BRISK) -> str:
    return f"""\
default: prod
ids: registry
registries:
  prod: {{ backend: confluent, urls: {json.dumps(urls)}, {more}, cache: {cache} }}
  dev: {{ }}
"""


@asynccontextmanager
async def opened(folder: Path, cache: str = "{ ttl: 0.01 }") -> AsyncIterator[tuple[World, Hostile]]:
    """`prod` behind a bad line, with one subject, and `dev` that is always well."""
    async with hostile() as prod, world_at(folder, configured(prod.url, cache=cache), toolsets="all") as world:
        await world.registry("prod").register(ORDERS, Schema(V1))
        await world.registry("dev").register(ORDERS, Schema(V1))
        yield world, prod


async def ask(world: World, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await world.call(tool, **arguments)).model_dump(mode="json")


# --- while a registry is away ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mood", AWAY)
async def test_what_was_read_before_is_shown_as_stale_with_its_age(tmp_path: Path, mood: Mood):
    async with opened(tmp_path) as (world, prod):
        before = await ask(world, "get_schema", subject=ORDERS.name)
        listed = await ask(world, "list_subjects")
        found = await ask(world, "search_schemas", query="orders", registries=["prod"])
        prod.mood = mood
        await anyio.sleep(0.1)

        schema = await ask(world, "get_schema", subject=ORDERS.name)
        again = await ask(world, "list_subjects")

        assert (before["stale"], before["age"], listed["stale"]) == (False, None, False)
        assert (schema["schema_text"], schema["stale"]) == (before["schema_text"], True)
        assert (again["subjects"], again["stale"]) == (listed["subjects"], True)
        assert 0 < schema["age"] < 60
        assert (found["total"], found["stale"]) == (1, False)


@pytest.mark.parametrize("mood", LYING)
async def test_nonsense_is_an_error_and_no_reason_to_show_old_answers(tmp_path: Path, mood: Mood):
    async with opened(tmp_path) as (world, prod):
        await ask(world, "get_schema", subject=ORDERS.name)
        await ask(world, "list_subjects")
        prod.mood = mood
        await anyio.sleep(0.05)

        for tool, arguments in {"get_schema": {"subject": ORDERS.name}, "list_subjects": {}}.items():
            with pytest.raises(RegistryError, match="answered 200"):
                await ask(world, tool, **arguments)


@pytest.mark.parametrize("mood", [*AWAY, *LYING])
async def test_what_decides_something_is_an_error_whatever_is_remembered(tmp_path: Path, mood: Mood):
    async with opened(tmp_path) as (world, prod):
        await ask(world, "list_subjects")
        await ask(world, "get_schema", subject=ORDERS.name)
        await ask(world, "search_schemas", query="orders")
        prod.mood = mood
        prod.requests.clear()

        deciding: dict[str, dict[str, Any]] = {
            "detect_drift": {"registry": "prod"},
            "plan_deployment": {"registries": ["prod"]},
            "plan_migration": {"source": "prod", "target": "dev"},
            "compare_registries": {"source": "dev", "target": "prod"},
            "register_schema": {"subject": ORDERS.name, "schema_text": V2},
        }
        for tool, arguments in deciding.items():
            with pytest.raises(SchemaMcpError) as refused:
                await ask(world, tool, **arguments)
            assert "prod" in str(refused.value), tool
        assert prod.writes == []


async def test_a_search_goes_on_with_what_a_registry_held_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "FRESH", timedelta(0))
    async with opened(tmp_path) as (world, prod):
        never = await ask_away(world, prod, query="orders")
        await ask(world, "search_schemas", query="orders")
        after = await ask_away(world, prod, query="orders")

    assert (never["unreachable"], never["remembered"], never["stale"]) == (["prod"], [], False)
    assert (after["unreachable"], after["remembered"], after["stale"]) == ([], ["prod"], True)
    assert [hit["found_in"] for hit in never["hits"]] == [["dev"]]
    assert [hit["found_in"] for hit in after["hits"]] == [["prod", "dev"]]
    assert after["age"] is not None


async def ask_away(world: World, prod: Hostile, **arguments: Any) -> dict[str, Any]:
    prod.mood = Mood.UNAVAILABLE
    said = await ask(world, "search_schemas", **arguments)
    prod.mood = Mood.HONEST
    return said


async def test_a_restarted_server_still_has_its_copy(tmp_path: Path):
    async with hostile() as prod:
        settings = configured(prod.url, cache="{ ttl: 0.01, disk: true }")
        async with world_at(tmp_path, settings) as world:
            await world.registry("prod").register(ORDERS, Schema(V1))
            await ask(world, "get_schema", subject=ORDERS.name)
            await ask(world, "search_schemas", query="orders", registries=["prod"])
        prod.mood = Mood.RESET

        async with world_at(tmp_path, settings) as world:
            schema = await ask(world, "get_schema", subject=ORDERS.name)
            found = await ask(world, "search_schemas", query="orders", registries=["prod"])
            with pytest.raises(RegistryError):
                await ask(world, "list_subjects")

        assert (json.loads(schema["schema_text"]), schema["stale"]) == (json.loads(V1), True)
        assert (found["total"], found["remembered"]) == (1, ["prod"])


async def test_when_it_is_back_answers_are_its_own_again(tmp_path: Path):
    async with opened(tmp_path) as (world, prod):
        await ask(world, "get_schema", subject=ORDERS.name)
        prod.mood = Mood.UNAVAILABLE
        await anyio.sleep(0.05)
        away = await ask(world, "get_schema", subject=ORDERS.name)
        prod.mood = Mood.HONEST

        back = await ask(world, "get_schema", subject=ORDERS.name)

        assert (away["stale"], back["stale"], back["age"]) == (True, False, None)


# --- the circuit -----------------------------------------------------------------------------------------------------


async def test_an_open_circuit_fails_at_once_is_seen_and_closes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(addresses, "FIRST_REST", 2.0)
    async with opened(tmp_path) as (world, prod):
        prod.mood = Mood.RESET
        for _ in range(3):
            with pytest.raises(RegistryError):
                await ask(world, "list_subjects")
        asked = len(prod.requests)
        seconds, circuits = await failing(world, 10)
        unasked = len(prod.requests) - asked
        half_open = await rested(world)
        prod.mood = Mood.HONEST
        info = await ask(world, "get_registry_info")

    assert circuits == {"open"}
    assert unasked == 0
    assert statistics.median(seconds) < 0.005
    assert half_open == ["half_open"]
    assert [one["circuit"] for one in info["addresses"]] == ["closed"]


async def rested(world: World) -> list[str]:
    """How the addresses are once none is left alone any more."""
    await anyio.sleep(max(one.rests_for for one in world.registry("prod").health) + 0.01)
    return [one.circuit for one in world.registry("prod").health]


async def failing(world: World, times: int) -> tuple[list[float], set[str]]:
    """How long calls take that fail, and what get_registry_info says of the circuit meanwhile."""
    seconds: list[float] = []
    circuits: set[str] = set()
    for _ in range(times):
        began = time.perf_counter()
        with pytest.raises(RegistryError):
            await world.registry("prod").subjects()
        seconds.append(time.perf_counter() - began)
        with pytest.raises(RegistryError) as refused:
            await ask(world, "get_registry_info")
        circuits |= {one["circuit"] for one in refused.value.details["addresses"]}
    return seconds, circuits


@pytest.mark.parametrize("mood", [Mood.SILENT, Mood.RESET, Mood.TRUNCATE, Mood.UNAVAILABLE])
async def test_another_address_of_the_registry_answers(tmp_path: Path, mood: Mood):
    async with hostile() as good, hostile() as bad:
        bad.mood = mood
        async with world_at(tmp_path, configured(bad.url, good.url), toolsets="all") as world:
            for _ in range(6):
                await world.registry("prod").subjects()
            info = await ask(world, "get_registry_info")
            asked = len(bad.requests)
            await ask(world, "get_registry_info")

    first, second = info["addresses"]
    assert (first["circuit"], second["circuit"], second["problem"]) == ("open", "closed", "")
    assert first["problem"]
    assert first["rests_for"] > 0
    assert len(bad.requests) == asked  # it is left alone


# --- others go on ----------------------------------------------------------------------------------------------------


async def test_a_silent_registry_delays_nobody_else(tmp_path: Path):
    async with opened(tmp_path) as (world, prod):
        prod.mood = Mood.SILENT
        finished: list[str] = []

        async def wait_for_prod() -> None:
            with pytest.raises(RegistryError):
                await world.registry("prod").subjects()
            finished.append("prod")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait_for_prod)
            await anyio.sleep(0.05)
            for _ in range(3):
                await ask(world, "list_subjects", registry="dev")
                await ask(world, "get_schema", registry="dev", subject=ORDERS.name)
            finished.append("dev")

        assert finished == ["dev", "prod"]


async def test_a_search_waits_for_no_silent_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "FRESH", timedelta(0))
    monkeypatch.setattr(search, "_PATIENCE", 0.1)
    monkeypatch.setattr(search, "_FIRST_PATIENCE", 0.2)
    async with hostile() as prod:
        patient = configured(prod.url, more="timeouts: { connect: 30, read: 30, total: 60 }")
        async with world_at(tmp_path, patient) as world:
            await world.registry("dev").register(ORDERS, Schema(V1))
            await world.registry("prod").register(ORDERS, Schema(V1))
            with anyio.fail_after(10):
                prod.mood = Mood.SILENT
                never = await ask(world, "search_schemas", query="orders")
                prod.mood = Mood.HONEST
                await ask(world, "search_schemas", query="orders")
                prod.mood = Mood.SILENT
                known = await ask(world, "search_schemas", query="orders")

    assert (never["unreachable"], never["hits"][0]["found_in"]) == (["prod"], ["dev"])
    assert (known["remembered"], known["hits"][0]["found_in"]) == (["prod"], ["prod", "dev"])
    assert (never["stale"], known["stale"]) == (False, True)


async def test_no_call_lasts_longer_than_the_total_time(tmp_path: Path):
    async with opened(tmp_path) as (world, prod):
        prod.mood = Mood.SILENT

        with anyio.fail_after(5), pytest.raises(RegistryError, match="prod"):
            await world.registry("prod").subjects()


def test_a_ping_is_answered_at_once_while_a_thousand_subjects_are_swept(tmp_path: Path):
    """The server is a process of its own, and so is its time; the registry answers from here, 5 ms late."""
    with registry_in_a_thread(subjects=1_000) as prod:
        (tmp_path / "registries.yaml").write_text(
            configured(prod.url, more="limits: { connections: 10 }"), encoding="utf-8"
        )
        environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        with serving(tmp_path, environ, "--toolsets", "all") as server:
            server.initialize()
            sweep = {"name": "get_registry_info", "arguments": {"modes_asked": 1_000}}
            server.tell({"id": "sweep", "method": "tools/call", "params": sweep})
            began = time.perf_counter()
            pings, swept = pinging_until_swept(server)
            took = time.perf_counter() - began

    assert json.loads(swept["content"][0]["text"])["subjects"] == 1_000
    assert len(prod.requests) > 1_000
    assert len(pings) > 20
    assert statistics.median(pings) < max(0.05, took / 50)  # where others use the machine, too, all takes longer


class registry_in_a_thread:  # noqa: N801 - reads as a block
    """A registry with an event loop of its own."""

    def __init__(self, subjects: int) -> None:
        self._subjects = subjects
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: anyio.run(self._serve))

    async def _serve(self) -> None:
        async with hostile() as self.prod:
            registry = EmbeddedRegistry(Connection("dev"))
            registry.core.close()
            registry.core = self.prod.core
            for number in range(self._subjects):
                await registry.register(Subject(f"s-{number}"), Schema(record("id:long", name=f"R{number}")))
            self.prod.delay = 0.005
            self._over = anyio.Event()
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._over.wait()

    def __enter__(self) -> Hostile:
        self._thread.start()
        assert self._ready.wait(60)
        return self.prod

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        assert not self._thread.is_alive()


def pinging(server: Any, heard: Callable[[dict[str, Any]], None] = lambda _: None) -> float:
    """How long a ping takes; whatever else is answered meanwhile is handed on."""
    began = time.perf_counter()
    server.tell({"id": "ping", "method": "ping"})
    while (said := json.loads(server.process.stdout.readline())).get("id") != "ping":
        heard(said)
    return time.perf_counter() - began


def pinging_until_swept(server: Any) -> tuple[list[float], dict[str, Any]]:
    """Ping until the sweep is answered: how long each took, and that answer."""
    pings: list[float] = []
    swept: list[dict[str, Any]] = []

    def heard(said: dict[str, Any]) -> None:
        swept.extend([said["result"]] if said.get("id") == "sweep" else [])

    while not swept:
        pings.append(pinging(server, heard))
        time.sleep(0.005)
    return pings, swept[0]


# --- requests --------------------------------------------------------------------------------------------------------

POOL: dict[str, Any] = {
    "registry": "prod",
    "registries": ["prod"],
    "source": "prod",
    "target": "dev",
    "subject": ORDERS.name,
    "subjects": [ORDERS.name],
    "schema_text": V2,
    "other_text": V1,
    "query": "orders",
    "id": 1,
    "context": "default",
    "level": "FULL",
    "version": 1,
    "tool": "register_schema",
    "format": "schema",
}
SPECIAL: dict[str, dict[str, Any]] = {"get_schema": {"registry": "prod", "subject": ORDERS.name}}


def arguments_for(name: str) -> list[dict[str, Any]]:
    """What a tool is called with: all that it needs, then all that it takes."""
    fields = CATALOGUE[name].request.model_fields
    needed = {field: POOL[field] for field, info in fields.items() if info.is_required() and field in POOL}
    return [SPECIAL.get(name, needed), {field: POOL[field] for field in fields if field in POOL}]


async def test_tools_that_read_send_nothing_but_reads(tmp_path: Path):
    sent: dict[str, list[str]] = {}
    asking = 0
    async with opened(tmp_path) as (world, prod):
        for name in (name for name, tool in CATALOGUE.items() if tool.effect is Effect.READS):
            prod.requests.clear()
            for arguments in arguments_for(name):
                with suppress(SchemaMcpError):
                    await call(CATALOGUE[name], arguments, caller=world.workspace.caller, workspace=world.workspace)
            asking += bool(prod.requests)
            sent |= {name: prod.writes} if prod.writes else {}
        writes = world.registry("prod").writes

    assert sent == {}
    assert writes == 1  # the one that made this world
    assert asking > 10  # and they did ask


async def test_a_hundred_readers_of_one_schema_make_one_request(tmp_path: Path):
    async with opened(tmp_path, cache="{ ttl: 60 }") as (world, prod):
        prod.requests.clear()
        async with anyio.create_task_group() as readers:
            for _ in range(100):
                readers.start_soon(lambda: ask(world, "get_schema", subject=ORDERS.name))
        info = await ask(world, "get_registry_info", modes_asked=0)

    assert len([one for one in prod.requests if "orders-value" in one]) == 1
    assert (info["cache"]["hits"], info["cache"]["misses"]) == (99, 1)


async def test_a_read_after_our_own_write_sees_it_in_every_tool(tmp_path: Path):
    async with opened(tmp_path, cache="{ ttl: 60 }") as (world, _):
        for number, text in enumerate((V1, V2), start=1):
            await world.registry("prod").register(ORDERS, Schema(text))

            schema = await ask(world, "get_schema", subject=ORDERS.name)
            found = await ask(world, "search_schemas", query="orders", registries=["prod"])

            assert (schema["version"], schema["age"]) == (number, None)
            assert [hit["version"] for hit in found["hits"]] == [number]
        await ask(world, "list_subjects")
        await ask(world, "register_schema", subject="payments-value", schema_text=V1)

        assert (await ask(world, "list_subjects"))["subjects"] == ["orders-value", "payments-value"]
