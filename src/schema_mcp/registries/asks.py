"""What is asked of a registry: one that cannot give it refuses before anything is sent, and says why."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Schema, Subject
from schema_mcp.registries.contract import Capability, Registry, TagChange

_PATH_PARTS = frozenset({".", ".."})

WORDS: Final[Mapping[Capability, str]] = {
    Capability.CONTEXTS: "contexts",
    Capability.CONTEXT_REMOVAL: "deleting a context",
    Capability.CONFIG: "a configuration",
    Capability.CONFIG_FIELDS: "more of a configuration than the compatibility level",
    Capability.MODES: "modes",
    Capability.KEEPS_IDS: "a given id",
    Capability.REFERENCES: "references",
    Capability.METADATA: "metadata",
    Capability.RULES: "rule sets",
    Capability.ODD_NAMES: "a name like this one",
    Capability.STARS: "a name with `*`",
    Capability.REVIVAL: "a soft-deleted version its old number and id again",
    Capability.TAGS: "a version again with other tags",
    Capability.FORMS: "a schema in another form",
    Capability.PAST_REFERRERS: "soft-deleted schemas that reference a version",
    Capability.RECURSION: "the modes of all subjects taken away at once",
}
"""What may be asked for, in words that follow "cannot give"."""


def of_name(subject: Subject) -> Iterator[Capability]:
    """What a subject's name alone asks for."""
    if subject.context != DEFAULT_CONTEXT:
        yield Capability.CONTEXTS
    if "/" in subject.name or subject.name in _PATH_PARTS:
        yield Capability.ODD_NAMES
    if "*" in subject.name:
        yield Capability.STARS


def of_schema(subject: Subject, schema: Schema, *, schema_id: int | None = None) -> Iterator[Capability]:
    """What registering a schema asks for, so that all of it is there afterwards."""
    yield from of_name(subject)
    if schema_id is not None:
        yield from (Capability.KEEPS_IDS, Capability.MODES)
    if schema.references:
        yield Capability.REFERENCES
    if schema.metadata is not None:
        yield Capability.METADATA
    if schema.rule_set is not None:
        yield Capability.RULES


def of_tags(subject: Subject, change: TagChange) -> Iterator[Capability]:
    """What amending a version asks for."""
    yield from of_name(subject)
    yield Capability.TAGS
    if change.metadata is not None:
        yield Capability.METADATA
    if change.rule_set is not None or change.rules_to_merge is not None or change.rules_to_remove:
        yield Capability.RULES


def of_config(scope: Subject, config: Json) -> Iterator[Capability]:
    """What a change of configuration asks for."""
    yield from of_name(scope)
    yield Capability.CONFIG
    if config.keys() - {"compatibility"}:
        yield Capability.CONFIG_FIELDS


def refused(registry: Registry, asked: Iterable[Capability]) -> str:
    """Why a registry cannot give what is asked of it, or nothing when it can."""
    missing = next((one for one in asked if one not in registry.capabilities), None)
    if missing is None:
        return ""
    reasons: Mapping[Capability, str] = getattr(registry, "lacks", {})
    why = f": {reasons[missing]}" if missing in reasons else ""
    return f"{registry.name} cannot give {WORDS[missing]}{why}"
