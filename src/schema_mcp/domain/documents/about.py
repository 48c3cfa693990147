"""What a page says about schemas: for each subject its fields, what it references, how it came about, and its text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schema_mcp.domain.documents.fields import Row
from schema_mcp.domain.documents.page import Block, Code, Heading, Page, Paragraph, Table
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.schema import Reference, SchemaType, Subject

_LANGUAGES = {SchemaType.AVRO: "json", SchemaType.JSON: "json", SchemaType.PROTOBUF: "protobuf"}


@dataclass(frozen=True, slots=True)
class Past:
    """One version of a subject and what it changed; `by` and `at` where the store knows."""

    number: int
    id: int
    changes: Sequence[str]
    deleted: bool = False
    at: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """Everything a page says about one subject, as of one version."""

    subject: Subject
    type: SchemaType
    text: str
    rows: Sequence[Row]
    doc: str
    references: Sequence[Reference]
    history: Sequence[Past]
    """Oldest first; the last is the version that is described."""

    facts: Sequence[tuple[str, str]] = ()
    """More to say: owner, tags, level."""

    problem: str = ""
    """Why the text could not be read."""


def page(title: str, subjects: Sequence[About]) -> Page:
    """One page about some subjects."""
    blocks: list[Block] = []
    if len(subjects) > 1:
        listed = [(str(one.subject), one.type.value, str(one.history[-1].number), one.doc) for one in subjects]
        blocks.append(Table(("Subject", "Type", "Version", "What it is"), tuple(listed)))
    for one in subjects:
        blocks += _about(one)
    return Page(title, blocks)


def _about(one: About) -> Iterator[Block]:
    last = one.history[-1]
    yield Heading(one.subject.name, 2)
    if one.doc:
        yield Paragraph(one.doc)
    facts = [("Type", one.type.value), ("Version", str(last.number)), ("Schema id", str(last.id))]
    facts += [("Context", shown_context(one.subject.context)), *one.facts]
    yield Table(("", ""), tuple(facts))
    if one.problem:
        yield Paragraph(f"Its fields cannot be told: {one.problem}")
    if one.rows:
        yield Heading("Fields", 3)
        told = [(row.path, row.type, "none" if row.default is None else row.default, row.doc) for row in one.rows]
        yield Table(("Field", "Type", "Default", "What it is"), tuple(told))
    if one.references:
        yield Heading("References", 3)
        used = [(ref.name, ref.subject, "latest" if ref.version < 0 else str(ref.version)) for ref in one.references]
        yield Table(("Name", "Subject", "Version"), tuple(used))
    yield Heading("History", 3)
    yield Table(("Version", "Schema id", "When", "Who", "What changed"), tuple(map(_past, one.history)))
    yield Heading("Schema", 3)
    yield Code(one.text, _LANGUAGES[one.type])


def _past(one: Past) -> tuple[str, ...]:
    number = f"{one.number} (deleted)" if one.deleted else str(one.number)
    return number, str(one.id), one.at, one.by, "\n".join(one.changes)
