"""Levels over a history: which versions are looked at, in which direction, in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.compatibility import check, in_group
from schema_mcp.domain.engine import Whole
from schema_mcp.domain.schema import Level, Schema, SchemaType

BARE = '{"type":"record","name":"R","fields":[{"name":"id","type":"long"}]}'
WITH_DEFAULT = BARE.replace("]", ',{"name":"n","type":"long","default":0}]')
REQUIRED = BARE.replace("]", ',{"name":"n","type":"long"}]')
TEXTS = (BARE, WITH_DEFAULT, REQUIRED, BARE.replace("id", "key"))


def wholes(*texts: str) -> list[Whole]:
    return [Whole(Schema(text), number=number) for number, text in enumerate(texts, start=1)]


def verdict(new: str, previous: list[Whole], level: Level) -> bool:
    return check(Whole(Schema(new)), previous, level).compatible


@pytest.mark.parametrize(
    ("new", "backward", "forward"),
    [
        pytest.param(WITH_DEFAULT, True, True, id="a field with a default"),
        pytest.param(REQUIRED, False, True, id="a required field"),
        pytest.param(BARE, True, True, id="the same"),
    ],
)
def test_each_direction_asks_its_own_reader(new: str, backward: bool, forward: bool):
    previous = wholes(BARE)

    assert verdict(new, previous, Level.BACKWARD) is backward
    assert verdict(new, previous, Level.FORWARD) is forward
    assert verdict(new, previous, Level.FULL) is (backward and forward)
    assert verdict(new, previous, Level.NONE)


@pytest.mark.parametrize("level", ["BACKWARD", "FORWARD", "FULL"])
def test_only_transitive_levels_look_further_back_than_the_latest(level: str):
    previous = wholes(BARE.replace("id", "key"), BARE)

    assert verdict(BARE, previous, Level(level))
    assert not verdict(BARE, previous, Level(f"{level}_TRANSITIVE"))


@given(st.sampled_from(TEXTS), st.lists(st.sampled_from(TEXTS), max_size=4), st.sampled_from(Level))
def test_a_level_that_promises_more_lets_through_no_more(new: str, history: list[str], level: Level):
    previous = wholes(*history)

    for weaker in Level:
        if weaker.promises <= level.promises and verdict(new, previous, level):
            assert verdict(new, previous, weaker)


@given(st.sampled_from(TEXTS), st.sampled_from(Level))
def test_nothing_before_it_means_nothing_to_break(new: str, level: Level):
    assert verdict(new, [], level)


def test_the_newest_version_that_fails_is_told_and_only_exhaustive_goes_on():
    previous = wholes(BARE, BARE, BARE)
    new = Whole(Schema(REQUIRED))

    first = check(new, previous, Level.BACKWARD_TRANSITIVE)
    every = check(new, previous, Level.BACKWARD_TRANSITIVE, exhaustive=True)

    assert [comparison.number for comparison in first.comparisons] == [3]
    assert [comparison.number for comparison in every.comparisons] == [3, 2, 1]
    assert first.messages == every.messages


def test_another_language_breaks_at_every_level_but_none():
    previous = wholes(BARE)
    new = Whole(Schema("{}", SchemaType.JSON))

    assert [level for level in Level if check(new, previous, level).compatible] == [Level.NONE]


def test_a_group_leaves_only_its_own_versions_to_compare():
    before = [
        Whole(Schema(BARE, metadata={"properties": {"major": "1"}}), number=1),
        Whole(Schema(REQUIRED, metadata={"properties": {"major": "2"}}), number=2),
        Whole(Schema(BARE), number=3),
    ]
    new = Whole(Schema(REQUIRED, metadata={"properties": {"major": "2"}}))

    outcome = check(new, before, Level.BACKWARD, group="major")

    assert outcome.compatible
    assert [comparison.number for comparison in outcome.comparisons] == [2]
    assert not check(new, before, Level.BACKWARD).compatible


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(None, None, True, id="neither has metadata"),
        pytest.param({"properties": {"m": "1"}}, {"properties": {"m": "1"}}, True, id="the same value"),
        pytest.param({"properties": {"m": "1"}}, {"properties": {"m": "2"}}, False, id="another value"),
        pytest.param({"properties": {"m": "1"}}, {"tags": {}}, False, id="one without"),
        pytest.param({"properties": None}, {}, True, id="no properties at all"),
    ],
)
def test_versions_without_the_property_are_a_group_of_their_own(one: dict, other: dict, same: bool):
    assert in_group(Schema("{}", metadata=one), Schema("{}", metadata=other), "m") is same
