"""Tokens of our own at the command line: made with what is asked for, shown once, listed, revoked, on the trail."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from click.testing import CliRunner, Result
from confluent_kafka.schema_registry import SchemaRegistryClient

from interfaces.processes import serving
from schema_mcp import settings
from schema_mcp.domain.caller import Scope
from schema_mcp.identity.opening import TOKENS
from schema_mcp.interfaces.cli.commands import commands
from schema_mcp.stores.audit import Audit
from schema_mcp.stores.tokens import Tokens

Cli = Callable[..., Result]


@pytest.fixture
def cli(world: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(world)
    for name in (one for each in settings.SETTINGS for one in each.variables):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments: str) -> Result:
        return CliRunner().invoke(commands, ["token", *arguments], env=environ)

    return called


def tokens(world: Path) -> Tokens:
    return Tokens(world / ".schema-mcp" / TOKENS)


def test_a_secret_is_shown_once(cli: Cli, world: Path):
    made = cli("create", "ci", "--scopes", "read,write", "--registries", "dev", "--contexts", "eu", "--expires", "12h")
    secret = made.stdout.strip()
    listed = cli("list")

    assert made.exit_code == 0, made.output
    with closing(tokens(world)) as held:
        found = held.find(secret)
    assert found is not None
    assert found.grant.scope is Scope.WRITE
    assert (found.grant.reach.registries, found.grant.reach.contexts) == ({"dev"}, {".eu"})
    assert secret not in listed.output
    assert "ci  write  dev .eu" in listed.output


def test_it_can_be_read_by_programs(cli: Cli):
    made = json.loads(cli("create", "ci", "--scopes", "read", "--expires", "never", "--json").stdout)
    [row] = json.loads(cli("list", "--json").stdout)

    assert made["secret"].startswith("smcp_")
    assert {**row, "secret": made["secret"]} == made
    assert (row["state"], "expires_at" in row) == ("in use", False)


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_revoked_token_is_over(cli: Cli, world: Path, by: str):
    made = json.loads(cli("create", "ci", "--scopes", "read", "--json").stdout)

    done = cli("revoke", made[by])
    again = cli("revoke", made[by])

    assert "revoked" in done.output
    assert again.exit_code == 1
    with closing(tokens(world)) as held:
        assert held.find(made["secret"]) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("ci",), "--scopes", id="no-scope"),
        pytest.param(("ci", "--scopes", "owner"), "'owner'", id="unknown-scope"),
        pytest.param(("ci", "--scopes", ","), "names none", id="empty-scope"),
        pytest.param(("ci", "--scopes", "read", "--registries", "prdo"), "'prdo'", id="unknown-registry"),
        pytest.param(("ci", "--scopes", "read", "--expires", "soon"), "no span of time", id="no-span"),
        pytest.param(("ci", "--scopes", "read", "--expires", "0d"), "no span of time", id="no-time-at-all"),
        pytest.param(("a\nb", "--scopes", "read"), "cannot name a token", id="name"),
    ],
)
def test_a_slip_makes_no_token(cli: Cli, world: Path, arguments: tuple[str, ...], said: str):
    refused = cli("create", *arguments)

    assert refused.exit_code == 2
    assert said in refused.output
    with closing(tokens(world)) as held:
        assert held.all() == []


def test_making_and_revoking_is_on_the_trail(cli: Cli, world: Path):
    secret = cli("create", "ci", "--scopes", "read").stdout.strip()
    cli("revoke", "ci")

    with closing(Audit(world / ".schema-mcp" / "audit")) as audit:
        lines = anyio.run(audit.recent, 10)[::-1]
    assert [(one.tool, str(one.outcome), one.caller, one.reason) for one in lines] == [
        ("token create", "started", "Ann", "ci read"),
        ("token create", "ok", "Ann", "ci read"),
        ("token revoke", "started", "Ann", "ci"),
        ("token revoke", "ok", "Ann", "ci"),
    ]
    assert secret not in str(lines)


def test_a_token_opens_a_server_that_others_can_reach(cli: Cli, world: Path, environ: dict[str, Any]):
    secret = cli("create", "kafka", "--scopes", "read").stdout.strip()
    (world / "access.yaml").write_text("url: http://localhost\n", encoding="utf-8")
    with serving(world, environ, "--http", "--host", "0.0.0.0", "--port", "0") as server:
        assert server.process.stderr
        said = server.process.stderr.readline()
        port = said.rpartition(":")[2].partition("/")[0]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http:
            plain = http.get("/registries/dev/subjects")
            basic = http.get("/registries/dev/subjects", auth=("anybody", secret))
            told = {"url": f"http://127.0.0.1:{port}/registries/dev", "basic.auth.user.info": f"anybody:{secret}"}
            with SchemaRegistryClient(told) as client:
                kafka = client.get_subjects()
            write = http.post("/registries/dev/subjects/s/versions", json={}, auth=("anybody", secret))
            cli("revoke", "kafka")
            after = http.get("/registries/dev/subjects", auth=("anybody", secret))

    assert kafka == []
    assert (plain.status_code, basic.status_code, write.status_code, after.status_code) == (401, 200, 403, 401)
