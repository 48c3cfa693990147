"""A new version with other tags, metadata or rules than an earlier one: the registry's `…/tags`.

Source: registry semantics 1.9 (row 23) and the recordings of Confluent 8.1.5.
"""

from schema_mcp.domain.contracts import merged_rule_set, without_rules
from schema_mcp.domain.schema import Subject, Version
from schema_mcp.registries.contract import TagChange
from schema_mcp.registries.embedded import finding, registration, scopes
from schema_mcp.registries.embedded.drafts import Draft
from schema_mcp.registries.embedded.finding import Asked
from schema_mcp.registries.embedded.session import Session

_A_VERSION_OF_ITS_OWN = -2


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
