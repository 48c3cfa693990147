"""A new version with other tags, metadata or rules than an earlier one: the registry's `…/tags`.

Source: registry semantics 1.9 (row 23) and the recordings of Confluent 8.1.5.
"""

from dataclasses import dataclass

from schema_mcp.domain.contracts import merged_rule_set, without_rules
from schema_mcp.domain.schema import Json, Subject, Version
from schema_mcp.registries.embedded import finding, registration, scopes
from schema_mcp.registries.embedded.drafts import Draft
from schema_mcp.registries.embedded.finding import Asked
from schema_mcp.registries.embedded.session import Session
from schema_mcp.registries.embedded.tagging import Tag

_A_VERSION_OF_ITS_OWN = -2


@dataclass(frozen=True, slots=True)
class TagChange:
    """What to change; metadata and rule set replace those of the version, rules are merged into them by name."""

    number: int | None = None
    added: tuple[Tag, ...] = ()
    removed: tuple[Tag, ...] = ()
    metadata: Json | None = None
    rule_set: Json | None = None
    rules_to_merge: Json | None = None
    rules_to_remove: tuple[str, ...] = ()


def change(session: Session, subject: Subject, number: int, wanted: TagChange) -> Version:
    """Register the changed schema; it is always a new version, even when nothing changed."""
    subject = scopes.followed(session, subject)
    base = finding.version(session, Asked(subject), number).schema
    rules = merged_rule_set(wanted.rule_set or base.rule_set, wanted.rules_to_merge)
    draft = Draft(
        base.text,
        base.type,
        base.references,
        wanted.metadata or base.metadata,
        without_rules(rules, set(wanted.rules_to_remove)),
        number=wanted.number or _A_VERSION_OF_ITS_OWN,
        tags_to_add=wanted.added,
        tags_to_remove=wanted.removed,
    )
    return registration.register(session, subject, draft)
