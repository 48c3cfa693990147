"""The one way a tool is run, for every interface: allowed? arguments valid? run, and leave an audit line."""

import secrets
from collections.abc import Mapping
from typing import Any

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import NotPermittedError, ReadOnlyError
from schema_mcp.toolkit.arguments import validated
from schema_mcp.toolkit.tool import Shape, Tool
from schema_mcp.toolkit.workspace import Report, Workspace


async def call(
    tool: Tool[Any, Any],
    arguments: Mapping[str, Any],
    *,
    caller: Caller,
    workspace: Workspace,
    report: Report | None = None,
    request_id: str | None = None,
) -> Shape:
    """Run a tool for a caller.

    Raises a `SchemaMcpError` for whatever a user can act on; anything else is a bug and travels up. Every call leaves
    an audit line, refused ones too; the intent of a write is on disk before the tool runs.
    """
    request_id = request_id or new_request_id()
    at_work = workspace.for_call(caller, request_id, report)
    async with workspace.audit.recorded(caller, tool.name, arguments, writes=tool.writes, request_id=request_id):
        caller.require(tool.scope, tool.name)
        if tool.writes and workspace.read_only:
            raise ReadOnlyError(
                f"{tool.name} writes, and this server runs with --read-only",
                hint="Start a server without --read-only, or ask whoever runs it.",
            )
        if (listing := workspace.listings.get(tool.name)) and listing.off:
            raise NotPermittedError(f"{tool.name} is switched off here", hint=listing.off)
        request = validated(tool, arguments)
        return await tool.run(at_work, request)


def new_request_id() -> str:
    """A name for one call, by which audit, log and reply find each other."""
    return secrets.token_hex(8)
