"""Registering: found again, imported with its id, or taken as a new version.

The order of work is the registry's (registry semantics 1.4); it decides which refusal a client sees.
"""

from schema_mcp.domain.contracts import has_version
from schema_mcp.domain.identity import guid_of, md5_of
from schema_mcp.domain.naming import ALL_CONTEXTS, is_valid
from schema_mcp.domain.schema import Mode, Schema, Subject, Version
from schema_mcp.registries.embedded import judging, lookup, scopes, stored
from schema_mcp.registries.embedded.drafts import (
    CONTRACTS,
    Draft,
    Prepared,
    completed,
    governed,
    numbered,
    prepared,
    retagged,
)
from schema_mcp.registries.embedded.fields import check_fields
from schema_mcp.registries.embedded.references import is_referenced
from schema_mcp.registries.embedded.refusals import (
    Refusal,
    id_taken,
    incompatible,
    invalid_schema,
    invalid_subject,
    not_permitted,
    wrong_mode,
)
from schema_mcp.registries.embedded.scopes import CARRIES_IDS, READ_ONLY
from schema_mcp.registries.embedded.session import Session

_HIGHEST_ID = 2**31 - 1


def register(session: Session, subject: Subject, draft: Draft, *, normalize: bool = False) -> Version:
    """Register a schema, or find it again; only what was found in another spelling answers with its timestamp."""
    if not is_valid(subject) or subject.context == ALL_CONTEXTS:
        raise invalid_subject(subject)
    subject = scopes.followed(session, subject)
    if session.settings.named_subjects_only and not subject.name:
        raise invalid_subject(subject)
    found = _found_again(session, subject, draft, normalize=normalize)
    if found:
        return found
    mode = scopes.mode_in_force(session, subject)
    _check_mode(subject, draft, mode)
    if mode in CARRIES_IDS:
        return _imported(session, subject, draft)
    return _added(session, subject, draft, normalize=normalize)


def _found_again(session: Session, subject: Subject, draft: Draft, *, normalize: bool) -> Version | None:
    """A live version that already is what the draft asks for. This comes before the mode is looked at."""
    config = scopes.config_in_force(session, subject)
    wants_number = draft.number != 0 and draft.id < 0
    if not draft.text or wants_number or draft.edits_tags or any(config.get(key) for key in CONTRACTS):
        return None
    if not stored.numbers(session, subject):
        return None
    try:
        found = lookup.known(session, subject, draft, normalize=normalize, new=True)
    except Refusal:  # an import may have brought what would not be taken as new
        found = lookup.known(session, subject, draft, normalize=normalize)
    if found is None or (draft.id >= 0 and draft.id != found.id) or (draft.number > 0 and draft.number != found.number):
        return None
    return found


def _check_mode(subject: Subject, draft: Draft, mode: Mode) -> None:
    if mode in READ_ONLY:
        raise wrong_mode(subject, "in read-only mode")
    if draft.id >= 0 and mode not in CARRIES_IDS:
        raise wrong_mode(subject, "not in import mode")
    if draft.id < 0 and mode is not Mode.READWRITE:
        raise wrong_mode(subject, "not in read-write mode")


def _added(session: Session, subject: Subject, draft: Draft, *, normalize: bool) -> Version:
    config = scopes.config_in_force(session, subject)
    number = stored.next_number(session, subject)
    full = governed(completed(draft, stored.latest(session, subject)), config)
    if draft.number > 0 and draft.number != number:
        raise invalid_schema("Version is not one more than previous version")
    normalize = normalize or bool(config.get("normalize"))
    ready = prepared(
        session, subject, numbered(retagged(session, subject, full), number), normalize=normalize, new=True
    )
    if judging.validates_fields(session, config):
        check_fields(ready.kept)
    found = lookup.identical(session, subject, ready.kept) or _spelled_otherwise(session, subject, draft, ready)
    if found:
        return found
    outcome = judging.judge(session, subject, ready.whole, config)
    if not outcome.compatible:
        raise incompatible(subject, outcome.messages)
    return _kept(session, subject, number, _id_for(session, subject, ready.kept), ready.kept)


def _spelled_otherwise(session: Session, subject: Subject, draft: Draft, ready: Prepared) -> Version | None:
    """The live version that is the same in another spelling, unless the draft insists on a version of its own.

    As recorded: with number -1 only the latest is looked at, with another number, or with a number in the draft's
    own metadata, none.
    """
    if draft.number not in (0, -1) or has_version(draft.metadata) or draft.edits_tags:
        return None
    if draft.number == 0:
        return lookup.equivalent(session, subject, ready)
    latest = stored.latest(session, subject)
    return latest if latest and lookup.same(session, ready, latest) else None


def _id_for(session: Session, subject: Subject, schema: Schema) -> int:
    """The id the content has in this context already, else the next one."""
    known = stored.id_of(session, md5_of(schema), subject.context)
    if known is None:
        return _next_id(session, subject.context)
    schema_id, language = known
    # Two languages can share a text, and so a hash; the id belongs to the first.
    if language is not schema.type:
        raise id_taken(schema_id, subject.context)
    return schema_id


def _next_id(session: Session, context: str) -> int:
    highest = stored.highest_id(session, context)
    if highest >= _HIGHEST_ID:
        raise not_permitted(f"No id is left in context {context}: the highest, {highest}, was handed out")
    return max(highest, 0) + 1


def _kept(session: Session, subject: Subject, number: int, schema_id: int, schema: Schema) -> Version:
    version = Version(subject, number, schema_id, schema, guid_of(schema))
    stored.keep(session, version)
    _forget_older(session, version)
    return version


def _forget_older(session: Session, version: Version) -> None:
    """A schema that comes back takes the place of its soft-deleted versions, unless something references them."""
    gone = [
        older.number
        for older in stored.carriers(session, version.id, version.subject, deleted=True)
        if older.deleted and older.number < version.number
    ]
    for number in gone:
        if not is_referenced(session, version.subject, number, deleted=True):
            stored.remove(session, version.subject, number)


def _imported(session: Session, subject: Subject, draft: Draft) -> Version:
    """Take a schema with the id it brings: unchecked, and in the place of what has its number."""
    if max(draft.id, draft.number) > _HIGHEST_ID:
        raise not_permitted(f"Ids and version numbers end at {_HIGHEST_ID}")
    schema = prepared(session, subject, draft).kept
    holder = stored.holder(session, draft.id, subject.context)
    if holder and (holder.guid, holder.schema.type) != (guid_of(schema), schema.type):
        raise id_taken(draft.id, subject.context)
    number = draft.number if draft.number > 0 else stored.next_number(session, subject)
    replaced = stored.version(session, subject, number, deleted=True)
    if replaced:
        stored.displace(session, replaced, draft.id)
    return _kept(session, subject, number, draft.id, schema)
