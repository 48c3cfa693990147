"""Call a tool as an interface does, with every toolset switched on unless a test wants otherwise."""

from dataclasses import replace
from typing import Any

from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.surface import Choice, listings
from schema_mcp.tools import CATALOGUE
from services.world import World

EVERYTHING = Choice(toolsets=("all",))


async def ask(world: World, name: str, /, *, choice: Choice = EVERYTHING, **arguments: Any) -> Any:
    workspace = replace(world.workspace, listings=listings(CATALOGUE, choice))
    return await call(CATALOGUE[name], arguments, caller=workspace.caller, workspace=workspace)
