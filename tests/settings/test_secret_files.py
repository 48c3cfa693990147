"""Secrets as they are mounted: in files that variables name."""

from pathlib import Path

import pytest

from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.settings import load

REGISTRIES = """\
registries:
  dev:
    backend: confluent
    url: "https://sr.example.com"
    auth: { type: basic, username: u, password: "${SR_PASSWORD}" }
"""
ADDRESS = "postgresql://u:hunter2@db.example.com/ids"


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    (tmp_path / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
    (tmp_path / "mounted").write_text("hunter2\n", encoding="utf-8")
    return tmp_path


def test_a_variable_of_the_file_is_read_from_the_file_that_it_names(mounted: Path):
    told = load(environ={"HOME": str(mounted), "SR_PASSWORD_FILE": str(mounted / "mounted")}, folder=mounted)

    assert told.connections[0].auth.password.get_secret_value() == "hunter2"
    assert "hunter2" in told.secrets


def test_the_password_of_older_variables_is_read_from_a_file(tmp_path: Path):
    (tmp_path / "mounted").write_text("hunter2\n", encoding="utf-8")
    environ = {"HOME": str(tmp_path)}
    for suffix in ("", "_1"):
        environ |= {
            f"SCHEMA_REGISTRY_URL{suffix}": "https://sr.example.com",
            f"SCHEMA_REGISTRY_USER{suffix}": "u",
            f"SCHEMA_REGISTRY_PASSWORD{suffix}_FILE": str(tmp_path / "mounted"),
        }

    assert [one.auth.password.get_secret_value() for one in load(environ=environ, folder=tmp_path).connections] == [
        "hunter2",
        "hunter2",
    ]


def test_the_ledgers_address_is_read_from_a_file(tmp_path: Path):
    (tmp_path / "mounted").write_text(ADDRESS, encoding="utf-8")

    told = load(environ={"HOME": str(tmp_path), "DATABASE_URL_FILE": str(tmp_path / "mounted")}, folder=tmp_path)

    assert told.database_url.get_secret_value() == ADDRESS
    assert "hunter2" in told.secrets


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        pytest.param({"SR_PASSWORD": "x", "SR_PASSWORD_FILE": "mounted"}, "both set", id="said twice"),
        pytest.param({"SR_PASSWORD_FILE": "nowhere"}, "SR_PASSWORD_FILE names cannot be read", id="not there"),
        pytest.param({}, "SR_PASSWORD is not set", id="neither"),
    ],
)
def test_a_file_that_says_nothing_stops_the_start(
    mounted: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, str], problem: str
):
    monkeypatch.chdir(mounted)

    with pytest.raises(ConfigurationError, match=problem) as refused:
        load(environ={"HOME": str(mounted), **more}, folder=mounted)
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"
