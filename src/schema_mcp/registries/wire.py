"""Confluent's JSON turned into our values and back; the only place that knows its property names.

Missing and unknown properties are tolerated as far as sense allows: 7.x says no `schemaType` for Avro, no `guid`, no
`ts` and no `deleted`. What makes no sense raises `TypeError`, `KeyError` or `ValueError`.
"""

from collections.abc import Mapping
from typing import Any, cast

from schema_mcp.domain.naming import parse_subject
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Json, Mode, Reference, Schema, SchemaType, Subject, Version
from schema_mcp.registries.contract import Tag, TagChange, Verdict


def body(schema: Schema, *, schema_id: int | None = None, number: int | None = None) -> Json:
    """What is sent to register, look up or check a schema. Absent metadata is not the same as empty metadata."""
    optional = {
        "references": [reference_body(reference) for reference in schema.references] or None,
        "metadata": schema.metadata,
        "ruleSet": schema.rule_set,
        "id": schema_id,
        "version": number,
    }
    sent = {key: value for key, value in optional.items() if value is not None}
    return {"schemaType": schema.type.value, "schema": schema.text, **sent}


def reference_body(reference: Reference) -> Json:
    return {"name": reference.name, "subject": reference.subject, "version": reference.version}


def tag_change(change: TagChange) -> Json:
    """What is sent to amend a version."""
    optional = {
        "newVersion": change.number,
        "tagsToAdd": [_tag(one) for one in change.added] or None,
        "tagsToRemove": [_tag(one) for one in change.removed] or None,
        "metadata": change.metadata,
        "ruleSet": change.rule_set,
        "rulesToMerge": change.rules_to_merge,
        "rulesToRemove": list(change.rules_to_remove) or None,
    }
    return {key: value for key, value in optional.items() if value is not None}


def _tag(tag: Tag) -> Json:
    return {"schemaEntity": {"entityPath": tag.path, "entityType": tag.kind}, "tags": list(tag.tags)}


def version(answer: Any, subject: Subject, *, like: Schema | None = None, deleted: bool = False) -> Version:
    """A version of this subject; `like` and `deleted` say what holds where the answer does not."""
    found = _object(answer)
    return Version(
        subject=subject,
        number=_whole(found["version"]),
        id=_whole(found["id"]),
        schema=schema(found, like=like),
        guid=_text(found["guid"]) if found.get("guid") else None,
        deleted=_truth(found["deleted"]) if "deleted" in found else deleted,
        timestamp=_whole(found["ts"]) if found.get("ts") is not None else None,
    )


def schema(answer: Any, *, like: Schema | None = None) -> Schema:
    """The schema inside an answer. No `schemaType` means Avro, or what was asked for (Apicurio's lookup)."""
    found = _object(answer)
    usual = like.type if like else SchemaType.AVRO
    return Schema(
        text=_text(found["schema"]),
        type=SchemaType(_text(found["schemaType"])) if found.get("schemaType") else usual,
        references=tuple(_reference(one) for one in _items(found.get("references") or [])),
        metadata=_maybe_object(found.get("metadata")),
        rule_set=_maybe_object(found.get("ruleSet")),
    )


def without_version(answer: Any) -> Any:
    """An answer without the `confluent:version` that nobody put into its metadata (AxonOps)."""
    if not isinstance(answer, dict) or "metadata" not in answer:
        return cast("Any", answer)
    found = cast("Json", answer)
    metadata = _object(found["metadata"])
    properties = {key: value for key, value in metadata.get("properties", {}).items() if key != "confluent:version"}
    rest = {key: value for key, value in metadata.items() if key != "properties"}
    kept = rest | ({"properties": properties} if properties else {})
    return found | {"metadata": kept or None}


def is_complete(answer: Any) -> bool:
    """Does an entry of a listing say whose version it is? Apicurio's does not."""
    return isinstance(answer, dict) and {"subject", "version", "id", "schema"} <= cast("Json", answer).keys()


