"""The digest of a content as the store keeps it, told from the text alone."""

import hashlib
import json
import re

from schema_mcp.domain.engine import Whole, canonical, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.identity import is_unicode, schema_hash
from schema_mcp.domain.schema import Dependency, Schema, SchemaType

_FULL_NAME = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*")
_MOST_NAMES = 1_000


def stored_digest(schema: Schema) -> str:
    """The `schemaHash` of a content; raises `InvalidSchemaError` where the text is no schema."""
    return schema_hash(_alone(schema))


def kept(schema: Schema) -> Schema:
    """A schema as the store keeps it; raises `InvalidSchemaError` where the text is none, or cannot be a file."""
    canonical_one = _alone(schema)
    if not is_unicode(canonical_one.text):
        raise InvalidSchemaError("The text holds half of a surrogate pair, which UTF-8 cannot carry")
    return canonical_one


def spelling_digest(schema: Schema) -> str:
    """One name for all texts that normalise to the same one; a text that is no schema stands for itself."""
    try:
        text = _alone(schema, normalize=True).text
    except InvalidSchemaError:
        text = schema.text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _alone(schema: Schema, *, normalize: bool = False) -> Schema:
    """The canonical schema without what it references.

    Canonical JSON Schema and Protobuf do not depend on that. Avro's does on the names alone, so an empty record stands
    in for each name that the text uses and does not define.
    """
    if schema.type is not SchemaType.AVRO or not schema.references:
        return canonical(Whole(schema), normalize=normalize)
    return canonical(Whole(schema, stand_ins(schema)), normalize=normalize)


def stand_ins(schema: Schema) -> tuple[Dependency, ...]:
    """Empty records for the names that an Avro text uses and does not define, so that it can be read alone.

    A reference is mostly named after its type, but may bring several types, and may have any name at all.
    """
    if schema.type is not SchemaType.AVRO:
        return ()
    named = dict.fromkeys(reference.name for reference in schema.references if _FULL_NAME.fullmatch(reference.name))
    for _ in range(_MOST_NAMES):
        try:
            parse(Whole(schema, _records([*named])))
        except InvalidSchemaError as error:
            lacking = error.details.get("undefined")
            if lacking is None or lacking in named:
                raise
            named[lacking] = None
        else:
            break
    return _records([*named])


def _records(names: list[str]) -> tuple[Dependency, ...]:
    return tuple(Dependency(name, json.dumps({"type": "record", "name": name, "fields": []})) for name in names)
