"""What `validateFields` asks of a new schema beyond the language's own rules.

Source: the recordings of Confluent 8.1.5; Avro and Protobuf cannot have such names anyway.
"""

import json
from typing import Any, cast

from schema_mcp.domain.schema import Json, Schema, SchemaType
from schema_mcp.registries.embedded.refusals import invalid_schema

_RESERVED = "$$"


def check_fields(schema: Schema) -> None:
    """Refuse a JSON Schema whose own properties begin with `$$`; raises 42201."""
    if schema.type is not SchemaType.JSON:
        return
    if any(name.startswith(_RESERVED) for name in _properties(schema.text)):
        raise invalid_schema(f"Invalid schema of type JSON, details: field names cannot start with {_RESERVED}")


def _properties(text: str) -> list[str]:
    try:
        root: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid_schema(f"The schema is too deep to look at its field names: {error}") from error
    names = cast("Json", root).get("properties") if isinstance(root, dict) else None
    return list(cast("Json", names)) if isinstance(names, dict) else []
