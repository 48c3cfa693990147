"""A parsed document: its JSON at once, what it means when first asked for."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.json_schema.loader import load
from schema_mcp.domain.json_schema.model import Schema
from schema_mcp.domain.json_schema.text import read, write
from schema_mcp.domain.schema import Dependency


class JsonSchema:
    """One document with the texts that it may refer to. Nothing changes it."""

    def __init__(self, document: Any, dependencies: tuple[Dependency, ...]) -> None:
        self.document = document
        self.dependencies = dependencies

    @cached_property
    def canonical(self) -> str:
        return write(self.document)

    @cached_property
    def root(self) -> Schema:
        return load(self.document, self.dependencies)


def parsed(text: str, dependencies: Sequence[Dependency] = (), *, new: bool = False) -> JsonSchema:
    """The document in a text, held to what a registry asks of a new schema when it is one."""
    document = read(text)
    if not isinstance(document, (dict, bool)):
        raise InvalidSchemaError(
            "A JSON Schema is an object, or true or false", hint='The simplest useful one is {"type": "object"}.'
        )
    schema = JsonSchema(document, tuple(dependencies))
    if new:
        _ = schema.root
    return schema
