"""One schema that needs no references: each language has its own way of taking in what was outside."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from schema_mcp.domain.engine import Whole, format_of, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.schema import SchemaType


def bundled(whole: Whole) -> str:
    """The text with all it references inside, proven to be a schema of its own.

    Raises `InvalidSchemaError` where that cannot be.
    """
    text = _BUNDLES[whole.schema.type](parse(whole)) if whole.dependencies else whole.schema.text
    try:
        format_of(whole.schema.type).parse(text, ())
    except InvalidSchemaError as error:
        raise InvalidSchemaError(f"The bundle would be no schema: {error}", hint=error.hint) from error
    return text


def _avro(parsed: Any) -> str:
    return str(parsed.resolved)


def _json(parsed: Any) -> str:
    return import_module("schema_mcp.domain.json_schema.bundle").bundled(parsed.document, parsed.dependencies)


def _protobuf(parsed: Any) -> str:
    return import_module("schema_mcp.domain.protobuf.bundle").bundled(parsed)


_BUNDLES: Mapping[SchemaType, Callable[[Any], str]] = {
    SchemaType.AVRO: _avro,
    SchemaType.JSON: _json,
    SchemaType.PROTOBUF: _protobuf,
}
