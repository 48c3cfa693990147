"""Backends are found by name, ours and those that other packages bring."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.registries import plugins
from schema_mcp.registries.contract import Connection

GROUP = "schema_mcp.registries"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    found: list[EntryPoint] = []
    monkeypatch.setattr(plugins, "entry_points", lambda group: [one for one in found if one.group == group])
    _forget()
    yield found
    _forget()


def _forget() -> None:
    plugins.backend.cache_clear()
    plugins._installed.cache_clear()


def test_our_backends_are_known():
    assert {"confluent", "embedded"} <= set(plugins.known())


def test_a_connection_becomes_a_registry():
    registry = plugins.open_registry(Connection("prod", backend="confluent", urls=("http://sr.example.com",)))

    assert registry.name == "prod"
    assert type(registry).__name__ == "ConfluentRegistry"


def test_a_stranger_can_offer_one(installed: list[EntryPoint]):
    installed.append(EntryPoint("theirs", "types:SimpleNamespace", GROUP))
    installed.append(EntryPoint("other", "types:SimpleNamespace", "console_scripts"))

    assert plugins.known() == ["theirs"]
    assert plugins.backend("theirs").__name__ == "SimpleNamespace"


def test_an_unknown_name_is_a_wrong_setting_that_lists_the_known_ones(installed: list[EntryPoint]):
    installed.append(EntryPoint("theirs", "types:SimpleNamespace", GROUP))

    with pytest.raises(ConfigurationError, match="conflunet") as refused:
        plugins.open_registry(Connection("prod", backend="conflunet"))

    assert "theirs" in refused.value.hint


@pytest.mark.parametrize("target", ["no.such.module:Thing", "types:NoSuchThing"])
def test_a_backend_that_does_not_load_says_so(installed: list[EntryPoint], target: str):
    installed.append(EntryPoint("broken", target, GROUP))

    with pytest.raises(ConfigurationError, match="broken"):
        plugins.backend("broken")


def test_backends_are_not_imported_before_they_are_wanted():
    heavy = "'httpx2' in sys.modules, 'sqlite3' in sys.modules"
    code = f"import sys, schema_mcp.registries.plugins as plugins; plugins.known(); print({heavy})"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert told.split() == ["False", "False"]
