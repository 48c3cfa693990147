"""What whoever runs the server is told: whether it is well, whether it may be sent calls, and its figures."""

import asyncio
import fcntl
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from prometheus_client.parser import text_string_to_metric_families

from faults.hostile import Hostile, Mood, hostile
from interfaces.conftest import ORDER
from interfaces.test_site import served
from schema_mcp import app
from schema_mcp.domain.errors import SchemaMcpError, StoreError
from schema_mcp.domain.schema import Schema, Subject
from schema_mcp.interfaces.web import metrics
from schema_mcp.registries import addresses
from schema_mcp.services import checkup, recovery
from schema_mcp.serving import http_site
from schema_mcp.settings import Settings
from schema_mcp.stores.audit import Entry, Outcome
from schema_mcp.toolkit.workspace import Workspace

Make = Callable[..., Settings]
FAR = ({"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Via": "1.1 proxy"})
"""What a request has that came from elsewhere, or through a proxy."""


@asynccontextmanager
async def open_site(settings: Settings, **options: Any) -> AsyncGenerator[tuple[httpx2.AsyncClient, Workspace]]:
    async with app.workspace(settings) as workspace, app.cores(workspace) as cores:
        site = http_site(workspace, cores, "127.0.0.1", **options)
        async with served(site) as url, httpx2.AsyncClient(base_url=url, timeout=20) as http:
            while workspace.recovery.under_way and not workspace.recovery.problem:
                await http.get("/ready")
            yield http, workspace


@asynccontextmanager
async def with_prod(world: Path, settings: Make) -> AsyncGenerator[tuple[httpx2.AsyncClient, Workspace, Hostile]]:
    """Beside `dev`, a registry `prod` behind a line that can go bad."""
    async with hostile() as prod:
        text = (
            f'default: dev\nregistries:\n  dev: {{ }}\n  prod: {{ backend: confluent, url: "{prod.url}", retries: 0,'
            " timeouts: { connect: 1, read: 0.3, total: 1 } }\n"
        )
        (world / "registries.yaml").write_text(text, encoding="utf-8")
        async with open_site(settings()) as (http, workspace):
            yield http, workspace, prod


async def tool(http: httpx2.AsyncClient, name: str, **arguments: Any) -> Any:
    async with Client(f"{http.base_url}/mcp") as client:
        return await client.call_tool(name, arguments)


