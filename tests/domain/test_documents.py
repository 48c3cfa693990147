"""Pages about schemas: nothing from a registry becomes markup, and every format says the same."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.documents import about
from schema_mcp.domain.documents.about import About, Past
from schema_mcp.domain.documents.fields import Row, fields
from schema_mcp.domain.documents.markdown import markdown
from schema_mcp.domain.documents.markup import confluence, html
from schema_mcp.domain.documents.page import Code, Page, Paragraph, Table
from schema_mcp.domain.engine import Whole, parse
from schema_mcp.domain.schema import Reference, Schema, SchemaType, Subject

EVIL = "<script>alert(1)</script> [x](javascript:a) | `b` ]]> \n# no heading"
MACROS = '<root xmlns:ac="http://example.com/ac">{}</root>'


def told(doc: str = "An order.", text: str = "{}") -> Page:
    one = About(
        subject=Subject("orders-value", ".eu"),
        type=SchemaType.AVRO,
        text=text,
        rows=[Row("Order.id", "long", None, doc), Row("Order.note", "string", '""', "")],
        doc=doc,
        references=[Reference("shop.Customer", "customers-value", -1)],
        history=[
            Past(1, 10, ["the first version"]),
            Past(2, 11, ["`note` was added"], deleted=True, at="2026", by="Ann"),
        ],
        facts=[("Owner", "shop")],
    )
    return about.page("orders-value", [one])


@pytest.mark.parametrize("write", [markdown, html, confluence])
def test_a_page_tells_fields_defaults_docs_references_and_history(write):
    text = write(told()).replace("\\", "")

    for said in ("Order.id", "long", "An order.", "shop.Customer", "customers-value", "latest", "2 (deleted)", "Ann"):
        assert said in text
    assert "Owner" in text
    assert "eu" in text


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)


def test_nothing_from_a_registry_becomes_html():
    tags = _Tags()
    tags.feed(html(told(EVIL, EVIL)))

    assert "script" not in tags.seen
    assert "a" not in tags.seen
    assert tags.seen.count("h1") == 1


def test_nothing_from_a_registry_becomes_markdown():
    text = markdown(told(EVIL))

    assert "<script" not in text
    assert "[x](" not in text
    assert "\n# no" not in text
    assert all(line.startswith("|") for line in text.splitlines() if "Order.id" in line)


@given(st.text(), st.text())
def test_confluence_is_always_well_formed(doc: str, text: str):
    page = Page("t", [Paragraph(doc), Table((doc, "b"), ((text, doc),)), Code(text, "json")])

    assert len(ET.fromstring(MACROS.format(confluence(page)))) > 0


@given(st.text(alphabet="`~ab\n"))
def test_code_never_ends_its_own_fence(text: str):
    lines = markdown(Page("t", [Code(text, "json")])).splitlines()
    fence = lines[2].removesuffix("json")

    assert [line for line in lines[3:] if line.strip() == fence] == [fence]


@pytest.mark.parametrize(
    ("kind", "text", "rows"),
    [
        pytest.param(
            SchemaType.AVRO,
            '{"type":"record","name":"O","fields":[{"name":"id","type":"long","doc":"No."},'
            '{"name":"n","type":["null","string"],"default":null}]}',
            [Row("O.id", "long", None, "No."), Row("O.n", "null or string", "null", "")],
            id="avro",
        ),
        pytest.param(
            SchemaType.JSON,
            '{"title":"O","type":"object","required":["id"],"properties":{"id":{"type":"integer","description":"No."},'
            '"n":{"type":"string","default":"x"}}}',
            [Row("O.id", "integer", None, "No."), Row("O.n", "string (optional)", '"x"', "")],
            id="json",
        ),
        pytest.param(
            SchemaType.PROTOBUF,
            'syntax = "proto2";\nmessage O {\n  // No.\n  required int64 id = 1;\n'
            '  optional string n = 2 [default = "x"];\n'
            "  oneof a {\n    int32 b = 3;\n  }\n}\n",
            [
                Row("O.id", "required int64 = 1", None, "No."),
                Row("O.n", "optional string = 2", '"x"', ""),
                Row("O.b", "int32 = 3, in oneof a", None, ""),
            ],
            id="protobuf",
        ),
    ],
)
def test_fields_are_told_with_type_default_and_doc(kind: SchemaType, text: str, rows: list[Row]):
    assert fields(kind, parse(Whole(Schema(text, kind)))) == rows
