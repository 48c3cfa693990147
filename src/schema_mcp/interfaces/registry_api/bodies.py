"""Request bodies: JSON read into drafts and changes, scalars taken as the type wanted, as the registry does.

A body of the wrong shape is 400, a missing one (or `null`) 422; unknown properties are ignored. All as recorded.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, cast

from schema_mcp.domain.contracts import checked_metadata, checked_rule_set
from schema_mcp.domain.schema import Json, Reference, SchemaType
from schema_mcp.registries.contract import Tag, TagChange
from schema_mcp.registries.embedded.drafts import NO_ID, Draft
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.registries.embedded.settings import CONFIG_FIELDS

_INT = range(-(2**31), 2**31)
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
_FLAGS = ("normalize", "validateFields", "validateNewSchemas", "validateRules")


def parse(raw: bytes) -> Json:
    """The object in a body; 422 where there is none, 400 for anything else."""
    if not raw.strip():
        raise _missing()
    try:
        found = json.loads(raw, parse_constant=_refuse_constant)
        if _HALF_CHARACTER.search(raw):
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise _malformed(f"The body is not JSON: {error}") from None
    if found is None:
        raise _missing()
    if not isinstance(found, dict):
        raise _malformed("The body must be a JSON object")
    return cast("Json", found)


def draft(body: Json, *, with_rules: bool = True) -> Draft:
    """The schema in a register, lookup or compatibility request."""
    kind = text(body, "schemaType")
    return Draft(
        text=text(body, "schema") or "",
        type=SchemaType.AVRO if kind is None else kind,
        references=tuple(_reference(one) for one in _objects(body, "references")),
        metadata=checked_metadata(body.get("metadata")),
        rule_set=checked_rule_set(body.get("ruleSet")) if with_rules else None,
        id=_or(integer(body, "id"), NO_ID),
        number=_or(integer(body, "version"), 0),
        tags_to_add=_tags(body, "schemaTagsToAdd"),
        tags_to_remove=_tags(body, "schemaTagsToRemove"),
    )


def config(body: Json) -> Json:
    """The fields that a config request changes; those it leaves out stay as they are."""
    readers: dict[str, Callable[[Json, str], Any]] = {
        **dict.fromkeys(CONFIG_FIELDS, text),
        **dict.fromkeys(_FLAGS, flag),
        "defaultMetadata": _object,
        "overrideMetadata": _object,
        "defaultRuleSet": _object,
        "overrideRuleSet": _object,
    }
    return {key: reader(body, key) for key, reader in readers.items() if key in body}


def tag_change(body: Json) -> TagChange:
    """What a tags request changes."""
    return TagChange(
        number=integer(body, "newVersion"),
        added=_tags(body, "tagsToAdd"),
        removed=_tags(body, "tagsToRemove"),
        metadata=checked_metadata(body.get("metadata")),
        rule_set=checked_rule_set(body.get("ruleSet")),
        rules_to_merge=checked_rule_set(body.get("rulesToMerge")),
        rules_to_remove=_texts(body, "rulesToRemove"),
    )


def text(body: Json, key: str) -> str | None:
    match body.get(key):
        case bool(flag_):
            return str(flag_).lower()
        case None:
            return None
        case str() | int() | float() as scalar:
            return str(scalar)
        case _:
            raise _malformed(f"{key} must be text")


def integer(body: Json, key: str) -> int | None:
    match body.get(key):
        case None | "":
            return None
        case bool():
            raise _malformed(f"{key} must be a number")
        case int() | float() | str() as given:
            return _int32(given, key)
        case _:
            raise _malformed(f"{key} must be a number")


def flag(body: Json, key: str) -> bool | None:
    match body.get(key):
        case None | "":
            return None
        case bool() | int() as given:
            return bool(given)
        case "true" | "True" | "TRUE":
            return True
        case "false" | "False" | "FALSE":
            return False
        case _:
            raise _malformed(f"{key} must be true or false")


def _int32(given: float | str, key: str) -> int:
    try:
        number = int(given)
    except (ValueError, OverflowError):
        raise _malformed(f"{key} must be a number") from None
    if number not in _INT:
        raise _malformed(f"{key} is beyond 32 bits")
    return number


def _reference(given: Json) -> Reference:
    name, subject, version = text(given, "name"), text(given, "subject"), integer(given, "version")
    # Version 0 leads nowhere, so that a reference that misses a part is refused like one to an unknown version.
    return Reference(name or "", subject or "", 0 if name is None else _or(version, 0))


def _tags(body: Json, key: str) -> tuple[Tag, ...]:
    return tuple(_tag(one) for one in _objects(body, key))


def _tag(given: Json) -> Tag:
    entity: Json = _object(given, "schemaEntity") or {}
    return Tag(text(entity, "entityPath") or "", text(entity, "entityType") or "", _texts(given, "tags"))


def _object(body: Json, key: str) -> Json | None:
    found = body.get(key)
    if found is not None and not isinstance(found, dict):
        raise _malformed(f"{key} must be an object")
    return cast("Json | None", found)


def _objects(body: Json, key: str) -> list[Json]:
    found = body.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in cast("list[Any]", found)):
        raise _malformed(f"{key} must be a list of objects")
    return cast("list[Json]", found)


def _texts(body: Json, key: str) -> tuple[str, ...]:
    found = body.get(key)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise _malformed(f"{key} must be a list")
    return tuple(text({key: one}, key) or "" for one in cast("list[Any]", found))


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _missing() -> Refusal:
    return Refusal(422, "The body must not be null")


def _malformed(message: str) -> Refusal:
    return Refusal(400, message)
