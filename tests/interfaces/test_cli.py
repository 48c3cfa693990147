"""Every tool as a command: what goes in, how it looks, and the status a pipeline acts on."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from interfaces.conftest import ORDER
from schema_mcp import settings
from schema_mcp.interfaces.cli.commands import ALIASES, commands
from schema_mcp.interfaces.cli.start import run, serving
from schema_mcp.stores.repository import Repository
from schema_mcp.tools import CATALOGUE

WIDER = json.dumps(
    {"type": "record", "name": "Order", "namespace": "shop", "fields": [
        {"name": "id", "type": "long"}, {"name": "note", "type": "string", "default": ""}
    ]}
)  # fmt: skip
BREAKING = WIDER.replace(', "default": ""', "")

Cli = Callable[..., Result]


@pytest.fixture
def cli(world: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line in this world."""
    monkeypatch.chdir(world)
    for name in (*(one for each in settings.SETTINGS for one in each.variables), "SCHEMA_REGISTRY_URL"):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments: str, **more: Any) -> Result:
        return CliRunner().invoke(commands, arguments, env=environ, **more)

    return called


def test_every_tool_is_a_command(cli: Cli):
    shown = cli("--help").output

    assert [name for name in CATALOGUE if name.replace("_", "-") not in shown] == []
    assert [alias for alias in ALIASES if f"  {alias} " not in shown] == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_commands_help_tells_every_argument(cli: Cli, name: str):
    shown = cli(name.replace("_", "-"), "--help").output

    assert [one for one in CATALOGUE[name].request.model_fields if f"--{one.replace('_', '-')}" not in shown] == []


def test_a_schema_is_registered_from_a_file_and_read_as_json(cli: Cli, world: Path):
    (world / "order.avsc").write_text(ORDER, encoding="utf-8")

    made = cli("register-schema", "--subject", "orders-value", "--schema-text", f"@{world}/order.avsc")
    read = cli("get-schema", "--subject", "orders-value", "--json")

    assert made.exit_code == 0, made.output
    assert json.loads(read.stdout)["version"] == 1


def test_a_schema_is_read_from_stdin(cli: Cli):
    made = cli("register-schema", "--subject", "s", "--schema-text", "-", input=ORDER)

    assert made.exit_code == 0, made.output


def test_people_see_tables(cli: Cli):
    shown = cli("list-registries").output

    assert [line.split()[:3] for line in shown.splitlines() if "embedded" in line] == [
        ["dev", "embedded", "embedded"],
        ["staging", "embedded", "embedded"],
        ["locked", "embedded", "embedded"],
    ]


def test_what_a_registry_holds_cannot_command_the_terminal(cli: Cli):
    hostile = json.dumps({"type": "record", "name": "X", "doc": "\x1b]0;owned\x07[red]", "fields": []})
    cli("register-schema", "--subject", "x", "--schema-text", hostile)

    shown = cli("get-schema", "--subject", "x").output

    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]" in shown


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        pytest.param(["list-registries"], 0, id="done"),
        pytest.param(["get-schema", "--subject", "nothing"], 1, id="not-found"),
        pytest.param(["list-subjects", "--registry", "nowhere"], 1, id="no-such-registry"),
        pytest.param(["list-subjects", "--nonsense"], 2, id="unknown-option"),
        pytest.param(["no-such-tool"], 2, id="unknown-command"),
        pytest.param(["get-schema", "--subject", "s", "--version", "soon"], 2, id="wrong-argument"),
        pytest.param(["register-schema", "--subject", "s"], 2, id="missing-argument"),
        pytest.param(["register-schema", "--subject", "s", "--schema-text", "@nowhere"], 2, id="no-such-file"),
        pytest.param(["--config", "nowhere.yaml", "list-registries"], 2, id="no-such-configuration"),
        pytest.param(["register-schema", "--subject", "s", "--schema-text", ORDER, "--read-only"], 4, id="read-only"),
        pytest.param(
            ["register-schema", "--subject", "s", "--schema-text", ORDER, "--registry", "locked"], 4, id="closed"
        ),
        pytest.param(["--scopes", "read", "register-schema", "--subject", "s", "--schema-text", ORDER], 4, id="scope"),
        pytest.param(["apply", "--plan", "0" * 64], 1, id="unknown-plan"),
    ],
)
def test_the_status_says_how_it_went(cli: Cli, arguments: list[str], status: int):
    result = cli(*arguments)

    assert result.exit_code == status, result.output
    assert not result.exception or isinstance(result.exception, SystemExit)


