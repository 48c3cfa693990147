"""The gate of the registries' own REST face: the same guards as the tools, the same trail."""

import asyncio
import errno
import time
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import NotPermittedError, ReadOnlyError, SchemaMcpError, StoreError
from schema_mcp.domain.schema import Subject
from schema_mcp.interfaces.registry_api.gate import Asking, Gate
from schema_mcp.registries.embedded.core import Core
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.registries.embedded.scopes import own_config
from schema_mcp.registries.embedded.session import Session
from schema_mcp.registries.embedded.settings import set_config
from schema_mcp.stores import chain
from schema_mcp.toolkit.gate import RegistryGate
from toolkit.world import opened, trail


def asking(registry: str, method: str, path: str) -> Asking:
    endpoint = "/mode" if path == "/mode" else "/subjects/{subject}"
    return Asking(registry, method, path, endpoint, (Subject("s"),), reached=lambda: (Subject("s"),))


REGISTER = asking("dev", "POST", "/subjects/s/versions")


def caller(scope: Scope | None) -> Caller:
    return Caller("Ann", "ann@example.com", scope.implied if scope else frozenset())


async def test_a_write_is_two_lines_and_a_read_is_one(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        gate: Gate = RegistryGate(workspace, caller(Scope.WRITE))
        async with gate.write(asking("dev", "POST", "/subjects/s/versions")) as witness:
            await Core().witnessed(witness, lambda _: None)
        async with gate.read(asking("dev", "GET", "/subjects")):
            pass
        lines = await trail(workspace)

    assert [(one.tool, one.registry, one.outcome) for one in lines] == [
        ("POST /subjects/s/versions", "dev", "started"),
        ("POST /subjects/s/versions", "dev", "ok"),
        ("GET /subjects", "dev", "ok"),
    ]


async def test_the_intent_is_on_disk_before_the_change_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    happened: list[str] = []

    def slowly(_: int) -> None:
        time.sleep(0.05)
        happened.append("on disk")

    monkeypatch.setattr(chain, "_sync", slowly)
    async with opened(tmp_path) as workspace, RegistryGate(workspace, caller(Scope.WRITE)).write(REGISTER) as witness:
        await Core().witnessed(witness, lambda session: session.sql.set_trace_callback(happened.append))

    kept = [one for one in happened if one in ("on disk", "COMMIT")]
    assert kept == ["on disk", "COMMIT", "on disk"]


def no(_: Session) -> None:
    raise Refusal(42201, "no schema")


async def test_a_registrys_no_is_on_the_trail(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        with pytest.raises(Refusal):
            async with RegistryGate(workspace, caller(Scope.WRITE)).write(REGISTER) as witness:
                await Core().witnessed(witness, no)
        lines = await trail(workspace)

    assert [(one.outcome, one.code) for one in lines] == [("started", ""), ("refused", "registry_error 42201")]


async def test_what_never_came_to_a_change_is_one_line(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        with pytest.raises(Refusal):
            async with RegistryGate(workspace, caller(Scope.WRITE)).write(REGISTER):
                raise Refusal(400, "no body")
        lines = await trail(workspace)

    assert [(one.outcome, one.code) for one in lines] == [("refused", "registry_error 400")]


async def test_changes_that_wait_together_have_lines_of_their_own(tmp_path: Path):
    core = Core(tmp_path / "dev.sqlite")

    async def write(number: int) -> None:
        async with RegistryGate(workspace, caller(Scope.WRITE)).write(
            asking("dev", "PUT", f"/config/s{number}")
        ) as witness:
            await core.witnessed(witness, no if number == 3 else lambda _: None)

    async with opened(tmp_path) as workspace:
        await asyncio.gather(*map(write, range(9)), return_exceptions=True)
        lines = await trail(workspace)
        findings = await workspace.audit.verify()
    core.close()

    by_path: dict[str, list[str]] = {}
    for line in lines:
        by_path.setdefault(line.tool, []).append(line.outcome)
    assert by_path == {f"PUT /config/s{number}": ["started", "refused" if number == 3 else "ok"] for number in range(9)}
    assert findings == []


async def test_nothing_is_changed_where_its_intent_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    core = Core()
    async with opened(tmp_path) as workspace:
        monkeypatch.setattr(chain, "_sync", full)
        with pytest.raises(StoreError):
            async with RegistryGate(workspace, caller(Scope.WRITE)).write(REGISTER) as witness:
                await core.witnessed(witness, lambda session: set_config(session, Subject("s"), {"alias": "t"}))

    assert core.read(own_config, Subject("s")) is None


@pytest.mark.parametrize(
    ("scope", "registry", "method", "path", "options", "error"),
    [
        pytest.param(Scope.READ, "dev", "POST", "/subjects/s/versions", {}, NotPermittedError, id="reader-writes"),
        pytest.param(Scope.WRITE, "dev", "DELETE", "/subjects/s", {}, NotPermittedError, id="writer-deletes"),
        pytest.param(Scope.WRITE, "dev", "PUT", "/mode", {}, NotPermittedError, id="writer-switches-modes"),
        pytest.param(Scope.ADMIN, "shut", "POST", "/subjects/s/versions", {}, ReadOnlyError, id="closed"),
        pytest.param(Scope.ADMIN, "dev", "DELETE", "/mode", {"read_only": True}, ReadOnlyError, id="read-only"),
    ],
)
async def test_what_tools_refuse_the_gate_refuses(
    tmp_path: Path,
    scope: Scope,
    registry: str,
    method: str,
    path: str,
    options: dict[str, Any],
    error: type[SchemaMcpError],
):
    async with opened(tmp_path, **options) as workspace:
        with pytest.raises(error):
            async with RegistryGate(workspace, caller(scope)).write(asking(registry, method, path)):
                raise AssertionError("the gate let it through")
        lines = await trail(workspace)

    assert [(one.outcome, one.code) for one in lines] == [("refused", error.code)]


async def test_without_a_scope_nothing_is_read(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        with pytest.raises(NotPermittedError):
            async with RegistryGate(workspace, caller(None)).read(asking("dev", "GET", "/subjects")):
                raise AssertionError("the gate let it through")
