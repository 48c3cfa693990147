"""How versions look on the wire: field names, tags, qualified references.

Source: registry semantics 1.9. Empty lists are left out; a time and `deleted` stand only where the registry says them.
"""

from collections.abc import Sequence
from dataclasses import replace

from schema_mcp.domain.identity import guid
from schema_mcp.domain.naming import resolve
from schema_mcp.domain.schema import Json, Reference, Schema, Subject, Version
from schema_mcp.registries.contract import Tag
from schema_mcp.registries.embedded.tagging import found_tags


def version_json(version: Version, *, tags: Sequence[Tag] = ()) -> Json:
    """A version with everything, as most endpoints answer it."""
    return {"subject": str(version.subject), "version": version.number, "id": version.id} | schema_json(
        version, tags=tags
    )


def registered_json(version: Version) -> Json:
    """A version as a registration answers it: the subject is known to the client."""
    return {"id": version.id, "version": version.number} | schema_json(version)


def schema_json(version: Version, *, tags: Sequence[Tag] = ()) -> Json:
    """The schema of a version, without its place."""
    schema = version.schema
    shown: Json = {"guid": version.guid, "schemaType": str(schema.type)}
    if schema.references:
        shown["references"] = [_reference_json(one) for one in schema.references]
    shown |= {
        key: part for key, part in (("metadata", schema.metadata), ("ruleSet", schema.rule_set)) if part is not None
    }
    shown["schema"] = schema.text
    if tags:
        shown["schemaTags"] = [_tag_json(tag) for tag in tags]
    if version.timestamp is not None:
        shown |= {"ts": version.timestamp, "deleted": version.deleted}
    return shown


def qualified(version: Version) -> Version:
    """The version with its references' subjects in full; the GUID follows, as recorded."""
    schema = version.schema
    full = tuple(_qualified(one, version.subject) for one in schema.references)
    return replace(
        version,
        schema=replace(schema, references=full),
        guid=guid(schema.text, full, schema.metadata, schema.rule_set),
    )


def tags_in(schema: Schema, wanted: Sequence[str]) -> list[Tag]:
    return found_tags(schema.text, schema.type, wanted) if wanted else []


def _qualified(reference: Reference, parent: Subject) -> Reference:
    return replace(reference, subject=str(resolve(reference.subject, parent)))


def _reference_json(reference: Reference) -> Json:
    named = {"name": reference.name} if reference.name else {}
    return {**named, "subject": reference.subject, "version": reference.version}


def _tag_json(tag: Tag) -> Json:
    return {"schemaEntity": {"entityPath": tag.path, "entityType": tag.kind}, "tags": list(tag.tags)}
