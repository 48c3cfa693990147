"""The digest of a content as the store keeps it, told from the text alone."""

import hashlib
import json
import re

from schema_mcp.domain.engine import Whole, canonical
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.identity import is_unicode, schema_hash
from schema_mcp.domain.schema import Dependency, Schema, SchemaType

_FULL_NAME = re.compile(r'"((?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*)"')


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
    named = [reference.name for reference in schema.references]
    try:
        return canonical(Whole(schema, _stand_ins(named)), normalize=normalize)
    except InvalidSchemaError:
        # One reference may bring several types: every full name the text mentions gets its stand-in.
        mentioned = dict.fromkeys([*named, *_FULL_NAME.findall(schema.text)])
        return canonical(Whole(schema, _stand_ins([*mentioned])), normalize=normalize)


def stand_ins(schema: Schema) -> tuple[Dependency, ...]:
    """Empty records for the names that an Avro text uses and does not define, so that it can be read alone."""
    if schema.type is not SchemaType.AVRO:
        return ()
    named = [reference.name for reference in schema.references]
    return _stand_ins(named)


def _stand_ins(names: list[str]) -> tuple[Dependency, ...]:
    return tuple(Dependency(name, json.dumps({"type": "record", "name": name, "fields": []})) for name in names)
