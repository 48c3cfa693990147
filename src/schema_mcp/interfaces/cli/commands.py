"""Every tool as a command, under its own name; the few most used ones also under a short one."""

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Any

import anyio
import click

from schema_mcp import logs
from schema_mcp.interfaces.cli.arguments import given, options_of
from schema_mcp.interfaces.cli.batch import batch_option
from schema_mcp.interfaces.cli.calling import called, opened
from schema_mcp.interfaces.cli.options import ending, options, settings_of
from schema_mcp.interfaces.cli.pipeline import VERBS, verb
from schema_mcp.interfaces.cli.render import show
from schema_mcp.settings import SETTINGS, Settings
from schema_mcp.toolkit.tool import Shape, Tool
from schema_mcp.tools import CATALOGUE

ALIASES: Mapping[str, str] = {
    "check": "check_compatibility",
    **{name: one.tool for name, one in VERBS.items()},
}

_OWN = ("init", "doctor", "reference", "token", "audit")
"""What is no tool: each in a file of its name, loaded when it is asked for (what makes tokens signs people in, too)."""

_STREAMED = "check"
"""The command that also answers a stream of questions."""

_NOT_SERVING = [setting for setting in SETTINGS if not setting.serves]


class Commands(click.Group):
    """Tools as commands, made when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        short = [alias for alias, name in ALIASES.items() if name in CATALOGUE]
        return [*super().list_commands(ctx), *_OWN, *short, *(_kebab(name) for name in CATALOGUE)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in VERBS:
            return verb(cmd_name)
        if cmd_name in _OWN:
            own: click.Command = getattr(import_module(f"schema_mcp.interfaces.cli.{cmd_name}"), cmd_name)
            return own
        name = ALIASES.get(cmd_name, cmd_name.replace("-", "_"))
        return super().get_command(ctx, cmd_name) or (
            _command(cmd_name, CATALOGUE[name]) if name in CATALOGUE else None
        )


@click.group(cls=Commands, params=options(_NOT_SERVING))
@click.version_option(version("schema-mcp"), prog_name="schema-mcp")
def commands() -> None:
    """Operate Kafka schema registries safely, with Git as the source of truth."""


def _command(name: str, tool: Tool[Any, Any]) -> click.Command:
    own = options_of(tool)
    taken = {opt for option in own for opt in option.opts}
    # Settings are understood here too; they are explained in the help of `schema-mcp` itself.
    settings = [one for one in options(_NOT_SERVING, hidden=True) if taken.isdisjoint(one.opts)]

    @click.command(name, params=[*own, *settings], help=tool.summary)
    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.pass_context
    def command(context: click.Context, as_json: bool, **values: Any) -> None:
        with ending(as_json=as_json):
            result = _run(tool, given(values), settings_of(context, toolsets="all"))
            show(result, as_json=as_json)
        sys.exit(result.exit_code)

    if name == _STREAMED:
        command.params.append(batch_option())
    return command


def _run(tool: Tool[Any, Any], arguments: Mapping[str, Any], settings: Settings) -> Shape:
    logs.start(settings.log, settings.secrets)
    return anyio.run(_called, tool, arguments, settings)


async def _called(tool: Tool[Any, Any], arguments: Mapping[str, Any], settings: Settings) -> Shape:
    async with opened(settings) as workspace:
        return await called(tool, arguments, workspace)


def _kebab(name: str) -> str:
    return name.replace("_", "-")
