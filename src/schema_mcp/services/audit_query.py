"""Ask the audit trail: the newest lines that fit, page by page, and only those that the asker may see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from schema_mcp.domain.caller import Caller, Scope, fits
from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.stores.audit import Audit, Entry, Search


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: fields and the pattern each must have (`*` stands for any text), between two moments."""

    wanted: Mapping[str, str] = field(default_factory=dict[str, str])
    since: str = ""
    until: str = ""


async def ask(audit: Audit, question: Question, caller: Caller, *, limit: int, cursor: str | None) -> Search:
    """The newest lines that answer a question, older ones from a cursor on; raises `InvalidRequestError` for another.

    Who is an admin of some registries only sees what was done in those.
    """
    test = _test(question, caller)
    return await audit.search(test, limit=limit, before=_before(cursor), since=question.since)


def _test(question: Question, caller: Caller) -> Callable[[Entry], bool]:
    def is_wanted(entry: Entry) -> bool:
        if question.until and entry.at >= question.until:
            return False
        return _may_see(caller, entry) and all(_has(entry, *one) for one in question.wanted.items())

    return is_wanted


def _has(entry: Entry, name: str, pattern: str) -> bool:
    return any(fits(pattern, value) for value in _values(entry, name))


def _values(entry: Entry, name: str) -> tuple[str, ...]:
    match name:
        case "registry":
            return (entry.registry, *entry.registries)
        case "subject":
            return (entry.subject, *entry.subjects)
        case _:
            return (getattr(entry, name),)


def _may_see(caller: Caller, entry: Entry) -> bool:
    if caller.grants is None:
        return True
    named = {one for one in (entry.registry, *entry.registries) if one}
    return bool(named) and all(Scope.ADMIN in caller.scopes_in(one) for one in named)


def _before(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > 18 or int(cursor) == 0:  # noqa: PLR2004 - what 64 bits hold
        raise InvalidRequestError(
            f"{cursor[:40]!r} is not a cursor of the audit trail", hint="Pass the `cursor` of the previous reply."
        )
    return int(cursor)
