"""`plan`, `apply` and `drift` for pipelines: a whole store, plans as files, and Markdown for a pull request."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import anyio
import click
from anyio import to_thread

from schema_mcp import logs
from schema_mcp.domain.errors import InvalidRequestError, SchemaMcpError
from schema_mcp.interfaces.cli import markdown
from schema_mcp.interfaces.cli.arguments import given, options_of
from schema_mcp.interfaces.cli.calling import called, opened
from schema_mcp.interfaces.cli.options import ending, options, settings_of
from schema_mcp.interfaces.cli.render import show
from schema_mcp.services import application, planfiles
from schema_mcp.services.kept import keep_plan
from schema_mcp.settings import SETTINGS, Settings
from schema_mcp.toolkit.tool import Shape, Tool
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools import CATALOGUE
from schema_mcp.tools.deployment.drift import DriftFound
from schema_mcp.tools.deployment.planning import PlanMade
from schema_mcp.tools.deployment.sync import SyncStatus
from schema_mcp.tools.tasks import TaskState

_NOT_SERVING = [setting for setting in SETTINGS if not setting.serves]


class Format(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Answer:
    """A tool's result, and a way to tell it as Markdown."""

    result: Shape
    page: Callable[[], Awaitable[str]]


_Ask = Callable[[Workspace, Mapping[str, Any], Path | None], Awaitable[Answer]]


async def _plan(workspace: Workspace, arguments: Mapping[str, Any], file: Path | None) -> Answer:
    result = cast("PlanMade", await called(CATALOGUE["plan_deployment"], arguments, workspace))
    if file is not None:
        plan = await application.kept_plan(workspace.journal, result.plan)
        await to_thread.run_sync(file.write_text, planfiles.written(plan), "utf-8")

    async def page() -> str:
        return markdown.of_plan(await application.kept_plan(workspace.journal, result.plan), result.registries)

    return Answer(result, page)


async def _apply(workspace: Workspace, arguments: Mapping[str, Any], file: Path | None) -> Answer:
    if (file is None) is ("plan" not in arguments):
        raise InvalidRequestError("Which plan?", hint="Name a file, or --plan with a digest: one of the two.")
    if file is not None:
        plan = planfiles.read(await to_thread.run_sync(file.read_text, "utf-8"))
        await keep_plan(workspace.journal, plan, workspace.caller.name)
        arguments = {**arguments, "plan": plan.digest}
    result = cast("TaskState", await called(CATALOGUE["apply_plan"], arguments, workspace))

    async def page() -> str:
        return markdown.of_task(result)

    return Answer(result, page)


async def _drift(workspace: Workspace, arguments: Mapping[str, Any], _: Path | None) -> Answer:
    named = "registry" in arguments or "registries" in arguments
    asked = dict(arguments) if named else {**arguments, "registries": workspace.fleet.names}
    result = cast("DriftFound", await called(CATALOGUE["detect_drift"], asked, workspace))

    async def page() -> str:
        only = {name: asked[name] for name in ("prefix", "context") if name in asked}
        status = await called(CATALOGUE["get_sync_status"], {**only, "registries": result.registries}, workspace)
        return markdown.of_drift(result, cast("SyncStatus", status))

    return Answer(result, page)


@dataclass(frozen=True, slots=True)
class _Verb:
    """A short command: the tool behind it, how it is asked, and its file."""

    tool: str
    ask: _Ask
    file: click.Parameter | None = None


_FILE = click.Path(dir_okay=False, path_type=Path)
_SAVED = click.Path(exists=True, dir_okay=False, path_type=Path)
VERBS: Mapping[str, _Verb] = {
    "plan": _Verb(
        "plan_deployment",
        _plan,
        click.Option(["--save", "file"], type=_FILE, help="Write the whole plan to this file, for `apply FILE`."),
    ),
    "apply": _Verb("apply_plan", _apply, click.Argument(["file"], type=_SAVED, required=False)),
    "drift": _Verb("detect_drift", _drift),
}


def verb(name: str) -> click.Command:
    """A short command, with all arguments of its tool."""
    one = VERBS[name]
    tool: Tool[Any, Any] = CATALOGUE[one.tool]
    own = [*([one.file] if one.file else []), *options_of(tool)]
    for option in own:
        option.required = False
    taken = {opt for option in own for opt in option.opts}
    settings = [setting for setting in options(_NOT_SERVING, hidden=True) if taken.isdisjoint(setting.opts)]

    @click.command(name, params=[*own, *settings], help=_HELP[name])
    @click.option(
        "--format",
        "form",
        type=click.Choice([one.value for one in Format]),
        default=None,
        help="How to print the result.",
    )
    @click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
    @click.option("--markdown", "as_markdown", is_flag=True, help="The same as --format markdown.")
    @click.pass_context
    def command(
        context: click.Context,
        form: str | None,
        as_json: bool,
        as_markdown: bool,
        file: Path | None = None,
        **values: Any,
    ) -> None:
        chosen = Format(form) if form else Format.JSON if as_json else Format.MARKDOWN if as_markdown else Format.TABLE
        with ending(as_json=chosen is Format.JSON):
            status = anyio.run(_run, one.ask, given(values), settings_of(context, toolsets="all"), file, chosen)
        sys.exit(status)

    return command


_HELP = {
    "plan": "Plan what brings every registry to what the store says; exit 0 nothing to do, 3 pending, 4 blocked.",
    "apply": "Carry out a plan, by its digest or from the FILE that `plan --save` wrote; exit 6 where it is stale.",
    "drift": "Compare every registry with the store; exit 0 in sync, 3 drift, 1 where a registry does not answer.",
}


async def _run(ask: _Ask, arguments: Mapping[str, Any], settings: Settings, file: Path | None, form: Format) -> int:
    logs.start(settings.log, settings.secrets)
    try:
        async with opened(settings) as workspace:
            answer = await ask(workspace, arguments, file)
            if form is Format.MARKDOWN:
                click.echo(await answer.page(), nl=False)
            else:
                show(answer.result, as_json=form is Format.JSON)
    except SchemaMcpError as error:
        if form is Format.MARKDOWN:
            click.echo(markdown.of_error(error), nl=False)
        raise
    return answer.result.exit_code
