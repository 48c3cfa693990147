"""Avro texts: what is taken, what is stored, what counts as the same."""

import json

import pytest
from avro_cases import dependencies, rows
from avro_schemas import schemas, shuffled, text
from hypothesis import given, settings
from hypothesis import strategies as st

from schema_mcp.domain.avro.fingerprints import crc64, parsing_form
from schema_mcp.domain.avro.format import AVRO
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.schema import Dependency

CANONICAL = rows("compatibility/canonical_avro.json")
LAW = settings(deadline=None)  # a busy machine proves nothing
RESERVED = {
    "type",
    "name",
    "namespace",
    "doc",
    "fields",
    "items",
    "values",
    "symbols",
    "size",
    "default",
    "order",
    "aliases",
}

ADDRESS = Dependency(
    "com.example.Address", '{"type":"record","name":"com.example.Address","fields":[{"name":"zip","type":"string"}]}'
)
CUSTOMER = '{"type":"record","name":"Customer","namespace":"com.example","fields":[{"name":"home","type":"Address"}]}'
INLINE = CUSTOMER.replace('"Address"', ADDRESS.text)


def is_valid(schema, given=()):
    try:
        AVRO.parse(schema, given, new=True)
    except InvalidSchemaError:
        return False
    return True


@pytest.mark.parametrize("case", CANONICAL)
def test_stored_text_is_java_s(case):
    assert AVRO.parse(case["input"], dependencies(case), new=True).canonical == case["canonical"]


@pytest.mark.parametrize("case", CANONICAL)
def test_normalised_text_is_the_registrys(case):
    assert AVRO.normalized(AVRO.parse(case["input"], dependencies(case))) == case["normalized"]


@pytest.mark.parametrize("case", CANONICAL)
def test_stored_text_stays_as_it_is(case):
    assert AVRO.parse(case["canonical"], dependencies(case)).canonical == case["canonical"]


@pytest.mark.parametrize("case", [row for row in CANONICAL if row.values[0].get("parsing_canonical_form")])
def test_parsing_form_and_fingerprint_are_avros(case):
    form = parsing_form(case["input"])

    assert form == case["parsing_canonical_form"]
    assert crc64(form) == case["crc64_avro"]
    assert parsing_form(AVRO.parse(case["input"])) == form


@pytest.mark.parametrize("case", rows("compatibility/validity.json"))
def test_what_a_registry_takes_is_taken(case):
    assert is_valid(case["schema"]) is case["valid"]


@pytest.mark.parametrize("case", rows("avro/texts.json"))
def test_recorded_texts_are_judged_and_stored_alike(case):
    assert is_valid(case["schema"]) is case["valid"], case["rule"]
    if case["valid"]:
        assert AVRO.parse(case["schema"], new=True).canonical == case["canonical"], case["rule"]


@pytest.mark.parametrize("case", rows("avro/rules.json"))
def test_own_texts_follow_their_rule(case):
    given = [Dependency("given", one) for one in case.get("dependencies", [])]

    assert is_valid(case["schema"], given) is case["valid"], case["rule"]
    if "canonical" in case:
        assert AVRO.parse(case["schema"], given).canonical == case["canonical"], case["rule"]
    if "normalized" in case:
        assert AVRO.normalized(AVRO.parse(case["schema"], given)) == case["normalized"], case["rule"]


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        pytest.param('{"type":"record","name":"Order"', "JSON", id="not-json"),
        pytest.param('{"type":"record","name":"1x","fields":[]}', "1x", id="the-name"),
        pytest.param('{"type":"array","items":"com.example.Unknown"}', "com.example.Unknown", id="the-unknown-type"),
        pytest.param(
            '{"type":"record","name":"A","fields":[{"name":"n","type":"int","default":"x"}]}', "n", id="the-field"
        ),
        pytest.param('"int" "int"', "dangling", id="what-is-too-much"),
    ],
)
def test_a_refusal_names_what_is_wrong(schema, word):
    with pytest.raises(InvalidSchemaError, match=word):
        AVRO.parse(schema, new=True)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param('{"type":"record","name":"9-lives","fields":[{"name":"a b","type":"int"}]}', id="names"),
        pytest.param('{"type":"record","name":"A","fields":[{"name":"n","type":"int","default":"x"}]}', id="defaults"),
        pytest.param('{"type":"record","name":"A","namespace":"1.2","fields":[]}', id="namespaces"),
    ],
)
def test_an_old_schema_may_break_the_rules_for_new_ones(schema):
    assert AVRO.parse(schema).canonical == schema
    assert not is_valid(schema)


def test_a_reference_is_named_in_the_stored_text_and_put_in_when_resolved():
    customer = AVRO.parse(CUSTOMER, [ADDRESS], new=True)

    assert '"type":"Address"' in customer.canonical
    assert AVRO.resolved(customer) == AVRO.parse(INLINE).canonical


