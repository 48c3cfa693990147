"""Metadata and rule sets: shape, rules, merging."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.contracts import (
    checked_metadata,
    checked_rule_set,
    has_version,
    merged_metadata,
    merged_rule_set,
    with_version,
    without_rules,
    without_version,
)
from schema_mcp.domain.errors import InvalidRequestError

CHECK = {"name": "check", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}
UPGRADE = {"name": "up", "kind": "TRANSFORM", "mode": "UPGRADE", "type": "JSONATA", "expr": "$"}


def test_metadata_is_kept_as_a_registry_keeps_it():
    given_ = {"properties": {"a": 5, "b": True}, "tags": {"**.ssn": ["PII", "PII"]}, "sensitive": [], "other": 1}

    assert checked_metadata(given_) == {"properties": {"a": "5", "b": "true"}, "tags": {"**.ssn": ["PII"]}}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(5, id="number"),
        pytest.param([], id="list"),
        pytest.param({"properties": []}, id="properties-list"),
        pytest.param({"properties": {"a": None}}, id="null-property"),
        pytest.param({"properties": {"a": {}}}, id="object-property"),
        pytest.param({"tags": {"a": "x"}}, id="tags-text"),
        pytest.param({"sensitive": "x"}, id="sensitive-text"),
        pytest.param({"properties": {"a": "\ud800"}}, id="half-a-character"),
    ],
)
def test_metadata_of_another_shape_is_refused(value):
    with pytest.raises(InvalidRequestError):
        checked_metadata(value)


def test_rules_get_their_defaults_and_lose_what_is_empty():
    rules = checked_rule_set(
        {"domainRules": [{"name": "r", "type": "", "tags": [], "doc": None}], "migrationRules": []}
    )

    assert rules == {"domainRules": [{"name": "r", "kind": "TRANSFORM", "mode": "WRITEREAD", "disabled": False}]}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        pytest.param({"domainRules": [{}]}, "Missing rule name", id="no-name"),
        pytest.param({"domainRules": [CHECK | {"name": ""}]}, "Empty rule name", id="empty-name"),
        pytest.param({"domainRules": [CHECK | {"name": "9"}]}, "Illegal initial character", id="digit-first"),
        pytest.param({"domainRules": [CHECK | {"name": "a b"}]}, "Illegal character", id="space"),
        pytest.param({"domainRules": [CHECK, CHECK]}, "duplicate name 'check'", id="twice"),
        pytest.param(
            {"domainRules": [CHECK], "migrationRules": [UPGRADE | {"name": "check"}]}, "duplicate", id="twice-in-set"
        ),
        pytest.param({"domainRules": [CHECK | {"type": None}]}, "Missing rule type", id="no-type"),
        pytest.param({"domainRules": [UPGRADE]}, "Domain rules can only be", id="domain-upgrade"),
        pytest.param({"migrationRules": [CHECK]}, "Migration rules can only be", id="migration-write"),
        pytest.param({"encodingRules": [UPGRADE]}, "Encoding rules can only be", id="encoding-upgrade"),
        pytest.param({"domainRules": [CHECK | {"onFailure": "DLQ,NONE"}]}, "Multiple actions", id="two-actions"),
    ],
)
def test_a_bad_rule_is_42210_with_its_reason(rules, message):
    with pytest.raises(InvalidRequestError, match=message) as refused:
        checked_rule_set(rules)
    assert refused.value.details == {"error_code": 42210}


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({"domainRules": [CHECK | {"kind": "NOPE"}]}, id="kind"),
        pytest.param({"domainRules": [CHECK | {"mode": "write"}]}, id="mode-in-small-letters"),
        pytest.param({"domainRules": [CHECK | {"disabled": "x"}]}, id="flag"),
        pytest.param({"domainRules": {}}, id="no-list"),
        pytest.param("x", id="text"),
    ],
)
def test_rules_of_another_shape_are_no_rules_at_all(rules):
    with pytest.raises(InvalidRequestError) as refused:
        checked_rule_set(rules)
    assert not refused.value.details


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in ("r", "_r", "r-x", "r9", "ré", "x" * 65)])
def test_rule_names_are_as_free_as_there(name):
    assert checked_rule_set({"domainRules": [CHECK | {"name": name}]})


def test_the_later_metadata_wins_key_by_key():
    below = {"properties": {"a": "1", "b": "1"}, "tags": {"t": ["x"]}, "sensitive": ["a"]}
    above = {"properties": {"b": "2"}, "tags": {"t": ["y"], "u": ["z"]}, "sensitive": ["b"]}

    assert merged_metadata(below, above) == {
        "properties": {"a": "1", "b": "2"},
        "tags": {"t": ["y"], "u": ["z"]},
        "sensitive": ["a", "b"],
    }


def test_rules_replace_those_of_their_name_and_append():
    below = {"domainRules": [{"name": "a", "expr": "1"}, {"name": "b", "expr": "1"}]}
    above = {"domainRules": [{"name": "a", "expr": "2"}, {"name": "c", "expr": "2"}]}

    assert merged_rule_set(below, above) == {
        "domainRules": [{"name": "a", "expr": "2"}, {"name": "b", "expr": "1"}, {"name": "c", "expr": "2"}]
    }


def test_a_rule_set_without_its_last_rule_stays_a_rule_set():
    assert without_rules({"domainRules": [CHECK]}, {"check"}) == {}
    assert without_rules(None, {"check"}) is None


contracts = st.none() | st.builds(
    lambda properties: {"properties": properties} if properties else {},
    st.dictionaries(st.text("abc", min_size=1, max_size=2), st.text("xyz", max_size=2), max_size=3),
)


@given(contracts, contracts, contracts)
def test_merging_is_associative_and_nothing_changes_nothing(one, two, three):
    assert merged_metadata(merged_metadata(one, two), three) == merged_metadata(one, merged_metadata(two, three))
    assert merged_metadata(one, None) == merged_metadata(None, one) == one


@given(contracts, st.integers(1, 99))
def test_a_number_put_in_can_be_taken_out(metadata, number):
    numbered = with_version(metadata, number)

    assert has_version(numbered)
    assert not has_version(without_version(numbered))
    assert without_version(numbered) == (metadata or None)
