"""A page as HTML, or in Confluence's storage format, which is XHTML with macros for code.

Source: Atlassian, "Confluence Storage Format". Whatever comes from a registry is escaped, and what XML cannot hold is
left out.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import TypeAlias

from schema_mcp.domain.documents.page import Block, Code, Heading, Page, Paragraph, Table

_CodeWriter: TypeAlias = Callable[[Code], str]

# XML 1.0, "Characters"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;line-height:1.5}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;"
    "vertical-align:top}pre{background:#f6f6f6;padding:1rem;overflow:auto}"
)


def html(page: Page) -> str:
    """The page as one HTML file that needs nothing else."""
    title = _text(page.title)
    head = f'<meta charset="utf-8">\n<title>{title}</title>\n<style>{_STYLE}</style>'
    body = "\n".join([f"<h1>{title}</h1>", *_body(page, _pre)])
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def confluence(page: Page) -> str:
    """The body of a Confluence page; its title is the page's own."""
    return "\n".join(_body(page, _macro)) + "\n"


def _body(page: Page, code: _CodeWriter) -> Iterator[str]:
    for block in page.blocks:
        yield _block(block, code)


def _block(block: Block, code: _CodeWriter) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{_text(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{_lines(block.text)}</p>"
        case Table():
            head = "".join(f"<th>{_text(cell)}</th>" for cell in block.columns)
            rows = "".join(f"<tr>{''.join(f'<td>{_lines(cell)}</td>' for cell in row)}</tr>\n" for row in block.rows)
            return f"<table>\n<tbody>\n<tr>{head}</tr>\n{rows}</tbody>\n</table>"
        case Code():
            return code(block)


def _pre(code: Code) -> str:
    return f"<pre><code>{_text(code.text)}</code></pre>"


def _macro(code: Code) -> str:
    inside = _NOT_XML.sub("", code.text).replace("]]>", "]]]]><![CDATA[>")
    language = f'<ac:parameter ac:name="language">{_text(code.language)}</ac:parameter>'
    text = f"<ac:plain-text-body><![CDATA[{inside}]]></ac:plain-text-body>"
    return f'<ac:structured-macro ac:name="code">{language}{text}</ac:structured-macro>'


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _lines(text: str) -> str:
    return "<br />".join(_text(line) for line in text.splitlines())
