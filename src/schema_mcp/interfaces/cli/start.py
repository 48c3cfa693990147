"""From a command line to a command: `serve` at once, everything else once the tools are loaded."""

import os
from collections.abc import Callable, Sequence
from importlib import import_module

import click

from schema_mcp import logs, tracing
from schema_mcp.interfaces.cli.options import ending, options, settings_of
from schema_mcp.settings import Settings

Serve = Callable[[Settings], None]
"""Serves until it is asked to stop."""


def run(arguments: Sequence[str], serve: Serve) -> None:
    """Carry out a command line; ends the process, with the status that says how it went."""
    if arguments[:1] == ["serve"]:
        serving(serve).main(args=list(arguments[1:]), prog_name="schema-mcp serve")
    commands: click.Group = import_module("schema_mcp.interfaces.cli.commands").commands
    commands.add_command(serving(serve))
    commands.main(args=list(arguments), prog_name="schema-mcp")


def serving(serve: Serve) -> click.Command:
    """The command that starts a server."""

    @click.command("serve", params=options())
    @click.pass_context
    def command(context: click.Context) -> None:
        """Serve MCP over stdin and stdout, or with --http everything over HTTP."""
        with ending():
            settings = settings_of(context)
            logs.start(settings.log, settings.secrets | tracing.secrets(os.environ))
            serve(settings)

    return command
