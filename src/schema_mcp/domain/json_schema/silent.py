"""Changes that the compatibility check passes in silence and a consumer may still trip over."""

from collections.abc import Iterator
from typing import Any, Final

from schema_mcp.domain.formats import Finding
from schema_mcp.domain.json_schema.distinct import Prints
from schema_mcp.domain.json_schema.drafts import Draft, known_draft
from schema_mcp.domain.json_schema.knownwords import NOT_COMPARED
from schema_mcp.domain.json_schema.model import Schema
from schema_mcp.domain.json_schema.places import Shared, followed, shared
from schema_mcp.domain.json_schema.schema import JsonSchema
from schema_mcp.domain.json_schema.text import is_array, is_object
from schema_mcp.domain.json_schema.typewords import shown, type_text

_MISSING: Final = object()


def findings(new: JsonSchema, old: JsonSchema) -> list[Finding]:
    """Every such change, place by place."""
    prints = Prints()
    return [*_draft_change(new, old), *(one for place in shared(old.root, new.root) for one in _at(place, prints))]


def _draft_change(new: JsonSchema, old: JsonSchema) -> Iterator[Finding]:
    before, after = (known_draft(schema.document) or Draft.SEVEN for schema in (old, new))
    if before is not after:
        words = f"the draft changed from {before.words} to {after.words}: some keywords mean something else there"
        yield Finding("draft", "", words)


def _at(place: Shared, prints: Prints) -> Iterator[Finding]:
    old, new = followed(place.old), followed(place.new)
    before, after = _raw(old), _raw(new)
    for word in NOT_COMPARED:
        if not _same(before.get(word, _MISSING), after.get(word, _MISSING), prints):
            yield _finding("not-compared", place.path, f"`{word}` {_became(before, after, word)}")
    yield from _patterns(place.path, before, after, prints)
    yield from _requirements(place.path, before, after)
    yield from _flags(place.path, before, after)
    if old.is_bytes and new.is_bytes and type(old) is not type(new):
        yield _finding("bytes", place.path, f"its type changed from {type_text(old)} to {type_text(new)}")


def _patterns(path: str, before: dict[str, Any], after: dict[str, Any], prints: Prints) -> Iterator[Finding]:
    was, is_ = (_object(raw.get("patternProperties")) for raw in (before, after))
    for pattern in was | is_:
        if not _same(was.get(pattern, _MISSING), is_.get(pattern, _MISSING), prints):
            yield _finding("pattern", path, f"what fits the names `{pattern}` {_became(was, is_, pattern)}")


def _requirements(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Finding]:
    """Names that are required without being declared on both sides."""
    declared = _object(before.get("properties")).keys() & _object(after.get("properties")).keys()
    was, is_ = (_required(raw) - declared for raw in (before, after))
    either = _object(before.get("properties")).keys() | _object(after.get("properties")).keys()
    for name in sorted((was ^ is_) - either):
        words = "is required now" if name in is_ else "is no longer required"
        yield _finding("required-and-undeclared", path, f"{name!r}, which is not declared, {words}")


def _flags(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Finding]:
    """In draft 4 a flag tells whether a limit itself is allowed."""
    for word in ("exclusiveMinimum", "exclusiveMaximum"):
        was, is_ = before.get(word, False), after.get(word, False)
        if isinstance(was, bool) and isinstance(is_, bool) and was is not is_:
            yield _finding("flag", path, f"`{word}` {_became(before, after, word)}")


def _finding(rule: str, path: str, what: str) -> Finding:
    place = f"`{path}`" if path else "the schema"
    return Finding(rule, path, f"{place}: {what}; a registry does not compare it, and a validating consumer may mind")


def _became(before: dict[str, Any], after: dict[str, Any], word: str) -> str:
    if word not in before:
        return f"is new: {shown(after[word])}"
    if word not in after:
        return f"is gone; it was {shown(before[word])}"
    return f"changed from {shown(before[word])} to {shown(after[word])}"


def _same(was: Any, is_: Any, prints: Prints) -> bool:
    if was is _MISSING or is_ is _MISSING:
        return was is is_
    return prints.of(was) == prints.of(is_)


def _required(raw: dict[str, Any]) -> set[str]:
    listed = raw.get("required")
    return {name for name in listed if isinstance(name, str)} if is_array(listed) else set()


def _raw(schema: Schema) -> dict[str, Any]:
    return _object(schema.raw)


def _object(value: Any) -> dict[str, Any]:
    return value if is_object(value) else {}
