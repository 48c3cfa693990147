"""A schema as a client sends it, and what becomes of it before it is compared or kept.

Source: registry semantics 1.3 and 1.4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from schema_mcp.domain import engine
from schema_mcp.domain.contracts import (
    has_version,
    merged_metadata,
    merged_rule_set,
    with_version,
)
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.identity import is_unicode
from schema_mcp.domain.schema import Json, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.contract import Tag
from schema_mcp.registries.embedded import references, stored
from schema_mcp.registries.embedded.refusals import Refusal, invalid_schema
from schema_mcp.registries.embedded.session import Session
from schema_mcp.registries.embedded.tagging import tagged

NO_ID = -1
_TYPES = frozenset(SchemaType)
CONTRACTS = ("defaultMetadata", "overrideMetadata", "defaultRuleSet", "overrideRuleSet")


@dataclass(frozen=True, slots=True)
class Draft:
    """A schema to register, look up or judge: perhaps without text, with references to the latest, with any type.

    `id` below 0 asks for none; `number` 0 asks for the next one, below 0 too but as a version of its own.
    """

    text: str = ""
    type: str = SchemaType.AVRO
    references: tuple[Reference, ...] = ()
    metadata: Json | None = None
    rule_set: Json | None = None
    id: int = NO_ID
    number: int = 0
    tags_to_add: tuple[Tag, ...] = ()
    tags_to_remove: tuple[Tag, ...] = ()

    @property
    def edits_tags(self) -> bool:
        return bool(self.tags_to_add or self.tags_to_remove)


def completed(draft: Draft, latest: Version | None) -> Draft:
    """The draft with what it leaves out taken from the latest live version."""
    if latest is None:
        return draft
    known = latest.schema
    if not draft.text:
        draft = replace(draft, text=known.text, type=known.type, references=known.references)
    return replace(
        draft,
        metadata=known.metadata if draft.metadata is None else draft.metadata,
        rule_set=known.rule_set if draft.rule_set is None else draft.rule_set,
    )


def governed(draft: Draft, config: Json) -> Draft:
    """The draft between the defaults and the overrides of the config in force."""
    metadata = merged_metadata(config.get("defaultMetadata"), draft.metadata)
    rule_set = merged_rule_set(config.get("defaultRuleSet"), draft.rule_set)
    return replace(
        draft,
        metadata=merged_metadata(metadata, config.get("overrideMetadata")),
        rule_set=merged_rule_set(rule_set, config.get("overrideRuleSet")),
    )


def numbered(draft: Draft, number: int) -> Draft:
    """The draft with its number in the metadata, where a number was asked for or the property is there."""
    if draft.number == 0 and not has_version(draft.metadata):
        return draft
    return replace(draft, metadata=with_version(draft.metadata, number))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A draft that parses: as it was written, with the texts it references, and as the registry would keep it."""

    whole: Whole
    kept: Schema

    def under(self, metadata: Json | None, rule_set: Json | None) -> "Prepared":
        """The same text under another contract."""
        return Prepared(
            replace(self.whole, schema=replace(self.whole.schema, metadata=metadata, rule_set=rule_set)),
            replace(self.kept, metadata=metadata, rule_set=rule_set),
        )


def prepared(
    session: Session, subject: Subject, draft: Draft, *, normalize: bool = False, new: bool = False
) -> Prepared:
    """Parse a draft; with `new` it is held to what a registry asks of a new schema. Raises 42201."""
    if not draft.text:
        raise invalid_schema("Empty schema")
    if draft.type not in _TYPES:
        raise invalid_schema(f"Invalid schema type {draft.type}")
    if not all(map(is_unicode, _texts(draft))):
        raise invalid_schema("The schema, or a reference of it, holds half a character")
    schema = Schema(draft.text, SchemaType(draft.type), draft.references, draft.metadata, draft.rule_set)
    whole = _whole(session, subject, references.pinned(session, subject, schema))
    try:
        kept = engine.canonical(whole, normalize=normalize, new=new)
    except InvalidSchemaError as error:
        raise invalid_schema(f"Invalid schema of type {draft.type}, details: {error}") from error
    return Prepared(whole, kept)


def retagged(session: Session, subject: Subject, draft: Draft) -> Draft:
    """The draft with its tags edited; raises 42201."""
    if not draft.edits_tags:
        return draft
    text = prepared(session, subject, draft).kept.text
    return replace(draft, text=tagged(text, draft.type, draft.tags_to_add, draft.tags_to_remove))


def _texts(draft: Draft) -> Iterator[str]:
    yield draft.text
    for reference in draft.references:
        yield reference.name
        yield reference.subject


def _whole(session: Session, subject: Subject, schema: Schema) -> Whole:
    try:
        return references.whole(session, subject, schema)
    except Refusal:
        # As recorded: a soft-deleted schema may come back although what it references was soft-deleted meanwhile.
        if not _comes_back(session, subject, schema.references):
            raise
        return references.whole(session, subject, schema, deleted=True)


def _comes_back(session: Session, subject: Subject, used: Sequence[Reference]) -> bool:
    before = stored.newest_first(session, subject, deleted=True)
    return any(version.deleted and version.schema.references == tuple(used) for version in before)
