"""`plan`, `apply` and `drift` in a pipeline: whole stores, plans as files, Markdown for a pull request."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from interfaces.conftest import ORDER
from schema_mcp import settings
from schema_mcp.domain.errors import InvalidRequestError, RegistryError
from schema_mcp.domain.plan import Action, Blocked, Plan, Step
from schema_mcp.domain.schema import Subject
from schema_mcp.interfaces.cli import markdown
from schema_mcp.interfaces.cli.commands import commands
from schema_mcp.services import planfiles

Cli = Callable[..., Result]
HOSTILE = "evil|`x`\n@team <script>alert(1)</script> [a](http://x.example.com) **b** \x1b[31m\\"


@pytest.fixture
def cli(world: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line in this world."""
    monkeypatch.chdir(world)
    for name in (*(one for each in settings.SETTINGS for one in each.variables), "SCHEMA_REGISTRY_URL"):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments: str, **more: Any) -> Result:
        return CliRunner().invoke(commands, arguments, env=environ, **more)

    return called


@pytest.fixture
def stored(cli: Cli) -> str:
    """A subject in the store that no registry has."""
    made = cli("store-schema", "--subject", "orders-value", "--schema-text", ORDER)
    assert made.exit_code == 0, made.output
    return "orders-value"


def test_a_plan_travels_as_a_file_to_a_job_with_a_state_of_its_own(cli: Cli, stored: str, tmp_path: Path):
    file = tmp_path / "plan.json"

    planned = cli("plan", "--save", str(file))
    applied = cli("apply", str(file), "--state", str(tmp_path / "other"), "--json")
    again = cli("plan")

    assert [one.exit_code for one in (planned, applied, again)] == [3, 0, 0], applied.output
    assert {row["registry"] for row in json.loads(applied.stdout)["registries"]} == {"dev", "staging"}
    assert json.loads(file.read_text())["digest"] == json.loads(applied.stdout)["plan"]


