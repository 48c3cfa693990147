"""Endpoints for config and mode, of a subject, a context or (without a subject) the registry itself."""

from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import Json, Subject
from schema_mcp.interfaces.registry_api import bodies
from schema_mcp.interfaces.registry_api.calls import Call
from schema_mcp.registries.embedded import settings
from schema_mcp.registries.embedded.refusals import invalid_mode


async def config(call: Call) -> Json:
    return call.core.read(settings.config, _scope(call), inherited=call.flag("defaultToGlobal"))


async def set_config(call: Call) -> Json:
    return await call.change(settings.set_config, _scope(call), bodies.config(call.body))


async def delete_config(call: Call) -> Json:
    return await call.change(settings.delete_config, _scope(call))


async def mode(call: Call) -> Json:
    return {"mode": call.core.read(settings.mode, _scope(call), inherited=call.flag("defaultToGlobal"))}


async def set_mode(call: Call) -> Json:
    """Answers the mode as it was spelled; null removes the scope's own."""
    if "mode" not in call.body:
        raise invalid_mode()
    wanted = bodies.text(call.body, "mode")
    await call.change(settings.set_mode, _scope(call), wanted, force=call.flag("force"))
    return {"mode": wanted}


async def delete_mode(call: Call) -> Json:
    return {"mode": await call.change(settings.delete_mode, _scope(call), recursive=call.flag("recursive"))}


def _scope(call: Call) -> Subject:
    return parse_subject(call.values.get("subject", ""))
