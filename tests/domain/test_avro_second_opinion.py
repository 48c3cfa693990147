"""What other implementations of Avro say: PyPI avro about verdicts, fastavro about data and parsing forms."""

import io
import json
import warnings

import avro.schema
import fastavro
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import IgnoredLogicalType
from avro_cases import CASES, comparisons, parsed, rows
from avro_schemas import schemas, text
from fastavro.schema import to_parsing_canonical_form
from fastavro.utils import generate_one
from hypothesis import given, settings

from schema_mcp.domain.avro.fingerprints import parsing_form
from schema_mcp.domain.avro.format import AVRO
from schema_mcp.domain.formats import Rules

DISAGREEMENTS = {
    name: row["reason"]
    for row in json.loads((CASES / "avro" / "second_opinion.json").read_text("utf-8"))
    for name in row["cases"]
}
ALONE = [
    row
    for row in rows("compatibility/avro.json")
    if all(
        side.get("schemaType", "AVRO") == "AVRO" and not side.get("dependencies")
        for side in [row.values[0]["new"], *row.values[0]["previous"]]
    )
]


def pypi_reads(reader, writer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IgnoredLogicalType)
        pair = avro.schema.parse(reader), avro.schema.parse(writer)
    return (
        ReaderWriterCompatibilityChecker().get_compatibility(*pair).compatibility is SchemaCompatibilityType.compatible
    )


@pytest.mark.parametrize("case", ALONE)
def test_pypi_avro_agrees_unless_we_know_why(case):
    new, previous = parsed(case["new"]), [parsed(side) for side in case["previous"]]
    ours, theirs = [], []
    for index, reads, found in comparisons(case["level"], new, previous):
        pair = [case["new"]["schema"], case["previous"][index]["schema"]]
        ours.append(not found)
        theirs.append(pypi_reads(*(pair if reads else reversed(pair))))

    assert (ours == theirs) is (case["id"] not in DISAGREEMENTS)


def has_nothing_to_write(schema):
    """Empty enums and unions have no values to try with."""
    return '"symbols":[]' in schema or "[]" in schema.replace('"aliases":[]', "").replace('"fields":[]', "")


# Left out: bytes that are no text, which Avro promotes all the same, and names that differ in their namespace only,
# which fastavro does not match inside unions.
SIMPLE = schemas(spaces=("",), primitives=["null", "boolean", "int", "long", "float", "double", "string"])


@settings(deadline=None)
@given(SIMPLE, SIMPLE)
def test_fastavro_reads_the_data_of_a_writer_that_a_reader_was_mended_for(one, other):
    reader, writer = AVRO.parse(text(one)), AVRO.parse(text(other))
    reader = mended(reader, writer)
    if reader is None or has_nothing_to_write(writer.canonical):
        return

    schema = fastavro.parse_schema(json.loads(writer.canonical))
    data = io.BytesIO()
    fastavro.schemaless_writer(data, schema, generate_one(schema))
    data.seek(0)
    try:
        fastavro.schemaless_reader(data, schema, fastavro.parse_schema(json.loads(reader.canonical)))
    except TypeError:
        return  # fastavro trips over a union whose branch is only a name

    assert not data.read()


def mended(reader, writer):
    for _ in range(30):
        clashes = AVRO.differences(reader, writer, Rules())
        if not clashes:
            return reader
        mended = AVRO.mended(reader, writer, clashes[0], reads=True)
        if mended is None:
            return None
        reader = AVRO.parse(mended, new=True)
    return None


@settings(deadline=None)
@given(schemas())
def test_fastavro_has_the_same_parsing_form(schema):
    assert parsing_form(text(schema)) == to_parsing_canonical_form(schema)
