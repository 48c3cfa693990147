"""Which tools a server shows: toolsets and single tools by name; exclusion and read-only always win."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.toolkit.listing import Listing
from schema_mcp.toolkit.tool import Tool

CORE, ALL, NONE = "core", "all", "none"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator wants to be seen."""

    toolsets: tuple[str, ...] = (CORE,)
    tools: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    read_only: bool = False


def listings(catalogue: Mapping[str, Tool[Any, Any]], choice: Choice) -> dict[str, Listing]:
    """The directory of all tools, in a fixed order, each switched on or off.

    Raises `ConfigurationError` for a name that is no tool and no toolset: a slip must not open or close anything.
    """
    toolsets = {tool.toolset for tool in catalogue.values()}
    _refuse_unknown("--toolsets", choice.toolsets, [CORE, ALL, NONE, *sorted(toolsets)])
    _refuse_unknown("--tools", choice.tools, catalogue)
    _refuse_unknown("--exclude-tools", choice.exclude, catalogue)
    return {
        tool.name: _listing(tool, _off(tool, choice), excluded=tool.name in choice.exclude)
        for tool in catalogue.values()
    }


def _listing(tool: Tool[Any, Any], off: str, *, excluded: bool) -> Listing:
    return Listing(
        name=tool.name,
        summary=tool.summary,
        toolset=tool.toolset,
        scope=tool.scope,
        arguments=tuple(tool.request.model_fields),
        off=off,
        writes=tool.writes,
        touches_registries=tool.touches_registries,
        excluded=excluded,
    )


def _off(tool: Tool[Any, Any], choice: Choice) -> str:
    """What would turn the tool on; nothing when it is on."""
    if tool.name in choice.exclude:
        return f"Start the server without {tool.name} in --exclude-tools."
    if tool.writes and choice.read_only:
        return "Start the server without --read-only."
    chosen = {ALL, tool.toolset, *([CORE] if tool.core else [])} & set(choice.toolsets)
    if chosen or tool.name in choice.tools:
        return ""
    wider = ",".join((*choice.toolsets, tool.toolset))
    return f"Start the server with --tools {tool.name}, or with --toolsets {wider}."


def _refuse_unknown(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    there = list(known)
    for name in names:
        if name not in there:
            near = get_close_matches(name, there, n=1)
            guess = f"Did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(
                f"{option}: there is no {name[:80]!r}", hint=f"{guess}`schema-mcp --help` lists all tools."
            )
