"""What can be said of a tool without calling it."""

from dataclasses import dataclass

from schema_mcp.domain.caller import Scope


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of the directory of tools; `off` says what turns on a tool that is switched off."""

    name: str
    summary: str
    toolset: str
    scope: Scope
    arguments: tuple[str, ...]
    off: str = ""
    writes: bool = False
    touches_registries: bool = True
    excluded: bool = False
    """Whether the operator excluded it by name: then nothing else does what it does, either."""
