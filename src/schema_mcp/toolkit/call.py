"""The one way a tool is run, for every interface: allowed? arguments valid? run, and leave an audit line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import NotPermittedError, ReadOnlyError, SchemaMcpError
from schema_mcp.registries.called import called_by
from schema_mcp.stores.audit import Entry
from schema_mcp.stores.chain import canonical
from schema_mcp.toolkit.arguments import validated
from schema_mcp.toolkit.recording import recorded, refused
from schema_mcp.toolkit.request import serving
from schema_mcp.toolkit.tool import Shape, Tool
from schema_mcp.toolkit.workspace import Report, Workspace

_LONGEST_NAME = 200
_MOST_NAMES = 20


async def call(
    tool: Tool[Any, Any],
    arguments: Mapping[str, Any],
    *,
    caller: Caller,
    workspace: Workspace,
    report: Report | None = None,
) -> Shape:
    """Run a tool for a caller.

    Raises a `SchemaMcpError` for whatever a user can act on; anything else is a bug and travels up. Every call leaves
    an audit line, refused ones too; the intent of a write is on disk before the tool runs.
    """
    with serving() as request_id, called_by(caller.name):
        at_work = workspace.for_call(caller, request_id, report, tool.scope)
        entry = _entry(at_work, tool, arguments)
        if tool.writes:
            await _refuse_passwords(at_work, entry, arguments)
        try:
            _allow(tool, at_work)
            request = validated(tool, arguments)
        except SchemaMcpError as error:
            await refused(entry, workspace.audit, error)
            raise
        async with recorded(entry, workspace.audit, writes=tool.writes):
            return await tool.run(at_work, request)


async def _refuse_passwords(workspace: Workspace, entry: Entry, arguments: Mapping[str, Any]) -> None:
    """Refuse what was pasted by mistake before a registry, Git or the audit trail hears of it."""
    try:
        workspace.store.refuse_passwords({"the arguments": canonical(arguments)})
    except SchemaMcpError as error:
        silent = replace(entry, registry="", context="", subject="", plan="", reason="", registries=(), subjects=())
        await refused(silent, workspace.audit, error)
        raise


def _allow(tool: Tool[Any, Any], workspace: Workspace) -> None:
    """Refuse what this caller must not do, or this server does not do."""
    if workspace.rates:
        workspace.rates.take(workspace.caller)
    workspace.caller.require(tool.scope, tool.name)
    if tool.writes and workspace.read_only:
        raise ReadOnlyError(
            f"{tool.name} writes, and this server runs with --read-only",
            hint="Start a server without --read-only, or ask whoever runs it.",
            details={"layer": "server"},
        )
    if (listing := workspace.listings.get(tool.name)) and listing.off:
        raise NotPermittedError(f"{tool.name} is switched off here", hint=listing.off, details={"layer": "toolset"})


def _entry(workspace: Workspace, tool: Tool[Any, Any], arguments: Mapping[str, Any]) -> Entry:
    def named(argument: str) -> str:
        value = arguments.get(argument)
        return value[:_LONGEST_NAME] if isinstance(value, str) else ""

    def several(*names: str) -> tuple[str, ...]:
        values = [one for name in names if name in arguments for one in _listed(arguments[name])]
        return tuple(one[:_LONGEST_NAME] for one in values[:_MOST_NAMES] if isinstance(one, str))

    return Entry(
        tool=tool.name,
        request_id=workspace.request_id,
        caller=workspace.caller.name,
        scopes=tuple(sorted(workspace.caller.scopes)),
        effect=tool.effect,
        registry=named("registry") or _default(workspace, tool),
        context=named("context"),
        subject=named("subject"),
        plan=named("plan"),
        reason=named("reason"),
        arguments_digest=workspace.audit.digest(arguments),
        via=workspace.caller.via,
        client=workspace.caller.client[:_LONGEST_NAME],
        registries=several("registries", "source", "target"),
        subjects=several("subjects"),
    )


def _default(workspace: Workspace, tool: Tool[Any, Any]) -> str:
    """The registry that is meant when none is named."""
    meant = tool.touches_registries and "registry" in tool.request.model_fields
    return workspace.fleet.default if meant else ""


def _listed(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, (list, tuple)) else (value,)
