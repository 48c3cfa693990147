"""What reads what: every row of the collected data, the sentences of a registry, and laws that hold for all schemas."""

import pytest
from hypothesis import given, settings
from json_schema_cases import DOCUMENTS, breaks, comparisons, differences, parsed, rows, text, told

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.json_schema.format import JSON_SCHEMA
from schema_mcp.domain.json_schema.kinds import COMPATIBLE
from schema_mcp.domain.schema import Policy, Semantics

ROWS = rows("compatibility/json_schema.json")
NEXT = Rules(semantics=Semantics.CONFLUENT_NEXT)


def found(case, rules):
    return list(comparisons(case["level"], parsed(case["new"]), [parsed(side) for side in case["previous"]], rules))


def is_compatible(case, rules):
    return not any(breaks(listed) for _, _, listed in found(case, rules))


@pytest.mark.parametrize("case", ROWS)
def test_verdict_and_changes_are_the_registrys(case):
    checked = found(case, NEXT)

    assert (not any(breaks(listed) for _, _, listed in checked)) is case["expected"]["compatible"]
    assert sorted(told(one) for _, _, listed in checked for one in listed) == sorted(case["expected"]["changes"])


@pytest.mark.parametrize("case", ROWS)
def test_lenient_verdict_is_the_registrys(case):
    lenient = case["expected"].get("compatible_lenient", case["expected"]["compatible"])

    assert is_compatible(case, Rules(Policy.LENIENT, Semantics.CONFLUENT_NEXT)) is lenient


@pytest.mark.parametrize("case", ROWS)
def test_verdict_of_release_8_3_is_its_own(case):
    strict = case.get("expected_8_3", case["expected"]["compatible"])
    lenient = case.get("expected_8_3", case["expected"].get("compatible_lenient", strict))

    assert is_compatible(case, Rules()) is strict
    assert is_compatible(case, Rules(Policy.LENIENT)) is case.get("expected_8_3_lenient", lenient)


@pytest.mark.parametrize("case", [row for row in ROWS if "checks" in row.values[0]["expected"]])
def test_each_comparison_has_its_own_changes(case):
    checked = [
        {
            "previous_index": index,
            "direction": "new_reads_old" if reads else "old_reads_new",
            "compatible": not breaks(listed),
            "changes": sorted(map(told, listed)),
        }
        for index, reads, listed in found(case, NEXT)
    ]

    assert checked == [check | {"changes": sorted(check["changes"])} for check in case["expected"]["checks"]]


@pytest.mark.parametrize("case", rows("json_schema/comparisons.json"))
def test_own_cases(case):
    reader, writer = parsed(case["reader"], new=True), parsed(case["writer"], new=True)
    semantics = Semantics(case.get("semantics", "confluent-next"))

    listed = differences(reader, writer, Rules(semantics=semantics))

    assert sorted(map(told, listed)) == case["changes"], case["rule"]
    assert (not breaks(listed)) is case["compatible"]
    lenient = differences(reader, writer, Rules(Policy.LENIENT, semantics))
    assert (not breaks(lenient)) is case.get("lenient", case["compatible"])


@pytest.mark.parametrize("case", rows("json_schema/messages.json"))
def test_sentences_are_the_recorded_ones(case):
    new, old = (JSON_SCHEMA.parse(case[side]) for side in ("new", "old"))
    reader, writer = (new, old) if case["reads"] else (old, new)

    said = [(one.kind, one.description) for one in differences(reader, writer) if one.breaks]

    assert said == [(one["kind"], from_the_reader(one["description"], case["reads"])) for one in case["messages"]]


def from_the_reader(sentence, reads):
    """The recorded sentence with the reader as the new schema, whichever way round it was said."""
    if reads:
        return sentence
    return sentence.replace("new", "\0").replace("old", "new").replace("\0", "old")


def test_every_kind_of_the_data_is_judged_by_the_two_policies():
    kinds = {change.partition(" ")[0] for row in ROWS for change in row.values[0]["expected"]["changes"]}

    assert len(kinds - {"DIFFERENT_SCHEMA_TYPE"}) == 129
    assert len(COMPATIBLE[Policy.STRICT]) == 65
    assert len(COMPATIBLE[Policy.LENIENT]) == 74


@settings(max_examples=150)
@given(DOCUMENTS)
def test_a_schema_reads_what_it_wrote(document):
    schema = JSON_SCHEMA.parse(text(document))

    for policy in Policy:
        assert not breaks(compared(schema, schema, Rules(policy)))


@settings(max_examples=150)
@given(DOCUMENTS, DOCUMENTS)
def test_the_order_of_keys_changes_nothing(one, other):
    reader, writer = JSON_SCHEMA.parse(text(one)), JSON_SCHEMA.parse(text(other))
    turned = [JSON_SCHEMA.parse(JSON_SCHEMA.normalized(schema)) for schema in (reader, writer)]

    listed, again = compared(reader, writer), compared(*turned)

    assert sorted(map(told, listed)) == sorted(map(told, again))


@settings(max_examples=150)
@given(DOCUMENTS, DOCUMENTS)
def test_what_passes_strictly_passes_leniently(one, other):
    reader, writer = JSON_SCHEMA.parse(text(one)), JSON_SCHEMA.parse(text(other))

    if not breaks(compared(reader, writer)):
        assert not breaks(compared(reader, writer, Rules(Policy.LENIENT)))


def compared(reader, writer, rules=None):
    """The differences, nothing where a schema cannot be read at all."""
    try:
        return differences(reader, writer, rules)
    except InvalidSchemaError:
        return []
