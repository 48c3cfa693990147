"""Names of subjects and contexts: as a registry reads them, and as people write them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.errors import InvalidRequestError
from schema_mcp.domain.naming import (
    checked_subject,
    is_valid,
    is_valid_scope,
    parse_context,
    parse_subject,
    resolve,
    shown_context,
)
from schema_mcp.domain.schema import DEFAULT_CONTEXT, Subject

ROWS = json.loads((Path(__file__).parent.parent / "cases" / "compatibility" / "subject_names.json").read_text("utf-8"))


def rows(kind):
    return [pytest.param(row, id=row["id"]) for row in ROWS if row["kind"] == kind]


@pytest.mark.parametrize("row", rows("subject"))
def test_a_subject_is_read_as_the_registry_reads_it(row):
    subject, expected = parse_subject(row["input"]), row["expected"]

    assert (subject.context, subject.name) == (expected["context"], expected["subject"])
    assert is_valid(subject) is expected["valid"]
    assert is_valid_scope(subject) is expected["valid_for_config_or_mode"]
    assert str(subject) == expected["normalized"]


@pytest.mark.parametrize("row", rows("reference"))
def test_a_reference_is_taken_in_its_referrers_context(row):
    assert str(resolve(row["input"], parse_subject(row["parent"]))) == row["expected"]["resolved"]


@pytest.mark.parametrize("row", rows("context"))
def test_a_context_is_read_as_callers_write_it(row):
    expected = row["expected"]
    if not expected["valid"]:
        with pytest.raises(InvalidRequestError):
            parse_context(row["input"])
        return
    context = parse_context(row["input"])

    assert ("" if context == DEFAULT_CONTEXT else str(Subject("", context))) == expected["normalized"]


names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
contexts = st.just(DEFAULT_CONTEXT) | st.from_regex(r"\.[a-z0-9._-]{1,10}", fullmatch=True)


@given(names, contexts)
def test_a_written_subject_reads_back(name, context):
    subject = Subject(name, context)
    if context == DEFAULT_CONTEXT and name.startswith((":.", ":*:")):
        return  # such a name means a context

    assert parse_subject(str(subject)) == subject


@given(contexts)
def test_a_shown_context_reads_back(context):
    assert parse_context(shown_context(context)) == context


@pytest.mark.parametrize(
    ("name", "context"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("a\tb", None, id="control-character"),
        pytest.param("__GLOBAL", None, id="reserved"),
        pytest.param(":.__GLOBAL:a", None, id="global-context"),
        pytest.param(":*:a", None, id="every-context"),
        pytest.param("x" * 1_001, None, id="too-long"),
        pytest.param(":.eu:a", "us", id="two-contexts"),
        pytest.param("a", "b:c", id="bad-context"),
    ],
)
def test_a_caller_hears_what_no_registry_takes(name, context):
    with pytest.raises(InvalidRequestError):
        checked_subject(name, context)


def test_a_context_may_be_given_apart_or_inside_the_name():
    assert checked_subject("a", "eu") == checked_subject(":.eu:a") == checked_subject(":.eu:a", ".eu")