def test_the_status_of_a_change_on_its_way(cli: Cli):
    """From a first registration to a deployment: blocked, pending, done, drift."""
    cli("register-schema", "--subject", "orders-value", "--schema-text", ORDER, "--registry", "dev")

    breaking = cli("check", "--subject", "orders-value", "--schema-text", BREAKING)
    refused = cli("register-schema", "--subject", "orders-value", "--schema-text", BREAKING)
    fitting = cli("check", "--subject", "orders-value", "--schema-text", WIDER)
    drifted = cli("drift", "--registry", "staging")
    planned = cli("plan", "--registries", "staging", "--json")
    applied = cli("apply", "--plan", json.loads(planned.stdout)["plan"])
    again = cli("plan", "--registries", "staging")
    in_sync = cli("drift", "--registry", "staging")

    outcomes = [breaking, refused, fitting, drifted, planned, applied, again, in_sync]
    assert [one.exit_code for one in outcomes] == [4, 4, 0, 3, 3, 0, 0, 0], [one.output for one in outcomes]


def test_an_error_is_two_lines_on_stderr(cli: Cli):
    result = cli("list-subjects", "--registry", "stagin")

    assert result.stdout == ""
    assert result.stderr.splitlines()[0] == "schema-mcp: No registry named 'stagin'"
    assert "'staging'" in result.stderr.splitlines()[1]


def test_an_error_is_json_for_machines(cli: Cli):
    result = cli("list-subjects", "--registry", "nowhere", "--json")

    assert json.loads(result.stdout)["code"] == "not_found"


def test_references_can_be_written_short(cli: Cli):
    address = ORDER.replace("Order", "Address")
    user = json.dumps(
        {"type": "record", "name": "User", "namespace": "shop", "fields": [{"name": "at", "type": "shop.Address"}]}
    )
    cli("register-schema", "--subject", "address", "--schema-text", address)

    short = cli("check", "--subject", "user", "--schema-text", user, "--references", "shop.Address=address:1", "--json")
    long = '{"name": "shop.Address", "subject": "address", "version": 1}'
    spelt = cli("check", "--subject", "user", "--schema-text", user, "--references", long, "--json")

    assert json.loads(short.stdout)["compatible"] is True, short.output
    assert json.loads(spelt.stdout)["compatible"] is True, spelt.output


def test_settings_count_before_and_behind_the_command(cli: Cli, tmp_path: Path):
    other = tmp_path / "other.yaml"
    other.write_text("registries: { only: {} }", encoding="utf-8")

    before = cli("--config", str(other), "list-registries", "--json")
    behind = cli("list-registries", "--config", str(other), "--json")

    for result in (before, behind):
        assert [one["name"] for one in json.loads(result.stdout)["registries"]] == ["only"]


def test_the_command_line_knows_tools_that_assistants_do_not_see(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCHEMA_MCP_TOOLSETS", "none")

    assert cli("list-tasks").exit_code == 0


def test_the_version_is_told(cli: Cli):
    assert cli("--version").output.startswith("schema-mcp, version ")


class TestServe:
    @pytest.fixture
    def served(self) -> list[settings.Settings]:
        return []

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param(["--config", "nowhere.yaml"], ["nowhere.yaml"], id="no-file"),
            pytest.param(["--port", "many"], ["--port"], id="port"),
            pytest.param(["--scopes", "root"], ["root", "read"], id="scope"),
        ],
    )
    def test_it_refuses_wrong_settings(
        self, cli: Cli, served: list[settings.Settings], arguments: list[str], words: list[str]
    ):
        result = CliRunner().invoke(serving(served.append), arguments)

        assert (result.exit_code, result.stdout, served) == (2, "", [])
        assert [word for word in words if word not in result.stderr] == []

    def test_it_serves_with_what_it_was_told(self, cli: Cli, served: list[settings.Settings]):
        with pytest.raises(SystemExit) as ended:
            run(["serve", "--read-only", "--toolsets", "all", "--port", "0"], served.append)

        assert ended.value.code == 0
        assert [(one.read_only, one.toolsets, one.port) for one in served] == [(True, ("all",), 0)]


