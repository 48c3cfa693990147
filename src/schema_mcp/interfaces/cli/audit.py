"""`audit`: does the trail still hold, line for line?"""

import json
import sys
from dataclasses import asdict

import click

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.interfaces.cli.options import ending, options, settings_of
from schema_mcp.settings import SETTINGS
from schema_mcp.stores import trail
from schema_mcp.toolkit.status import Status

_SETTINGS = [setting for setting in SETTINGS if not setting.serves]


@click.group()
def audit() -> None:
    """The audit trail of a state folder."""


@audit.command(params=options(_SETTINGS, hidden=True))
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def verify(context: click.Context, *, as_json: bool) -> None:
    """Find lines that were changed, moved, added or cut off; 1 where there are any, 0 while the chain holds."""
    with ending(as_json=as_json):
        folder = settings_of(context).state / "audit"
        if not folder.is_dir():
            raise NotFoundError(f"There is no audit trail in {folder}", hint="Name the state folder with --state.")
        findings, lines = trail.verify(folder), sum(1 for _ in trail.newest(folder))
        if as_json:
            click.echo(
                json.dumps({"holds": not findings, "lines": lines, "findings": [asdict(one) for one in findings]})
            )
        else:
            click.echo("\n".join([*map(_said, findings), _verdict(lines, len(findings))]))
        sys.exit(Status.ERROR if findings else Status.DONE)


def _said(one: trail.Finding) -> str:
    return f"{one.file}:{one.line}: {one.reason}" if one.line else f"{one.file}: {one.reason}"


def _verdict(lines: int, findings: int) -> str:
    return f"{findings} places do not hold, in {lines} lines" if findings else f"The chain holds: {lines} lines"
