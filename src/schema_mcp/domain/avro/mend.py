"""The author's schema with one clash mended: the smallest edit an expert would make.

Edits are made on a fresh copy of the author's types, which may take over types of the other schema; the printer
then defines each name once, the author's own way.
"""

import json

from schema_mcp.domain.avro.compatibility import Found, clashes
from schema_mcp.domain.avro.draft import Draft
from schema_mcp.domain.avro.messages import difference
from schema_mcp.domain.avro.model import reached
from schema_mcp.domain.avro.printer import printed
from schema_mcp.domain.avro.repairs import repair
from schema_mcp.domain.avro.schema import AvroSchema, parsed
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Difference


def mended(author: AvroSchema, other: AvroSchema, wanted: Difference, *, reads: bool) -> str | None:
    """A text in which the clash behind `wanted` is gone, or None where no edit of the author's side does it."""
    copy = parsed(author.text, author.dependencies)
    reader, writer = (copy, other) if reads else (other, copy)
    found = _behind(wanted, clashes(reader.root, writer.root))
    if found is None:
        return None
    before = _definitions(copy)
    draft = Draft(copy, reads=reads)
    repair(draft, found)
    _take_in(draft, [name for name, text in _definitions(copy).items() if text != before[name]])
    text = draft.text
    return _pretty(text) if text != author.canonical and _is_valid(text, author) else None


def _definitions(schema: AvroSchema) -> dict[str, str]:
    """The types that came with references, each with its own text."""
    return {name: printed(schema.known[name], known=schema.given - {name}) for name in schema.given}


def _take_in(draft: Draft, edited: list[str]) -> None:
    """Copies, in a namespace of their own, of the referenced types that an edit went into, and of their users."""
    known = draft.schema.known
    touched = {id(known[name]) for name in edited}
    users = [known[name] for name in draft.schema.given if touched & {id(part) for part in reached(known[name])}]
    for named in users:
        draft.rename(named, f"{named.namespace}.mended".removeprefix("."), named.name)


def _behind(wanted: Difference, found: list[Found]) -> Found | None:
    """The clash that was reported as `wanted`, else the first there is."""
    same = (one for one in found if difference(one) == wanted)
    return next(same, None) or next(iter(found), None)


def _is_valid(text: str, author: AvroSchema) -> bool:
    try:
        parsed(text, author.dependencies, new=True)
    except InvalidSchemaError:
        return False
    return True


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except RecursionError:
        return text
