"""A small world: an open registry, a closed one, and an audit trail to read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from schema_mcp import app
from schema_mcp.settings import load
from schema_mcp.stores.audit import Entry
from schema_mcp.toolkit.workspace import Workspace


@asynccontextmanager
async def opened(folder: Path, **options: Any) -> AsyncIterator[Workspace]:
    (folder / "registries.yaml").write_text("registries: { dev: {}, shut: { readonly: true } }", encoding="utf-8")
    settings = load(options, environ={"HOME": str(folder)}, folder=folder)
    async with app.workspace(settings) as workspace:
        yield workspace


async def trail(workspace: Workspace) -> list[Entry]:
    """The audit lines, oldest first."""
    return (await workspace.audit.recent(100))[::-1]
