"""Reads documents into the classes of `model`, one schema at a time and without recursion."""

import textwrap
from collections.abc import Sequence
from typing import Any, Final

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.json_schema import keywords
from schema_mcp.domain.json_schema.distinct import Prints
from schema_mcp.domain.json_schema.drafts import Draft
from schema_mcp.domain.json_schema.keywords import MisfitError, Raw
from schema_mcp.domain.json_schema.model import Anything, Array, Combined, Nothing, Reference, Schema
from schema_mcp.domain.json_schema.parts import Work, parts_of
from schema_mcp.domain.json_schema.references import Library, Scope
from schema_mcp.domain.json_schema.text import is_object, write
from schema_mcp.domain.schema import Dependency

MAX_SCHEMAS: Final = 50_000
"""How many schemas, inner and referenced ones included, a document may have."""


def load(document: Any, dependencies: Sequence[Dependency] = ()) -> Schema:
    """The root of a document as a class, with everything that it reaches."""
    try:
        if is_object(document) and "$schema" in document:
            keywords.text(document, "$schema")
        return _Loader(Library(document, dependencies)).root()
    except MisfitError as error:
        raise InvalidSchemaError(f"Not a JSON Schema: {error}", hint=_hint(error.raw)) from error


def _hint(raw: Any) -> str:
    return f"Look at {textwrap.shorten(write(raw), _SHOWN, placeholder='…')}"


class _Loader:
    def __init__(self, library: Library) -> None:
        self._library = library
        self._work = Work()
        self._targets: dict[int, Schema] = {}
        self._count = 0

    def root(self) -> Schema:
        scope = self._library.root.scope
        schema = self._boolean(scope.raw) or self._schema(scope.raw, scope)
        pending, references = self._work.pending, self._work.references
        while pending or references:
            if pending:
                self._place(*pending.pop())
            else:
                self._follow(*references.pop())
        prints = Prints()
        for combined in self._work.combined:
            combined.members = prints.distinct(combined.members)
        return schema

    def _place(self, holder: Any, place: Any, raw: Any, scope: Scope) -> None:
        """Read an inner schema and put it where it belongs."""
        if is_object(raw) and scope.document.draft.id_keyword in raw:
            scope = scope.inner(raw)
        schema = self._schema(raw, scope)
        if isinstance(holder, Schema):
            setattr(holder, place, schema)
        else:
            holder[place] = schema

    def _follow(self, reference: Reference, scope: Scope) -> None:
        """Observed: up to draft 7 all references to one place share what is there, later each reads its own copy."""
        found = self._library.resolve(reference.uri, scope)
        target = self._targets.get(id(found.raw))
        if target is None or isinstance(found.raw, bool):
            target = self._targets[id(found.raw)] = self._schema(found.raw, found)
        reference.target = target
        reference.place = id(reference.raw if scope.document.draft is Draft.MODERN else target)

    def _schema(self, raw: Any, scope: Scope) -> Schema:
        self._count += 1
        if self._count > MAX_SCHEMAS:
            raise InvalidSchemaError(
                f"The schema has more than {MAX_SCHEMAS:,} inner schemas", hint="Split it into several schemas."
            )
        if is_object(raw):
            return _annotated(_joined(raw, parts_of(raw, scope, self._work)), raw, scope.document.draft)
        found = self._boolean(raw) if scope.document.draft is not Draft.FOUR else None
        if found is None:
            raise MisfitError(raw, "a schema is an object, or true or false")
        return found

    def _boolean(self, raw: Any) -> Schema | None:
        match raw:
            case True:
                return Anything(raw)
            case False:
                return Nothing(raw)
            case _:
                return None


def _joined(raw: Raw, parts: list[Schema]) -> Schema:
    match parts:
        case []:
            return Anything(raw)
        case [single]:
            return single
        case _:
            return Combined(raw, members=parts)


_SHOWN: Final = 200
_COMMON: Final = frozenset(
    {
        "title",
        "description",
        "default",
        "id",
        "$id",
        "connect.type",
        "readOnly",
        "writeOnly",
        "minContains",
        "maxContains",
    }
)


def _annotated(schema: Schema, raw: Raw, draft: Draft) -> Schema:
    if _COMMON.isdisjoint(raw):
        return schema
    for keyword in ("title", "description"):
        if keyword in raw:
            setattr(schema, keyword, keywords.text(raw, keyword))
    if draft is not Draft.MODERN and draft.id_keyword in raw:
        schema.id = keywords.text(raw, draft.id_keyword)
    if draft >= Draft.SEVEN:
        for keyword in ("readOnly", "writeOnly"):
            if keyword in raw:
                keywords.flag(raw, keyword)
    if "default" in raw:
        schema.default = raw["default"]
    schema.is_bytes = raw.get("connect.type") == "bytes"
    if draft is not Draft.MODERN and isinstance(schema, Array):
        schema.limits |= keywords.counts(raw, "minContains", "maxContains")
    return schema
