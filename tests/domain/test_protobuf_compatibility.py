"""What reads what, row by row, under the rules of 8.3 and of the next release."""

import json
from pathlib import Path

import pytest

from schema_mcp.domain.formats import Difference, Rules
from schema_mcp.domain.protobuf.format import PROTOBUF
from schema_mcp.domain.schema import Dependency, Level, Semantics

CASES = Path(__file__).parents[1] / "cases"
NEXT = Rules(semantics=Semantics.CONFLUENT_NEXT)
RELEASE_8_3 = Rules(semantics=Semantics.CONFLUENT_8_3)

OTHER_TYPE = [Difference("DIFFERENT_SCHEMA_TYPE", "", breaks=True, description="", plain="")]


def rows(path: str) -> list[object]:
    return [pytest.param(row, id=row["id"]) for row in json.loads((CASES / path).read_text("utf-8"))]


def parsed(side: dict):
    pairs = zip(side.get("references", []), side.get("dependencies", []), strict=True)
    dependencies = [Dependency(it["name"], it["dependency"], ref["subject"], ref["version"]) for ref, it in pairs]
    return PROTOBUF.parse(side["schema"], dependencies)


def comparisons(row: dict, rules: Rules) -> list[tuple[int, str, list[Difference]]]:
    """Every comparison a level asks for, newest version first, the old reader first."""
    level, previous = Level(row["level"]), row["previous"]
    if level is Level.NONE or not previous:
        return []
    indexes = range(len(previous) - 1, -1, -1) if level.is_transitive else [len(previous) - 1]
    new = parsed(row["new"])
    found = []
    for index in indexes:
        if previous[index].get("schemaType", "PROTOBUF") == "PROTOBUF":
            old = parsed(previous[index])
            forward, backward = (
                (lambda o=old: PROTOBUF.differences(o, new, rules)),
                (lambda o=old: PROTOBUF.differences(new, o, rules)),
            )
        else:
            forward = backward = lambda: OTHER_TYPE
        if level.forward:
            found.append((index, "old_reads_new", forward()))
        if level.backward:
            found.append((index, "new_reads_old", backward()))
    return found


def spelled(differences: list[Difference]) -> list[str]:
    return sorted(f"{it.kind} {it.path}".strip() for it in differences)


def compatible(differences: list[Difference]) -> bool:
    return not any(it.breaks for it in differences)


@pytest.mark.parametrize("row", rows("compatibility/protobuf.json"))
def test_verdict_and_reasons_are_those_of_the_next_release(row: dict):
    found = comparisons(row, NEXT)

    expected = row["expected"]
    assert all(compatible(it) for _, _, it in found) is expected["compatible"]
    assert spelled([one for _, _, it in found for one in it]) == expected["changes"]
    if "checks" in expected:
        assert [
            {"previous_index": index, "direction": way, "compatible": compatible(it), "changes": spelled(it)}
            for index, way, it in found
        ] == [{**check, "changes": sorted(check["changes"])} for check in expected["checks"]]


@pytest.mark.parametrize("row", rows("compatibility/protobuf.json"))
def test_verdict_is_that_of_release_8_3(row: dict):
    found = comparisons(row, RELEASE_8_3)

    assert all(compatible(it) for _, _, it in found) is row.get("expected_8_3", row["expected"]["compatible"])


@pytest.mark.parametrize("row", rows("protobuf/recorded_changes.json"))
def test_the_recorded_reasons_are_given_word_for_word(row: dict):
    dependencies = [
        Dependency(it["name"], it["text"], it["subject"], it["version"]) for it in row.get("dependencies", [])
    ]
    new, old = PROTOBUF.parse(row["new"], dependencies), PROTOBUF.parse(row["old"], dependencies)

    found = PROTOBUF.differences(new, old, RELEASE_8_3) if row["reads"] else PROTOBUF.differences(old, new, RELEASE_8_3)

    said = [[it.kind, it.description if row["reads"] else swapped(it.description)] for it in found if it.breaks]
    assert said == row["breaks"]


def swapped(text: str) -> str:
    """When the old schema is the reader, the two words change places."""
    return text.replace("new schema", "@").replace("old schema", "new schema").replace("@", "old schema")


@pytest.mark.parametrize("row", rows("protobuf/comparisons.json"))
def test_own_cases(row: dict):
    rules = RELEASE_8_3 if row.get("semantics") == "8.3" else NEXT

    found = PROTOBUF.differences(parsed(row["reader"]), parsed(row["writer"]), rules)

    assert spelled(found) == sorted(row["differences"])
    assert compatible(found) is row["compatible"]


@pytest.mark.parametrize("row", rows("compatibility/protobuf.json"))
def test_every_difference_is_told_to_people(row: dict):
    for _, _, found in comparisons(row, NEXT):
        assert all("{" not in it.plain and (it.plain or it.kind == "DIFFERENT_SCHEMA_TYPE") for it in found)


def test_a_break_names_the_field_and_the_way_out():
    new = PROTOBUF.parse('syntax = "proto3"; message User { int64 email = 1; }')
    old = PROTOBUF.parse('syntax = "proto3"; message User { string email = 1; }')

    [difference] = PROTOBUF.differences(new, old, NEXT)

    assert "`email`" in difference.plain
    assert "`int64`" in difference.plain
    assert "`string`" in difference.plain
    assert "add a field with a new number" in difference.plain


def test_plain_files_are_told_apart_by_their_content():
    """References without a subject, as in a folder of files, have no version to compare."""
    text = 'syntax = "proto3"; import "b.proto"; message A { b.B b = 1; }'
    old, new = (
        PROTOBUF.parse(text, [Dependency("b.proto", f'syntax = "proto3"; package b; message B {{ {type_} x = 1; }}')])
        for type_ in ("string", "int32")
    )

    found = PROTOBUF.differences(new, old, NEXT)

    assert spelled(found) == ["FIELD_NAMED_TYPE_CHANGED #/A/1", "FIELD_SCALAR_KIND_CHANGED #/B/1"]
