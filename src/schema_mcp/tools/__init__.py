"""What you can ask for: one file per toolset, read from here by every interface."""

from typing import Any

from schema_mcp.toolkit.tool import Tool
from schema_mcp.tools import (
    compatibility,
    contexts,
    deployment,
    export,
    governance,
    ids,
    migration,
    references,
    registries,
    settings,
    store,
    subjects,
    tasks,
)
from schema_mcp.tools import help as help_

TOOLSETS = (
    registries,
    subjects,
    settings,
    contexts,
    references,
    store,
    deployment,
    ids,
    compatibility,
    migration,
    export,
    tasks,
    governance,
    help_,
)
"""The product's table of contents, in its order."""

CATALOGUE: dict[str, Tool[Any, Any]] = {
    thing.name: thing for toolset in TOOLSETS for thing in vars(toolset).values() if isinstance(thing, Tool)
}
