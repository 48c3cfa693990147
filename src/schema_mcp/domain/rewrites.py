"""What registries rewrite: how a schema that comes back can differ from what was sent, and still be it.

Sources: `make live` sends odd spellings to the real products and compares (tests/live/results/rewrites-*.json).
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, cast

from schema_mcp.domain.engine import Whole, canonical
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.identity import guid
from schema_mcp.domain.schema import Reference, Schema, SchemaType


class Rewrite(StrEnum):
    """One way in which what comes back differs from what was sent; `spelling` and `order` change no meaning."""

    SPELLING = "spelling"
    """White space and such: the canonical text is the same."""

    ORDER = "order"
    """What normalisation brings together: the order of keys and fields, names written in full."""

    DOCS = "docs"
    """The docs of an Avro schema."""

    ALIASES = "aliases"
    """The aliases of an Avro schema, or its docs."""

    WORDS = "words"
    """All of an Avro schema that no data is written by: its own properties and orders, aliases, docs."""

    LATEST = "latest"
    """A reference to the latest version, kept by the number that it had."""

    CONTRACT = "contract"
    """Metadata or rules printed in another order, or with their defaults."""

    NUMBERS = "numbers"
    """Ids, and version numbers where they have gaps."""

    TOMBSTONES = "tombstones"
    """A soft-deleted version is gone once its content is registered again under a new number."""

    UNREADABLE = "unreadable"
    """A text that nobody can read any more; that is drift, whoever did it."""


HARMLESS = frozenset({Rewrite.SPELLING, Rewrite.ORDER, Rewrite.CONTRACT})
"""Whoever did it, the schema is the same."""


@dataclass(frozen=True, slots=True)
class Normaliser:
    """A habit of one product: what it rewrites, of which schemas, and where that was seen."""

    rewrite: Rewrite
    says: str
    seen: str
    types: frozenset[SchemaType] = frozenset(SchemaType)
    merges: bool = False
    """Is a version that differs from an earlier one of its subject in nothing else no version of its own there?"""


Normalisers: TypeAlias = Collection[Normaliser]


def habit(known: Normalisers, rewrite: Rewrite, kind: SchemaType | None = None) -> Normaliser | None:
    """The habit of a product that explains a rewrite, if it has one."""
    fitting = (one for one in known if one.rewrite is rewrite and (kind is None or kind in one.types))
    return next(fitting, None)


def of_text(ours: Whole, theirs: Whole) -> Rewrite | None:
    """The smallest rewrite that makes one text of the other; None where they are different schemas, or none at all."""
    if ours.schema.type is not theirs.schema.type:
        return None
    try:
        if canonical(ours).text == canonical(theirs).text:
            return Rewrite.SPELLING
        here, there = (canonical(one, normalize=True).text for one in (ours, theirs))
    except InvalidSchemaError:
        return None
    if here == there:
        return Rewrite.ORDER
    return _of_avro(json.loads(here), json.loads(there)) if ours.schema.type is SchemaType.AVRO else None


def _of_avro(ours: Any, theirs: Any) -> Rewrite | None:
    forms = {Rewrite.DOCS: _without_docs, Rewrite.ALIASES: _without_aliases, Rewrite.WORDS: _meaning}
    return next((rewrite for rewrite, form in forms.items() if form(ours) == form(theirs)), None)


def of_references(ours: Sequence[Reference], theirs: Sequence[Reference]) -> Rewrite | None:
    """Do the references differ in nothing but `latest`, which one side knows by its number?"""
    same = len(ours) == len(theirs) and all(
        (one.name, one.subject) == (other.name, other.subject)
        and (one.version == other.version or _LATEST in (one.version, other.version))
        for one, other in zip(ours, theirs, strict=False)
    )
    return Rewrite.LATEST if same else None


def contract(schema: Schema) -> str:
    """One name for metadata and rules, as registries hash them."""
    return guid("", metadata=schema.metadata, rule_set=schema.rule_set)


_LATEST = -1
_NAMED_SCHEMAS = ("type", "items", "values")
_MEANING = frozenset(
    {"type", "name", "namespace", "fields", "items", "values", "symbols", "size", "logicalType", "precision", "scale"}
)
_MEANING_OF_FIELDS = _MEANING | {"default"}


def _without_docs(schema: Any) -> Any:
    return _kept(schema, lambda name, _: name != "doc")


def _without_aliases(schema: Any) -> Any:
    return _kept(schema, lambda name, _: name not in ("doc", "aliases"))


def _meaning(schema: Any) -> Any:
    return _kept(schema, lambda name, in_field: name in (_MEANING_OF_FIELDS if in_field else _MEANING))


def _kept(node: Any, keep: Callable[[str, bool], bool], *, in_field: bool = False) -> Any:
    """An Avro schema with these properties of its schemas and fields; values of defaults stay as they are."""
    match node:
        case list():
            return [_kept(one, keep) for one in cast("list[Any]", node)]
        case dict():
            own = {name: value for name, value in cast("dict[str, Any]", node).items() if keep(name, in_field)}
            return {name: _inside(name, value, keep) for name, value in own.items()}
        case _:
            return node


def _inside(name: str, value: Any, keep: Callable[[str, bool], bool]) -> Any:
    if name == "fields" and isinstance(value, list):
        return [_kept(field, keep, in_field=True) for field in cast("list[Any]", value)]
    return _kept(value, keep) if name in _NAMED_SCHEMAS else value
