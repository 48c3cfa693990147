"""Shapes that several tools share, and how they become the values inside."""

from typing import Any

from schema_mcp.domain.compatibility import Comparison
from schema_mcp.domain.contracts import checked_metadata, checked_rule_set
from schema_mcp.domain.formats import Difference
from schema_mcp.domain.naming import checked_subject, shown_context
from schema_mcp.domain.schema import Json, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.contract import Basis
from schema_mcp.services import proof
from schema_mcp.toolkit.tool import Shape


class SchemaReference(Shape):
    """A use of another schema."""

    name: str
    """As the text calls it."""

    subject: str
    """Its subject."""

    version: int = -1
    """Its version; -1: latest."""


class Break(Shape):
    """One reason why two schemas do not fit."""

    version: int
    """The earlier version it was found with."""

    type: str
    """The registry's name for it."""

    path: str
    """Pointer into the schema."""

    reader: str
    """Which side cannot read: the `new` schema or the `old` one."""

    message: str
    """The reason in words."""


def break_of(comparison: Comparison, difference: Difference) -> Break:
    """One break as replies carry it."""
    return Break(**proof.told(comparison, difference))


class WayOut(Shape):
    """Something to do about a refusal; the engine accepts it."""

    kind: str
    """`mended`, `keep` or `group`."""

    text: str
    """What to do."""

    schema_text: str
    """The text to register instead; empty where it is too long for a reply."""

    metadata: dict[str, Any] | None = None
    """Metadata to register it with, for a new group."""


def schema_of(
    text: str,
    schema_type: SchemaType,
    references: tuple[SchemaReference, ...] = (),
    metadata: Json | None = None,
    rule_set: Json | None = None,
) -> Schema:
    """A schema from a tool's arguments; raises `InvalidRequestError` where metadata or rules have another shape."""
    used = tuple(Reference(one.name, one.subject, one.version) for one in references)
    return Schema(text, schema_type, used, checked_metadata(metadata), checked_rule_set(rule_set))


def subjects_of(names: tuple[str, ...], context: str | None) -> tuple[Subject, ...]:
    """The subjects that a caller named."""
    return tuple(checked_subject(name, context) for name in names)


def place(version: Version) -> dict[str, Any]:
    """Where a version stands, as replies say it."""
    return {
        "subject": version.subject.name,
        "context": shown_context(version.subject.context),
        "version": version.number,
        "id": version.id,
    }


def basis_of(basis: Basis) -> dict[str, Any]:
    """What an answer rests on, as replies say it."""
    return {"age": None if basis.age is None else round(basis.age, 1), "stale": basis.stale}


def references_of(schema: Schema) -> tuple[SchemaReference, ...]:
    """A schema's references, as replies carry them."""
    return tuple(SchemaReference(name=one.name, subject=one.subject, version=one.version) for one in schema.references)
