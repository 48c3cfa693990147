"""The catalogue as an MCP client meets it: what is shown to whom, and one call from arguments to reply.

Everything heavy is imported here and nowhere else in this folder, so that a server answers `initialize` before it
has loaded its tools.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Any

import mcp_types as types

from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import NotFoundError, SchemaMcpError
from schema_mcp.interfaces.mcp.completion import Completer
from schema_mcp.interfaces.mcp.replies import Reply, refusal, success, surprise
from schema_mcp.interfaces.mcp.resources import Library, spoken
from schema_mcp.interfaces.mcp.shapes import input_schema, output_schema
from schema_mcp.stores.audit import Entry, Outcome
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.recording import refused
from schema_mcp.toolkit.request import request_id, serving
from schema_mcp.toolkit.tool import Effect, Tool
from schema_mcp.toolkit.workspace import Report, Workspace
from schema_mcp.tools import CATALOGUE

_LONGEST_NAME = 80
_log = logging.getLogger(__name__)


class Desk:
    """Where callers are served: one per process, over one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.shelves = Library(workspace)
        self.completer = Completer(workspace)
        self._lists: dict[frozenset[Scope], types.ListToolsResult] = {}
        self._callers: dict[str, Caller] = {}

    def caller(self, via: str) -> Caller:
        """The owner of the process, coming in through an interface."""
        if via not in self._callers:
            self._callers[via] = replace(self._workspace.caller, via=via)
        return self._callers[via]

    def tools(self, caller: Caller) -> types.ListToolsResult:
        """What this caller may use, in the order of the catalogue: the same scopes always see the same list."""
        if caller.scopes not in self._lists:
            shown = [describe(tool) for tool in CATALOGUE.values() if self._is_shown(tool, caller)]
            self._lists[caller.scopes] = types.ListToolsResult(tools=shown)
        return self._lists[caller.scopes]

    async def admit(self, what: str, caller: Caller, scope: Scope | None = None) -> None:
        """Let somebody ask for what no tool answers; raises `MCPError`, and leaves a line, where he may not."""
        try:
            if self._workspace.rates:
                self._workspace.rates.take(caller)
            if scope:
                caller.require(scope, what)
        except SchemaMcpError as error:
            await refused(Entry(what, request_id=request_id(), caller=caller.name), self._workspace.audit, error)
            raise spoken(error) from error

    async def call(self, name: str, arguments: Mapping[str, Any], *, caller: Caller, report: Report) -> Reply:
        """Run a tool; whatever happens becomes a reply, and only what was meant for the caller is in it."""
        telling = _Telling(report)
        with serving() as request:
            try:
                tool = await self._tool(name, caller, request)
                result = await call(tool, arguments, caller=caller, workspace=self._workspace, report=telling)
                return success(tool, result)
            except SchemaMcpError as error:
                return refusal(error)
            except Exception:  # noqa: BLE001 - the SDK would tell an old client what a stray exception says
                _log.exception("%s failed", name[:_LONGEST_NAME])
                return surprise(request)
            finally:
                telling.over = True

    async def _tool(self, name: str, caller: Caller, request: str) -> Tool[Any, Any]:
        if name in CATALOGUE:
            return CATALOGUE[name]
        entry = Entry(name[:_LONGEST_NAME], Outcome.REFUSED, request, caller.name, code=NotFoundError.code)
        await self._workspace.audit.record(entry)
        near = get_close_matches(name[:_LONGEST_NAME], CATALOGUE, n=1, cutoff=0.5)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        raise NotFoundError(
            f"There is no tool {name[:_LONGEST_NAME]!r}", hint=f"{guess}find_tool finds a tool by what you want to do."
        )

    def _is_shown(self, tool: Tool[Any, Any], caller: Caller) -> bool:
        listing = self._workspace.listings.get(tool.name)
        return tool.scope in caller.scopes and not (listing and listing.off)


class _Telling:
    """Progress of a call, told as long as the call lasts: what goes on in the background afterwards tells nobody."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.over = False

    async def __call__(self, done: float, total: float | None, message: str) -> None:
        if not self.over:
            await self._report(done, total, message)


def writes(name: str) -> bool:
    """Does this tool change anything?"""
    return name in CATALOGUE and CATALOGUE[name].writes


@cache
def describe(tool: Tool[Any, Any]) -> types.Tool:
    """A tool as a client sees it."""
    return types.Tool(
        name=tool.name,
        description=tool.summary,
        input_schema=input_schema(tool.request),
        output_schema=output_schema(tool.result),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.effect is Effect.READS,
            destructive_hint=tool.effect is Effect.DESTROYS,
            idempotent_hint=tool.effect in {Effect.READS, Effect.REPLACES},
            open_world_hint=tool.touches_registries,
        ),
    )
