"""The graph of references: what comes first, and what runs in a circle."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.references import Place, in_reference_order, used_by
from schema_mcp.domain.schema import Reference, Schema, Subject, Version

PLACES: list[Place] = [(Subject(f"s{n}"), version) for n in range(5) for version in (1, 2)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_whatever_is_used_comes_first_and_nothing_is_lost(pairs: list[tuple[int, int]]):
    # From a higher place to a lower one only, so that there is no circle.
    uses = {place: [PLACES[low] for high, low in pairs if low < high and PLACES[high] == place] for place in PLACES}

    ordered = in_reference_order(reversed(PLACES), lambda place: uses[place])

    assert sorted(ordered) == PLACES
    assert all(ordered.index(used) < ordered.index(place) for place in PLACES for used in uses[place])


def test_what_needs_nothing_comes_by_name_and_number():
    assert in_reference_order(reversed(PLACES), lambda _: []) == PLACES


def test_a_version_that_is_used_does_not_overtake_those_before_it():
    first, second, user = (Subject("zz"), 1), (Subject("zz"), 2), (Subject("a"), 1)

    assert in_reference_order([first, second, user], lambda place: [second] if place == user else []) == [
        first,
        second,
        user,
    ]


def test_versions_that_were_carried_in_out_of_turn_are_no_circle():
    one, two = Subject("a"), Subject("b")
    uses: dict[Place, list[Place]] = {(one, 1): [(two, 2)], (two, 1): [(one, 2)]}

    ordered = in_reference_order([(one, 1), (one, 2), (two, 1), (two, 2)], lambda place: uses.get(place, []))

    assert all(ordered.index(used) < ordered.index(place) for place in uses for used in uses[place])


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_circle_is_refused_by_name(length: int):
    circle = PLACES[:length]
    following = dict(zip(circle, [*circle[1:], circle[0]], strict=True))

    with pytest.raises(InvalidSchemaError, match="circle: s0 v1 -> ") as refused:
        in_reference_order(circle, lambda place: [following[place]])

    assert str(refused.value).count("->") == length


def test_long_chains_are_no_matter():
    chain = [(Subject(f"{n:06}"), 1) for n in range(20_000)]
    following = dict(pairwise(chain))

    ordered = in_reference_order(chain, lambda place: [following[place]] if place in following else [])

    assert ordered == chain[::-1]


def test_places_outside_the_given_ones_are_passed_over():
    assert in_reference_order([PLACES[1]], lambda _: [PLACES[0]]) == [PLACES[1]]


def test_an_unqualified_reference_stays_in_the_referrer_s_context():
    schema = Schema("{}", references=(Reference("a", "there", 1), Reference("b", ":.us:far", 2)))

    used = used_by(Version(Subject("here", ".eu"), 1, 1, schema))

    assert used == [(Subject("there", ".eu"), 1), (Subject("far", ".us"), 2)]