class Samples:
    """Every figure at one moment."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all = [one for family in text_string_to_metric_families(text) for one in family.samples]

    def __call__(self, name: str, **labels: str) -> float | None:
        return next((one.value for one in self.all if one.name == name and labels.items() <= one.labels.items()), None)


async def samples(http: httpx2.AsyncClient) -> Samples:
    return Samples((await http.get("/metrics")).text)


class TestHealth:
    async def test_names_every_part_and_registry_with_the_time_it_took(self, settings: Make):
        async with open_site(settings()) as (http, _):
            response = await http.get("/health")

        told = response.json()
        assert (response.status_code, told["status"]) == (200, "ok")
        assert list(told["parts"]) == ["store", "ledger", "journal", "audit", "recovery"]
        assert {name for name, one in told["registries"].items() if one["ok"] and one["milliseconds"] > 0} == {
            "dev",
            "staging",
            "locked",
        }
        assert told["tasks"] == {"running": 0, "interrupted": 0}

    async def test_a_registry_that_is_down_makes_it_degraded_and_no_less_ready(self, world: Path, settings: Make):
        async with with_prod(world, settings) as (http, _, prod):
            prod.mood = Mood.RESET
            health, ready = await http.get("/health"), await http.get("/ready")

        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert "prod" in health.json()["registries"]["prod"]["problem"]
        assert health.json()["registries"]["dev"]["ok"]
        assert (ready.status_code, ready.json()) == (200, {"status": "ok"})

    async def test_what_hangs_is_not_waited_for_nor_asked_twice(self, settings: Make, monkeypatch: pytest.MonkeyPatch):
        asked: list[int] = []

        async def never(*_: object) -> None:
            asked.append(1)
            await anyio.sleep_forever()

        async with app.workspace(settings(read_only=True)) as workspace:
            monkeypatch.setattr(workspace.store, "refresh", never, raising=True)
            assert workspace.background
            look = checkup.Checkup(workspace.ground, workspace.recovery, workspace.background, patience=0.2)
            began = time.perf_counter()
            twice = [await look.parts(), await look.parts()]
            took = time.perf_counter() - began

        assert [part.problem for part in twice[1] if part.name == "store"] == ["no answer within 0.2 s"]
        assert (len(asked), took < 2) == (1, True)

    async def test_a_look_counts_for_seconds(self, world: Path, settings: Make):
        async with with_prod(world, settings) as (http, _, prod):
            await http.get("/health")
            asked = len(prod.requests)
            for _ in range(5):
                await http.get("/health")

        assert 0 < asked == len(prod.requests)


class TestReady:
    @pytest.mark.parametrize("part", ["store", "ledger", "journal", "audit"])
    async def test_is_false_while_a_part_of_our_own_is_broken(
        self, settings: Make, part: str, monkeypatch: pytest.MonkeyPatch
    ):
        async def broken(*_: object, **__: object) -> None:
            raise StoreError(f"the {part} cannot be opened", hint="Look at the disk.")

        async with app.workspace(settings(read_only=True)) as workspace:
            thing, method = {
                "store": (workspace.store, "refresh"),
                "ledger": (workspace.ledger, "high_water"),
                "journal": (workspace.journal, "runs"),
                "audit": (workspace.audit, "try_out"),
            }[part]
            monkeypatch.setattr(thing, method, broken)
            async with (
                served(http_site(workspace, {}, "127.0.0.1")) as url,
                httpx2.AsyncClient(base_url=url, timeout=20) as http,
            ):
                ready, health = await http.get("/ready"), await http.get("/health")

        assert (ready.status_code, list(ready.json()["parts"])) == (503, [part])
        assert (health.status_code, health.json()["status"]) == (503, "unfit")

    async def test_is_false_while_somebody_keeps_the_audit_trail_to_himself(self, settings: Make, world: Path):
        async with app.workspace(settings(read_only=True)) as workspace:
            with (world / ".schema-mcp" / "audit" / "audit.head").open("rb+") as other:
                fcntl.flock(other, fcntl.LOCK_EX)
                async with (
                    served(http_site(workspace, {}, "127.0.0.1")) as url,
                    httpx2.AsyncClient(base_url=url, timeout=20) as http,
                ):
                    refused = await http.get("/ready")

        assert (refused.status_code, list(refused.json()["parts"])) == (503, ["audit"])
        assert "locked for 1 s" in refused.json()["parts"]["audit"]["problem"]

    async def test_is_false_until_what_a_crash_left_is_in_order(self, settings: Make, monkeypatch: pytest.MonkeyPatch):
        failing = True
        put_in_order = recovery.settle

        async def settle(*arguments: Any) -> list[str]:
            if failing:
                raise StoreError("the store is locked", hint="Wait.")
            return await put_in_order(*arguments)

        monkeypatch.setattr(recovery, "settle", settle)
        monkeypatch.setattr(app, "_RECOVERY_PAUSES", (0.02,))
        async with open_site(settings()) as (http, workspace):
            while not workspace.recovery.problem:
                await http.get("/ready")
            before = await http.get("/ready")
            failing = False
            with anyio.fail_after(10):
                while workspace.recovery.under_way:
                    await http.get("/ready")
            after = await http.get("/ready")

        assert (before.status_code, before.json()["parts"]["recovery"]["problem"]) == (503, "the store is locked")
        assert after.status_code == 200


class TestMetrics:
    async def test_calls_are_counted_by_what_where_and_how_they_ended(self, settings: Make):
        async with open_site(settings()) as (http, _):
            await http.post("/registries/dev/subjects/secret-orders/versions", json={"schema": ORDER})
            await http.get("/registries/dev/subjects/nobody-has-this/versions")
            await tool(http, "list_subjects", registry="dev")
            await tool(http, "list_subjects", registry="dev", context="default")
            await tool(http, "get_schema", registry="staging", subject="secret-payments")
            await tool(http, "list_subjects", registry="a-registry-nobody-has", wrong=1)
            found = await samples(http)

        def ended(operation: str, registry: str, context: str, outcome: str) -> float | None:
            labels = {"operation": operation, "registry": registry, "context": context, "outcome": outcome}
            return found("schema_operations_total", **labels)

        assert ended("list_subjects", "dev", "", "ok") == 1
        assert ended("list_subjects", "dev", "default", "ok") == 1
        assert ended("get_schema", "staging", "", "failed") == 1
        assert ended("list_subjects", "other", "", "refused") == 1
        assert found("schema_operations_total", operation="rest_post", registry="dev", outcome="ok") == 1
        assert found("schema_refusals_total", code="invalid_request") == 1
        assert found("schema_operation_duration_seconds_count", operation="list_subjects") == 2
        assert found("schema_audit_lines_total") == sum(
            one.value for one in found.all if one.name == "schema_operations_total"
        )
        assert "secret" not in found.text
        assert "nobody" not in found.text

    async def test_callers_cannot_make_labels(self, settings: Make):
        async with app.workspace(settings()) as workspace:
            counted = metrics.Metrics(workspace.fleet)
            for number in range(1_000):
                mark = f"{number}"
                for outcome in (Outcome.OK, Outcome.REFUSED, Outcome.FAILED):
                    counted.ended(
                        Entry(f"tool-{mark}", outcome, registry=f"r-{mark}", context=f"c{mark}", code=f"c {mark}")
                    )
            counted.ended(Entry("list_subjects", context="a \n b"))
            lines = counted.text().decode().splitlines()

        assert len(lines) < 3 * metrics.CONTEXTS + 200

    async def test_registries_are_told_apart_by_cache_circuit_and_connections(
        self, world: Path, settings: Make, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(addresses, "FIRST_REST", 30)
        async with with_prod(world, settings) as (http, workspace, prod):
            await workspace.registry("prod").register(Subject("orders"), Schema(ORDER))
            for _ in range(3):
                await tool(http, "get_schema", registry="prod", subject="orders")
            before = await samples(http)
            prod.mood = Mood.SILENT
            waiting = asyncio.create_task(_read(workspace))
            await anyio.sleep(0.1)
            during = await samples(http)
            await waiting
            prod.mood = Mood.RESET
            for _ in range(6):
                await _read(workspace)
            after = await samples(http)

        assert (
            before("registry_cache_hits_total", registry="prod"),
            before("registry_cache_misses_total", registry="prod"),
        ) == (2, 1)
        assert before("registry_cache_entries", registry="prod") == 1
        assert (before("registry_cache_bytes", registry="prod") or 0) > 0
        assert before("registry_writes_total", registry="prod") == 1
        assert before("registry_circuit", registry="prod", address="1 127.0.0.1", state="closed") == 1
        assert [one("registry_connections_active", registry="prod") for one in (before, during, after)] == [0, 1, 0]
        assert after("registry_circuit", registry="prod", address="1 127.0.0.1", state="open") == 1
        assert before("registry_circuit", registry="dev") is None

    async def test_a_line_of_the_audit_trail_that_is_lost_is_counted(
        self, settings: Make, monkeypatch: pytest.MonkeyPatch
    ):
        async with open_site(settings()) as (http, workspace):
            await http.get("/registries/dev/subjects")  # the desk is open
            monkeypatch.setattr(workspace.audit._chain, "_ends_with", _no_disk)  # pyright: ignore[reportPrivateUsage]
            await tool(http, "register_schema", registry="dev", subject="orders", schema_text=ORDER)
            found = await samples(http)
            monkeypatch.undo()
            listed = await tool(http, "list_subjects", registry="dev")

        assert (found("schema_audit_failures_total") or 0) >= 1
        assert listed.structured_content["subjects"] == []  # the write did not happen

    async def test_runs_without_an_end_are_counted(self, settings: Make):
        async with open_site(settings()) as (http, workspace):
            await workspace.journal.start(kind="deployment", owner="ann", total=1)
            found = await samples(http)

        assert (found("schema_tasks", status="running"), found("schema_tasks", status="interrupted")) == (1, 0)


@pytest.mark.parametrize("far", FAR, ids=lambda far: next(iter(far)))
@pytest.mark.parametrize(("to_all", "status"), [(False, 403), (True, 200)])
async def test_strangers_learn_no_names_unless_a_setting_allows_it(
    settings: Make, far: dict[str, str], to_all: bool, status: int
):
    async with open_site(settings(), open_metrics=to_all) as (http, _):
        figures = await http.get("/metrics", headers=far)
        health = await http.get("/health", headers=far)

    assert (figures.status_code, health.status_code) == (status, 200)
    assert ("registries" in health.json()) is to_all


async def _read(workspace: Workspace) -> None:
    try:
        await workspace.registry("prod").subjects()
    except SchemaMcpError:
        return


def _no_disk(*_: object) -> bool:
    raise OSError(28, "No space left on device")
