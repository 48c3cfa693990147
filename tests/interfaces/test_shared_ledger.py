"""A server with a shared ledger: found by DATABASE_URL, loaded only then, and its password never shown."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.postgres import PostgresServer
from schema_mcp import app
from schema_mcp.domain.errors import ConfigurationError, StoreError
from schema_mcp.settings import load
from schema_mcp.stores.repository import Repository
from services.world import V1, embedded, world_at

SECRET = "hunter2"
BIN = Path(sys.executable).parent


def asked(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "schema-mcp", *command], check=False, capture_output=True, text=True, cwd=folder, env=environment
    )


async def test_servers_with_one_database_have_one_id_for_one_content(postgres: PostgresServer, tmp_path: Path):
    url = postgres.new()
    given: list[int | None] = []
    for name in ("a", "b"):
        async with world_at(tmp_path / name, embedded("dev", "prod"), database_url=url) as world:
            given.append((await world.register(V1)).id)
            assert not (world.workspace.state / "ids.sqlite").exists()

    assert given == [10_001, 10_001]


def test_without_a_shared_ledger_the_driver_is_not_loaded(tmp_path: Path):
    script = "import sys, schema_mcp.app, schema_mcp.tools; print('psycopg' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)

    assert said.stdout == "False\n"


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/db", "hunter2", "postgresql://[hunter2"])
def test_another_kind_of_database_is_refused_at_the_start_without_showing_it(tmp_path: Path, url: str):
    with pytest.raises(ConfigurationError, match="not the address of a PostgreSQL") as refused:
        load(environ={"HOME": str(tmp_path), "DATABASE_URL": url}, folder=tmp_path)

    assert SECRET not in f"{refused.value} {refused.value.hint}"


def test_no_option_takes_the_address_because_a_list_of_processes_would_show_it(tmp_path: Path):
    said = asked(["--database-url", f"postgresql://ann:{SECRET}@h/x", "list-registries"], tmp_path, {**os.environ})

    assert (said.returncode, said.stderr.count("No such option")) == (2, 1)
    assert SECRET not in said.stderr


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@h/x",
        "postgresql://ann:hunter%32@h/x",
        f"postgresql://ann@h/x?sslpassword={SECRET}",
    ],
)
def test_the_password_is_masked_in_logs_however_it_is_written(tmp_path: Path, url: str):
    settings = load(environ={"HOME": str(tmp_path), "DATABASE_URL": url}, folder=tmp_path)

    assert {SECRET, url} <= settings.secrets
    assert SECRET not in repr(settings)


async def test_a_database_that_is_away_stops_no_read_of_the_store_and_shows_no_password(tmp_path: Path):
    url = f"postgresql://ann:{SECRET}@/x?host=/nowhere"
    async with world_at(tmp_path / "world", embedded("dev", "prod"), database_url=url) as world:
        assert (await world.read("list_subjects", {})).total == 0
        with pytest.raises(StoreError, match="did not answer") as refused:
            await world.register(V1)

    assert SECRET not in f"{refused.value} {refused.value.hint} {refused.value.details}"


def test_neither_doctor_nor_a_failing_command_shows_the_password(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(embedded("dev", "prod"))
    environment = {**os.environ, "HOME": str(tmp_path), "DATABASE_URL": f"postgresql://ann:{SECRET}@/x?host=/nowhere"}
    for command in (["doctor", "--json"], ["--log", "debug", "audit-ids"], ["audit-ids", "--json"]):
        done = asked(command, tmp_path, environment)
        assert SECRET not in done.stdout + done.stderr
        if command[0] != "doctor":
            assert done.returncode == 1
            assert "did not answer" in done.stdout + done.stderr


@pytest.mark.parametrize("shared", [False, True], ids=["local", "shared"])
async def test_a_server_with_a_remote_and_a_local_ledger_warns_once(
    postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, shared: bool
):
    Repository.create(tmp_path / "remote.git")
    (tmp_path / "registries.yaml").write_text(f"{embedded('dev', 'prod')}remote: {tmp_path / 'remote.git'}\n")
    environ = {"HOME": str(tmp_path)} | ({"DATABASE_URL": postgres.new()} if shared else {})
    settings = load(environ=environ, folder=tmp_path)

    with caplog.at_level(logging.WARNING):
        async with app.workspace(settings):
            pass

    assert sum("share a ledger (DATABASE_URL)" in one.message for one in caplog.records) == (0 if shared else 1)


def test_a_region_is_read_from_the_configuration(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(
        f"{embedded('dev', 'prod')}ids: {{ source: ledger, region: eu, block: 50 }}\n"
    )

    ids = load(environ={"HOME": str(tmp_path)}, folder=tmp_path).id_range

    assert ids is not None
    assert (ids.region, ids.block) == ("eu", 50)


@pytest.mark.parametrize("said", ["region: 'a b'", "block: 0", "region: ''"])
def test_a_region_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, said: str):
    (tmp_path / "registries.yaml").write_text(f"{embedded('dev', 'prod')}ids: {{ {said} }}\n")

    with pytest.raises(ConfigurationError, match=r"registries\.yaml"):
        load(environ={"HOME": str(tmp_path)}, folder=tmp_path)


def test_the_audit_ends_with_the_status_that_a_pipeline_needs(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(embedded("dev", "prod"))
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("DATABASE_URL", None)

    done = asked(["audit-ids", "--json"], tmp_path, environment)

    assert (done.returncode, json.loads(done.stdout)["sound"]) == (0, True)
