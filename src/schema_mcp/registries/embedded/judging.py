"""Would this schema be taken after those? The levels of the config in force over the live versions.

Source: registry semantics 1.6 (groups), 1.9 (rows 24 and 25) and 2.0.
"""

from itertools import islice

from schema_mcp.domain import compatibility
from schema_mcp.domain.compatibility import Outcome, in_group
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.schema import Json, Level, Policy, Subject, Version
from schema_mcp.registries.embedded import scopes, stored
from schema_mcp.registries.embedded.drafts import Draft, completed, prepared
from schema_mcp.registries.embedded.finding import LATEST
from schema_mcp.registries.embedded.references import whole_of
from schema_mcp.registries.embedded.refusals import version_missing
from schema_mcp.registries.embedded.session import Session

NOTHING = Outcome(compatible=True)


def verdict(session: Session, subject: Subject, draft: Draft, *, normalize: bool = False) -> Outcome:
    """The registry's answer for a draft against the history that the level asks for."""
    subject = scopes.followed(session, subject)
    config = scopes.config_in_force(session, subject)
    whole = _judged(session, subject, draft, config, normalize=normalize)
    return judge(session, subject, whole, config)


def verdict_on_version(
    session: Session, subject: Subject, number: int, draft: Draft, *, normalize: bool = False
) -> Outcome:
    """The answer against one version only, whatever the level's reach; an unknown subject's latest takes anything."""
    subject = scopes.followed(session, subject)
    config = scopes.config_in_force(session, subject)
    found = None if number == LATEST else stored.version(session, subject, number)
    if number != LATEST and found is None:
        raise version_missing(number)
    whole = _judged(session, subject, draft, config, normalize=normalize)
    if number == LATEST:
        return judge(session, subject, whole, config, one=True)
    return _checked(session, whole, [found] if found else [], config)


def judge(session: Session, subject: Subject, whole: Whole, config: Json, *, one: bool = False) -> Outcome:
    """The verdict over a subject's live versions; with `one` over the latest of the group only."""
    level = scopes.level_in(session, config)
    if level is Level.NONE:
        return NOTHING
    group = config.get("compatibilityGroup")
    history = (
        version
        for version in stored.newest_first(session, subject)
        if not group or in_group(whole.schema, version.schema, group)
    )
    wanted = None if level.is_transitive and not one else 1
    return _checked(session, whole, list(islice(history, wanted))[::-1], config)


def _judged(session: Session, subject: Subject, draft: Draft, config: Json, *, normalize: bool) -> Whole:
    # The text is not taken from the latest version here, but what it leaves out of the contract is.
    filled = completed(draft, stored.latest(session, subject)) if draft.text else draft
    return prepared(session, subject, filled, normalize=normalize or bool(config.get("normalize")), new=True).whole


def _checked(session: Session, whole: Whole, history: list[Version], config: Json) -> Outcome:
    policy = Policy.LENIENT if config.get("compatibilityPolicy") == Policy.LENIENT else Policy.STRICT
    return compatibility.check(
        whole,
        [whole_of(session, version) for version in history],
        scopes.level_in(session, config),
        Rules(policy=policy),
        group=config.get("compatibilityGroup") or None,
        validate_fields=validates_fields(session, config),
    )


def validates_fields(session: Session, config: Json) -> bool:
    return bool(config.get("validateFields", session.settings.validate_fields))
