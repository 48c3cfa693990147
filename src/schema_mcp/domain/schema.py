"""The values everything speaks of: schema, reference, subject, version, level, mode."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object as it travels: metadata, rule sets, registry configuration."""

DEFAULT_CONTEXT = "."


class SchemaType(StrEnum):
    """The languages a schema can be written in."""

    AVRO = "AVRO"
    JSON = "JSON"
    PROTOBUF = "PROTOBUF"


class Level(StrEnum):
    """Which compatibility to prove."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def is_transitive(self) -> bool:
        return self.value.endswith("_TRANSITIVE")

    @property
    def backward(self) -> bool:
        """The new schema must read what the previous one wrote."""
        return self.value.startswith(("BACKWARD", "FULL"))

    @property
    def forward(self) -> bool:
        """The previous schema must read what the new one writes."""
        return self.value.startswith(("FORWARD", "FULL"))

    @property
    def promises(self) -> frozenset[tuple[str, bool]]:
        """What the level guarantees, comparable as sets: (direction, over the whole history?)."""
        directions = [name for name, on in (("backward", self.backward), ("forward", self.forward)) if on]
        reaches = (False, True) if self.is_transitive else (False,)
        return frozenset((direction, reach) for direction in directions for reach in reaches)


class Mode(StrEnum):
    """What a registry lets people do in a scope."""

    READWRITE = "READWRITE"
    READONLY = "READONLY"
    READONLY_OVERRIDE = "READONLY_OVERRIDE"
    IMPORT = "IMPORT"
    FORWARD = "FORWARD"


class Policy(StrEnum):
    """How strict the JSON Schema rules are."""

    STRICT = "STRICT"
    LENIENT = "LENIENT"


class Semantics(StrEnum):
    """Whose release of the rules: they differ for Protobuf oneofs and fractional `multipleOf`."""

    CONFLUENT_8_3 = "confluent-8.3"
    CONFLUENT_NEXT = "confluent-next"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """The name versions are kept under, with its context (`.` is the default one)."""

    name: str
    context: str = DEFAULT_CONTEXT

    def __str__(self) -> str:
        """The wire form: `orders-value`, or `:.ctx:orders-value` outside the default context."""
        return self.name if self.context == DEFAULT_CONTEXT else f":{self.context}:{self.name}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A schema's use of another one.

    `name` is the Avro full name, the JSON `$ref` URI or the Protobuf import path; `subject` is in wire form,
    taken in the referrer's context when unqualified; `version` -1 means the latest.
    """

    name: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema: its text and what a registry takes as part of it."""

    text: str
    type: SchemaType = SchemaType.AVRO
    references: tuple[Reference, ...] = ()
    metadata: Json | None = field(default=None, hash=False)
    rule_set: Json | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Version:
    """One schema, as one registry (or the store) keeps it under one subject.

    `timestamp` is milliseconds since the epoch where the registry tells it.
    """

    subject: Subject
    number: int
    id: int
    schema: Schema
    guid: str | None = None
    deleted: bool = False
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """A referenced text with the name it is known by inside the referrer."""

    name: str
    text: str
    subject: str = ""
    version: int = 0
