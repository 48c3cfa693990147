"""Huge and hostile Avro texts end in a verdict or a refusal, never in a crash or a hang."""

import json

import pytest

from schema_mcp.domain.avro.format import AVRO
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules


def record(name, *fields):
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name, type_, **more):
    return {"name": name, "type": type_, **more}


def clashes(reader, writer):
    return AVRO.differences(AVRO.parse(json.dumps(reader), new=True), AVRO.parse(json.dumps(writer)), Rules())


def nested_records(depth, leaf):
    for level in range(depth):
        leaf = record(f"R{level}", field("x", ["null", leaf]))
    return leaf


def arrays(depth):
    return '{"type":"array","items":' * depth + '"int"' + "}" * depth


def used_twice(levels, leaf):
    """Each level uses the one below twice, so a naive list of clashes doubles at every level."""
    types = [record("L0", field("v", leaf))]
    types += [record(f"L{n}", field("a", f"L{n - 1}"), field("b", f"L{n - 1}")) for n in range(1, levels)]
    return record("Top", *(field(f"f{n}", type_) for n, type_ in enumerate(types)))


def chain(length, leaf):
    """Records that each use the next by a name defined later: shallow text, deep types."""
    last = length - 1
    links = [record(f"C{n}", field("next", leaf if n == last else f"C{n + 1}")) for n in range(length)]
    return record("Top", *(field(f"f{n}", link) for n, link in enumerate(links)))


def test_ten_thousand_fields_are_compared_one_by_one():
    reader = record("Big", *(field(f"f{n}", ["null", "string"], default=None) for n in range(10_000)))
    writer = record("Big", *(field(f"f{n}", "int") for n in range(10_000)))

    assert len(clashes(reader, writer)) == 10_000


@pytest.mark.parametrize("depth", [200, 201, 900, 1_000])
def test_arrays_may_nest_as_deep_as_the_registry_reads_them(depth):
    text = arrays(depth)

    schema = AVRO.parse(text, new=True)

    assert schema.canonical == text
    assert AVRO.normalized(schema) == text
    assert AVRO.lint(schema, text) == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param('{"type":"array" "items":"int"}', id="no-comma"),
        pytest.param('{"type":"array","items":"int",}', id="a-comma-too-many"),
        pytest.param("{'type':'int'}", id="single-quotes"),
        pytest.param('{"type" "int"}', id="no-colon"),
        pytest.param('["int"}', id="wrong-bracket"),
        pytest.param("", id="nothing"),
    ],
)
def test_broken_json_is_refused_at_any_depth(broken):
    with pytest.raises(InvalidSchemaError, match="JSON"):
        AVRO.parse('{"type":"array","items":' * 300 + broken + "}" * 300)


def test_two_hundred_records_within_each_other_get_a_verdict():
    assert clashes(nested_records(200, "long"), nested_records(200, "int")) == []
    assert [one.kind for one in clashes(nested_records(200, "int"), nested_records(200, "long"))] == [
        "MISSING_UNION_BRANCH"
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(arrays(1_001), id="arrays-1001-deep"),
        pytest.param(arrays(100_000), id="arrays-100000-deep"),
        pytest.param("[" * 100_000, id="brackets-never-closed"),
        pytest.param('{"type":' * 500_000, id="braces-never-closed"),
        pytest.param('"' + '\\"' * 2_000_000, id="a-string-never-closed"),
        pytest.param("/*" * 2_000_000, id="comments-never-closed"),
        pytest.param("[/**/" * 100_000, id="comments-between-brackets"),
        pytest.param('{"type":"fixed","name":"F","size":' + "9" * 5_000 + "}", id="a-number-of-5000-digits"),
        pytest.param('"int"' + " " * 5_000_000, id="more-than-5-MB"),
    ],
)
def test_what_is_too_much_is_refused(text):
    with pytest.raises(InvalidSchemaError):
        AVRO.parse(text)


def test_five_megabytes_are_read_and_printed():
    big = record("Big", *(field(f"field_{n}", "string", doc="x" * 20) for n in range(55_000)))
    text = json.dumps(big)
    assert len(text) > 4_000_000

    schema = AVRO.parse(text)

    assert AVRO.differences(schema, AVRO.parse(text), Rules()) == []
    assert AVRO.normalized(schema) == schema.canonical


