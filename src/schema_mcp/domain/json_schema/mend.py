"""The author's schema with one difference mended: the smallest edit an expert would make, else the other's rules."""

from collections.abc import Callable
from typing import Any, TypeAlias

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Difference, Rules
from schema_mcp.domain.json_schema.compatibility import compare
from schema_mcp.domain.json_schema.model import Schema
from schema_mcp.domain.json_schema.repairs import Case, repaired, restored
from schema_mcp.domain.json_schema.schema import JsonSchema, parsed
from schema_mcp.domain.json_schema.steps import Found
from schema_mcp.domain.json_schema.text import write
from schema_mcp.domain.json_schema.transplant import Transplant, is_modern
from schema_mcp.domain.json_schema.tree import Path, path_to, with_part
from schema_mcp.domain.json_schema.walk import holder_of
from schema_mcp.domain.schema import Semantics

Repair: TypeAlias = Callable[[Case], Any]


def mended(author: JsonSchema, other: JsonSchema, wanted: Difference, *, reads: bool) -> str | None:
    """A text in which the difference is gone, or None where no edit of the author's side does it."""
    for repair in (repaired, restored):
        text = _edited(author, other, wanted, repair, reads=reads)
        if text is not None:
            return text
    return None


def _edited(author: JsonSchema, other: JsonSchema, wanted: Difference, repair: Repair, *, reads: bool) -> str | None:
    found, path = _spot(author, other, wanted, reads=reads)
    if found is not None and path is None:  # it stands in a text that the author's schema refers to
        author = JsonSchema(Transplant(author, author, keep=False).whole(), author.dependencies)
        found, path = _spot(author, other, wanted, reads=reads)
    if found is None or path is None:
        return None
    graft = Transplant(other, author)
    mine, theirs = (found.update, found.original) if reads else (found.original, found.update)
    part = repair(Case(found, mine, theirs, reads, is_modern(author), graft.take))
    if part is None:
        return None
    text = write(graft.with_definitions(with_part(author.document, path, part)), indent=2)
    return text if _is_gone(text, author, other, wanted, reads=reads) else None


def _spot(
    author: JsonSchema, other: JsonSchema, wanted: Difference, *, reads: bool
) -> tuple[Found | None, Path | None]:
    """The difference as found between the two, and where in the author's document it stands."""
    for semantics in Semantics:
        every = _found(author, other, semantics, reads=reads)
        found = next((one for one in every if _is(one, wanted)), None)
        if found is not None:
            found = next((one for one in every if _explains(one, found)), found)
            return found, _place(found.update if reads else found.original, author)
    return None, None


def _is(found: Found, wanted: Difference) -> bool:
    return found.kind == wanted.kind and wanted.path in {found.path, f"{found.path}/"}


def _explains(one: Found, found: Found) -> bool:
    """A property that is not covered is reported after the difference inside it."""
    return "_NOT_COVERED_" in one.kind and f"{found.path}/".startswith(f"{one.path}/")


def _found(author: JsonSchema, other: JsonSchema, semantics: Semantics, *, reads: bool) -> list[Found]:
    original, update = (other, author) if reads else (author, other)
    return compare(original.root, update.root, Rules(semantics=semantics)).found


def _place(schema: Schema, author: JsonSchema) -> Path | None:
    path = path_to(author.document, schema.raw)
    if path is not None or not isinstance(schema.raw, bool):
        return path
    holder = holder_of(schema, author.root)
    above = None if holder is None else path_to(author.document, holder[0].raw)
    return None if above is None or holder is None else (*above, *holder[1])


def _is_gone(text: str, author: JsonSchema, other: JsonSchema, wanted: Difference, *, reads: bool) -> bool:
    try:
        edited = parsed(text, author.dependencies, new=True)
    except InvalidSchemaError:
        return False
    return all(not _is(one, wanted) for one in _found(edited, other, Semantics.CONFLUENT_NEXT, reads=reads))
