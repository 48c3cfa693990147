"""A payload against a schema, and an example of one: find the schema, then decide off the event loop."""

import base64
import binascii
from dataclasses import dataclass
from typing import Literal, TypeAlias

from anyio import to_thread

from schema_mcp.domain.engine import Whole, parse
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.payloads import (
    Fault,
    FaultError,
    Framed,
    framed,
    json_text,
    payloads_of,
    read_json,
    refuse_large,
    unframed,
)
from schema_mcp.domain.schema import Schema, SchemaType, Subject
from schema_mcp.registries.contract import Number
from schema_mcp.services.judgement import Side

Encoding: TypeAlias = Literal["json", "base64"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which schema: a text, a version of a subject, or (0 where none is known) an id."""

    subject: Subject | None
    context: str
    text: Schema | None = None
    number: Number = "latest"
    schema_id: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """A schema with all it references, and its id where it has one."""

    whole: Whole
    schema_id: int = 0


@dataclass(frozen=True, slots=True)
class Payload:
    """Data as a caller gives it; `message` is the Protobuf one that is meant."""

    text: str
    encoding: Encoding = "json"
    has_header: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a payload is of its schema; `data` is what bytes were read as."""

    faults: tuple[Fault, ...]
    schema_id: int = 0
    message: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A payload made up, in the encoding asked for."""

    text: str
    message: str


async def known(side: Side, wanted: Wanted) -> Known:
    """The schema that is meant; raises `NotFoundError`, `InvalidRequestError` where none is named."""
    if wanted.text is not None:
        return Known(await side.whole(wanted.text, wanted.subject or Subject("", wanted.context)))
    if wanted.subject is not None:
        version = await side.version(wanted.subject, wanted.number)
        return Known(await side.whole_of(version), version.id)
    if side.registry is None or not wanted.schema_id:
        raise InvalidRequestError(
            "Nothing says which schema is meant",
            hint="Give a subject or schema_text, or base64 with the header of a registry's schema id.",
        )
    schema = await side.registry.schema(wanted.schema_id, context=wanted.context)
    if schema is None:
        raise NotFoundError(
            f"{side.name} has no schema with id {wanted.schema_id} in context {shown_context(wanted.context)}",
            hint="The payload may come from another registry or context: name them, or the subject.",
        )
    return Known(await side.whole(schema, Subject("", wanted.context)), wanted.schema_id)


def header_id(payload: Payload) -> int:
    """The schema id that a payload's header names, whatever the language; 0 where there is none."""
    if not payload.has_header:
        return 0
    try:
        return unframed(_bytes(payload), SchemaType.AVRO).schema_id
    except FaultError:
        return 0


async def judge(schema: Known, payload: Payload) -> Verdict:
    """Hold a payload against a schema; raises `InvalidRequestError` for one that is too large."""
    refuse_large(len(payload.text))
    return await to_thread.run_sync(_judged, schema, payload)


async def example(schema: Known, seed: int, encoding: Encoding, *, with_header: bool, message: str) -> Example:
    """Make a payload up; raises `InvalidRequestError` where the schema has none."""
    if with_header and not schema.schema_id:
        raise InvalidRequestError("A header needs a schema id, and a text has none", hint="Name a subject instead.")
    return await to_thread.run_sync(lambda: _example(schema, seed, encoding, with_header=with_header, message=message))


def _judged(schema: Known, payload: Payload) -> Verdict:
    kind = schema.whole.schema.type
    language, parsed = payloads_of(kind), parse(schema.whole)
    message, schema_id = payload.message, schema.schema_id
    try:
        if payload.encoding == "json":
            value = read_json(payload.text)
            return Verdict(tuple(language.faults(parsed, value, message)), schema_id, message)
        body = _body(payload, kind)
        _refuse_other_id(schema, body)
        message = message or (language.message_at(parsed, body.indexes) if body.indexes else "")
        value = language.read(parsed, body.body, message)
        return Verdict(tuple(language.faults(parsed, value, message)), schema_id, message, json_text(value))
    except FaultError as error:
        return Verdict((error.fault,), schema_id, message)
    except RecursionError:
        return Verdict((Fault("", "payload and schema nest too deep to be held against each other"),), schema_id)


def _body(payload: Payload, kind: SchemaType) -> Framed:
    data = _bytes(payload)
    return unframed(data, kind) if payload.has_header else Framed(data, 0)


def _bytes(payload: Payload) -> bytes:
    refuse_large(len(payload.text))
    try:
        return base64.b64decode(payload.text, validate=True)
    except (binascii.Error, ValueError):
        raise FaultError("the payload is not base64") from None


def _refuse_other_id(schema: Known, body: Framed) -> None:
    if schema.schema_id and body.schema_id not in (0, schema.schema_id):
        raise FaultError(f"the header names schema id {body.schema_id}, and the schema has id {schema.schema_id}")


def _example(schema: Known, seed: int, encoding: Encoding, *, with_header: bool, message: str) -> Example:
    language, parsed = payloads_of(schema.whole.schema.type), parse(schema.whole)
    try:
        indexes = language.indexes_of(parsed, message)
        value = language.example(parsed, seed, message)
        if encoding == "json":
            return Example(json_text(value), message)
        data = language.written(parsed, value, message)
    except FaultError as error:
        raise InvalidRequestError(f"No example can be made: {error}") from error
    except RecursionError:
        raise InvalidRequestError("The schema nests too deep to make an example of it") from None
    whole = framed(data, schema.schema_id, indexes) if with_header else data
    return Example(base64.b64encode(whole).decode(), message)
