"""Data contracts: metadata and rule sets, their shape, their rules, and how defaults and overrides merge.

Rules: registry semantics 1.4, 1.6 and 1.8 as recorded on Confluent 8.1.5. What comes out of `checked_metadata` and
`checked_rule_set` is what a registry stores: scalars made text, empty lists and empty rule fields left out.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.identity import RULE_DEFAULTS, RULE_LISTS, is_unicode, java_order
from schema_mcp.domain.schema import Json

VERSION_PROPERTY = "confluent:version"
"""The metadata property in which a registry writes the version's number."""

BAD_RULE = 42210
_KINDS = ("CONDITION", "TRANSFORM")
_MIGRATION_MODES = ("UPGRADE", "DOWNGRADE", "UPDOWN")
_MODES = {
    "migrationRules": (_MIGRATION_MODES, "Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN"),
    "domainRules": (("WRITE", "READ", "WRITEREAD"), "Domain rules can only be WRITE, READ, WRITEREAD"),
    "encodingRules": (("WRITE", "READ", "WRITEREAD"), "Encoding rules can only be WRITE, READ, WRITEREAD"),
}
_ALL_MODES = (*_MIGRATION_MODES, "WRITE", "READ", "WRITEREAD")
_TWO_WAYS = ("WRITEREAD", "UPDOWN")


def checked_metadata(value: Any) -> Json | None:
    """Metadata as a registry would store it; raises `InvalidRequestError` for another shape."""
    if value is None:
        return None
    given = _object(value, "metadata")
    found = {
        "tags": {key: _words(words, f"tags.{key}") for key, words in _object(given.get("tags"), "tags").items()},
        "properties": _texts(given.get("properties"), "properties"),
        "sensitive": _words(given.get("sensitive"), "sensitive"),
    }
    return {key: part for key, part in found.items() if part}


def checked_rule_set(value: Any) -> Json | None:
    """A rule set as a registry would store it.

    Raises `InvalidRequestError`; with `error_code` 42210 in its details where the shape is right but a rule is not.
    """
    if value is None:
        return None
    given = _object(value, "ruleSet")
    lists = {name: [_shaped(rule, name) for rule in _list(given.get(name), name)] for name in RULE_LISTS}
    names: set[str] = set()
    for name, rules in lists.items():
        for rule in rules:
            _check_rule(rule, name, names)
    found: Json = {name: [_without_empty(rule) for rule in rules] for name, rules in lists.items() if rules}
    enable_at = _text(given.get("enableAt"), "enableAt")
    return found | ({"enableAt": enable_at} if enable_at else {})


def merged_metadata(below: Json | None, above: Json | None) -> Json | None:
    """Two metadata as one, the second winning key by key."""
    if below is None or above is None:
        return above if below is None else below
    found: Json = {key: {**below.get(key, {}), **above.get(key, {})} for key in ("tags", "properties")}
    found["sensitive"] = _sorted({*below.get("sensitive", ()), *above.get("sensitive", ())})
    return {key: part for key, part in found.items() if part}


def merged_rule_set(below: Json | None, above: Json | None) -> Json | None:
    """Two rule sets as one: rules of the second replace those of the same name, the others follow."""
    if below is None or above is None:
        return above if below is None else below
    found: Json = {name: _merged_rules(below.get(name, []), above.get(name, [])) for name in RULE_LISTS}
    found["enableAt"] = above.get("enableAt") or below.get("enableAt")
    return {key: part for key, part in found.items() if part}


def without_rules(rule_set: Json | None, names: set[str]) -> Json | None:
    """A rule set less some rules; it stays a rule set of its own when none is left."""
    if rule_set is None:
        return None
    kept = {name: [rule for rule in rule_set.get(name, []) if rule["name"] not in names] for name in RULE_LISTS}
    return {key: part for key, part in {**rule_set, **kept}.items() if part}


def rule_types(rule_set: Json | None) -> set[str]:
    """The types of all rules in a set, for filtering."""
    return {rule.get("type", "") for name in RULE_LISTS for rule in (rule_set or {}).get(name, [])}


def has_properties(metadata: Json | None, wanted: Mapping[str, str]) -> bool:
    """Whether metadata has all of some properties; metadata that is not there has none, not even none of them."""
    return metadata is not None and wanted.items() <= metadata.get("properties", {}).items()


def has_version(metadata: Json | None) -> bool:
    return VERSION_PROPERTY in (metadata or {}).get("properties", {})


