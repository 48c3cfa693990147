"""The gate of the registries' own REST face: the same guards as the tools, the same trail."""

from pathlib import Path
from typing import Any

import pytest

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import NotPermittedError, ReadOnlyError, SchemaMcpError
from schema_mcp.interfaces.registry_api.gate import Gate
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.toolkit.gate import RegistryGate
from toolkit.world import opened, trail


def caller(scope: Scope | None) -> Caller:
    return Caller("Ann", "ann@example.com", scope.implied if scope else frozenset())


async def test_a_write_is_two_lines_and_a_read_is_one(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        gate: Gate = RegistryGate(workspace, caller(Scope.WRITE))
        async with gate.write("dev", "POST", "/subjects/s/versions"):
            pass
        async with gate.read("dev", "GET", "/subjects"):
            pass
        lines = await trail(workspace)

    assert [(one.tool, one.registry, one.outcome) for one in lines] == [
        ("POST /subjects/s/versions", "dev", "started"),
        ("POST /subjects/s/versions", "dev", "ok"),
        ("GET /subjects", "dev", "ok"),
    ]


async def test_a_registrys_no_is_on_the_trail(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        with pytest.raises(Refusal):
            async with RegistryGate(workspace, caller(Scope.WRITE)).write("dev", "POST", "/subjects/s/versions"):
                raise Refusal(42201, "no schema")
        lines = await trail(workspace)

    assert [(one.outcome, one.code) for one in lines] == [("started", ""), ("refused", "registry_error 42201")]


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
            async with RegistryGate(workspace, caller(scope)).write(registry, method, path):
                raise AssertionError("the gate let it through")
        lines = await trail(workspace)

    assert [(one.outcome, one.code) for one in lines] == [("refused", error.code)]


async def test_without_a_scope_nothing_is_read(tmp_path: Path):
    async with opened(tmp_path) as workspace:
        with pytest.raises(NotPermittedError):
            async with RegistryGate(workspace, caller(None)).read("dev", "GET", "/subjects"):
                raise AssertionError("the gate let it through")
