"""The same small world for every interface: three embedded registries, one of them closed, and a store in Git."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schema_mcp.settings import Settings, load

REGISTRIES = """\
default: dev
registries:
  dev:     { backend: embedded, path: .schema-mcp/dev.sqlite }
  staging: { backend: embedded, path: .schema-mcp/staging.sqlite }
  locked:  { backend: embedded, path: .schema-mcp/locked.sqlite, readonly: true }
"""
ORDER = '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"}]}'


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A working directory with a repository and a configuration."""
    folder = tmp_path / "world"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    (folder / "registries.yaml").write_text(REGISTRIES, encoding="utf-8")
    return folder


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment of its own, so that nobody's settings leak into a test."""
    home = str(tmp_path / "home")
    author = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
    return {"HOME": home, "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin", **author}


@pytest.fixture
def settings(world: Path, environ: dict[str, str]) -> Callable[..., Settings]:
    """Settings of this world, with options."""

    def loaded(**options: Any) -> Settings:
        return load(options, environ=environ, folder=world)

    return loaded
