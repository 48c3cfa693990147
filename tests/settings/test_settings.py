"""Where settings are looked for, and which voice counts."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.allocation import IdSource
from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.settings import SETTINGS, Settings, load

TWO = "registries: { dev: {}, staging: {} }\n"


def loaded(folder: Path, options: dict[str, Any] | None = None, **environ: str) -> Settings:
    return load(options, environ={"HOME": str(folder / "home"), **environ}, folder=folder)


def repository(folder: Path) -> Path:
    (folder / ".git").mkdir(parents=True)
    return folder


def test_with_nothing_configured_everything_lives_in_the_users_data_folder(tmp_path: Path):
    told = loaded(tmp_path, XDG_DATA_HOME=str(tmp_path / "data"))

    home = tmp_path / "data" / "schema-mcp"
    assert [(one.name, one.backend, one.path) for one in told.connections] == [
        ("local", "embedded", home / "local.sqlite")
    ]
    assert (told.default, told.store, told.state, told.exports) == ("local", home / "store", home, home / "exports")
    assert "local" in told.notes[0]
    assert not home.exists()


def test_the_configuration_of_the_working_directory_is_found(tmp_path: Path):
    repository(tmp_path)
    (tmp_path / "registries.yaml").write_text(TWO)

    told = loaded(tmp_path)

    assert told.config == tmp_path / "registries.yaml"
    assert (told.store, told.state) == (tmp_path, tmp_path / ".schema-mcp")
    assert [one.path for one in told.connections] == [
        tmp_path / ".schema-mcp" / "dev.sqlite",
        tmp_path / ".schema-mcp" / "staging.sqlite",
    ]
    assert told.notes == ()


def test_a_configuration_without_a_repository_has_its_store_in_the_state_folder(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(TWO)

    assert loaded(tmp_path).store == tmp_path / ".schema-mcp" / "store"


def test_a_repository_with_a_store_is_found_without_a_configuration(tmp_path: Path):
    (repository(tmp_path / "repo") / "SCHEMASTORE").mkdir()
    (inside := tmp_path / "repo" / "sub").mkdir()

    told = loaded(inside)

    assert (told.store, told.state) == (tmp_path / "repo", tmp_path / "repo" / ".schema-mcp")


def test_somebody_elses_repository_is_left_alone(tmp_path: Path):
    repository(tmp_path)

    assert loaded(tmp_path).store == tmp_path / "home/.local/share/schema-mcp/store"


def test_options_beat_variables(tmp_path: Path):
    told = loaded(
        tmp_path,
        {"store": "a", "state": "b", "exports": "/c", "toolsets": "all", "port": "1"},
        SCHEMA_MCP_STORE="x",
        SCHEMA_MCP_STATE="y",
        SCHEMA_MCP_EXPORTS="z",
        SCHEMA_MCP_TOOLSETS="none",
        SCHEMA_MCP_PORT="2",
    )

    assert (told.store, told.state, told.exports) == (tmp_path / "a", tmp_path / "b", Path("/c"))
    assert (told.toolsets, told.port) == (("all",), 1)


def test_the_stores_of_older_servers_are_found(tmp_path: Path):
    assert loaded(tmp_path, GIT_REPO_PATH="schemas").store == tmp_path / "schemas"
    assert loaded(tmp_path, GIT_REPO_PATH="schemas", SCHEMA_MCP_STORE="mine").store == tmp_path / "mine"


OLDER = {
    "SCHEMA_REGISTRY_URL_2": "https://two.example.com",
    "SCHEMA_REGISTRY_NAME_2": "prod",
    "READONLY_2": "true",
    "SCHEMA_REGISTRY_URL_1": "https://one.example.com/",
    "SCHEMA_REGISTRY_USER_1": "ann",
    "SCHEMA_REGISTRY_PASSWORD_1": "hunter2",
}


def test_the_variables_of_older_servers_name_registries(tmp_path: Path):
    told = loaded(tmp_path, SCHEMA_REGISTRY_URL="http://zero.example.com", **OLDER)

    assert [(one.name, one.urls, one.auth.username, one.readonly) for one in told.connections] == [
        ("default", ("http://zero.example.com",), "", False),
        ("registry-1", ("https://one.example.com",), "ann", False),
        ("prod", ("https://two.example.com",), "", True),
    ]
    assert told.connections[1].auth.password.get_secret_value() == "hunter2"
    assert told.default == "default"
    assert told.notes == ()


def test_the_file_beats_the_older_variables(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text(TWO)

    assert [one.name for one in loaded(tmp_path, **OLDER).connections] == ["dev", "staging"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param("registries: { a: {} }", IdSource.REGISTRY, id="one"),
        pytest.param("registries: { a: {}, b: {} }", IdSource.LEDGER, id="two"),
        pytest.param("registries: { a: {}, b: { readonly: true } }", IdSource.REGISTRY, id="one-writable"),
        pytest.param("ids: registry\nregistries: { a: {}, b: {} }", IdSource.REGISTRY, id="said"),
    ],
)
def test_the_ledger_numbers_as_soon_as_two_registries_can_be_written(tmp_path: Path, text: str, ids: IdSource):
    (tmp_path / "registries.yaml").write_text(text)

    assert loaded(tmp_path).ids is ids


@pytest.mark.parametrize(
    ("options", "environ", "word"),
    [
        pytest.param({"config": "nowhere.yaml"}, {}, "nowhere.yaml", id="no-such-file"),
        pytest.param({"scopes": "read,root"}, {}, "root", id="unknown-scope"),
        pytest.param({"port": "99999"}, {}, "65535", id="port"),
        pytest.param({"log": "loud"}, {}, "loud", id="log"),
        pytest.param({}, {"READONLY": "perhaps"}, "READONLY", id="neither-yes-nor-no"),
        pytest.param({}, {"SCHEMA_REGISTRY_URL": "sr.example.com"}, "SCHEMA_REGISTRY_URL", id="url"),
        pytest.param(
            {}, {"SCHEMA_REGISTRY_URL_1": "http://a.example.com", "READONLY_1": "si"}, "READONLY_1", id="readonly-n"
        ),
        pytest.param(
            {},
            {
                "SCHEMA_REGISTRY_URL": "http://a.example.com",
                "SCHEMA_REGISTRY_NAME": "x",
                "SCHEMA_REGISTRY_URL_1": "http://b.example.com",
                "SCHEMA_REGISTRY_NAME_1": "x",
            },
            "same name",
            id="same-name",
        ),
    ],
)
def test_a_wrong_setting_is_refused(tmp_path: Path, options: dict[str, str], environ: dict[str, str], word: str):
    with pytest.raises(ConfigurationError, match=word):
        loaded(tmp_path, options, **environ)


def test_two_registries_cannot_share_a_file(tmp_path: Path):
    (tmp_path / "registries.yaml").write_text("registries: { a: { path: x }, b: { path: ./X, readonly: true } }")

    with pytest.raises(ConfigurationError, match="share"):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        pytest.param("", {Scope.READ, Scope.WRITE, Scope.ADMIN}, id="all-by-default"),
        pytest.param("read", {Scope.READ}, id="read"),
        pytest.param("write", {Scope.READ, Scope.WRITE}, id="write-implies-read"),
        pytest.param("read, admin", {Scope.READ, Scope.WRITE, Scope.ADMIN}, id="several"),
    ],
)
def test_scopes_imply_each_other(tmp_path: Path, said: str, scopes: set[Scope]):
    assert loaded(tmp_path, {"scopes": said}).scopes == scopes


def test_secrets_are_known_so_that_they_can_be_masked(tmp_path: Path):
    told = loaded(tmp_path, **OLDER)

    assert told.secrets == {"hunter2"}
    assert "hunter2" not in repr(told)


said = st.sampled_from(["", "true", "false", "1", "0", "YES", "off"])


@given(option=st.sampled_from([None, True, False]), ours=said, older=said, others=st.data())
def test_read_only_beats_every_other_setting(option: bool | None, ours: str, older: str, others: st.DataObject):
    texts = {"scopes": "admin", "toolsets": "all", "tools": "x", "port": "1", "log": "debug"}
    chosen = {name: text for name, text in texts.items() if others.draw(st.booleans(), label=name)}
    environ = {"HOME": "/nowhere", "SCHEMA_MCP_READ_ONLY": ours, "READONLY": older}

    told = load({**chosen, "read_only": option}, environ=environ, folder=Path("/nowhere"))

    assert told.read_only == (option is True or bool({ours, older} & {"true", "1", "YES"}))


def test_a_server_that_is_told_nothing_listens_on_loopback(tmp_path: Path):
    told = load({"http": True}, environ={"HOME": str(tmp_path)}, folder=tmp_path)

    assert (told.host, told.read_only, told.open_metrics) == ("127.0.0.1", False, False)


def test_every_setting_says_what_it_means():
    assert [one.name for one in SETTINGS if not one.meaning.endswith(".")] == []
    assert len({one.option for one in SETTINGS}) == len(SETTINGS)
