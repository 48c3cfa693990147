"""Which scope a request needs, as its body says it: so that whoever lacks it can be told before it is answered."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from schema_mcp.domain.caller import Scope
from schema_mcp.interfaces.mcp.prompts import scope_of
from schema_mcp.interfaces.mcp.resources import offer_of

Need: TypeAlias = tuple[str, Scope]
"""A name of ours for what is asked, and the scope that it needs."""

Needs: TypeAlias = Callable[[Any], Need | None]


def needs(tools: Mapping[str, Scope]) -> Needs:
    """What a request, read as JSON, needs; None where it needs nothing, or nothing that we know: that is said later."""

    def needed(request: Any) -> Need | None:
        match request:
            case {"method": "tools/call", "params": {"name": str() as name}} if name in tools:
                return name, tools[name]
            case {"method": "resources/read" | "resources/subscribe", "params": {"uri": str() as address}}:
                offer = offer_of(address)
                return (offer.template, offer.tool.scope) if offer else None
            case {"method": "prompts/get", "params": {"name": str() as name}}:
                scope = scope_of(name)
                return (f"prompt {name}", scope) if scope else None
            case _:
                return None

    return needed
