"""Protobuf texts: what is stored, what is normalised, what is refused."""

import json
from pathlib import Path

import pytest

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.protobuf.format import PROTOBUF
from schema_mcp.domain.schema import Dependency

CASES = Path(__file__).parents[1] / "cases"


def rows(path: str, **wanted: object) -> list[object]:
    found = json.loads((CASES / path).read_text("utf-8"))
    fitting = (row for row in found if all(row.get(key) == value for key, value in wanted.items()))
    return [pytest.param(row, id=row["id"]) for row in fitting]


def dependencies(row: dict) -> list[Dependency]:
    canonical = (Dependency(it["name"], it["schema"], it["subject"], it["version"]) for it in row.get("references", []))
    recorded = (Dependency(it["name"], it["text"], it["subject"], it["version"]) for it in row.get("dependencies", []))
    return [*canonical, *recorded]


@pytest.mark.parametrize("row", rows("compatibility/canonical_protobuf.json"))
def test_the_stored_text_is_the_registrys(row: dict):
    parsed = PROTOBUF.parse(row["input"], dependencies(row), new=True)

    assert parsed.canonical == row["canonical"]
    assert PROTOBUF.resolved(parsed) == row["canonical"]
    assert PROTOBUF.parse(row["canonical"], dependencies(row)).canonical == row["canonical"]


@pytest.mark.parametrize("row", rows("compatibility/canonical_protobuf.json"))
def test_the_normalised_text_is_the_registrys(row: dict):
    parsed = PROTOBUF.parse(row["input"], dependencies(row))

    normalized = PROTOBUF.normalized(parsed)

    assert normalized == row["normalized"]
    assert PROTOBUF.normalized(PROTOBUF.parse(normalized, dependencies(row))) == normalized


@pytest.mark.parametrize("row", rows("compatibility/validity.json", schemaType="PROTOBUF"))
def test_a_new_text_is_accepted_or_refused_as_by_the_registry(row: dict):
    assert is_valid(row["schema"]) is row["valid"]


@pytest.mark.parametrize("row", rows("protobuf/recorded_texts.json"))
def test_the_recorded_answers_are_ours(row: dict):
    if "refused" in row:
        with pytest.raises(InvalidSchemaError):
            PROTOBUF.parse(row["text"], dependencies(row), new=True)
        return

    parsed = PROTOBUF.parse(row["text"], dependencies(row), new=True)

    ours = {"stored": lambda: parsed.canonical, "normalized": lambda: PROTOBUF.normalized(parsed)}
    ours["serialized"] = lambda: PROTOBUF.serialized(parsed)
    for name, answer in ours.items():
        if name in row:
            assert answer() == row[name]


@pytest.mark.parametrize("row", rows("protobuf/leniency.json"))
def test_the_parser_is_as_lenient_as_the_registrys(row: dict):
    if row["stored"] is None:
        with pytest.raises(InvalidSchemaError):
            PROTOBUF.parse(row["text"])
        return

    assert PROTOBUF.parse(row["text"]).canonical == row["stored"]


def test_what_is_not_new_may_name_types_that_nobody_knows():
    text = 'syntax = "proto3"; message A { Gone g = 1; map<float, int32> m = 2; }'

    assert not is_valid(text)
    assert "Gone g = 1;" in PROTOBUF.parse(text).canonical
    assert "Gone g = 1;" in PROTOBUF.normalized(PROTOBUF.parse(text))


def test_a_refusal_says_where_and_what():
    with pytest.raises(InvalidSchemaError, match=r"line 2, column 15: expected ';' but was '}'") as refused:
        PROTOBUF.parse('syntax = "proto3"; message A {\n  string a = 1}')

    assert refused.value.hint


def test_a_broken_reference_is_named():
    with pytest.raises(InvalidSchemaError, match=r"The reference geo/place\.proto: .*expected a word"):
        PROTOBUF.parse('syntax = "proto3";', [Dependency("geo/place.proto", "{}")])


def test_a_reference_hides_the_built_in_file_of_its_path():
    text = 'syntax = "proto3"; import "google/protobuf/any.proto"; message A { google.protobuf.Any a = 1; }'
    own_copy = Dependency("google/protobuf/any.proto", 'syntax = "proto3"; package mine; message Any {}')

    assert is_valid(text)
    assert not is_valid(text, own_copy)


def test_a_type_is_found_in_a_reference_of_another_name():
    text = 'syntax = "proto3"; package a; import "user.proto"; message Order { User by = 1; }'
    user = Dependency("other.proto", 'syntax = "proto3"; package a; message User {}')

    assert is_valid(text, user)


def test_two_texts_are_the_same_only_when_they_are_stored_alike():
    one = PROTOBUF.parse('syntax = "proto3"; message A { int32 a = 1; int32 b = 2; }')
    spaced = PROTOBUF.parse('syntax = "proto3";\n\n\nmessage A { int32 a = 1; int32 b = /* two */ 2; }')
    swapped = PROTOBUF.parse('syntax = "proto3"; message A { int32 b = 2; int32 a = 1; }')

    assert PROTOBUF.equivalent(one, spaced)
    assert not PROTOBUF.equivalent(one, swapped)


def is_valid(text: str, *references: Dependency) -> bool:
    try:
        PROTOBUF.parse(text, references, new=True)
    except InvalidSchemaError:
        return False
    return True