@pytest.mark.parametrize("count", [100, 3_000])
def test_every_branch_of_wide_unions_is_found(count):
    def union(size):
        return [{"type": "fixed", "name": f"F{n}", "size": size} for n in range(count)]

    assert clashes(union(1), union(1)) == []
    assert len(clashes(union(1), union(2))) == count


def test_wide_unions_find_branches_by_alias_too():
    reader = [{"type": "fixed", "name": f"New{n}", "size": 1, "aliases": [f"Old{n}"]} for n in range(300)]
    writer = [{"type": "fixed", "name": f"Old{n}", "size": 1} for n in range(300)]

    assert clashes([*reader, "long"], [*writer, "int"]) == []
    assert len(clashes(writer, reader)) == 300


def test_clashes_that_double_at_every_level_are_cut_off():
    assert len(clashes(used_twice(40, "int"), used_twice(40, "string"))) == 10_000


def test_types_may_be_deeper_than_the_text():
    assert clashes(chain(3_000, "long"), chain(3_000, "int")) == []
    assert [one.kind for one in clashes(chain(3_000, "int"), chain(3_000, "long"))][:1] == ["TYPE_MISMATCH"]


def test_types_that_use_each_other_come_to_an_end():
    def pair(leaf):
        inner = record("B", field("a", ["null", "A"]), field("v", leaf))
        return record("A", field("b", ["null", inner]), field("more", {"type": "array", "items": "A"}))

    assert clashes(pair("long"), pair("int")) == []
    assert clashes(pair("int"), pair("long")) != []


def test_a_default_that_many_branches_may_fit_is_judged_once():
    """Each record of the union looks at `a` before it misses its own field: twice as often at every level."""
    union = [record(name, field("a", ["null", "R0", "R1"]), field(f"only_{name}", "int")) for name in ("R0", "R1")]
    default = None
    for _ in range(150):
        default = {"a": default}

    with pytest.raises(InvalidSchemaError):
        AVRO.parse(json.dumps(record("Top", field("r", union, default=default))), new=True)


def branches(count, width, *, apart=True):
    """A union of records, each in a namespace of its own; `apart` says whether their simple names differ as well."""
    fields = [field(f"f{n}", "int") for n in range(width)]
    return lambda side, leaf: [
        record(f"n{n}.{side}{n}" if apart else f"{side}{n}.R", *fields, field("last", leaf)) for n in range(count)
    ]


@pytest.mark.parametrize("apart", [pytest.param(True, id="two-names"), pytest.param(False, id="one-name")])
def test_a_hundred_wide_branches_against_a_hundred_end_in_a_verdict(apart):
    union = branches(100, 99, apart=apart)

    found = clashes(union("A", "int"), union("B", "string"))

    assert [one.path for one in found] == [f"/{n}" for n in range(100)]


def test_a_branch_that_fits_is_found_behind_many_of_its_name_that_do_not():
    """A shape that did not fit is not taken for one that does, nor the other way round."""
    wide = [record(f"a{n}.R", field("x", "int"), field("y", "int")) for n in range(50)]
    fits = record("z.R", field("x", ["null", "int"], default=None))
    odd = record("y.R", field("x", ["int"]))

    assert clashes([*wide, fits], [record("w.R", field("x", "int"))]) == []
    assert clashes([*wide, odd], [record("w.R", field("x", "int"))]) == []
    assert len(clashes(wide, [record("w.R", field("x", "int"))])) == 1


def test_too_many_branches_of_one_name_are_refused():
    union = branches(3_000, 1, apart=False)

    with pytest.raises(InvalidSchemaError, match="250,000 steps"):
        clashes(union("a", "int"), union("b", "string"))


def test_a_pair_met_in_a_union_and_again_outside_is_reported_from_where_it_was_met_first():
    """Java keeps the result of a pair with the place of its first meeting, and a union begins a new path."""
    reader = record("Top", field("u", ["null", record("A", field("x", "int"))]), field("again", "A"))
    writer = record("Top", field("u", ["null", record("B", field("x", "string"))]), field("again", "B"))

    paths = [one.path for one in clashes(reader, writer)]

    assert paths == ["/fields/0/type/1", "/name", "/fields/0/type"]