def with_version(metadata: Json | None, number: int) -> Json:
    """Metadata that names the version it belongs to."""
    known = metadata or {}
    return {**known, "properties": {**known.get("properties", {}), VERSION_PROPERTY: str(number)}}


def without_version(metadata: Json | None) -> Json | None:
    """Metadata less the version's number; None where nothing else was in it."""
    if not has_version(metadata):
        return metadata
    known = metadata or {}
    properties = {key: text for key, text in known["properties"].items() if key != VERSION_PROPERTY}
    rest = {**known, "properties": properties}
    return {key: part for key, part in rest.items() if part} or None


def _merged_rules(below: list[Json], above: list[Json]) -> list[Json]:
    return list({rule["name"]: rule for rule in (*below, *above)}.values())


def _shaped(value: Any, where: str) -> Json:
    """A rule with its fields of the right types, in the order in which registries print them; not yet judged."""
    given = _object(value, where)
    read: dict[str, Callable[[Any, str], Any]] = {
        "name": _text,
        "doc": _text,
        "kind": _one_of(_KINDS),
        "mode": _one_of(_ALL_MODES),
        "type": _text,
        "tags": _words,
        "params": _texts,
        "expr": _text,
        "onSuccess": _text,
        "onFailure": _text,
        "disabled": _flag,
    }
    rule = {key: reader(given.get(key), key) for key, reader in read.items()}
    return rule | {key: rule[key] or default for key, default in RULE_DEFAULTS.items()}


def _check_rule(rule: Json, where: str, names: set[str]) -> None:
    _check_name(rule["name"])
    if rule["name"] in names:
        raise _bad(f"Found rule with duplicate name '{rule['name']}'")
    names.add(rule["name"])
    if rule["type"] is None:
        raise _bad("Missing rule type")
    modes, message = _MODES[where]
    if rule["mode"] not in modes:
        raise _bad(message)
    actions = (rule["onSuccess"] or "") + (rule["onFailure"] or "")
    if "," in actions and rule["mode"] not in _TWO_WAYS:
        raise _bad("Multiple actions only valid with WRITEREAD and UPDOWN")


def _check_name(name: str | None) -> None:
    if name is None:
        raise _bad("Missing rule name")
    if not name:
        raise _bad("Empty rule name")
    if not (name[0].isalpha() or name[0] == "_"):
        raise _bad(f"Illegal initial character in rule name: {name}")
    if not all(char.isalnum() or char in "_-" for char in name):
        raise _bad(f"Illegal character in rule name: {name}")


def _bad(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, details={"error_code": BAD_RULE})


def _without_empty(rule: Json) -> Json:
    return {key: value for key, value in rule.items() if value or key == "disabled"}


def _object(value: Any, where: str) -> Json:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequestError(f"{where} must be an object")
    found = dict(cast("Mapping[str, Any]", value))
    for key in found:
        _text(key, where)
    return found


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise InvalidRequestError(f"{where} must be a list")
    return list(cast("list[Any]", value))


def _words(value: Any, where: str) -> list[str]:
    """A set of texts, sorted: registries keep these as sets."""
    return _sorted({_required(_text(word, where), where) for word in _list(value, where)})


def _texts(value: Any, where: str) -> dict[str, str]:
    return {key: _required(_text(text, where), f"{where}.{key}") for key, text in _object(value, where).items()}


def _required(value: str | None, where: str) -> str:
    if value is None:
        raise InvalidRequestError(f"{where} must not be null")
    return value


def _text(value: Any, where: str) -> str | None:
    """Scalars are taken as text, as registries do."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case str() if not is_unicode(value):
            raise InvalidRequestError(f"{where} holds half a character")
        case str() | int() | float():
            return str(value)
        case _:
            raise InvalidRequestError(f"{where} must be text")


def _flag(value: Any, where: str) -> bool:
    match value:
        case None | False | "false" | "False" | "FALSE" | "" | 0:
            return False
        case True | "true" | "True" | "TRUE":
            return True
        case int():
            return True
        case _:
            raise InvalidRequestError(f"{where} must be true or false")


def _one_of(allowed: tuple[str, ...]) -> Callable[[Any, str], str | None]:
    def read(value: Any, where: str) -> str | None:
        if value is not None and value not in allowed:
            raise InvalidRequestError(f"{where} must be one of {', '.join(allowed)}")
        return value

    return read


def _sorted(words: set[str]) -> list[str]:
    return sorted(words, key=java_order)