class TestInit:
    def test_it_makes_a_store_and_a_configuration_that_work(self, cli: Cli, tmp_path: Path):
        made = cli("init", str(tmp_path / "new"))
        used = cli("--config", str(tmp_path / "new/registries.yaml"), "list-registries", "--json")

        assert made.exit_code == 0, made.output
        assert Repository.open(tmp_path / "new").head is None
        assert [one["name"] for one in json.loads(used.stdout)["registries"]] == ["dev"]

    def test_it_uses_the_repository_around(self, cli: Cli, tmp_path: Path):
        subprocess.run(["git", "init", "-q", tmp_path / "repo"], check=True)

        cli("init", str(tmp_path / "repo/sub"))

        assert not (tmp_path / "repo/sub/.git").exists()

    def test_it_writes_a_real_registrys_address(self, cli: Cli, tmp_path: Path):
        cli("init", str(tmp_path / "new"), "--name", "prod", "--url", "https://sr.example.com")

        told = settings.load({"config": tmp_path / "new/registries.yaml"}, environ={}, folder=tmp_path)
        assert [(one.name, one.urls) for one in told.connections] == [("prod", ("https://sr.example.com",))]

    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param(["--name", "../x"], id="name"),
            pytest.param(["--url", "sr.example.com"], id="url"),
            pytest.param(["--client", "emacs"], id="client"),
        ],
    )
    def test_it_refuses_what_would_not_work_and_writes_nothing(self, cli: Cli, tmp_path: Path, arguments: list[str]):
        assert cli("init", str(tmp_path / "new"), *arguments).exit_code == 2
        assert not (tmp_path / "new").exists()

    def test_it_overwrites_only_by_force(self, cli: Cli, world: Path):
        before = (world / "registries.yaml").read_text()

        refused = cli("init", str(world))
        assert (refused.exit_code, (world / "registries.yaml").read_text()) == (2, before)

        forced = cli("init", str(world), "--force")
        assert (forced.exit_code, (world / "registries.yaml").read_text() != before) == (0, True)

    @pytest.mark.parametrize(
        ("client", "file", "section"),
        [
            pytest.param("claude-code", "new/.mcp.json", "mcpServers", id="claude-code"),
            pytest.param("vscode", "new/.vscode/mcp.json", "servers", id="vscode"),
            pytest.param("cursor", "new/.cursor/mcp.json", "mcpServers", id="cursor"),
            pytest.param(
                "claude-desktop", "home/.config/Claude/claude_desktop_config.json", "mcpServers", id="claude-desktop"
            ),
        ],
    )
    def test_it_tells_clients_and_keeps_what_they_know(
        self, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: str, file: str, section: str
    ):
        monkeypatch.setattr("sys.platform", "linux")
        path = tmp_path / file
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"theme": "dark", section: {"other": {"command": "x"}}}), encoding="utf-8")

        made = cli("init", str(tmp_path / "new"), "--client", client)

        told = json.loads(path.read_text())
        assert made.exit_code == 0, made.output
        assert (told["theme"], told[section]["other"]) == ("dark", {"command": "x"})
        ours = told[section]["schema-mcp"]
        assert Path(ours["command"]).is_absolute()
        assert ours["args"][-4:] == ["--config", f"{tmp_path}/new/registries.yaml", "--store", f"{tmp_path}/new"]

    @pytest.mark.parametrize("text", ["{", "[]", '{"mcpServers": 5}'])
    def test_it_leaves_a_file_alone_that_it_does_not_understand(self, cli: Cli, tmp_path: Path, text: str):
        (tmp_path / "new").mkdir()
        (tmp_path / "new/.mcp.json").write_text(text, encoding="utf-8")

        refused = cli("init", str(tmp_path / "new"), "--client", "claude-code")

        assert (refused.exit_code, (tmp_path / "new/.mcp.json").read_text()) == (2, text)


class TestDoctor:
    def test_it_finds_a_healthy_world_healthy(self, cli: Cli):
        result = cli("doctor")

        assert result.exit_code == 0, result.output
        assert "BROKEN" not in result.output
        assert "registry staging" in result.output

    def test_it_names_a_registry_that_is_away_and_goes_on(self, cli: Cli, world: Path):
        away = "  gone: { backend: confluent, url: 'http://127.0.0.1:9', retries: 0 }\n"
        (world / "registries.yaml").write_text(f"registries:\n  dev: {{}}\n{away}", encoding="utf-8")

        result = cli("doctor", "--json")

        broken = [one for one in json.loads(result.stdout) if one["broken"]]
        assert (result.exit_code, [one["what"] for one in broken]) == (1, ["registry gone"])
        assert broken[0]["mend"]

    def test_it_names_a_bad_file_of_the_store(self, cli: Cli, world: Path):
        cli("register-schema", "--subject", "s", "--schema-text", ORDER)
        (world / "SCHEMASTORE/default/s/v1/metadata.json").write_text("{", encoding="utf-8")
        subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qam", "spoil"],
            cwd=world,
            check=True,
        )

        result = cli("doctor")

        assert result.exit_code == 1
        assert "default/s/v1/metadata.json" in result.output

    def test_it_says_what_is_wrong_with_the_configuration(self, cli: Cli, world: Path):
        (world / "registries.yaml").write_text("registries: { d: { bakend: x } }", encoding="utf-8")

        result = cli("doctor")

        assert result.exit_code == 2
        assert "'backend'" in result.stderr