def is_registration(answer: Any) -> bool:
    """Does the answer to a registration say all that a version is? 7.x gives the id alone."""
    return isinstance(answer, dict) and {"version", "id", "schema"} <= cast("Json", answer).keys()


def subject_of(answer: Any) -> Subject:
    """Whose version an answer is."""
    return parse_subject(_text(_object(answer)["subject"]))


def is_about(answer: Any, wanted: Subject) -> bool:
    """Is an answer about this subject? A registry searches other contexts, and follows aliases, without being asked.

    Outside the default context a name without its prefix passes too: AxonOps leaves it away.
    """
    named: object = _object(answer).get("subject")
    return named is None or parse_subject(_text(named)) in (wanted, Subject(wanted.name))


def ids(answer: Any) -> dict[str, int]:
    """The id of a content, by context."""
    rows = [_object(row) for row in _items(answer)]
    return {_context(row["context"]): _whole(row["id"]) for row in rows}


def clusters(answer: Any) -> dict[str, str]:
    scope = _object(_object(answer).get("scope") or {})
    return {kind: _text(name) for kind, name in _object(scope.get("clusters") or {}).items()}


def attributes(answer: Any) -> list[str]:
    return texts(_object(answer).get("attributes") or [])


def texts(answer: Any) -> list[str]:
    return [_text(one) for one in _items(answer)]


def subjects(answer: Any) -> list[Subject]:
    return [parse_subject(_text(name)) for name in _items(answer)]


def numbers(answer: Any) -> list[int]:
    return [_whole(number) for number in _items(answer)]


def contexts(answer: Any) -> list[str]:
    """Names as `.` and `.ctx`."""
    return [_context(name) for name in _items(answer)]


def _context(answer: Any) -> str:
    """A context's name, whether or not the registry wraps it in colons."""
    return _text(answer).removeprefix(":").removesuffix(":") or DEFAULT_CONTEXT


def holders(answer: Any, context: str) -> list[tuple[Subject, int]]:
    """Who carries an id; a name without a prefix belongs to the context that was asked about."""
    rows = [_object(row) for row in _items(answer)]
    found = [(parse_subject(_text(row["subject"])), _whole(row["version"])) for row in rows]
    return [
        (Subject(subject.name, context) if subject.context == DEFAULT_CONTEXT else subject, number)
        for subject, number in found
    ]


def verdict(answer: Any) -> Verdict:
    found = _object(answer)
    return Verdict(_truth(found["is_compatible"]), tuple(_text(one) for one in _items(found.get("messages") or [])))


def mode(answer: Any) -> Mode:
    return Mode(_text(_object(answer)["mode"]).upper())


def config(answer: Any) -> Json:
    return dict(_object(answer))


def entries(answer: Any) -> list[Any]:
    return _items(answer)


def words(answer: Any, key: str) -> str:
    return _text(_object(answer)[key])


def whole(answer: Any, key: str) -> int | None:
    found = _object(answer).get(key)
    return None if found is None else _whole(found)


def _reference(answer: Any) -> Reference:
    found = _object(answer)
    return Reference(_text(found["name"]), _text(found["subject"]), _whole(found["version"]))


def _object(answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, dict):
        raise TypeError("an object was expected")
    return cast("Mapping[str, Any]", answer)


def _maybe_object(answer: Any) -> Json | None:
    return None if answer is None else dict(_object(answer))


def _items(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise TypeError("a list was expected")
    return cast("list[Any]", answer)


def _text(answer: Any) -> str:
    if not isinstance(answer, str):
        raise TypeError("a text was expected")
    return answer


def _whole(answer: Any) -> int:
    if not isinstance(answer, int) or isinstance(answer, bool):
        raise TypeError("a whole number was expected")
    return answer


def _truth(answer: Any) -> bool:
    if not isinstance(answer, bool):
        raise TypeError("a truth was expected")
    return answer
