"""Endpoints of a subject: its versions, registering, looking up, judging, deleting."""

from schema_mcp.domain.compatibility import Outcome
from schema_mcp.domain.schema import Json, Version
from schema_mcp.interfaces.registry_api import bodies
from schema_mcp.interfaces.registry_api.calls import Call, Raw
from schema_mcp.interfaces.registry_api.printing import qualified, registered_json, tags_in, version_json
from schema_mcp.registries.embedded import (
    deletion,
    finding,
    judging,
    lists,
    lookup,
    references,
    registration,
    scopes,
    tags,
)
from schema_mcp.registries.embedded.drafts import Draft
from schema_mcp.registries.embedded.finding import number_of
from schema_mcp.registries.embedded.forms import formatted
from schema_mcp.registries.embedded.lists import EVERYWHERE, Shown
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.registries.embedded.session import Session

_INVALID_SCHEMA = 42201


async def every(call: Call) -> list[str]:
    prefix = call.text("subjectPrefix") if "subjectPrefix" in call.query else EVERYWHERE
    return await call.core.ask(lists.subjects, prefix, _shown(call), call.page)


async def numbers(call: Call) -> list[int]:
    def read(session: Session) -> list[int]:
        return lists.numbers(session, scopes.followed(session, call.subject), _shown(call), call.page)

    return call.core.read(read)


async def version(call: Call) -> Json:
    def read(session: Session) -> Json:
        found = _version(session, call)
        tagged = tags_in(found.schema, call.query.get("findTags", []))
        if call.text("referenceFormat") == "qualified":
            found = qualified(found)
        return version_json(formatted(session, found, call.text("format")), tags=tagged)

    return await call.read(read)


async def text(call: Call) -> Raw:
    def read(session: Session) -> Version:
        return formatted(session, _version(session, call), call.text("format"))

    return Raw((await call.read(read)).schema.text)


async def referrers(call: Call) -> list[int]:
    def read(session: Session) -> list[int]:
        found = _version(session, call, deleted=True)
        users = references.referrers(session, found.subject, found.number, deleted=call.flag("deleted"))
        return call.page.of(users, session.settings.schemas)

    return call.core.read(read)


async def by_metadata(call: Call) -> Json:
    """The newest version that has all the pairs; a key or a value alone is no pair."""

    def read(session: Session) -> Json:
        pairs = dict(zip(call.query.get("key", []), call.query.get("value", []), strict=False))
        found = finding.by_metadata(session, call.asked, pairs, deleted=call.flag("deleted"))
        return version_json(formatted(session, found, call.text("format")))

    return await call.core.ask(read)


async def register(call: Call) -> Json:
    draft = bodies.draft(call.body)

    def act(session: Session) -> Version:
        found = registration.register(session, call.subject, draft, normalize=call.flag("normalize"))
        return formatted(session, found, call.text("format"))

    return registered_json(await call.change(act))


async def look_up(call: Call) -> Json:
    draft, normalize, deleted = bodies.draft(call.body), call.flag("normalize"), call.flag("deleted")

    def read(session: Session) -> Version:
        found = lookup.lookup(session, call.asked, draft, normalize=normalize, deleted=deleted)
        return formatted(session, found, call.text("format"))

    return version_json(await call.core.ask(read))


async def tag(call: Call) -> Json:
    number = number_of(call.values["version"])
    return registered_json(await call.change(tags.change, call.subject, number, bodies.tag_change(call.body)))


async def judge(call: Call) -> Json:
    return await _verdict(call, None)


async def judge_one(call: Call) -> Json:
    return await _verdict(call, number_of(call.values["version"]))


async def delete(call: Call) -> list[int]:
    return await call.change(deletion.delete_subject, call.subject, permanent=call.flag("permanent"))


async def delete_version(call: Call) -> int:
    number = number_of(call.values["version"])
    return await call.change(deletion.delete_version, call.subject, number, permanent=call.flag("permanent"))


async def _verdict(call: Call, number: int | None) -> Json:
    """Answered with reasons when they are asked for; then a bad schema is a reason, not a refusal."""
    verbose, draft = call.flag("verbose"), bodies.draft(call.body, with_rules=False)
    try:
        outcome = await _outcome(call, number, draft)
    except Refusal as no:
        if not verbose or no.error_code != _INVALID_SCHEMA:
            raise
        outcome = Outcome(compatible=False, messages=(no.message,))
    answer: Json = {"is_compatible": outcome.compatible}
    return answer | ({"messages": list(outcome.messages)} if verbose else {})


async def _outcome(call: Call, number: int | None, draft: Draft) -> Outcome:
    normalize = call.flag("normalize")
    if number is None:
        return await call.core.ask(judging.verdict, call.subject, draft, normalize=normalize)
    return await call.core.ask(judging.verdict_on_version, call.subject, number, draft, normalize=normalize)


def _version(session: Session, call: Call, *, deleted: bool = False) -> Version:
    number = number_of(call.values["version"])
    asked = finding.followed(session, call.asked)
    return finding.version(session, asked, number, deleted=deleted or call.flag("deleted"))


def _shown(call: Call) -> Shown:
    return Shown(
        deleted=call.flag("deleted"),
        only_deleted=call.flag("deletedOnly"),
        as_negative=call.flag("deletedAsNegative"),
    )
