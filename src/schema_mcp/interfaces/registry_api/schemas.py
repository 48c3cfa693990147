"""Endpoints that start from a schema: in bulk, by id, by GUID."""

from dataclasses import replace

from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Subject, Version
from schema_mcp.interfaces.registry_api.calls import Call, Raw, not_found
from schema_mcp.interfaces.registry_api.printing import qualified, schema_json, tags_in, version_json
from schema_mcp.registries.embedded import finding, lists, stored
from schema_mcp.registries.embedded.forms import formatted
from schema_mcp.registries.embedded.lists import Filter
from schema_mcp.registries.embedded.session import Session

_ASSOCIATIONS = ("resourceType", "associationType", "lifecycle")
_LIFECYCLES = ("", "STRONG", "WEAK")


_CONTENT_BY_ID = ("/schemas/ids/{id}", "/schemas/ids/{id}/schema")


def reached(call: Call, endpoint: str) -> tuple[Subject, ...]:
    """Every subject or context that a request may end at; none where it is about the whole registry.

    A registry follows aliases and looks for a bare name in other contexts; a content by id is found in some subject.
    """
    if endpoint in _CONTENT_BY_ID:
        found = call.core.read(finding.by_id, call.schema_id, call.holder)
        return (found.subject,) if found else call.places
    if "subject" not in call.values or not call.subject.name:
        return call.places
    return call.core.read(_meant, call)


def _meant(session: Session, call: Call) -> tuple[Subject, ...]:
    asked = finding.followed(session, call.asked).subject
    others = finding.elsewhere(session, asked) if asked.context == DEFAULT_CONTEXT else ()
    there = [one for one in others if finding.exists(session, one, deleted=True)]
    return tuple(dict.fromkeys((call.subject, asked, *there)))


async def types(_: Call) -> list[str]:
    return ["JSON", "PROTOBUF", "AVRO"]


async def every(call: Call) -> list[Json]:
    if call.text("lifecycle") not in _LIFECYCLES:
        raise not_found()
    if any(call.text(name) for name in _ASSOCIATIONS):
        return []  # there are no associations, so nothing has one
    wanted = Filter(
        call.text("subjectPrefix"),
        deleted=call.flag("deleted"),
        latest_only=call.flag("latestOnly"),
        rule_type=call.text("ruleType"),
        aliases=call.flag("aliases"),
    )
    found = await call.core.ask(lists.schemas, wanted, call.page)
    return [version_json(one.version) | ({"aliases": list(one.aliases)} if one.aliases else {}) for one in found]


async def by_id(call: Call) -> Json:
    return await call.read(lambda session: _by_id(session, call))


def _by_id(session: Session, call: Call) -> Json:
    found = finding.needed_by_id(session, call.schema_id, call.holder)
    place: Json = {"subject": str(found.subject), "version": found.number}
    if call.flag("fetchMaxId"):
        place["maxId"] = stored.highest_id(session, found.subject.context)
    tags = tags_in(found.schema, call.query.get("findTags", []))
    if call.text("referenceFormat") == "qualified":
        found = replace(qualified(found), guid=found.guid)
    return place | schema_json(formatted(session, found, call.text("format")), tags=tags)


async def text_by_id(call: Call) -> Raw:
    def read(session: Session) -> Version:
        found = finding.needed_by_id(session, call.schema_id, call.holder)
        return formatted(session, found, call.text("format"))

    return Raw((await call.read(read)).schema.text)


async def subjects_by_id(call: Call) -> list[str]:
    found = call.core.read(finding.same_content, call.schema_id, call.holder, deleted=call.flag("deleted"))
    subjects = list(dict.fromkeys(str(subject) for subject, _ in found))
    return call.page.of(subjects, call.core.settings.subjects)


async def versions_by_id(call: Call) -> list[Json]:
    found = call.core.read(finding.same_content, call.schema_id, call.holder, deleted=call.flag("deleted"))
    versions: list[Json] = [{"subject": str(subject), "version": number} for subject, number in found]
    return call.page.of(versions, call.core.settings.versions)


async def by_guid(call: Call) -> Json:
    def read(session: Session) -> Version:
        return formatted(session, finding.by_guid(session, call.values["guid"]), call.text("format"))

    return schema_json(await call.read(read))


async def ids_of_guid(call: Call) -> list[Json]:
    found = call.core.read(finding.ids_of_guid, call.values["guid"])
    return [{"context": context, "id": schema_id} for context, schema_id in found.items()]
