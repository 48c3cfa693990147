"""The three schema languages as one table, and the one way to parse: cached by text, bounded.

A language's module is imported when the first schema of its kind is met, because start-up counts.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from operator import itemgetter
from threading import Lock
from typing import Any, cast

from cachetools import LRUCache

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Format
from schema_mcp.domain.schema import Dependency, Reference, Schema, SchemaType

LARGEST_TEXT = 5_000_000
"""Characters; a longer text is refused before it is looked at."""

MOST_PARTS = 200_000
"""Commas, a quick stand-in for values: 10,000 fields have some 50,000; many more would take seconds to build."""

_CACHED_CHARACTERS = 8_000_000
_OVERHEAD = 1_000

_FORMATS = {
    SchemaType.AVRO: ("schema_mcp.domain.avro.format", "AVRO"),
    SchemaType.JSON: ("schema_mcp.domain.json_schema.format", "JSON_SCHEMA"),
    SchemaType.PROTOBUF: ("schema_mcp.domain.protobuf.format", "PROTOBUF"),
}


@dataclass(frozen=True, slots=True)
class Whole:
    """A schema together with the texts it references: all that is needed to judge it.

    `number` is the version under its subject, 0 for one that has none yet.
    """

    schema: Schema
    dependencies: tuple[Dependency, ...] = ()
    number: int = 0


@cache
def format_of(kind: SchemaType) -> Format:
    """The rules of one schema language."""
    module, name = _FORMATS[kind]
    return cast("Format", getattr(import_module(module), name))


def parse(whole: Whole, *, new: bool = False) -> Any:
    """Parse a schema with its references; `new` also asks what a registry asks of a new schema.

    Raises `InvalidSchemaError`.
    """
    schema = whole.schema
    size = len(schema.text) + sum(len(dependency.text) for dependency in whole.dependencies)
    if size > LARGEST_TEXT:
        raise InvalidSchemaError(
            f"The schema has {size:,} characters, references included; {LARGEST_TEXT:,} is the bound",
            hint="Split it, or move shared parts into references.",
        )
    if schema.text.count(",") > MOST_PARTS:
        raise InvalidSchemaError(
            f"The schema has more than {MOST_PARTS:,} parts", hint="Split it, or move shared parts into references."
        )
    key = (schema.type, schema.text, whole.dependencies)
    with _LOCK:
        known = _CACHE.get((*key, new))
    if known is not None:
        return known[1]
    parsed = format_of(schema.type).parse(schema.text, whole.dependencies, new=new)
    with _LOCK:
        # One that passes as a new schema serves as well where less is asked.
        for strict in {new, False}:
            _CACHE[(*key, strict)] = (size + _OVERHEAD, parsed)
    return parsed


def canonical(whole: Whole, *, normalize: bool = False, new: bool = False) -> Schema:
    """The schema as a registry stores it: canonical text, or normalised text and references.

    Source: registry semantics, "Canonical string by type" and "Normalised string".
    """
    parsed = parse(whole, new=new)
    schema = whole.schema
    text = format_of(schema.type).normalized(parsed) if normalize else parsed.canonical
    references = ordered(schema.references) if normalize else schema.references
    return Schema(text, schema.type, references, schema.metadata, schema.rule_set)


def ordered(references: Sequence[Reference]) -> tuple[Reference, ...]:
    """References as normalisation keeps them: by subject and version, each once."""
    return tuple(sorted(dict.fromkeys(references), key=lambda reference: (reference.subject, reference.version)))


_LOCK = Lock()
_CACHE: LRUCache[Hashable, tuple[int, Any]] = LRUCache(_CACHED_CHARACTERS, getsizeof=itemgetter(0))
"""Parsed schemas with the characters they came from, the measure of what they hold."""
