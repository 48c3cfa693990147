"""Slips within one schema that a registry takes in silence, and other tools or the next version will not."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Finding
from schema_mcp.domain.json_schema import keywords
from schema_mcp.domain.json_schema.assertions import kind_of
from schema_mcp.domain.json_schema.content import is_open
from schema_mcp.domain.json_schema.drafts import Draft, known_draft
from schema_mcp.domain.json_schema.knownwords import KEYWORDS, NOT_COMPARED
from schema_mcp.domain.json_schema.model import Object, Schema
from schema_mcp.domain.json_schema.patterns import Pattern
from schema_mcp.domain.json_schema.places import followed, parts, places
from schema_mcp.domain.json_schema.schema import JsonSchema
from schema_mcp.domain.json_schema.text import is_array, is_object, repeated_keys, write
from schema_mcp.domain.json_schema.typewords import shown

Raw: TypeAlias = dict[str, Any]
Look: TypeAlias = Callable[[Raw, Draft], Iterator[str]]


def findings(schema: JsonSchema, text: str) -> list[Finding]:
    """Every slip with the place it is at: those of the document, then those of each schema in it."""
    try:
        root = schema.root
    except InvalidSchemaError as error:
        return [
            *_in_the_text(schema.document, text),
            Finding("refused-as-new", "", f"a registry takes this text no more as a new schema: {error}"),
        ]
    draft = known_draft(schema.document) or Draft.SEVEN
    own = [(path, raw, classes) for path, raw, classes in _schemas(root) if raw]
    return [
        *_in_the_text(schema.document, text),
        *_in_schemas(own, draft),
        *_open_objects(own),
        *_passed_over(own),
    ]


def _schemas(root: Schema) -> Iterator[tuple[str, Raw, list[Schema]]]:
    """Each JSON object that is a schema, with its place and classes; references and targets each count."""
    seen: set[int] = set()
    for place in places(root):
        for schema in (place.schema, followed(place.schema)):
            if is_object(schema.raw) and id(schema.raw) not in seen:
                seen.add(id(schema.raw))
                yield place.path, schema.raw, parts(schema)


def _in_the_text(document: Any, text: str) -> Iterator[Finding]:
    for key in repeated_keys(text):
        yield Finding("key-twice", key, f"the key {key!r} stands twice in one object; the last one counts")
    named = document.get("$schema") if is_object(document) else None
    if named is None:
        yield Finding("draft-missing", "", "there is no $schema: a registry reads it as draft 7, others as they like")
    elif known_draft(document) is None:
        yield Finding("draft-unknown", "", f"$schema {shown(named)} is unknown: a registry reads it as draft 7")
    elif "2019-09" in named:
        yield Finding("draft-2019-09", "", "a registry reads 2019-09 by the rules of 2020-12: items lists are refused")


def _in_schemas(own: list[tuple[str, Raw, list[Schema]]], draft: Draft) -> Iterator[Finding]:
    for path, raw, _ in own:
        for rule, look in _LOOKS.items():
            for message in look(raw, draft):
                yield Finding(rule, path, f"{_quoted(path)}: {message}")


def _misspelt(raw: Raw, _: Draft) -> Iterator[str]:
    for word in raw.keys() - KEYWORDS.keys():
        near = get_close_matches(word, KEYWORDS, n=1, cutoff=_NEAR) if len(word) <= _LONGEST_WORD else []
        if near:
            yield f"{word!r} is no keyword and is ignored: {near[0]!r} may be meant"


def _of_another_draft(raw: Raw, draft: Draft) -> Iterator[str]:
    for word in raw:
        if word in KEYWORDS and draft not in KEYWORDS[word]:
            yield f"{word!r} is no keyword of this draft and is ignored"


def _beside_a_reference(raw: Raw, draft: Draft) -> Iterator[str]:
    ignored = [word for word in raw if word in KEYWORDS and word not in _BESIDE_REFERENCES]
    if draft is not Draft.MODERN and isinstance(raw.get("$ref"), str) and ignored:
        yield f"{', '.join(ignored)} beside $ref: ignored up to draft 7; join them with allOf"


def _undeclared(raw: Raw, _: Draft) -> Iterator[str]:
    declared = _object(raw, "properties")
    for name in dict.fromkeys(_strings(raw, "required")) if declared else ():
        if name not in declared:
            yield f"{name!r} is required and not declared: a registry does not compare that requirement"


def _crossed(raw: Raw, _: Draft) -> Iterator[str]:
    for low, high in _RANGES:
        least, most = raw.get(low), raw.get(high)
        if keywords.is_number(least) and keywords.is_number(most) and least > most:
            yield f"{low} is above {high}: nothing fits"


def _negative(raw: Raw, _: Draft) -> Iterator[str]:
    for word in _COUNTS:
        if keywords.is_number(raw.get(word)) and raw[word] < 0:
            yield f"{word} is negative: other tools refuse the schema"


def _empty(raw: Raw, _: Draft) -> Iterator[str]:
    for word in ("enum", "allOf", "anyOf", "oneOf", "type"):
        if raw.get(word) == []:
            yield f"{word} is empty: other tools refuse the schema"


def _twice(raw: Raw, _: Draft) -> Iterator[str]:
    for word in ("enum", "required", "type"):
        listed = raw.get(word)
        if is_array(listed) and len({write(value, sort=True) for value in listed}) < len(listed):
            yield f"{word} lists a value twice"


def _unfit_default(raw: Raw, _: Draft) -> Iterator[str]:
    kinds = _strings(raw, "type") or [raw.get("type")]
    if "default" not in raw or "type" not in raw:
        return
    found = kind_of(raw["default"])
    if found not in kinds and not (found in _NUMBERS and ("integer" in kinds or "number" in kinds)):
        yield f"the default {shown(raw['default'])} is not of its type"


def _not_understood(raw: Raw, _: Draft) -> Iterator[str]:
    for text in _object(raw, "patternProperties") if "$ref" not in raw else ():
        if not Pattern(text).is_understood:
            yield f"the pattern {text!r} is beyond us: the verdict takes it to match no name"


def _dollar_names(raw: Raw, _: Draft) -> Iterator[str]:
    for name in _object(raw, "properties"):
        if name.startswith("$$"):
            yield f"{name!r} begins with $$: refused where a registry validates fields"


def _object(raw: Raw, key: str) -> Raw:
    return raw[key] if is_object(raw.get(key)) else {}


def _strings(raw: Raw, key: str) -> list[str]:
    listed = raw.get(key)
    return [word for word in listed if isinstance(word, str)] if is_array(listed) else []


_NEAR: Final = 0.8
_LONGEST_WORD: Final = 40
_NUMBERS: Final = frozenset({"integer", "number"})
_BESIDE_REFERENCES: Final = frozenset(
    {"$ref", "$schema", "$id", "id", "definitions", "$defs", "title", "description", "default", "examples", "$comment"}
)
_RANGES: Final = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
    ("minimum", "maximum"),
)
_COUNTS: Final = (*(word for pair in _RANGES[:4] for word in pair), "multipleOf")

_LOOKS: Final[dict[str, Look]] = {
    "keyword-misspelt": _misspelt,
    "keyword-of-another-draft": _of_another_draft,
    "beside-a-reference": _beside_a_reference,
    "required-and-undeclared": _undeclared,
    "limits-crossed": _crossed,
    "limit-negative": _negative,
    "list-empty": _empty,
    "value-twice": _twice,
    "default-of-another-type": _unfit_default,
    "pattern-not-understood": _not_understood,
    "name-with-two-dollars": _dollar_names,
}


def _open_objects(own: list[tuple[str, Raw, list[Schema]]]) -> Iterator[Finding]:
    """Told once: it is the surprise that most people meet first."""
    found = [path for path, _, classes in own for one in classes if isinstance(one, Object) and _may_not_grow(one)]
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        yield Finding(
            "open-objects-cannot-grow",
            found[0],
            f"{_quoted(found[0])}{more} takes properties that are not listed, so adding an optional one later is "
            "refused as incompatible; additionalProperties: false lets it grow",
        )


def _may_not_grow(schema: Object) -> bool:
    return bool(schema.properties) and is_open(schema)


def _passed_over(own: list[tuple[str, Raw, list[Schema]]]) -> Iterator[Finding]:
    """What a registry will not compare in the next version, each keyword once."""
    for word in (*NOT_COMPARED, "patternProperties"):
        found = [path for path, raw, _ in own if word in raw]
        if found:
            more = f" and {len(found) - 1} more places" if len(found) > 1 else ""
            message = f"`{word}` (at {_quoted(found[0])}{more}) is never compared: a change of it passes unnoticed"
            yield Finding("not-compared", found[0], message)


def _quoted(path: str) -> str:
    return f"`{path}`" if path else "the schema"