@pytest.mark.parametrize(
    ("harm", "status", "words"),
    [
        pytest.param(lambda text: text.replace("orders-value", "others-value"), 2, "somebody changed", id="changed"),
        pytest.param(lambda text: text[: len(text) // 2], 2, "holds no plan", id="cut-off"),
        pytest.param(lambda _: "[]", 2, "holds no plan", id="another-shape"),
        pytest.param(lambda _: '{"digest": "x", "plan": {"steps": 3}}', 2, "holds no plan", id="no-plan"),
    ],
)
def test_a_file_that_is_not_the_plan_is_refused(
    cli: Cli, stored: str, tmp_path: Path, harm: Callable[[str], str], status: int, words: str
):
    file = tmp_path / "plan.json"
    cli("plan", "--save", str(file))
    file.write_text(harm(file.read_text()))

    applied = cli("apply", str(file))

    assert (applied.exit_code, words in applied.stderr) == (status, True), applied.output
    assert cli("drift").exit_code == 3


def test_a_plan_that_somebody_wrote_himself_is_stale(cli: Cli, stored: str, tmp_path: Path):
    file = tmp_path / "plan.json"
    cli("plan", "--save", str(file))
    plan = planfiles.read(file.read_text())
    forged = replace(plan, steps=(replace(plan.steps[0], action=Action.DELETE),))
    file.write_text(planfiles.written(forged))

    assert cli("apply", str(file)).exit_code == 6


def test_a_stale_plan_a_missing_file_and_two_plans_have_their_own_status(cli: Cli, stored: str, tmp_path: Path):
    file = tmp_path / "plan.json"
    cli("plan", "--save", str(file))
    cli("store-schema", "--subject", "later", "--schema-text", ORDER.replace("Order", "Later"))

    assert cli("apply", str(file)).exit_code == 6
    assert cli("apply", str(tmp_path / "nowhere.json")).exit_code == 2
    assert cli("apply").exit_code == 2
    assert cli("apply", str(file), "--plan", "0" * 64).exit_code == 2


def test_drift_looks_at_every_registry_unless_one_is_named(cli: Cli, stored: str):
    every, one = cli("drift", "--json"), cli("drift", "--registry", "staging", "--json")

    assert json.loads(every.stdout)["registries"] == ["dev", "staging", "locked"]
    assert json.loads(one.stdout)["registries"] == ["staging"]
    assert (every.exit_code, one.exit_code) == (3, 3)


def test_a_registry_that_is_away_is_an_error_in_every_form(cli: Cli, world: Path, stored: str):
    with (world / "registries.yaml").open("a") as file:
        file.write("  away: { backend: confluent, url: 'http://127.0.0.1:1', retries: 0 }\n")

    results = [cli("drift", *form) for form in ([], ["--json"], ["--markdown"])]

    assert [one.exit_code for one in results] == [1, 1, 1]
    assert "away" in results[0].stderr
    assert json.loads(results[1].stdout)["code"] == "registry_error"
    assert results[2].stdout.startswith("### Failed: ")


def test_a_plan_as_markdown_has_counts_steps_and_how_to_go_on(cli: Cli, stored: str):
    told = cli("plan", "--markdown")

    assert told.exit_code == 3
    digest = json.loads(cli("plan", "--json").stdout)["plan"]
    assert told.stdout.splitlines()[0] == "### Plan: 2 changes"
    assert "| `dev` | 1 | 0 | 1 register |" in told.stdout
    assert "`orders-value`" in told.stdout
    assert f"`schema-mcp apply --plan {digest}`" in told.stdout


def test_applying_and_drift_are_told_as_markdown(cli: Cli, stored: str, tmp_path: Path):
    drifted = cli("drift", "--format", "markdown")
    cli("plan", "--save", str(tmp_path / "plan.json"))
    applied = cli("apply", str(tmp_path / "plan.json"), "--format", "markdown")
    calm = cli("drift", "--format", "markdown", "--registries", "dev")

    assert drifted.stdout.startswith("### Drift: 3 differences")
    assert "| `locked` | drifted | 0 | 1 |" in drifted.stdout
    assert applied.stdout.startswith("### Applied: succeeded, 2 of 2 steps")
    assert calm.stdout.startswith("### Drift: no differences")
    assert (drifted.exit_code, applied.exit_code, calm.exit_code) == (3, 0, 0)


def test_nothing_to_do_is_said_in_markdown(cli: Cli):
    told = cli("plan", "--markdown")

    assert told.exit_code == 0
    assert "no changes" in told.stdout
    assert "Nothing to apply." in told.stdout


def plan_of(count: int, *, subject: str = "orders-value", why: str = "the registry lacks it") -> Plan:
    steps = tuple(Step("dev", Action.REGISTER, Subject(f"{subject}{n}"), why, number=1, id=n) for n in range(count))
    blocked = tuple(Blocked("dev", Subject(f"{subject}{n}"), why, "Do this.", n) for n in range(count))
    return Plan("deployment", {}, "c" * 40, {"dev": "x"}, steps, blocked)


def test_what_others_wrote_is_never_markup():
    page = markdown.of_plan(plan_of(1, subject=HOSTILE, why=HOSTILE), ["dev", HOSTILE])

    assert "\x1b" not in page
    rows = [line for line in page.splitlines() if "evil" in line]
    assert len(rows) == 3
    assert {line.count(" | ") for line in rows} == {3, 4, 5}
    outside = [strip_code(line) for line in rows]
    assert not [line for line in outside if "<script" in line or "](" in line or "@team" in line or "**" in line]


def strip_code(line: str) -> str:
    """A row without its code spans and what is escaped."""
    cells = re.sub(r"\\.", "", line).split(" | ")
    return " | ".join(cell for cell in cells if not cell.strip("| ").startswith("`"))


@given(st.text())
def test_a_name_is_one_code_span_in_one_cell(name: str):
    shown = markdown.code(name)
    fence = shown[: len(shown) - len(shown.lstrip("`"))]

    assert "|" not in shown
    assert "\n" not in shown
    assert shown.endswith(fence)
    assert fence not in shown[len(fence) : -len(fence)].replace(fence + "`", "")


@given(st.text())
def test_a_sentence_stays_in_its_cell(said: str):
    shown = markdown.text(said)

    assert "\n" not in shown
    assert shown.replace("\\|", "").count("|") == 0


@pytest.mark.parametrize("count", [0, 1, 10_000])
def test_a_page_fits_a_pull_request_whatever_it_tells(count: int):
    page = markdown.of_plan(plan_of(count, subject="ö" * 200, why=HOSTILE * 5), [f"r{n}" for n in range(100)])

    assert len(page.encode()) < markdown.LARGEST
    assert (f"### Plan: {count:,} change" in page) == (count > 0)
    assert ("more." in page) == (count > 1_000)


def test_an_error_is_told_without_markup():
    page = markdown.of_error(RegistryError("it said <b>|no|</b>", hint="@ann knows"))

    assert "<b>" not in page
    assert "@ann" not in page


def test_a_plan_file_is_read_as_it_was_written():
    plan = plan_of(3)

    assert planfiles.read(planfiles.written(plan)) == plan
    with pytest.raises(InvalidRequestError, match="more than"):
        planfiles.read(" " * (planfiles.LARGEST + 1))
