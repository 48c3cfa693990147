"""The generated pages say what the code says."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from schema_mcp.domain import errors
from schema_mcp.identity.access import ACCESS_KEYS
from schema_mcp.interfaces.cli.reference import pages, reference
from schema_mcp.registries.configuration import KEYS, REGISTRY_KEYS
from schema_mcp.registries.variables import VARIABLES
from schema_mcp.settings import SETTINGS
from schema_mcp.tools import CATALOGUE

WRITTEN = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", pages())
def test_a_reference_page_is_current(name: str):
    assert (WRITTEN / name).read_text(encoding="utf-8") == pages()[name], "run `make docs`"


def test_every_tool_argument_and_result_is_told():
    page = pages()["tools.md"]

    for tool in CATALOGUE.values():
        section = page.partition(f"\n## {tool.name}\n")[2].partition("\n## ")[0]
        names = [*tool.request.model_fields, *tool.result.model_fields]
        assert [name for name in names if f"`{name}`" not in section] == []


def test_every_setting_is_told():
    page = pages()["settings.md"]
    names = [name for one in SETTINGS for name in (one.option, *one.variables) if name]
    names += [name for name, _ in VARIABLES] + [key.name for key in KEYS]
    names += [f"registries.NAME.{key.name}" for key in REGISTRY_KEYS]

    names += [key.name for key in ACCESS_KEYS]

    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_error_is_told():
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.SchemaMcpError)]

    assert [kind.code for kind in kinds[1:] if f"`{kind.code}`" not in pages()["errors.md"]] == []


def test_pages_are_written_and_then_current(tmp_path: Path):
    stale = CliRunner().invoke(reference, [str(tmp_path / "docs"), "--check"])
    written = CliRunner().invoke(reference, [str(tmp_path / "docs")])
    current = CliRunner().invoke(reference, [str(tmp_path / "docs"), "--check"])

    assert (stale.exit_code, written.exit_code, current.exit_code) == (1, 0, 0)
    assert "tools.md is not current" in stale.output
