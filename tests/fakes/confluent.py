"""A small registry with Confluent's REST API, inside the test, that can lack one capability at a time.

It keeps everything in dictionaries, knows just enough of Avro to refuse a new field without a default, and remembers
every request. `cap` is its largest page, `old` answers as 7.x does.
"""

import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any
from urllib.parse import parse_qsl, unquote

from schema_mcp.domain.contracts import has_properties, merged_rule_set, without_rules
from schema_mcp.domain.identity import guid_of
from schema_mcp.registries import wire
from schema_mcp.registries.contract import Capability

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

NOT_FOUND = {40401: "Subject not found.", 40402: "Version not found.", 40403: "Schema not found"}
DEFAULTS = {"config": {"compatibilityLevel": "BACKWARD"}, "mode": {"mode": "READWRITE"}}
UNSET = {"config": 40408, "mode": 40409}


class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message or NOT_FOUND.get(code, "No.")


@dataclass
class Kept:
    subject: str
    version: int
    id: int
    body: dict[str, Any]
    deleted: bool = False

    @property
    def guid(self) -> str:
        return guid_of(wire.schema(self.body))

    def shown(self, *, old: bool) -> dict[str, Any]:
        told = {"subject": self.subject, "version": self.version, "id": self.id, **self.body}
        if old and told.get("schemaType") == "AVRO":
            del told["schemaType"]
        return told if old else {**told, "guid": self.guid, "ts": 1, "deleted": self.deleted}


