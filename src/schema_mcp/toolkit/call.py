"""The one way a tool is run, for every interface: allowed? arguments valid? run, and leave an audit line."""

import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import (
    IncompatibleError,
    InvalidRequestError,
    NotPermittedError,
    ReadOnlyError,
    SchemaMcpError,
)
from schema_mcp.stores.audit import Audit, Entry, Outcome
from schema_mcp.toolkit.arguments import validated
from schema_mcp.toolkit.tool import Shape, Tool
from schema_mcp.toolkit.workspace import Report, Workspace

_REFUSALS = (NotPermittedError, InvalidRequestError, IncompatibleError)
_LONGEST_NAME = 200


def new_request_id() -> str:
    """A name for one call, said in audit, logs and errors alike."""
    return secrets.token_hex(8)


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
    at_work = workspace.for_call(caller, request_id or new_request_id(), report)
    async with _recorded(at_work, tool, arguments):
        caller.require(tool.scope, tool.name)
        if tool.writes and workspace.read_only:
            raise ReadOnlyError(
                f"{tool.name} writes, and this server runs with --read-only",
                hint="Start a server without --read-only, or ask whoever runs it.",
            )
        request = validated(tool, arguments)
        return await tool.run(at_work, request)


@asynccontextmanager
async def _recorded(workspace: Workspace, tool: Tool[Any, Any], arguments: Mapping[str, Any]) -> AsyncGenerator[None]:
    """The audit lines of one call: a write's intent before, and how it ended after, refusals and bugs too."""
    audit, began = workspace.audit, time.perf_counter()
    entry = _entry(workspace, tool, arguments)
    if tool.writes:
        await audit.intent(entry)
    outcome, code = Outcome.FAILED, "bug"
    try:
        yield
        outcome, code = Outcome.OK, ""
    except SchemaMcpError as error:
        outcome = Outcome.REFUSED if isinstance(error, _REFUSALS) else Outcome.FAILED
        code = error.code
        raise
    finally:
        took = round((time.perf_counter() - began) * 1_000, 2)
        await _ended(audit, replace(entry, outcome=outcome, code=code, duration_ms=took), writes=tool.writes)


async def _ended(audit: Audit, entry: Entry, *, writes: bool) -> None:
    if writes:
        await audit.outcome(entry)
    else:
        await audit.record(entry)


def _entry(workspace: Workspace, tool: Tool[Any, Any], arguments: Mapping[str, Any]) -> Entry:
    def named(argument: str) -> str:
        value = arguments.get(argument)
        return value[:_LONGEST_NAME] if isinstance(value, str) else ""

    return Entry(
        tool=tool.name,
        request_id=workspace.request_id,
        caller=workspace.caller.name,
        scopes=tuple(sorted(workspace.caller.scopes)),
        effect=tool.effect,
        registry=named("registry"),
        context=named("context"),
        subject=named("subject"),
        plan=named("plan"),
        reason=named("reason"),
        arguments_digest=workspace.audit.digest(arguments),
    )
