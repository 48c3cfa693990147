"""A page as Markdown. Names and docs come from registries: nothing in them may become a link, a picture or HTML."""

import re
from collections.abc import Iterator

from schema_mcp.domain.documents.page import Block, Code, Heading, Page, Paragraph, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~])")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LIST = re.compile(r"^(\s*)([-=]|\d+[.)])", re.MULTILINE)
_FENCES = re.compile(r"`{3,}")


def markdown(page: Page) -> str:
    """The page as CommonMark with GitHub's tables."""
    return "\n\n".join(["# " + _line(page.title), *("\n".join(_block(block)) for block in page.blocks)]) + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f"{'#' * block.level} {_line(block.text)}"
        case Paragraph():
            yield _LIST.sub(r"\1\\\2", _escaped(block.text))
        case Table():
            yield _row(block.columns)
            yield "|" + " --- |" * len(block.columns)
            yield from map(_row, block.rows)
        case Code():
            fence = "`" * max([3, *(len(one) + 1 for one in _FENCES.findall(block.text))])
            yield f"{fence}{block.language}"
            yield block.text.rstrip("\n")
            yield fence


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_escaped(cell).strip().replace("\n", "<br>") for cell in cells) + " |"


def _line(text: str) -> str:
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text.replace("\r\n", "\n").replace("\r", "\n").translate(_HTML))
