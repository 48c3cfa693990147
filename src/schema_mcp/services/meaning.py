"""Which schema an author means: beside what is there already, and between a registry's defaults and overrides."""

from collections.abc import Sequence
from dataclasses import replace

from schema_mcp.domain.contracts import merged_metadata, merged_rule_set
from schema_mcp.domain.engine import Whole, canonical, parse
from schema_mcp.domain.errors import ConflictError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.schema import Json, Schema, Subject
from schema_mcp.stores.schemastore import StoredVersion


def meant(given: Whole, history: Sequence[StoredVersion], config: Json) -> tuple[Whole, str]:
    """The schema to register, with its digest: a version that is there already, else the fullest reading."""
    known = {stored.schema_hash for stored in history if not stored.version.deleted}
    parse(given, new=True)
    new, digest = given, ""
    for schema in _candidates(given.schema, history):
        new = replace(given, schema=_governed(schema, config))
        if config.get("normalize"):
            new = replace(new, schema=canonical(new, normalize=True))
        digest = schema_hash(canonical(new))
        if digest in known:
            break
    return new, digest


def _governed(schema: Schema, config: Json) -> Schema:
    """The schema between the defaults and the overrides of the registry that will number it.

    Source: registry semantics 1.6.
    """
    metadata = merged_metadata(config.get("defaultMetadata"), schema.metadata)
    rule_set = merged_rule_set(config.get("defaultRuleSet"), schema.rule_set)
    return replace(
        schema,
        metadata=merged_metadata(metadata, config.get("overrideMetadata")),
        rule_set=merged_rule_set(rule_set, config.get("overrideRuleSet")),
    )


def _candidates(schema: Schema, history: Sequence[StoredVersion]) -> list[Schema]:
    """What the author may mean: "no metadata" is looked for as it is, then as what the latest version has.

    Source: registry semantics 1.4, steps 2 and 4 (inheritance of metadata and rules).
    """
    latest = next((one.version.schema for one in reversed(history) if not one.version.deleted), None)
    if latest is None or (schema.metadata is not None and schema.rule_set is not None):
        return [schema]
    heir = replace(
        schema,
        metadata=latest.metadata if schema.metadata is None else schema.metadata,
        rule_set=latest.rule_set if schema.rule_set is None else schema.rule_set,
    )
    return [schema, heir] if heir != schema else [schema]


def refuse_unknown_versions(
    registry: str, subject: Subject, live: Sequence[int], history: Sequence[StoredVersion]
) -> None:
    """Raise `ConflictError` where a registry holds versions that the store does not know."""
    unknown = sorted(set(live) - {stored.version.number for stored in history})
    if unknown:
        raise ConflictError(
            f"{registry} holds versions of {subject} that the store lacks: {', '.join(map(str, unknown[:10]))}",
            hint="The store governs: bring them in first with adopt_registry, then register.",
            details={"registry": registry, "versions": unknown[:100]},
        )


def kept_as(history: Sequence[StoredVersion], digest: str) -> StoredVersion | None:
    """The live version that already is this content."""
    return next((one for one in history if one.schema_hash == digest and not one.version.deleted), None)
