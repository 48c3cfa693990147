"""What is in force where: a subject's own entry, else its context's, else the global one, else the server's.

Nothing is merged between the levels: an own entry hides the others wholly. Source: registry semantics 1.5 and 1.6.
"""

import json
from collections.abc import Iterator

from schema_mcp.domain.naming import GLOBAL_CONTEXT, resolve
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Level, Mode, Subject
from schema_mcp.registries.embedded.refusals import wrong_mode
from schema_mcp.registries.embedded.session import Session

GLOBAL = Subject("", GLOBAL_CONTEXT)
READ_ONLY = (Mode.READONLY, Mode.READONLY_OVERRIDE)
CARRIES_IDS = (Mode.IMPORT, Mode.FORWARD)


def scope_of(subject: Subject) -> Subject:
    """The scope a config or mode path means: anything in the global context is that context."""
    return GLOBAL if subject.context == GLOBAL_CONTEXT else subject


def always_answers(scope: Subject) -> bool:
    """The registry's own setting and the global one are never unset."""
    return scope in (Subject(""), GLOBAL)


def own_config(session: Session, scope: Subject) -> Json | None:
    row = session.sql.execute("SELECT body FROM configs WHERE scope = ?", (str(scope),)).fetchone()
    return json.loads(row[0]) if row else None


def config_in_force(session: Session, subject: Subject) -> Json:
    found = dict(session.sql.execute("SELECT scope, body FROM configs WHERE scope IN (?, ?, ?)", _keys(subject)))
    body = next((found[key] for key in _keys(subject) if key in found), "{}")
    return json.loads(body)


def level_in(session: Session, config: Json) -> Level:
    """An entry without a level takes the server's, not the global one."""
    return Level(config.get("compatibility") or session.settings.level)


def own_mode(session: Session, scope: Subject) -> Mode | None:
    row = session.sql.execute("SELECT mode FROM modes WHERE scope = ?", (str(scope),)).fetchone()
    return Mode(row[0]) if row else None


def mode_in_force(session: Session, subject: Subject) -> Mode:
    found = dict(session.sql.execute("SELECT scope, mode FROM modes WHERE scope IN (?, ?, ?)", _keys(subject)))
    return next((Mode(found[key]) for key in _keys(subject) if key in found), Mode.READWRITE)


def check_writable(session: Session, subject: Subject) -> None:
    if mode_in_force(session, subject) in READ_ONLY:
        raise wrong_mode(subject, "in read-only mode")


def followed(session: Session, subject: Subject) -> Subject:
    """The subject that an alias means; one step only, in the alias's context unless it names another."""
    alias = (own_config(session, subject) or {}).get("alias") if subject.name else None
    return resolve(alias, subject) if alias else subject


def aliases(session: Session) -> Iterator[tuple[Subject, Subject]]:
    """All aliases and what they mean."""
    rows = session.sql.execute("SELECT scope, context, body ->> 'alias' FROM configs WHERE body ->> 'alias' <> ''")
    for scope, context, alias in rows:
        name = scope if context == DEFAULT_CONTEXT else scope[len(context) + 2 :]
        subject = Subject(name, context)
        yield subject, resolve(alias, subject)


def _keys(subject: Subject) -> tuple[str, str, str]:
    return str(subject), str(Subject("", subject.context)), str(GLOBAL)
