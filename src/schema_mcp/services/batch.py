"""Many questions to the engine in one stream: one JSON object each in, one each out, in order.

The shapes are a public format, camelCase, the same as in the compatibility cases.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from schema_mcp.domain.compatibility import DIFFERENT_TYPE, check
from schema_mcp.domain.engine import Whole, canonical, parse
from schema_mcp.domain.errors import InvalidRequestError, InvalidSchemaError, SchemaMcpError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.identity import guid
from schema_mcp.domain.naming import is_valid, parse_subject
from schema_mcp.domain.schema import Dependency, Json, Level, Policy, Reference, Schema, SchemaType, Semantics

Question: TypeAlias = Mapping[str, Any]

_WITHOUT_PLACE = frozenset({DIFFERENT_TYPE, "UNEXPECTED_EXCEPTION"})
"""Differences that concern the whole comparison."""


def answer(question: object) -> Json:
    """The answer to one question; never raises: a bad one is answered with `error`."""
    if not isinstance(question, dict):
        return {"id": None, "error": "a line is one JSON object"}
    asked: Json = question  # pyright: ignore[reportUnknownVariableType]
    try:
        return {"id": asked.get("id"), **_operation(asked)(asked)}
    except SchemaMcpError as error:
        return {"id": asked.get("id"), "error": f"{error.code}: {error}"}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return {"id": asked.get("id"), "error": f"invalid_request: {type(error).__name__}: {error}"[:300]}


def _operation(asked: Question) -> Callable[[Question], Json]:
    operation = _OPERATIONS.get(str(asked.get("op")))
    if operation is None:
        raise InvalidRequestError(f"op is one of {', '.join(_OPERATIONS)}")
    return operation


def _compatibility(asked: Question) -> Json:
    kind = SchemaType(asked.get("schemaType", "AVRO"))
    rules = Rules(
        Policy(asked.get("policy", Policy.STRICT)), Semantics(asked.get("semantics", Semantics.CONFLUENT_8_3))
    )
    new = _whole(asked["new"], kind)
    previous = [_whole(one, kind, number) for number, one in enumerate(asked["previous"], start=1)]
    parse(new, new=True)
    outcome = check(new, previous, Level(asked["level"]), rules, exhaustive=True)
    every = kind is not SchemaType.AVRO
    changes = [
        difference.kind if difference.kind in _WITHOUT_PLACE else f"{difference.kind} {difference.path}"
        for comparison in outcome.comparisons
        for difference in comparison.differences
        if every or difference.breaks
    ]
    return {"compatible": outcome.compatible, "changes": changes, "messages": list(outcome.messages)}


def _canonical(asked: Question) -> Json:
    kind = SchemaType(asked.get("schemaType", "AVRO"))
    given: Sequence[Json] = asked.get("references") or ()
    references = tuple(Reference(one["name"], one["subject"], one["version"]) for one in given)
    texts = tuple(Dependency(one["name"], one["schema"], one["subject"], one["version"]) for one in given)
    whole = Whole(Schema(asked["schema"], kind, references), texts)
    stored, normal = canonical(whole), canonical(whole, normalize=True)
    said: Json = {
        "canonical": stored.text,
        "normalized": normal.text,
        "guid": guid(stored.text, stored.references),
        "normalized_guid": guid(normal.text, normal.references),
    }
    if kind is SchemaType.AVRO and not references:
        said |= _avro_fingerprints(whole)
    return said


def _avro_fingerprints(whole: Whole) -> Json:
    # fastavro is slow to import and wanted here only.
    from schema_mcp.domain.avro.fingerprints import crc64, parsing_form  # noqa: PLC0415 - only where it is used: the start stays quick

    form = parsing_form(parse(whole))
    return {"parsing_canonical_form": form, "crc64_avro": crc64(form)}


def _validate(asked: Question) -> Json:
    whole = _whole(asked, SchemaType(asked.get("schemaType", "AVRO")))
    try:
        parse(whole, new=True)
    except InvalidSchemaError as error:
        return {"valid": False, "reason": str(error)}
    return {"valid": True}


def _subject(asked: Question) -> Json:
    subject = parse_subject(asked["name"])
    return {"valid": is_valid(subject), "context": subject.context, "subject": subject.name}


def _whole(given: Question, kind: SchemaType, number: int = 0) -> Whole:
    used: Sequence[Json] = given.get("references") or ()
    references = tuple(Reference(one["name"], one["subject"], one["version"]) for one in used)
    places = {one.name: one for one in references}
    texts: Sequence[Json] = given.get("dependencies") or ()
    dependencies = tuple(_dependency(one, places) for one in texts)
    own = SchemaType(given.get("schemaType", kind))
    schema = Schema(given["schema"], own, references, given.get("metadata"), given.get("ruleSet"))
    return Whole(schema, dependencies, number)


def _dependency(given: Json, places: Mapping[str, Reference]) -> Dependency:
    place = places.get(given["name"])
    text = given["dependency"]
    return Dependency(given["name"], text, place.subject, place.version) if place else Dependency(given["name"], text)


_OPERATIONS: Mapping[str, Callable[[Question], Json]] = {
    "compatibility": _compatibility,
    "canonical": _canonical,
    "validate": _validate,
    "subject": _subject,
}
