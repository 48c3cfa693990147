"""`schema-mcp`: starts one of the interfaces; `serve` first, because a client waits for it."""

import gc

# Nothing that an import makes is garbage; collecting meanwhile costs a tenth of the start.
gc.disable()

import sys  # noqa: E402
from importlib import import_module  # noqa: E402

import click  # noqa: E402

from schema_mcp import logs  # noqa: E402
from schema_mcp.interfaces.cli.options import ending, options, settings_of  # noqa: E402


def main() -> None:
    """Run one command; what goes wrong is said on stderr and in the exit status."""
    if sys.argv[1:2] == ["serve"]:
        serve.main(args=sys.argv[2:], prog_name="schema-mcp serve")
    commands: click.Group = import_module("schema_mcp.interfaces.cli.commands").commands
    commands.add_command(serve)
    commands.main(prog_name="schema-mcp")


@click.command(params=options())
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve MCP over stdin and stdout, or with --http everything over HTTP."""
    with ending():
        settings = settings_of(context)
        logs.start(settings.log, settings.secrets)
        serving = import_module("schema_mcp.serving")
        gc.freeze()
        gc.enable()
        serving.serve(settings)


if __name__ == "__main__":
    main()
