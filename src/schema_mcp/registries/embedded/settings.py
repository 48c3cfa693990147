"""Config and mode of a scope: read, set, removed.

Source: registry semantics 1.5 and 1.6, and the recordings of Confluent 8.1.5.
"""

import json

from schema_mcp.domain.contracts import checked_metadata, checked_rule_set
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.identity import is_unicode
from schema_mcp.domain.naming import is_valid_scope
from schema_mcp.domain.schema import Json, Level, Mode, Policy, Subject
from schema_mcp.registries.embedded import purging, scopes
from schema_mcp.registries.embedded.refusals import (
    config_unset,
    invalid_level,
    invalid_mode,
    invalid_subject,
    mode_unset,
    not_permitted,
    subject_missing,
)
from schema_mcp.registries.embedded.scopes import GLOBAL, always_answers, scope_of
from schema_mcp.registries.embedded.session import Session

CONFIG_FIELDS = (
    "alias",
    "aliasForDeks",
    "normalize",
    "validateFields",
    "validateNewSchemas",
    "validateRules",
    "compatibility",
    "compatibilityPolicy",
    "compatibilityGroup",
    "defaultMetadata",
    "overrideMetadata",
    "defaultRuleSet",
    "overrideRuleSet",
)
_POLICIES = (*Policy, "LOGICAL")
_IMMUTABLE = "Mode changes are not allowed"


def config(session: Session, subject: Subject, *, inherited: bool = False) -> Json:
    """The config as `GET` shows it; `inherited` falls back to the levels above."""
    scope = scope_of(subject)
    own = scopes.own_config(session, scope)
    if own is None and inherited:
        own = scopes.config_in_force(session, scope)
    if own is None and not always_answers(scope):
        raise config_unset(subject)
    return _shown(session, own or {})


def set_config(session: Session, subject: Subject, changes: Json) -> Json:
    """Merge fields into a scope's config, null removing one; answers the whole entry."""
    if not is_valid_scope(subject):
        raise invalid_subject(subject)
    scope = scope_of(subject)
    wanted = _checked(changes)
    scopes.check_writable(session, scope)
    merged = (scopes.own_config(session, scope) or {}) | wanted
    entry = {key: merged[key] for key in CONFIG_FIELDS if merged.get(key) is not None}
    # An empty alias or group is echoed, but not kept.
    kept = json.dumps({key: value for key, value in entry.items() if value != ""})
    session.sql.execute("INSERT OR REPLACE INTO configs VALUES (?, ?, ?)", (str(scope), scope.context, kept))
    return entry


def delete_config(session: Session, subject: Subject) -> Json:
    """Remove a scope's own config; answers what it was."""
    scope = scope_of(subject)
    own = scopes.own_config(session, scope)
    if own is None and not always_answers(scope):
        raise subject_missing(subject)
    scopes.check_writable(session, scope)
    session.sql.execute("DELETE FROM configs WHERE scope = ?", (str(scope),))
    return _shown(session, own or {})


def mode(session: Session, subject: Subject, *, inherited: bool = False) -> Mode:
    scope = scope_of(subject)
    if inherited:
        return scopes.mode_in_force(session, scope)
    own = scopes.own_mode(session, scope)
    if own is None and not always_answers(scope):
        raise mode_unset(subject)
    return own or Mode.READWRITE


def set_mode(session: Session, subject: Subject, wanted: str | None, *, force: bool = False) -> None:
    """Set a scope's mode, in any spelling; None removes it.

    Entering IMPORT without `force` purges the soft-deleted versions in the scope: that is how the registry does it.
    """
    if not is_valid_scope(subject):
        raise invalid_subject(subject)
    scope = scope_of(subject)
    new = _mode(wanted, scope)
    _check_mutable(session)
    if new is Mode.IMPORT and not force and scopes.mode_in_force(session, scope) is not Mode.IMPORT:
        purging.empty_for_import(session, scope)
    if new is None:
        session.sql.execute("DELETE FROM modes WHERE scope = ?", (str(scope),))
    else:
        session.sql.execute("INSERT OR REPLACE INTO modes VALUES (?, ?, ?)", (str(scope), scope.context, new))


def delete_mode(session: Session, subject: Subject, *, recursive: bool = False) -> Mode:
    """Remove a scope's own mode, with `recursive` those of the subjects in it too; answers what it was."""
    scope = scope_of(subject)
    own = scopes.own_mode(session, scope)
    if own is None and not recursive and not always_answers(scope):
        raise subject_missing(subject)
    _check_mutable(session)
    before = own or (Mode.READWRITE if always_answers(scope) else scopes.mode_in_force(session, scope))
    session.sql.execute("DELETE FROM modes WHERE scope = ?", (str(scope),))
    if recursive and not scope.name:
        everywhere = scope == GLOBAL
        session.sql.execute("DELETE FROM modes WHERE context = ? OR ?", (scope.context, everywhere))
    return before


def _shown(session: Session, entry: Json) -> Json:
    """`GET` names the level otherwise than `PUT`."""
    shown = {key: value for key, value in entry.items() if key != "compatibility"}
    return {**shown, "compatibilityLevel": str(scopes.level_in(session, entry))}


def _checked(changes: Json) -> Json:
    known = {key: changes[key] for key in CONFIG_FIELDS if key in changes}
    for key, value in known.items():
        if isinstance(value, str) and not is_unicode(value):
            raise InvalidRequestError(f"{key} holds half a character")
    level = known.get("compatibility")
    if level is not None:
        known["compatibility"] = _level(level)
    policy = known.get("compatibilityPolicy")
    if policy is not None and policy.upper() not in _POLICIES:
        known["compatibilityPolicy"] = None
    for key, check in _CONTRACTS.items():
        if key in known:
            known[key] = check(known[key])
    return known


_CONTRACTS = {
    "defaultMetadata": checked_metadata,
    "overrideMetadata": checked_metadata,
    "defaultRuleSet": checked_rule_set,
    "overrideRuleSet": checked_rule_set,
}


def _level(text: str) -> Level:
    try:
        return Level(text.upper())
    except ValueError:
        raise invalid_level() from None


def _mode(text: str | None, scope: Subject) -> Mode | None:
    if text is None:
        return None
    try:
        found = Mode(text.upper())
    except ValueError:
        raise invalid_mode() from None
    if found is Mode.FORWARD and scope != GLOBAL:
        raise invalid_mode("Forward mode only supported on global level")
    return found


def _check_mutable(session: Session) -> None:
    if not session.settings.mutable_modes:
        raise not_permitted(_IMMUTABLE)
