"""What reads what: every row of the collected data, and the sentences that a registry was heard to say."""

import pytest
from avro_cases import comparisons, differences, parsed, rows, told

from schema_mcp.domain.avro.format import AVRO
from schema_mcp.domain.formats import Rules
from schema_mcp.domain.schema import Policy, Semantics


def sides(case):
    previous = [parsed(side) if side.get("schemaType", "AVRO") == "AVRO" else None for side in case["previous"]]
    return parsed(case["new"]), previous


@pytest.mark.parametrize("semantics", Semantics)
@pytest.mark.parametrize("case", rows("compatibility/avro.json"))
def test_verdict_and_reasons_are_the_registrys(case, semantics):
    new, previous = sides(case)

    found = list(comparisons(case["level"], new, previous, Rules(semantics=semantics)))

    assert (not any(clashes for _, _, clashes in found)) is case["expected"]["compatible"]
    assert sorted(told(one) for _, _, clashes in found for one in clashes) == sorted(case["expected"]["changes"])


@pytest.mark.parametrize(
    "case", [row for row in rows("compatibility/avro.json") if "checks" in row.values[0]["expected"]]
)
def test_each_comparison_has_its_own_reasons(case):
    new, previous = sides(case)

    found = [
        {
            "previous_index": index,
            "direction": "new_reads_old" if reads else "old_reads_new",
            "compatible": not clashes,
            "changes": sorted(told(one) for one in clashes),
        }
        for index, reads, clashes in comparisons(case["level"], new, previous)
    ]

    assert found == [check | {"changes": sorted(check["changes"])} for check in case["expected"]["checks"]]


def test_the_lenient_policy_changes_nothing_for_avro():
    for case in rows("compatibility/avro.json"):
        new, previous = sides(case.values[0])
        for old in previous:
            assert differences(new, old, Rules(Policy.LENIENT)) == differences(new, old)


@pytest.mark.parametrize("case", rows("avro/messages.json"))
def test_sentences_are_the_recorded_ones(case):
    new, old = AVRO.parse(case["new"]), AVRO.parse(case["old"])
    reader, writer = (new, old) if case["reads"] else (old, new)

    said = [
        {"kind": one.kind, "description": one.description, "info": one.info}
        for one in AVRO.differences(reader, writer, Rules())
    ]

    assert said == [message | {"description": from_the_reader(message, case["reads"])} for message in case["messages"]]


def from_the_reader(message, reads):
    """The recorded sentence with the reader as the new schema, whichever way round it was said."""
    if reads:
        return message["description"]
    swapped = message["description"].replace("new schema", "n-s").replace("old schema", "new schema")
    return swapped.replace("n-s", "old schema")


@pytest.mark.parametrize("case", rows("avro/compatibility.json"))
def test_own_cases(case):
    reader, writer = parsed(case["reader"]), parsed(case["writer"])

    assert [told(one) for one in AVRO.differences(reader, writer, Rules())] == case["changes"], case["rule"]


@pytest.mark.parametrize(
    ("reader", "writer", "words"),
    [
        pytest.param(
            '{"type":"record","name":"Order","fields":[{"name":"email","type":"string"}]}',
            '{"type":"record","name":"Order","fields":[]}',
            ["`Order.email`", "default"],
            id="a-new-field-without-default",
        ),
        pytest.param(
            '{"type":"record","name":"Order","fields":[{"name":"total","type":{"type":"array","items":"int"}}]}',
            '{"type":"record","name":"Order","fields":[{"name":"total","type":{"type":"array","items":"long"}}]}',
            ["`Order.total[]`", "long", "int", "keep the type"],
            id="a-narrowed-element",
        ),
        pytest.param(
            '{"type":"enum","name":"Status","symbols":["NEW"]}',
            '{"type":"enum","name":"Status","symbols":["NEW","PAID"]}',
            ["[PAID]", "default"],
            id="a-symbol-the-reader-does-not-know",
        ),
        pytest.param('["null","int"]', '["null","string"]', ["string", "branch"], id="a-branch-the-reader-lacks"),
        pytest.param(
            '{"type":"fixed","name":"New","size":4}',
            '{"type":"fixed","name":"Old","size":8}',
            ["New", "Old", "alias"],
            id="another-name",
        ),
    ],
)
def test_plain_words_name_the_place_and_the_way_out(reader, writer, words):
    found = AVRO.differences(AVRO.parse(reader), AVRO.parse(writer), Rules())

    assert all(word in found[0].plain for word in words), found[0].plain
