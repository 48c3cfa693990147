"""Names completed while they are written, for resources and prompts: what the caller may read, a hundred at most."""

from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import SchemaMcpError
from schema_mcp.domain.schema import Level
from schema_mcp.interfaces.mcp.prompts import question
from schema_mcp.interfaces.mcp.resources import OFFERS, Offer, surprised
from schema_mcp.toolkit.call import call
from schema_mcp.toolkit.request import serving
from schema_mcp.toolkit.workspace import Workspace
from schema_mcp.tools.resources import MOST_NAMES, Names, complete

_NOTHING = types.Completion(values=[], total=0, has_more=False)
_KINDS = ("registry", "context", "subject", "version", "task", "plan")
_SLOTS = {"name": "registry", "id": "task", "digest": "plan"}
"""What the words in an address stand for."""


class Completer:
    """Where names are completed."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def completed(self, params: types.CompleteRequestParams, caller: Caller) -> types.CompleteResult:
        """What an argument may become; nothing where nothing is known of it, or may be."""
        given = (params.context.arguments if params.context else None) or {}
        name, value = params.argument.name, params.argument.value
        match params.ref:
            case types.PromptReference(name=prompt):
                kind = next((slot.kind for slot in question(prompt).slots if slot.name == name), "")
                said = {"registry": given.get("registry") or given.get("source")}
            case types.ResourceTemplateReference(uri=template):
                kind, said = _of_template(_offer(template), name, given)
        if kind == "level":
            return _result([level for level in Level if level.startswith(value.upper())])
        if kind not in _KINDS:
            return types.CompleteResult(completion=_NOTHING)
        return await self._names({**said, "argument": kind, "value": value}, caller)

    async def _names(self, arguments: Mapping[str, Any], caller: Caller) -> types.CompleteResult:
        with serving() as request:
            try:
                found = await call(complete, arguments, caller=caller, workspace=self._workspace)
            except SchemaMcpError:  # a half-written name is no mistake of anybody's
                return types.CompleteResult(completion=_NOTHING)
            except Exception as error:
                raise surprised(request, "completion/complete") from error
        assert isinstance(found, Names)  # noqa: S101 - the tool's result
        return _result(found.names, found.total)


def _of_template(offer: Offer, name: str, given: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    said = {key: given[key] for key in ("registry", "context", "subject") if key in given}
    source = "store" if offer.template.startswith("store:") else "registry"
    return _SLOTS.get(name, name), {**said, "source": source}


def _offer(template: str) -> Offer:
    for one in OFFERS:
        if one.template == template:
            return one
    raise MCPError(types.INVALID_PARAMS, f"There is no resource template {template[:200]!r}")


def _result(values: "tuple[str, ...] | list[Level]", total: int | None = None) -> types.CompleteResult:
    names = [str(one) for one in values][:MOST_NAMES]
    count = len(names) if total is None else total
    return types.CompleteResult(completion=types.Completion(values=names, total=count, has_more=count > len(names)))
