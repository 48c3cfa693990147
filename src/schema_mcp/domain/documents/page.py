"""A page before it is written down: headings, paragraphs, tables and code, in plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    language: str


Block: TypeAlias = Heading | Paragraph | Table | Code


@dataclass(frozen=True, slots=True)
class Page:
    """A titled page."""

    title: str
    blocks: Sequence[Block]
