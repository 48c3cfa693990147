"""`access.yaml`: what it says is what holds, and a slip in it stops the start."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from interfaces.conftest import environ, settings, world
from schema_mcp.domain.caller import Bound, Reach, Scope
from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.identity.access import access
from schema_mcp.identity.policy import Access, Kind, Refusals
from schema_mcp.settings import Settings

__all__ = ["environ", "settings", "world"]

GITHUB = "github: { client_id: our-app, client_secret: '${APP_SECRET}' }"
HEAD = f"url: https://schemas.example.com\n{GITHUB}\nallow: {{ organizations: [Shop] }}\n"
PIPELINE = """\
url: https://s.example.com
pipelines:
  - issuer: https://token.actions.githubusercontent.com
    grants: [{{ scope: write, claims: {{ {} }} }}]
"""


def read(folder: Path, text: str) -> Access:
    path = folder / "access.yaml"
    path.write_text(text, encoding="utf-8")
    return access(path, {"APP_SECRET": "canary-secret"}, ["dev", "prod"])


def test_a_file_says_who_where_and_how_much(tmp_path: Path):
    found = read(
        tmp_path,
        HEAD
        + "grants:\n"
        + "  - { scope: read, organization: Shop }\n"
        + "  - { scope: write, team: Shop/Orders, registries: [dev],\n"
        + "      contexts: [eu, default], subjects: ['orders-*'] }\n"
        + "limits:\n  prod: { scope: write, deny: ['*-secret'] }\n"
        + "refusals: tool_error\n",
    )

    assert found.allow == ((Kind.ORGANIZATION, "shop"),)
    assert [(one.kind, one.name, one.grant.scope) for one in found.rules] == [
        (Kind.ORGANIZATION, "shop", Scope.READ),
        (Kind.TEAM, "shop/orders", Scope.WRITE),
    ]
    assert found.rules[1].grant.reach == Reach(frozenset({"dev"}), frozenset({".eu", "."}), ("orders-*",))
    assert found.bounds == {"prod": Bound(Scope.WRITE, deny=("*-secret",))}
    assert found.refusals is Refusals.TOOL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(f"url: https://s.example.com\n{GITHUB}\n", "nobody is allowed in", id="nobody-allowed"),
        pytest.param(f"{GITHUB}\nallow: {{ logins: [ann] }}\n", "without `url`", id="no-audience"),
        pytest.param(HEAD + "grants: [{ scope: owner, login: ann }]\n", "unknown scope 'owner'", id="scope"),
        pytest.param(HEAD + "grants: [{ scope: read, user: ann }]\n", "unknown key 'user'", id="key"),
        pytest.param(HEAD + "grants: [{ login: ann }]\n", "without a `scope`", id="no-scope"),
        pytest.param(HEAD + "grants: [{ scope: read }]\n", "for one", id="to-nobody"),
        pytest.param(HEAD + "grants: [{ scope: read, login: a, team: b/c }]\n", "for one", id="to-two"),
        pytest.param(HEAD + "grants: [{ scope: read, login: ann, registries: [prdo] }]\n", "'prdo'", id="registry"),
        pytest.param(HEAD + "limits: { prdo: { scope: read } }\n", "'prdo'", id="limited-registry"),
        pytest.param(HEAD + "grants: [{ scope: read, team: platform }]\n", "not a team", id="team"),
        pytest.param(HEAD + "refusals: shrug\n", "unknown form", id="refusals"),
        pytest.param(HEAD.replace("https://schemas", "http://schemas"), "begins with https://", id="plain-http"),
        pytest.param("allow: { logins: [ann] }\n", "`github` is not there", id="people-without-github"),
        pytest.param("url: https://s.example.com\nsign_in: {}\n", "without `github`", id="facade-without-github"),
        pytest.param("github: { client_id: x }\nurl: https://s.example.com\n", "client_secret", id="no-secret"),
        pytest.param(
            PIPELINE.format("ref: main"),
            "anybody's pipelines",
            id="anybodys-pipeline",
        ),
        pytest.param(
            PIPELINE.format("repository: 'shop*'"),
            "anybody's pipelines",
            id="a-pattern-that-strangers-fit",
        ),
        pytest.param("pipelines: [{ audience: x }]\nurl: https://s.example.com\n", "issuer", id="no-issuer"),
    ],
)
def test_a_slip_stops_the_start_with_its_line(tmp_path: Path, text: str, said: str):
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, text)

    assert said in str(error.value)
    assert "access.yaml, line " in str(error.value)


def test_a_secret_may_come_from_a_file_and_is_never_shown(tmp_path: Path):
    (tmp_path / "secret").write_text("canary-secret\n", encoding="utf-8")
    found = read(tmp_path, HEAD.replace("client_secret: '${APP_SECRET}'", "client_secret_file: secret"))

    assert found.secrets == {SecretStr("canary-secret")}
    assert "canary" not in repr(found)


def test_it_is_found_beside_the_configuration(world: Path, settings: Callable[..., Settings]):
    assert settings().access is None

    (world / "access.yaml").write_text("limits: { locked: { deny: ['*'] } }\n", encoding="utf-8")
    found = settings().access

    assert found is not None
    assert not found.signs_in
    assert list(found.bounds) == ["locked"]


def test_one_that_was_named_has_to_be_there(settings: Callable[..., Settings]):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        settings(access="elsewhere.yaml")
