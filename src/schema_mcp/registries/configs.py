"""Configurations where a product keeps them in a way of its own."""

from typing import Any

from schema_mcp.domain.errors import InvalidRequestError, SchemaMcpError
from schema_mcp.domain.schema import Json, Subject
from schema_mcp.registries import wire
from schema_mcp.registries.calls import Call
from schema_mcp.registries.contract import level_of
from schema_mcp.registries.http import RestClient

_LEVEL = "compatibility"
_ABSENT = 404


def merged(own: Json, changes: Json) -> Json:
    """All that a scope shall have, for a product that takes away the fields it is not sent (AxonOps).

    Raises `InvalidRequestError` where no level would be among them: AxonOps then changes nothing and says 200.
    """
    known = {name: value for name, value in own.items() if name != "compatibilityLevel"} | {_LEVEL: level_of(own)}
    whole = {name: value for name, value in (known | changes).items() if value is not None}
    if _LEVEL not in whole:
        raise InvalidRequestError(
            "This registry keeps no configuration without a level of its own", hint="Set the level as well."
        )
    return whole


async def own_of_artifact(native: RestClient | None, subject: Subject, in_force: Json) -> Json | None:
    """A subject's own level by Apicurio's native API, where it is the artifact's rule COMPATIBILITY.

    Where that API cannot be reached, what is in force is taken for its own.
    """
    if native is None:
        return in_force
    path = ("apis", "registry", "v3", "groups", "default", "artifacts", str(subject), "rules", "COMPATIBILITY")
    try:
        answer: Any = await native.send(Call("GET", path))
    except SchemaMcpError as error:
        if error.details.get("status") == _ABSENT:
            return None
        raise
    finally:
        await native.close()
    return {"compatibilityLevel": wire.words(answer, "config")}