@dataclass
class FakeConfluent:
    lacks: frozenset[Capability] = frozenset()
    cap: int = 1_000
    old: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    subjects: dict[str, dict[int, Kept]] = field(default_factory=dict)
    settings: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    next_ids: dict[str, int] = field(default_factory=dict)
    contexts: set[str] = field(default_factory=lambda: {"."})

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive()).get("type") == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, answer = self.answer(scope, body)
        content = b"" if answer is None else json.dumps(answer).encode()
        self.sent += len(content)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": content})

    def answer(self, scope: dict[str, Any], body: bytes) -> tuple[int, Any]:
        raw = scope["raw_path"].decode()
        self.requests.append((scope["method"], raw))
        # What lacks slashes leaves a path as it is when one is quoted in it, as AxonOps does.
        quoted = Capability.ODD_NAMES in self.lacks and "%2F" in raw
        path = [part if quoted else unquote(part) for part in raw.split("/")[1:]]
        pairs = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        query = {**dict(pairs), "key": [value for name, value in pairs if name == "key"]}
        query["value"] = [value for name, value in pairs if name == "value"]
        try:
            return 200, self.route(scope["method"], path, query, json.loads(body or b"null"))
        except Refused as refused:
            return int(str(refused.code)[:3]), {"error_code": refused.code, "message": refused.message}

    def route(self, method: str, path: list[str], query: dict[str, Any], body: Any) -> Any:  # noqa: C901, PLR0911, PLR0912 - a table of endpoints
        deleted = query.get("deleted") == "true"
        permanent = query.get("permanent") == "true"
        match method, path:
            case "GET", ["v1", "metadata", "version"]:
                return {"version": "8.1.5", "commitId": "0"}
            case "GET", ["v1", "metadata", "id"]:
                return {"scope": {"path": [], "clusters": {"schema-registry-cluster": "fake"}}}
            case "GET", ["schemas", "types"]:
                return ["JSON", "PROTOBUF", "AVRO"]
            case "GET", ["contexts"] if Capability.CONTEXTS not in self.lacks:
                return sorted(self.contexts)
            case "DELETE", ["contexts", context] if not {Capability.CONTEXTS, Capability.CONTEXT_REMOVAL} & self.lacks:
                return self.drop_context(context)
            case "GET", ["subjects"]:
                kept = self.matching(query.get("subjectPrefix", ":*:"), deleted=deleted)
                return sorted({one.subject for one in kept})
            case "GET", ["schemas"]:
                return self.page(query, deleted=deleted)
            case "GET", ["schemas", "ids", number]:
                return self.by_id(int(number), query)
            case "GET", ["schemas", "guids", guid] if not self.old:
                return self.by_guid(guid)
            case "GET", ["schemas", "guids", guid, "ids"] if not self.old:
                holders = [one for one in self.matching(":*:", deleted=True) if one.guid == guid]
                return [{"context": self.context_of(one.subject), "id": one.id} for one in holders]
            case "GET", ["schemas", "ids", number, "versions"]:
                holders = [one for one in self.holding(int(number), query) if deleted or not one.deleted]
                return [{"subject": one.subject, "version": one.version} for one in holders]
            case "GET", ["subjects", subject, "versions"]:
                return sorted(one.version for one in self.known(subject, deleted=deleted))
            case "GET", ["subjects", subject, "versions", number]:
                found = self.find(subject, number, deleted=deleted, everywhere=True)
                return {**found.shown(old=self.old), "schema": self.written(found, query.get("format"))}
            case "GET", ["subjects", subject, "metadata"]:
                pairs = dict(zip(query["key"], query["value"], strict=True))
                return self.with_properties(subject, pairs, deleted=deleted).shown(old=self.old)
            case "GET", ["subjects", subject, "versions", number, "referencedby"]:
                past = deleted and Capability.PAST_REFERRERS not in self.lacks
                users = self.referrers(self.find(subject, number, deleted=True))
                return sorted(one.id for one in users if past or not one.deleted)
            case "POST", ["subjects", subject, "versions"]:
                return self.register(self.plain(subject), self.cut(body), body)
            case "POST", ["subjects", subject, "versions", number, "tags"] if Capability.TAGS not in self.lacks:
                return self.amend(self.find(subject, number, deleted=False), body)
            case "POST", ["subjects", subject] if Capability.LOOKUP not in self.lacks:
                return self.same(subject, self.cut(body), deleted=deleted).shown(old=self.old)
            case "POST", ["compatibility", "subjects", subject, "versions", *number]:
                return self.verdict(subject, self.cut(body), *number)
            case "DELETE", ["subjects", subject]:
                return self.drop(self.known(subject, deleted=True), 40404, permanent=permanent)
            case "DELETE", ["subjects", subject, "versions", number]:
                kept = self.find(subject, number, deleted=True)
                return self.drop([kept], 40406, permanent=permanent)[0]
            case _, ["config" as kind, *scope] if Capability.CONFIG not in self.lacks:
                return self.setting(method, kind, "".join(scope), query, body)
            case _, ["mode" as kind, *scope] if Capability.MODES not in self.lacks:
                return self.setting(method, kind, "".join(scope), query, body)
            case _:
                raise Refused(404, "HTTP 404 Not Found")

    # --- names

    def plain(self, subject: str) -> str:
        return subject if Capability.CONTEXTS in self.lacks else subject.removeprefix(":.:")

    def context_of(self, subject: str) -> str:
        qualified = subject.startswith(":.") and Capability.CONTEXTS not in self.lacks
        return subject[1:].partition(":")[0] if qualified else "."

    def matching(self, prefix: str, *, deleted: bool) -> list[Kept]:
        everything = [one for versions in self.subjects.values() for one in versions.values()]
        if Capability.PREFIX in self.lacks:
            prefix = ":*:"
        if prefix.startswith(":*:"):
            rest = prefix.removeprefix(":*:")
            fits = lambda name: name.removeprefix(f":{self.context_of(name)}:").startswith(rest)  # noqa: E731
        else:
            wanted = self.plain(prefix)
            fits = lambda name: self.context_of(name) == self.context_of(wanted) and name.startswith(wanted)  # noqa: E731
        return [one for one in everything if fits(one.subject) and (deleted or not one.deleted)]

    # --- reading

    def known(self, subject: str, *, deleted: bool) -> list[Kept]:
        everything = self.subjects.get(self.plain(subject), {}).values()
        if Capability.STARS in self.lacks and "*" in subject:
            names = [name for name in self.subjects if fnmatch(name, subject)]
            everything = [one for name in names for one in self.subjects[name].values()]
        kept = [one for one in everything if deleted or not one.deleted]
        if not kept:
            raise Refused(40401)
        return kept

    def find(self, subject: str, number: str, *, deleted: bool, everywhere: bool = False) -> Kept:
        try:
            kept = self.known(subject, deleted=deleted)
        except Refused:
            others = [name for name in sorted(self.subjects) if name.endswith(f":{subject}") and name.startswith(":.")]
            if not everywhere or not others or Capability.CONTEXTS in self.lacks:
                raise
            return self.find(others[0], number, deleted=deleted)
        wanted = max(one.version for one in kept if not one.deleted) if number == "latest" else int(number)
        found = [one for one in kept if one.version == wanted]
        if not found:
            raise Refused(40402)
        return found[0]

    def holding(self, number: int, query: dict[str, str]) -> list[Kept]:
        context = self.context_of(query.get("subject", ""))
        kept = [one for versions in self.subjects.values() for one in versions.values() if one.id == number]
        found = [one for one in kept if self.context_of(one.subject) == context]
        if not found:
            raise Refused(40403)
        return found

    def by_id(self, number: int, query: dict[str, str]) -> dict[str, Any]:
        shown = self.holding(number, query)[0].shown(old=self.old)
        del shown["id"]
        context = self.context_of(query.get("subject", ""))
        told = query.get("fetchMaxId") == "true" and not self.old
        return {**shown, "maxId": self.next_ids.get(context, 1) - 1} if told else shown

    def by_guid(self, guid: str) -> dict[str, Any]:
        for one in self.matching(":*:", deleted=True):
            if one.guid == guid:
                return one.shown(old=False)
        raise Refused(40403)

    def written(self, kept: Kept, form: str | None) -> str:
        """The text; instead of resolving names this puts what is referenced in where it is first named."""
        text: str = kept.body["schema"]
        if Capability.FORMS in self.lacks:
            return text
        if form == "serialized" and kept.body["schemaType"] == "PROTOBUF":
            return b64encode(text.encode()).decode()
        for one in kept.body.get("references", ()) if form == "resolved" else ():
            used = self.find(one["subject"], str(one["version"]), deleted=True)
            text = text.replace(f'"{one["name"]}"', used.body["schema"], 1)
        return text

    def with_properties(self, subject: str, pairs: dict[str, str], *, deleted: bool) -> Kept:
        for one in sorted(self.known(subject, deleted=deleted), key=lambda kept: -kept.version):
            if has_properties(one.body.get("metadata"), pairs):
                return one
        raise Refused(40403)

    def page(self, query: dict[str, str], *, deleted: bool) -> list[dict[str, Any]]:
        kept = self.matching(query.get("subjectPrefix", ""), deleted=deleted)
        if query.get("latestOnly") == "true":
            kept = list({one.subject: one for one in sorted(kept, key=lambda one: one.version)}.values())
        kept.sort(key=lambda one: (one.subject, one.version))
        limit, offset = int(query.get("limit", -1)), int(query.get("offset", 0))
        limit = limit if 0 < limit <= self.cap else self.cap
        entries = [one.shown(old=self.old) for one in kept[offset : offset + limit]]
        if Capability.BULK_LISTING in self.lacks:
            return [{"schema": entry["schema"]} for entry in entries]
        return entries

    def referrers(self, target: Kept) -> list[Kept]:
        everything = [one for versions in self.subjects.values() for one in versions.values()]
        wanted = (target.subject, target.version)
        return [
            one
            for one in everything
            for reference in one.body.get("references", ())
            if (reference["subject"], reference["version"]) == wanted
        ]

    def same(self, subject: str, body: dict[str, Any], *, deleted: bool) -> Kept:
        for one in self.known(subject, deleted=deleted):
            if one.body == body:
                return one
        raise Refused(40403)

    # --- writing

    def cut(self, body: dict[str, Any]) -> dict[str, Any]:
        names = {"references": Capability.REFERENCES, "metadata": Capability.METADATA, "ruleSet": Capability.RULES}
        taken = {name for name, capability in names.items() if capability not in self.lacks}
        self.checked(body)
        return {key: value for key, value in body.items() if key in {"schema", "schemaType"} | taken}

    def checked(self, body: dict[str, Any]) -> None:
        try:
            parsed = "type" in json.loads(body["schema"]) if body["schemaType"] != "PROTOBUF" else True
        except ValueError:
            parsed = False
        if not parsed:
            raise Refused(42201, "Invalid schema")
        for reference in body.get("references", ()):
            try:
                self.find(reference["subject"], str(reference["version"]), deleted=False)
            except Refused as refused:
                raise Refused(42201, "No schema reference found") from refused

    def register(self, subject: str, body: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        context, mode = self.context_of(subject), self.in_force("mode", subject)["mode"]
        keeps = Capability.KEEPS_IDS not in self.lacks
        wanted_id, wanted_number = (asked.get("id"), asked.get("version")) if keeps else (None, None)
        versions = self.subjects.get(subject, {})
        there = versions.get(wanted_number or 0)
        if there is not None and there.deleted and Capability.REVIVAL in self.lacks:
            raise Refused(50001, "Internal server error")
        for one in versions.values():
            if one.body == body and not one.deleted and wanted_id in (None, one.id):
                return self.registered(one)
        if mode == "READONLY":
            raise Refused(42205, "Subject is in read-only mode")
        if wanted_id is not None and mode != "IMPORT":
            raise Refused(42205, "Subject is not in import mode")
        holders = [kept for every in self.subjects.values() for kept in every.values()]
        near = [kept for kept in holders if self.context_of(kept.subject) == context]
        if wanted_id is not None and any(kept.id == wanted_id and kept.body != body for kept in near):
            raise Refused(42205, "Overwrite new schema is not permitted")
        if mode != "IMPORT" and not self.verdict(subject, body)["is_compatible"]:
            raise Refused(40901, "Schema being registered is incompatible with an earlier schema")
        given = next((kept.id for kept in near if kept.body == body), self.next_ids.get(context, 1))
        schema_id = given if wanted_id is None else wanted_id
        self.next_ids[context] = max(self.next_ids.get(context, 1), schema_id + 1)
        kept = Kept(subject, wanted_number or max(versions, default=0) + 1, schema_id, body)
        self.subjects.setdefault(subject, {})[kept.version] = kept
        self.contexts.add(context)
        return self.registered(kept)

    def amend(self, kept: Kept, change: dict[str, Any]) -> dict[str, Any]:
        """A version of its own with other tags, metadata and rules; tags go onto the fields of one record."""
        record = json.loads(kept.body["schema"])
        for name, tagged in (("tagsToAdd", True), ("tagsToRemove", False)):
            for tag in change.get(name, ()):
                field = next(one for one in record["fields"] if tag["schemaEntity"]["entityPath"].endswith(one["name"]))
                field.pop("confluent:tags", None)
                field.update({"confluent:tags": tag["tags"]} if tagged else {})
        metadata = change.get("metadata") or kept.body.get("metadata") or {}
        number = {"confluent:version": str(kept.version + 1)}
        body = {**kept.body, "schema": json.dumps(record, separators=(",", ":"))}
        body["metadata"] = {**metadata, "properties": {**metadata.get("properties", {}), **number}}
        rules = merged_rule_set(change.get("ruleSet") or kept.body.get("ruleSet"), change.get("rulesToMerge"))
        if rules is not None:
            body["ruleSet"] = without_rules(rules, set(change.get("rulesToRemove", ())))
        return self.register(kept.subject, self.cut(body), {})

    def registered(self, kept: Kept) -> dict[str, Any]:
        return {"id": kept.id} if self.old else {"id": kept.id, "version": kept.version, "guid": kept.guid, **kept.body}

    def verdict(self, subject: str, body: dict[str, Any], number: str = "latest") -> dict[str, Any]:
        if self.in_force("config", subject)["compatibilityLevel"] == "NONE" or Capability.COMPATIBILITY in self.lacks:
            return {"is_compatible": True}
        try:
            before = fields(self.find(subject, number, deleted=False).body)
        except Refused:
            return {"is_compatible": True}
        broken = [name for name, has_default in fields(body).items() if name not in before and not has_default]
        return {
            "is_compatible": not broken,
            "messages": [
                f"READER_FIELD_MISSING_DEFAULT_VALUE {name}"
                for name in broken
                if Capability.EXPLANATIONS not in self.lacks
            ],
        }

    def drop(self, kept: list[Kept], gone: int, *, permanent: bool) -> list[int]:
        live = [one for one in kept if not one.deleted]
        if permanent and live and Capability.SOFT_DELETE not in self.lacks:
            raise Refused(gone + 1, "was not deleted first before being permanently deleted")
        if not permanent and not live:
            raise Refused(gone, "was soft deleted.")
        if any(self.referrers(one) for one in kept):
            raise Refused(42206, "One or more references exist to the schema")
        for one in kept if permanent or Capability.SOFT_DELETE in self.lacks else live:
            if permanent or Capability.SOFT_DELETE in self.lacks:
                del self.subjects[one.subject][one.version]
            one.deleted = True
            if not self.subjects[one.subject]:
                for kind in DEFAULTS:
                    self.settings.pop((kind, one.subject), None)
        return sorted(one.version for one in (kept if permanent else live))

    def drop_context(self, context: str) -> None:
        name = context.strip(":")
        if any(versions and self.context_of(subject) == name for subject, versions in self.subjects.items()):
            raise Refused(42211, "The specified context is not empty.")
        self.contexts.discard(name)

    # --- settings

    def setting(self, method: str, kind: str, scope: str, query: dict[str, str], body: Any) -> dict[str, Any]:
        key = (kind, self.plain(scope))
        if method == "GET" and query.get("defaultToGlobal") == "true":
            return self.in_force(kind, key[1])
        if method == "GET":
            return self.own(key, UNSET[kind])
        if method == "DELETE" and query.get("recursive") == "true" and Capability.RECURSION not in self.lacks:
            self.settings = {
                (other, name): value
                for (other, name), value in self.settings.items()
                if other != kind or not (name.startswith(key[1]) if key[1].endswith(":") else name == key[1])
            }
            return DEFAULTS[kind]
        if method == "DELETE":
            self.own(key, 40401)
            return self.settings.pop(key, DEFAULTS[kind])
        shown = {"compatibilityLevel" if name == "compatibility" else name: value for name, value in body.items()}
        merged = {**self.settings.get(key, {}), **shown}
        if kind == "config" and Capability.CONFIG_FIELDS in self.lacks:
            merged = {name: value for name, value in merged.items() if name == "compatibilityLevel"}
        self.settings[key] = {name: value for name, value in merged.items() if value is not None}
        return body

    def own(self, key: tuple[str, str], unset: int) -> dict[str, Any]:
        kind, scope = key
        if key not in self.settings and scope:
            raise Refused(unset, "not configured")
        return {**DEFAULTS[kind], **self.settings.get(key, {})}

    def in_force(self, kind: str, scope: str) -> dict[str, Any]:
        context = self.context_of(scope)
        wider = "" if context == "." else f":{context}:"
        return {**DEFAULTS[kind], **(self.settings.get((kind, scope)) or self.settings.get((kind, wider)) or {})}


def fields(body: dict[str, Any]) -> dict[str, bool]:
    """Names of a record's fields, and whether each has a default."""
    if body["schemaType"] != "AVRO":
        return {}
    return {one["name"]: "default" in one for one in json.loads(body["schema"]).get("fields", ())}
