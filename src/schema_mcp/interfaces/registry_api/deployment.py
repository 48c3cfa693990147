"""What the registry says of itself, and its contexts."""

from importlib.metadata import version as installed

from schema_mcp.domain.schema import Json
from schema_mcp.interfaces.registry_api.calls import Call
from schema_mcp.interfaces.registry_api.paths import context_prefix
from schema_mcp.registries.embedded import deletion, lists

SEMANTICS = "8.1.5"
"""The release whose answers this registry gives: clients choose their requests by it."""


async def root(_: Call) -> Json:
    return {}


async def cluster(call: Call) -> Json:
    return {"scope": {"path": [], "clusters": {"kafka-cluster": "", "schema-registry-cluster": call.registry}}}


async def version(_: Call) -> Json:
    return {"version": f"{SEMANTICS}+schema-mcp.{installed('schema-mcp')}", "commitId": ""}


async def attributes(_: Call) -> Json:
    return {"attributes": []}


async def contexts(call: Call) -> list[str]:
    return call.core.read(lists.contexts, call.text("contextPrefix"), call.page)


async def delete_context(call: Call) -> None:
    context = context_prefix(call.values["context"])[1:-1]
    await call.change(deletion.delete_context, context)
