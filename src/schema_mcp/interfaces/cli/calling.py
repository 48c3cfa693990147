"""A tool called from a command line: the road that every interface takes, in a workspace of its own."""

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import click

from schema_mcp import app
from schema_mcp.settings import Settings
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.tool import Shape, Tool
from schema_mcp.toolkit.workspace import Workspace


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Workspace]:
    """A workspace whose calls wait for the end of their work, because the process ends with them."""
    async with app.workspace(settings, patience=None) as workspace:
        yield workspace


async def called(tool: Tool[Any, Any], arguments: Mapping[str, Any], workspace: Workspace) -> Shape:
    """Run a tool for whoever owns the process."""
    return await call(tool, arguments, caller=workspace.caller, workspace=workspace, report=_report)


async def _report(done: float, total: float | None, message: str) -> None:
    """Progress, for whoever sits in front of it."""
    if sys.stderr.isatty():
        click.echo(f"{message} {done:g}" + (f" of {total:g}" if total else ""), err=True)