def test_a_type_met_in_two_dependencies_may_be_the_same_enum_but_not_the_same_record():
    enum, record = '{"type":"enum","name":"Kind","symbols":["A"]}', '{"type":"record","name":"Kind","fields":[]}'

    def diamond(shared):
        return [
            Dependency(name, f'{{"type":"record","name":"{name}","fields":[{{"name":"k","type":{shared}}}]}}')
            for name in ("Left", "Right")
        ]

    assert is_valid('["Left","Right"]', diamond(enum))
    assert not is_valid('["Left","Right"]', diamond(record))


def test_a_refusal_names_the_reference_it_is_about():
    with pytest.raises(InvalidSchemaError, match=r"com\.example\.Broken.*Unknown"):
        AVRO.parse(CUSTOMER, [ADDRESS, Dependency("com.example.Broken", '["Unknown"]')])


@pytest.mark.parametrize("half", [pytest.param("\ud83d", id="as-it-is"), pytest.param("\\ud83d", id="escaped")])
def test_half_a_character_is_refused_because_it_cannot_be_hashed(half):
    with pytest.raises(InvalidSchemaError, match="surrogate"):
        AVRO.parse(f'{{"type":"string","x":"{half}"}}')


def test_the_same_dependency_twice_counts_once():
    again = Dependency("another.Name", ADDRESS.text)

    assert AVRO.parse(CUSTOMER, [ADDRESS, again], new=True).canonical == AVRO.parse(CUSTOMER, [ADDRESS]).canonical


def test_a_text_may_not_redefine_what_it_references():
    assert is_valid(INLINE)
    assert not is_valid(INLINE, [ADDRESS])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param('{"type":"string","b":1,"a":2}', '{"type":"string","a":2,"b":1}', True, id="order-of-properties"),
        pytest.param(
            '{"type":"fixed","name":"F","size":1,"aliases":["A","B"]}',
            '{"type":"fixed","name":"F","size":1,"aliases":["B","A"]}',
            True,
            id="order-of-aliases",
        ),
        pytest.param(
            '{"type":"fixed","name":"F","size":1,"doc":"one"}',
            '{"type":"fixed","name":"F","size":1}',
            False,
            id="another-doc",
        ),
        pytest.param(
            '{"type":"record","name":"R","fields":[{"name":"a","type":"float","default":1}]}',
            '{"type":"record","name":"R","fields":[{"name":"a","type":"float","default":1.0}]}',
            False,
            id="a-default-written-otherwise",
        ),
        pytest.param('["int","null"]', '["null","int"]', False, id="order-of-branches"),
        pytest.param('{"type":"string","a":1}', '{"type":"string","a":true}', False, id="one-is-not-true"),
    ],
)
def test_lookup_overlooks_order_where_it_means_nothing(one, other, same):
    assert AVRO.equivalent(AVRO.parse(one), AVRO.parse(other)) is same


def test_lookup_of_the_inline_form_finds_the_one_with_references_but_not_the_other_way_round():
    inline, referring = AVRO.parse(INLINE), AVRO.parse(CUSTOMER, [ADDRESS])

    assert AVRO.equivalent(inline, referring)
    assert not AVRO.equivalent(referring, inline)


@LAW
@given(schemas())
def test_every_generated_schema_is_valid_and_its_stored_text_is_final(schema):
    stored = AVRO.parse(text(schema), new=True).canonical

    assert AVRO.parse(stored, new=True).canonical == stored


@LAW
@given(schemas(), st.randoms(use_true_random=False))
def test_the_order_of_the_keys_does_not_matter(schema, random):
    other = shuffled(schema, random, RESERVED)

    assert AVRO.parse(text(other)).canonical == AVRO.parse(text(schema)).canonical


@LAW
@given(schemas(), st.randoms(use_true_random=False))
def test_normalising_takes_any_order_of_properties_to_one_text(schema, random):
    one = AVRO.normalized(AVRO.parse(text(schema)))
    everything = {*RESERVED, "x-owner", "confluent:tags", "zz", "a", "b"}
    other = AVRO.parse(text(shuffled(schema, random, everything)))

    assert AVRO.normalized(other) == one
    assert AVRO.normalized(AVRO.parse(one)) == one
    assert AVRO.equivalent(AVRO.parse(text(schema)), other)


@LAW
@given(schemas())
def test_a_schema_reads_itself_and_differs_in_nothing(schema):
    one, other = AVRO.parse(text(schema)), AVRO.parse(json.dumps(schema, indent=1))

    assert AVRO.differences(one, other, Rules()) == []
    assert AVRO.changes(one, other) == []
    assert AVRO.lint_change(one, other) == []


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["int", "record", "enum", "R", ""])
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(RESERVED)), inner, max_size=5),
    max_leaves=15,
)


@LAW
@given(st.one_of(st.text(), JSON.map(json.dumps), schemas().map(lambda schema: json.dumps(schema)[:-1])))
def test_any_text_is_either_a_schema_or_refused(anything):
    for new in (True, False):
        try:
            parsed = AVRO.parse(anything, new=new)
        except InvalidSchemaError:
            continue
        assert parsed.canonical
