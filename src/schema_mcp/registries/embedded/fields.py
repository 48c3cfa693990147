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
    if any(name.startswith(_RESERVED) for name in _properties(json.loads(schema.text))):
        raise invalid_schema(f"Invalid schema of type JSON, details: field names cannot start with {_RESERVED}")


def _properties(root: Any) -> list[str]:
    names = cast("Json", root).get("properties") if isinstance(root, dict) else None
    return list(cast("Json", names)) if isinstance(names, dict) else []
