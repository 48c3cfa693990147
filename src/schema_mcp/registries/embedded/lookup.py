"""Is this schema known under a subject? By hash first, then by what the registry takes for the same.

Source: registry semantics 1.4 (steps 2, 6 and 7) and the recordings of Confluent 8.1.5.
"""

from dataclasses import replace

from schema_mcp.domain.contracts import has_version, without_version
from schema_mcp.domain.engine import format_of, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.identity import guid_of, md5_of
from schema_mcp.domain.schema import Schema, SchemaType, Subject, Version
from schema_mcp.registries.embedded import finding, scopes, stored
from schema_mcp.registries.embedded.drafts import Draft, Prepared, completed, prepared
from schema_mcp.registries.embedded.finding import Asked
from schema_mcp.registries.embedded.references import whole_of
from schema_mcp.registries.embedded.refusals import Refusal, schema_missing, subject_missing
from schema_mcp.registries.embedded.session import Session


def lookup(session: Session, asked: Asked, draft: Draft, *, normalize: bool = False, deleted: bool = False) -> Version:
    """The version under which a subject holds a schema, of the first context that has one."""
    asked = finding.followed(session, asked)
    if draft.text:
        found = known(session, asked.subject, draft, normalize=normalize, deleted=deleted)
        found = found or _known_elsewhere(session, asked, draft, normalize=normalize, deleted=deleted)
        if found:
            return found
        # What is not found must at least be a schema; of Avro only the syntax is asked here, as recorded.
        prepared(session, asked.subject, draft, new=draft.type != SchemaType.AVRO)
    if not finding.exists(session, asked.subject, deleted=deleted):
        raise subject_missing(asked.subject)
    raise schema_missing()


def known(
    session: Session,
    subject: Subject,
    draft: Draft,
    *,
    normalize: bool = False,
    deleted: bool = False,
    new: bool = False,
) -> Version | None:
    """The version that holds a draft as it is, or completed by the latest version, or in another spelling.

    Where it is found by its hash, the answer is the draft itself with id and number, without a timestamp.
    """
    normalize = normalize or bool(scopes.config_in_force(session, subject).get("normalize"))
    ready = prepared(session, subject, draft, normalize=normalize, new=new)
    filled = completed(draft, stored.latest(session, subject))
    if not has_version(draft.metadata):
        filled = replace(filled, metadata=without_version(filled.metadata))
    for metadata, rule_set in ((draft.metadata, draft.rule_set), (filled.metadata, filled.rule_set)):
        found = identical(session, subject, ready.under(metadata, rule_set).kept, deleted=deleted)
        if found:
            return found
    # As recorded: a draft that names its own number is not looked for in other spellings.
    if has_version(draft.metadata):
        return None
    return equivalent(session, subject, ready.under(filled.metadata, filled.rule_set), deleted=deleted)


def _known_elsewhere(session: Session, asked: Asked, draft: Draft, *, normalize: bool, deleted: bool) -> Version | None:
    for place in () if asked.qualified else finding.elsewhere(session, asked.subject):
        if finding.exists(session, place, deleted=deleted):
            try:
                found = known(session, place, draft, normalize=normalize, deleted=deleted)
            except Refusal:  # what it references may not be there in that context
                continue
            if found:
                return found
    return None


def identical(session: Session, subject: Subject, schema: Schema, *, deleted: bool = False) -> Version | None:
    """The version with the same hash, newest first; it answers with the schema as it was asked for."""
    known_id = stored.id_of(session, md5_of(schema), subject.context)
    if known_id is None:
        return None
    for found in stored.carriers(session, known_id[0], subject, deleted=deleted):
        if found.schema.text == schema.text and found.schema.type is schema.type and found.guid == guid_of(schema):
            return replace(found, schema=schema, timestamp=None)
    return None


def equivalent(session: Session, subject: Subject, ready: Prepared, *, deleted: bool = False) -> Version | None:
    """The newest version that the registry takes for the same schema."""
    candidates = stored.perhaps_same(session, subject, ready.kept, deleted=deleted)
    return next((found for found in candidates if same(session, ready, found)), None)


def same(session: Session, ready: Prepared, found: Version) -> bool:
    """Equal but for the number in the metadata, and for the spellings that the format takes as equal."""
    schema, known = ready.kept, found.schema
    same_contract = (
        schema.type == known.type
        and without_version(schema.metadata) == without_version(known.metadata)
        and schema.rule_set == known.rule_set
    )
    if not same_contract:
        return False
    if schema.references == known.references and schema.text == known.text:
        return True
    # Avro alone knows other spellings, and takes a text without references for one that uses them.
    if schema.type is not SchemaType.AVRO or (schema.references and schema.references != known.references):
        return False
    try:
        return format_of(schema.type).equivalent(parse(ready.whole), parse(whole_of(session, found)))
    except InvalidSchemaError:
        return False
